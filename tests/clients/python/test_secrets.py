"""Secrets Manager: every operation on secrets, where it succeeds and where it does not."""

import json
import re

import pytest

from harness.kms import NO_SUCH_KEY, client, tag_list, tags_json
from harness.server import REGION

NOT_FOUND = ("Forbidden.ResourceNotFound", 404)
INVALID = ("InvalidParameter", 400)
SCHEDULED = ("Rejected.ResourceInDeleteWindow", 409)
UNSUPPORTED = ("UnsupportedOperation", 400)
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
RDS = {"SecretSubType": "DoubleUsers", "DBInstanceId": "rm-not-configured", "CustomData": {"Port": "3306"}}
TWO_ACCOUNTS = json.dumps({"Accounts": [
    {"AccountName": "a", "AccountPassword": 'p"1'}, {"AccountName": "b", "AccountPassword": "p2"},
]})


class Secret:
    """One secret of one test, with calls that name it."""

    def __init__(self, kms, name, **parameters):
        self.kms = kms
        self.name = name
        first = {"VersionId": "v1", "SecretData": "one"} if "SecretType" not in parameters else {"VersionId": "v1"}
        self.made = kms("CreateSecret", SecretName=name, **{**first, **parameters})
        self.arn = self.made["Arn"]

    def __call__(self, operation, **parameters):
        return self.kms(operation, SecretName=self.name, **parameters)

    def refuses(self, refusal, operation, **parameters):
        return self.kms.refuses(*refusal, operation, SecretName=self.name, **parameters)

    def put(self, version, data, **parameters):
        answer = self("PutSecretValue", VersionId=version, SecretData=data, **parameters)
        return answer["VersionStages"]["VersionStage"]

    def get(self, **parameters):
        return self("GetSecretValue", **parameters)

    def read(self, **parameters):
        answer = self.get(**parameters)
        return answer["VersionId"], answer["SecretData"]

    def versions(self, **parameters):
        rows = self("ListSecretVersionIds", **parameters)["VersionIds"]["VersionId"]
        return {row["VersionId"]: row["VersionStages"]["VersionStage"] for row in rows}

    def tags(self):
        return {row["TagKey"]: row["TagValue"] for row in self("DescribeSecret", FetchTags="true")["Tags"]["Tag"]}


@pytest.fixture
def secret(kms, fresh):
    return Secret(kms, f"{fresh}/app")


@pytest.fixture
def rds(kms, fresh):
    return Secret(kms, f"{fresh}/rds", SecretType="Rds", SecretData=TWO_ACCOUNTS, ExtendedConfig=RDS)


# CreateSecret, DescribeSecret, UpdateSecret -----------------------------------------------------


def test_a_secret_is_created_and_described(kms, fresh):
    key = kms.key()
    secret = Secret(
        kms, f"{fresh}/a_+=.@-b", SecretDataType="text", Description="密", EncryptionKeyId=key, Tags=tags_json(team="a"),
    )
    assert secret.arn.startswith(f"acs:kms:{REGION}:") and secret.arn.endswith(f":secret/{secret.name}")
    assert (secret.made["SecretType"], secret.made["VersionId"]) == ("Generic", "v1")
    described = secret("DescribeSecret", FetchTags="true")
    assert described["Arn"] == secret.arn
    assert (described["SecretType"], described["EncryptionKeyId"], described["Description"]) == ("Generic", key, "密")
    assert described["Tags"]["Tag"] == [{"TagKey": "team", "TagValue": "a"}]
    assert TIME.match(described["CreateTime"]) and TIME.match(described["UpdateTime"])
    assert not {"PlannedDeleteTime", "AutomaticRotation", "NextRotationDate"} & described.keys()
    assert "Tags" not in kms("DescribeSecret", SecretName=secret.arn)


def test_a_secret_without_a_key_is_under_a_key_of_the_service(kms, secret):
    key = secret("DescribeSecret")["EncryptionKeyId"]
    assert kms.describe("alias/acs/secretsmanager")["KeyId"] == key


@pytest.mark.parametrize("change, refusal", [
    ({"SecretName": "a b"}, INVALID),
    ({"SecretName": "acs/x"}, INVALID),
    ({"SecretName": "x" * 193}, INVALID),
    ({"VersionId": "x" * 65}, INVALID),
    ({"SecretData": "x" * 30_721}, INVALID),
    ({"SecretDataType": "json"}, INVALID),
    ({"SecretType": "generic"}, INVALID),
    ({"SecretType": "Rds"}, ("MissingParameter", 400)),
    ({"SecretType": "Rds", "ExtendedConfig": {"SecretSubType": "DualUser", "DBInstanceId": "x"}}, INVALID),
    ({"SecretType": "Rds", "ExtendedConfig": RDS}, INVALID),
    ({"SecretType": "ECS", "SecretData": TWO_ACCOUNTS, "ExtendedConfig": RDS}, INVALID),
    ({"EncryptionKeyId": NO_SUCH_KEY}, ("Forbidden.KeyNotFound", 404)),
    ({"EncryptionKeyId": "alias/none"}, ("Forbidden.AliasNotFound", 404)),
    ({"DKMSInstanceId": "kst-none"}, ("Forbidden.DKMSInstanceNotFound", 403)),
    ({"Tags": '[{"TagKey":"acs:x","TagValue":""}]'}, INVALID),
    ({"Policy": "{}"}, INVALID),
], ids=lambda value: str(value)[:40])
def test_create_secret_refuses_what_is_wrong(kms, fresh, change, refusal):
    first = {"SecretName": fresh, "VersionId": "v1", "SecretData": "one"}
    kms.refuses(*refusal, "CreateSecret", **{**first, **change})
    kms.refuses(*NOT_FOUND, "DescribeSecret", SecretName=fresh)


def test_a_secret_needs_a_key_for_encryption_that_is_enabled(kms, fresh):
    first = {"SecretName": fresh, "VersionId": "v1", "SecretData": "one"}
    kms.refuses(*INVALID, "CreateSecret", EncryptionKeyId=kms.key(KeySpec="RSA_2048"), **first)
    kms.refuses("Rejected.Disabled", 409, "CreateSecret", EncryptionKeyId=kms.disabled_key(), **first)
    kms.refuses("Rejected.PendingDeletion", 409, "CreateSecret", EncryptionKeyId=kms.doomed_key(), **first)


def test_a_name_is_taken_once(kms, secret):
    again = {"SecretName": secret.name, "VersionId": "v1", "SecretData": "one"}
    assert kms.refuses("Rejected.ResourceExist", 409, "CreateSecret", **again) == "The resource already exists."


def test_a_description_is_replaced_and_cleared(secret):
    secret("UpdateSecret", Description="new")
    assert secret("DescribeSecret")["Description"] == "new"
    secret("UpdateSecret", Description="")
    assert secret("DescribeSecret")["Description"] == ""
    secret.refuses(INVALID, "UpdateSecret", Description="x" * 8_193)


def custom_data(kms, **data):
    """The older client sends one JSON text, the newer one a parameter for each member."""
    if kms.is_legacy:
        return {"ExtendedConfigCustomData": json.dumps(data)}
    return {"ExtendedConfig": {"CustomData": data}}


def test_custom_data_are_replaced_in_the_wire_form_of_each_client(kms, rds):
    rds("UpdateSecret", **custom_data(kms, DBName="app 1", Port="5432"))
    config = json.loads(rds("DescribeSecret")["ExtendedConfig"])
    assert config == {**RDS, "CustomData": {"DBName": "app 1", "Port": "5432"}}
    rds.refuses(INVALID, "UpdateSecret", **custom_data(kms, **{f"k{n}": "v" for n in range(11)}))
    rds.refuses(INVALID, "UpdateSecret", **custom_data(kms, k="v" * 1_024))
    assert json.loads(rds("DescribeSecret")["ExtendedConfig"]) == config


def test_a_generic_secret_has_no_custom_data(kms, secret):
    secret.refuses(INVALID, "UpdateSecret", **custom_data(kms, k="v"))


# Values -----------------------------------------------------------------------------------------


def test_a_value_is_given_back_with_what_is_known_of_it(kms, secret):
    for parameters in ({}, {"VersionStage": "ACSCurrent"}, {"VersionId": "v1"}, {"FetchExtendedConfig": True},
                       {"VersionStage": "", "VersionId": ""}):
        value = secret.get(**parameters)
        assert TIME.match(value.pop("CreateTime")) and value.pop("RequestId")
        assert value == {
            "SecretName": secret.name, "VersionId": "v1", "SecretData": "one", "SecretDataType": "text",
            "SecretType": "Generic", "VersionStages": {"VersionStage": ["ACSCurrent"]},
        }
    assert kms("GetSecretValue", SecretName=secret.arn)["SecretData"] == "one"


@pytest.mark.parametrize("data, kind", [
    ("not Base64 §", "binary"),
    (' leading "quotes" and \\ and\nlines\t', "text"),
    ("密" * 10_240, "text"),
    ('{"a":"<b>&amp;</b>"}', "text"),
], ids=["binary", "odd", "30 KB", "markup"])
def test_a_value_is_stored_as_it_is(secret, data, kind):
    assert secret.put("v2", data, SecretDataType=kind) == ["ACSCurrent"]
    value = secret.get()
    assert (value["VersionId"], value["SecretData"], value["SecretDataType"]) == ("v2", data, kind)
    assert secret.read(VersionStage="ACSPrevious") == ("v1", "one")


def test_a_version_is_chosen_by_id_by_label_or_by_both(secret):
    secret.put("v2", "two")
    assert secret.put("v3", "three", VersionStages='["mine"]') == ["mine"]
    assert secret.read() == ("v2", "two")
    assert secret.read(VersionStage="ACSPrevious") == ("v1", "one")
    assert secret.read(VersionStage="mine", VersionId="v3") == ("v3", "three")
    secret.refuses(INVALID, "GetSecretValue", VersionStage="ACSCurrent", VersionId="v3")
    assert secret.refuses(NOT_FOUND, "GetSecretValue", VersionId="v9").startswith("Resource not found")
    secret.refuses(NOT_FOUND, "GetSecretValue", VersionStage="none")


def test_putting_a_value_again_is_no_mistake_and_another_one_is(secret):
    secret.put("v2", "two")
    assert secret.put("v1", "one", VersionStages='["mine"]') == ["ACSPrevious"]
    secret.refuses(("Rejected.ResourceExist", 409), "PutSecretValue", VersionId="v1", SecretData="other")
    secret.refuses(INVALID, "PutSecretValue", VersionId="v3", SecretData="x", VersionStages="mine")
    secret.refuses(INVALID, "PutSecretValue", VersionId="v3", SecretData="x" * 30_721)
    labels = json.dumps([f"label-{n}" for n in range(7)])
    secret.refuses(("Rejected.LimitExceeded", 400), "PutSecretValue", VersionId="v3", SecretData="x", VersionStages=labels)
    assert secret.read() == ("v2", "two")


def test_ten_versions_are_kept(secret):
    for number in range(2, 13):
        secret.put(f"v{number}", f"value {number}")
    versions = secret.versions(IncludeDeprecated="true", PageSize=100)
    assert list(versions) == [f"v{number}" for number in range(12, 2, -1)]
    assert (versions["v12"], versions["v11"], versions["v10"]) == (["ACSCurrent"], ["ACSPrevious"], [])
    assert secret.versions() == {"v12": ["ACSCurrent"], "v11": ["ACSPrevious"]}
    page = secret("ListSecretVersionIds", IncludeDeprecated="true", PageNumber=2, PageSize=4)
    assert (page["PageNumber"], page["PageSize"], page["TotalCount"]) == (2, 4, 10)
    assert [row["VersionId"] for row in page["VersionIds"]["VersionId"]] == ["v8", "v7", "v6", "v5"]
    secret.refuses(NOT_FOUND, "GetSecretValue", VersionId="v1")
    secret.refuses(INVALID, "ListSecretVersionIds", PageSize=102)


def test_labels_are_added_moved_and_removed(secret):
    secret.put("v2", "two")
    secret("UpdateSecretVersionStage", VersionStage="ACSCurrent", MoveToVersion="v1")
    assert secret.versions() == {"v2": ["ACSPrevious"], "v1": ["ACSCurrent"]}
    secret("UpdateSecretVersionStage", VersionStage="mine", MoveToVersion="v1")
    secret("UpdateSecretVersionStage", VersionStage="mine", MoveToVersion="v2", RemoveFromVersion="v1")
    assert secret.versions()["v2"] == ["ACSPrevious", "mine"]
    secret("UpdateSecretVersionStage", VersionStage="mine", RemoveFromVersion="v2")
    assert secret.versions() == {"v2": ["ACSPrevious"], "v1": ["ACSCurrent"]}
    for refusal, parameters in [
        (("MissingParameter", 400), {"VersionStage": "mine"}),
        (("MissingParameter", 400), {"VersionStage": "ACSCurrent", "RemoveFromVersion": "v1"}),
        (INVALID, {"VersionStage": "mine", "RemoveFromVersion": "v1"}),
        (NOT_FOUND, {"VersionStage": "mine", "MoveToVersion": "v9"}),
    ]:
        secret.refuses(refusal, "UpdateSecretVersionStage", **parameters)


def test_many_values_are_read_at_once(kms, secret, rds, fresh):
    asked = [
        {"SecretName": secret.name, "VersionId": "v1", "VersionStage": "ACSCurrent"},
        {"SecretName": rds.name, "FetchExtendedConfig": "true"},
        {"SecretName": f"{fresh}/none"},
    ]
    answer = kms("BatchGetSecretValue", SecretsList=asked)
    assert [(row["SecretName"], row["SecretData"]) for row in answer["SecretValues"]] == [
        (secret.name, "one"), (rds.name, json.dumps({"AccountName": "a", "AccountPassword": 'p"1'}, separators=(",", ":"))),
    ]
    assert json.loads(answer["SecretValues"][1]["ExtendedConfig"]) == RDS
    failed = [(row["SecretName"], row["Code"], row["HttpStatus"]) for row in answer["Errors"]]
    assert failed == [(f"{fresh}/none", *NOT_FOUND)]
    kms.refuses(*INVALID, "BatchGetSecretValue", SecretsList=[{"SecretName": secret.name}] * 2)
    kms.refuses(*INVALID, "BatchGetSecretValue", SecretsList=[{"SecretName": f"s{n}"} for n in range(21)])


def test_a_disabled_key_disables_its_secrets(kms, fresh):
    key = kms.key()
    secret = Secret(kms, fresh, EncryptionKeyId=key)
    assert secret.read() == ("v1", "one")
    kms("DisableKey", KeyId=key)
    secret.refuses(("Rejected.Disabled", 409), "GetSecretValue")
    secret.refuses(("Rejected.Disabled", 409), "PutSecretValue", VersionId="v2", SecretData="two")
    assert secret("DescribeSecret")["EncryptionKeyId"] == key
    kms("EnableKey", KeyId=key)
    assert secret.read() == ("v1", "one")


# Managed secrets --------------------------------------------------------------------------------


def test_a_managed_secret_has_one_account_per_version(kms, rds):
    made = rds.made
    assert (made["SecretType"], made["AutomaticRotation"], json.loads(made["ExtendedConfig"])) == ("Rds", "Disabled", RDS)
    current, previous = rds.get(FetchExtendedConfig=True), rds.get(VersionStage="ACSPrevious")
    assert json.loads(current["SecretData"]) == {"AccountName": "a", "AccountPassword": 'p"1'}
    assert json.loads(previous["SecretData"]) == {"AccountName": "b", "AccountPassword": "p2"}
    assert (current["SecretType"], current["AutomaticRotation"]) == ("Rds", "Disabled")
    assert json.loads(current["ExtendedConfig"]) == RDS and "ExtendedConfig" not in previous
    rds.refuses(UNSUPPORTED, "PutSecretValue", VersionId="v2", SecretData="x")
    rds.refuses(UNSUPPORTED, "UpdateSecretVersionStage", VersionStage="mine", MoveToVersion="v1")
    rds.refuses(INVALID, "GetSecretValue", VersionStage="mine")


def test_automatic_rotation_is_switched(rds):
    rds("UpdateSecretRotationPolicy", EnableAutomaticRotation=True, RotationInterval="7d")
    described = rds("DescribeSecret")
    assert (described["AutomaticRotation"], described["RotationInterval"]) == ("Enabled", "604800s")
    assert TIME.match(described["NextRotationDate"]) and "LastRotationDate" not in described
    assert rds.get()["NextRotationDate"] == described["NextRotationDate"]
    rds.refuses(INVALID, "UpdateSecretRotationPolicy", EnableAutomaticRotation=True, RotationInterval="5h")
    rds.refuses(("MissingParameter", 400), "UpdateSecretRotationPolicy", EnableAutomaticRotation=True)
    rds("UpdateSecretRotationPolicy", EnableAutomaticRotation=False)
    described = rds("DescribeSecret")
    assert described["AutomaticRotation"] == "Disabled" and "NextRotationDate" not in described


def test_what_nothing_reaches_cannot_be_rotated(secret, rds):
    answer = rds("RotateSecret", VersionId="v1")
    assert (answer["Arn"], answer["SecretName"], answer["VersionId"]) == (rds.arn, rds.name, "v1")
    assert RDS["DBInstanceId"] in rds.refuses(NOT_FOUND, "RotateSecret", VersionId="v2")
    secret.refuses(UNSUPPORTED, "RotateSecret", VersionId="v2")
    secret.refuses(UNSUPPORTED, "UpdateSecretRotationPolicy", EnableAutomaticRotation=False)


def test_access_keys_and_logins_are_stored_in_their_forms(kms, fresh):
    ram = Secret(
        kms, "$Auto", SecretType="RAMCredentials", ExtendedConfig={"SecretSubType": "RamUserAccessKey", "UserName": fresh},
        SecretData='{"AccessKeys":[{"AccessKeyId":"LTAI1","AccessKeySecret":"s"}]}',
    )
    assert ram.made["SecretName"] == f"acs/ram/user/{fresh}"
    value = json.loads(kms("GetSecretValue", SecretName=ram.made["SecretName"])["SecretData"])
    assert TIME.match(value.pop("GenerateTimestamp"))
    assert value == {"AccessKeyId": "LTAI1", "AccessKeySecret": "s"}
    login = {"UserName": "root", "Password": "p"}
    config = {"SecretSubType": "Password", "RegionId": REGION, "InstanceId": "i-1"}
    ecs = Secret(kms, f"acs/ecs/{fresh}", SecretType="ECS", ExtendedConfig=config, SecretData=json.dumps(login))
    assert json.loads(ecs.get()["SecretData"]) == login


# GetRandomPassword ------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters, form", [
    ({}, r"[!-_a-~]{32}"),
    ({"PasswordLength": "8", "ExcludePunctuation": "true"}, r"[0-9A-Za-z]{8}"),
    ({"PasswordLength": "128", "ExcludeLowercase": "true", "ExcludeUppercase": "true", "ExcludePunctuation": "true",
      "ExcludeCharacters": "0123"}, r"[4-9]{128}"),
    ({"ExcludeNumbers": "true", "RequireEachIncludedType": "true"}, r"(?=.*[a-z])(?=.*[A-Z])(?=.*[!-/:-@[-_{-~])\D{32}"),
], ids=["default", "no marks", "digits", "each type"])
def test_a_password_meets_its_parameters(kms, parameters, form):
    passwords = {kms("GetRandomPassword", **parameters)["RandomPassword"] for _ in range(5)}
    assert len(passwords) == 5 and all(re.fullmatch(form, password) for password in passwords), passwords


@pytest.mark.parametrize("parameters", [
    {"PasswordLength": "7"}, {"PasswordLength": "129"}, {"PasswordLength": "x"},
    {"ExcludeLowercase": "true", "ExcludeUppercase": "true", "ExcludeNumbers": "true", "ExcludePunctuation": "true"},
    {"ExcludeCharacters": "0123456789", "RequireEachIncludedType": "true"},
], ids=str)
def test_impossible_passwords_are_refused(kms, parameters):
    kms.refuses(*INVALID, "GetRandomPassword", **parameters)


# ListSecrets ------------------------------------------------------------------------------------


def listed(kms, *filters, **parameters):
    text = json.dumps([{"Key": key, "Values": list(values)} for key, *values in filters])
    answer = kms("ListSecrets", Filters=text, **parameters)
    names = [row["SecretName"] for row in answer["SecretList"]["Secret"]]
    assert answer["TotalCount"] >= len(names)
    return names


def test_every_filter_of_a_list_selects(kms, fresh, rds):
    a = Secret(kms, f"{fresh}/a", Description=fresh, Tags=tags_json(**{fresh: "prod"})).name
    b = Secret(kms, f"{fresh}/b", Description=fresh, Tags=tags_json(**{fresh: "test"})).name
    r = rds.name
    everyone = ("SecretName", a, b, r, f"{fresh}/none")
    assert listed(kms, everyone) == [a, b, r]
    assert listed(kms, ("Description", fresh)) == [a, b]
    assert listed(kms, ("TagKey", fresh)) == [a, b]
    assert listed(kms, ("TagKey", fresh), ("TagValue", "test")) == [b]
    assert listed(kms, everyone, ("TagValue", "prod", "test")) == [a, b]
    assert listed(kms, everyone, ("SecretType", "RDS")) == [r]
    assert listed(kms, everyone, ("SecretType", "Generic", "Rds")) == [a, b, r]
    assert listed(kms, everyone, ("Creator", "nobody")) == []
    assert listed(kms, everyone, ("DKMSInstanceId", "kst-none")) == []
    assert listed(kms, everyone, ("Creator",), ("Description", fresh)) == [a, b]
    account = rds.arn.split(":")[3]
    assert listed(kms, everyone, ("Creator", account)) == [a, b, r]


def test_lists_have_pages_and_tags(kms, fresh):
    names = [Secret(kms, f"{fresh}/{n}", Tags=tags_json(**{fresh: str(n)})).name for n in range(5)]
    every = json.dumps([{"Key": "TagKey", "Values": [fresh]}])
    page = kms("ListSecrets", Filters=every, FetchTags="true", PageNumber=2, PageSize=2)
    assert (page["PageNumber"], page["PageSize"], page["TotalCount"]) == (2, 2, 5)
    rows = page["SecretList"]["Secret"]
    assert [row["SecretName"] for row in rows] == names[2:4]
    assert rows[0]["Tags"]["Tag"] == [{"TagKey": fresh, "TagValue": "2"}]
    assert TIME.match(rows[0]["CreateTime"]) and rows[0]["SecretType"] == "Generic"
    beyond = kms("ListSecrets", Filters=every, PageNumber=4, PageSize=2)
    assert (beyond["TotalCount"], beyond["SecretList"]["Secret"]) == (5, [])
    assert "Tags" not in kms("ListSecrets", Filters=every)["SecretList"]["Secret"][0]


@pytest.mark.parametrize("parameters", [
    {"PageNumber": 0}, {"PageSize": 102}, {"Filters": "{}"}, {"Filters": '[{"Key":"Colour","Values":["red"]}]'},
    {"Filters": json.dumps([{"Key": "SecretName", "Values": [str(n) for n in range(11)]}])},
], ids=str)
def test_a_wrong_list_is_refused(kms, parameters):
    kms.refuses(*INVALID, "ListSecrets", **parameters)


# Deletion ---------------------------------------------------------------------------------------


def test_a_deleted_secret_is_restored(kms, secret):
    secret.put("v2", "two")
    assert secret.refuses(("Rejected.ResourceInUse", 409), "RestoreSecret") == "restore normal secret"
    planned = secret("DeleteSecret", RecoveryWindowInDays="7")["PlannedDeleteTime"]
    assert TIME.match(planned) and secret("DescribeSecret")["PlannedDeleteTime"] == planned
    row = kms("ListSecrets", Filters=json.dumps([{"Key": "SecretName", "Values": [secret.name]}]))
    assert row["SecretList"]["Secret"][0]["PlannedDeleteTime"] == planned
    for operation, parameters in [
        ("GetSecretValue", {}), ("PutSecretValue", {"VersionId": "v3", "SecretData": "x"}), ("DeleteSecret", {}),
        ("UpdateSecret", {"Description": "x"}), ("TagResource", {"Tags": tags_json(a="b")}),
        ("CreateSecret", {"VersionId": "v1", "SecretData": "x"}),
        ("UpdateSecretVersionStage", {"VersionStage": "mine", "MoveToVersion": "v1"}),
    ]:
        secret.refuses(SCHEDULED, operation, **parameters)
    assert secret("RestoreSecret")["SecretName"] == secret.name
    assert secret.versions() == {"v2": ["ACSCurrent"], "v1": ["ACSPrevious"]}
    secret.refuses(INVALID, "DeleteSecret", RecoveryWindowInDays="6")


def test_a_forced_deletion_frees_the_name(kms, secret):
    kms("TagResource", SecretName=secret.name, Tags=tags_json(a="b"))
    # Terraform always sends both.
    secret("DeleteSecret", ForceDeleteWithoutRecovery="true", RecoveryWindowInDays="30")
    for operation in ("DescribeSecret", "RestoreSecret", "DeleteSecret", "GetSecretPolicy", "ListSecretVersionIds"):
        secret.refuses(NOT_FOUND, operation)
    again = Secret(kms, secret.name, SecretData="again")
    assert (again.read(), again.tags()) == (("v1", "again"), {})


def test_a_secret_is_purged_at_the_end_of_its_window(own_server):
    kms = client(own_server, "py-new/http")
    gone, kept = Secret(kms, "gone"), Secret(kms, "kept")
    for secret in (gone, kept):
        secret("DeleteSecret", RecoveryWindowInDays="7")
    own_server.stop()
    own_server.sql("UPDATE secrets SET delete_at = 1 WHERE name = 'gone'")
    own_server.start()
    kms = client(own_server, "py-new/http")
    assert own_server.until(lambda: kms("ListSecrets")["TotalCount"] == 1)
    kms.refuses(*NOT_FOUND, "RestoreSecret", SecretName="gone")
    kms("RestoreSecret", SecretName="kept")
    assert kms("GetSecretValue", SecretName="kept")["SecretData"] == "one"


# Policies ---------------------------------------------------------------------------------------


def test_a_policy_is_kept_as_it_was_given(kms, fresh, secret):
    account = secret.arn.split(":")[3]
    default = json.loads(secret("GetSecretPolicy", PolicyName="default")["Policy"])
    assert default["Statement"][0]["Principal"]["RAM"] == [f"acs:ram::{account}:*"]
    text = json.dumps({"Version": "1", "Statement": [
        {"Sid": "mine", "Effect": "Allow", "Principal": {"RAM": [f"acs:ram::{account}:*"]}, "Action": ["kms:*"],
         "Resource": ["*"]},
    ]}, indent=1)
    secret("SetSecretPolicy", Policy=text)
    assert secret("GetSecretPolicy")["Policy"] == text
    other = Secret(kms, f"{fresh}/with-policy", Policy=text)
    assert other("GetSecretPolicy")["Policy"] == text
    for refusal, parameters in [(INVALID, {"Policy": "{}"}), (INVALID, {"Policy": text + " " * 32_768})]:
        secret.refuses(refusal, "SetSecretPolicy", **parameters)
    secret.refuses(NOT_FOUND, "GetSecretPolicy", PolicyName="other")


# Tags -------------------------------------------------------------------------------------------


def on(*names, **parameters):
    return {"RegionId": REGION, "ResourceType": "secret", "ResourceId": list(names), **parameters}


def test_tags_of_secrets_go_through_every_operation(kms, fresh, secret):
    other = Secret(kms, f"{fresh}/other")
    kms("TagResources", **on(secret.name, other.arn, Tag=tag_list(a="1", b="2", **{fresh: "x"})))
    assert secret.tags() == other.tags() == {"a": "1", "b": "2", fresh: "x"}
    secret("TagResource", Tags=tags_json(a="new", c="3"))
    assert secret.tags() == {"a": "new", "b": "2", "c": "3", fresh: "x"}
    secret("UntagResource", TagKeys='["c","never there"]')
    found = kms("ListTagResources", RegionId=REGION, ResourceType="secret", Tag=[{"Key": fresh}, {"Key": "a", "Value": "new"}])
    rows = found["TagResources"]["TagResource"]
    assert {(row["ResourceId"], row["ResourceType"]) for row in rows} == {(secret.name, "secret")}
    assert {row["TagKey"]: row["TagValue"] for row in rows} == secret.tags()
    kms("UntagResources", **on(secret.name, other.name, TagKey=["a", "never there"]))
    assert secret.tags() == other.tags() == {"b": "2", fresh: "x"}
    kms("UntagResources", **on(other.name, All=True))
    assert (secret.tags(), other.tags()) == ({"b": "2", fresh: "x"}, {})
    # The sixth has keys only.
    kms.refuses("InvalidParameter", 400, "ListResourceTags", KeyId=f"{fresh} {fresh}")


def test_untagging_secrets_is_all_or_nothing(kms, fresh, secret):
    other = Secret(kms, f"{fresh}/other", Tags=tags_json(a="1"))
    secret("TagResource", Tags=tags_json(a="1"))
    not_found = ("InvalidResourceId.NotFound", 404)
    kms.refuses(*not_found, "UntagResources", **on(secret.name, f"{fresh}/none", other.name, TagKey=["a"]))
    kms.refuses(*not_found, "UntagResources", **on(secret.name, kms.key(), TagKey=["a"]))
    kms.refuses("InvalidParameter.TagKey", 400, "UntagResources", **on(secret.name, TagKey=["a", "acs:x"]))
    kms.refuses("MissingParameter", 400, "UntagResources", **on(secret.name))
    other("DeleteSecret")
    kms.refuses(*SCHEDULED, "UntagResources", **on(secret.name, other.name, TagKey=["a"]))
    assert secret.tags() == other.tags() == {"a": "1"}
    many = tag_list(**{f"k{n}": "" for n in range(20)})
    kms.refuses("Rejected.LimitExceeded", 400, "TagResources", **on(secret.name, Tag=many))
    secret.refuses(("InvalidParameter", 400), "TagResource", Tags='[{"TagKey":"acs:x","TagValue":""}]')
    kms.refuses(*NOT_FOUND, "UntagResource", SecretName=f"{fresh}/none", TagKeys='["a"]')


# What only hand-made requests ask ---------------------------------------------------------------


def test_a_value_is_given_as_xml(signed, fresh):
    """The Secrets Manager client for Java asks for XML, whatever it is configured with."""
    first = {"SecretName": fresh, "VersionId": "v1", "SecretData": 'a<b>&"密', "SecretDataType": "text"}
    assert signed.v1("CreateSecret", first).status == 200
    asked = {"SecretName": fresh, "VersionStage": "ACSCurrent", "FetchExtendedConfig": "true"}
    for reply in (signed.v1("GetSecretValue", asked, method="POST", Format="XML"), signed.v1("GetSecretValue", asked, Format="xml")):
        assert reply.status == 200 and reply.headers["content-type"].startswith("text/xml"), reply
        assert reply.xml.tag == "GetSecretValueResponse"
        assert {child.tag: child.text for child in reply.xml if child.tag not in ("VersionStages", "RequestId", "CreateTime")} == {
            "SecretName": fresh, "VersionId": "v1", "SecretData": 'a<b>&"密', "SecretDataType": "text", "SecretType": "Generic",
        }
        assert [stage.text for stage in reply.xml.find("VersionStages").findall("VersionStage")] == ["ACSCurrent"]
    reply = signed.v1("GetSecretValue", {"SecretName": f"{fresh}/none"}, Format="XML")
    assert (reply.status, reply.xml.find("Code").text) == (404, "Forbidden.ResourceNotFound")


def test_custom_data_come_in_both_wire_forms(signed, fresh):
    first = {
        "SecretName": fresh, "VersionId": "v1", "SecretType": "Rds", "SecretData": TWO_ACCOUNTS, "ExtendedConfig": json.dumps(RDS),
    }
    assert signed.v1("CreateSecret", first).status == 200
    for form in ({"ExtendedConfig.CustomData": '{"DBName":"a","Port":"1"}'},
                 {"ExtendedConfig.CustomData.DBName": "a", "ExtendedConfig.CustomData.Port": "1"}):
        assert signed.v1("UpdateSecret", {"SecretName": fresh, "ExtendedConfig.CustomData": "{}"}).status == 200
        assert signed.acs3("UpdateSecret", {"SecretName": fresh, **form}).status == 200
        config = json.loads(signed.v1("DescribeSecret", {"SecretName": fresh}).json["ExtendedConfig"])
        assert config["CustomData"] == {"DBName": "a", "Port": "1"}


def test_a_value_may_come_in_the_form_and_a_rehearsal_reads_nothing(signed, fresh):
    first = {"SecretName": fresh, "VersionId": "v1"}
    assert signed.acs3("CreateSecret", first, form={"SecretData": "in the form"}).status == 200
    assert signed.acs3("GetSecretValue", {"SecretName": fresh}).json["SecretData"] == "in the form"
    for secret, code in ((fresh, "DryRunOperationError"), (f"{fresh}/none", "ValidationError")):
        reply = signed.acs3("GetSecretValue", {"SecretName": secret, "DryRun": "true"})
        assert (reply.status, reply.code) == (400, code)
    reply = signed.acs3("GetSecretValue", {"SecretName": fresh}, form={"Recipient": "{}"})
    assert (reply.status, reply.code) == (400, "UnsupportedOperation")


def test_no_value_is_in_the_log(own_server):
    canary = "canary-6f1d0b7e"
    kms = client(own_server, "py-legacy/http")
    secret = Secret(kms, "s", SecretData=canary)
    secret.put("v2", f"{canary}-2")
    secret.refuses(("Rejected.ResourceExist", 409), "PutSecretValue", VersionId="v2", SecretData=f"{canary}-3")
    secret.refuses(INVALID, "PutSecretValue", VersionId="v3", SecretData=canary * 3_000)
    assert secret.read()[1] == f"{canary}-2"
    own_server.stop()
    assert canary not in own_server.log()
