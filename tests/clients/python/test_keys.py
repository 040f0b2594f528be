"""Keys: what CreateKey makes, how keys are listed, and the states they pass through."""

import datetime
import json
import re

import pytest

from harness.kms import NO_SUCH_KEY, tags_json
from harness.server import REGION

SPECS = ["Aliyun_AES_256", "Aliyun_AES_192", "Aliyun_AES_128", "Aliyun_SM4"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.mark.parametrize("spec", SPECS)
def test_a_new_key_has_all_its_metadata(kms, spec):
    created = kms("CreateKey", KeySpec=spec, Description=f"a {spec} key, 密钥")["KeyMetadata"]
    account = created["Creator"]
    assert re.fullmatch(r"\d{16}", account)
    assert created["Arn"] == f"acs:kms:{REGION}:{account}:key/{created['KeyId']}"
    assert len(created["PrimaryKeyVersion"]) == 36
    assert TIME.fullmatch(created["CreationDate"])
    assert TIME.fullmatch(created["LastRotationDate"])
    expected = {
        "KeySpec": spec,
        "Description": f"a {spec} key, 密钥",
        "KeyState": "Enabled",
        "KeyUsage": "ENCRYPT/DECRYPT",
        "Origin": "Aliyun_KMS",
        "ProtectionLevel": "SOFTWARE",
        "AutomaticRotation": "Disabled",
    }
    assert {name: created[name] for name in expected} == expected
    for empty in ("DeleteDate", "MaterialExpireTime", "DKMSInstanceId"):
        assert not created.get(empty)

    described = kms.describe(created["KeyId"])
    assert described.pop("DeletionProtection") == "Disabled"
    assert not described.pop("DeletionProtectionDescription", "")
    assert described == created


def test_a_key_is_aes_256_unless_said_otherwise(kms):
    assert kms("CreateKey")["KeyMetadata"]["KeySpec"] == "Aliyun_AES_256"


def test_an_hsm_key_says_so(kms):
    assert kms("CreateKey", ProtectionLevel="HSM")["KeyMetadata"]["ProtectionLevel"] == "HSM"


def test_a_key_can_be_made_to_rotate(kms):
    metadata = kms("CreateKey", EnableAutomaticRotation=True, RotationInterval="30d")["KeyMetadata"]
    assert metadata["AutomaticRotation"] == "Enabled"
    assert metadata["RotationInterval"] == "2592000s"
    assert TIME.fullmatch(metadata["NextRotationDate"])


def test_a_key_can_be_born_with_tags(kms):
    assert kms.tags(kms.key(Tags=tags_json(team="payments", env=""))) == {"team": "payments", "env": ""}


@pytest.mark.parametrize("parameters", [
    {"KeySpec": "AES_256"},
    {"KeySpec": "aliyun_aes_256"},
    {"KeyUsage": "SIGN/VERIFY"},
    {"Origin": "aliyun_kms"},
    {"ProtectionLevel": "software"},
    {"Description": "x" * 8193},
    {"EnableAutomaticRotation": True},
    {"EnableAutomaticRotation": True, "RotationInterval": "6d"},
    {"EnableAutomaticRotation": True, "RotationInterval": "soon"},
    {"Tags": "team=payments"},
    {"Tags": '[{"TagKey":"a","TagValue":"1"},{"TagKey":"a","TagValue":"2"}]'},
    {"Tags": '[{"TagKey":"acs:a","TagValue":"1"}]'},
    {"Tags": json.dumps([{"TagKey": f"k{n}", "TagValue": ""} for n in range(21)])},
], ids=lambda parameters: ",".join(f"{name}={value!s:.20}" for name, value in parameters.items()))
def test_create_key_refuses_what_it_cannot_make(kms, parameters):
    before = kms("ListKeys")["TotalCount"]
    with pytest.raises(Exception) as caught:
        kms("CreateKey", **parameters)
    assert caught.value.status == 400
    assert caught.value.code in ("InvalidParameter", "MissingParameter", "Rejected.LimitExceeded")
    assert kms("ListKeys")["TotalCount"] == before


def test_a_key_is_found_by_id_arn_and_alias(kms, fresh):
    key = kms.key()
    arn = kms.describe(key)["Arn"]
    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=key)
    assert kms.describe(arn)["KeyId"] == key
    assert kms.describe(f"alias/{fresh}")["KeyId"] == key


@pytest.mark.parametrize("key_id, code", [
    (NO_SUCH_KEY, "Forbidden.KeyNotFound"),
    ("key-hzz000000000000000000", "Forbidden.KeyNotFound"),
    ("alias/no-such-alias", "Forbidden.AliasNotFound"),
])
def test_what_is_not_there_is_not_found(kms, key_id, code):
    for operation, parameters in {
        "DescribeKey": {},
        "Encrypt": {"Plaintext": "aGk="},
        "GenerateDataKey": {},
        "GenerateDataKeyWithoutPlaintext": {},
    }.items():
        what = "Alias" if "Alias" in code else "Key"
        assert kms.refuses(code, 404, operation, KeyId=key_id, **parameters) == f"The specified {what} is not found."


def test_what_another_account_has_or_has_not_is_not_told(kms):
    key = f"acs:kms:{REGION}:1234567890123456:key/{NO_SUCH_KEY}"
    told = kms.refuses("Forbidden.NoPermission", 403, "DescribeKey", KeyId=key)
    assert told == f"This operation for {key} is forbidden by permission system."


@pytest.mark.parametrize("operation, parameters", [
    ("EnableKey", {}),
    ("DisableKey", {}),
    ("ScheduleKeyDeletion", {"PendingWindowInDays": 7}),
    ("CancelKeyDeletion", {}),
    ("UpdateKeyDescription", {"Description": "x"}),
    ("ListAliasesByKeyId", {}),
    ("ListResourceTags", {}),
    ("CreateAlias", {"AliasName": "alias/for-nobody"}),
    ("TagResource", {"Tags": '[{"TagKey":"a","TagValue":"b"}]'}),
    ("UntagResource", {"TagKeys": '["a"]'}),
])
def test_no_operation_works_on_a_key_that_is_not_there(kms, operation, parameters):
    kms.refuses("Forbidden.KeyNotFound", 404, operation, KeyId=NO_SUCH_KEY, **parameters)


@pytest.mark.parametrize("operation, parameters", [
    ("EnableKey", {}),
    ("DisableKey", {}),
    ("ScheduleKeyDeletion", {"PendingWindowInDays": 7}),
    ("CancelKeyDeletion", {}),
    ("UpdateKeyDescription", {"Description": "x"}),
    ("ListAliasesByKeyId", {}),
])
def test_an_alias_is_refused_where_only_an_id_will_do(kms, fresh, operation, parameters):
    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=kms.key())
    kms.refuses("Unsupported.Alias", 400, operation, KeyId=f"alias/{fresh}", **parameters)


@pytest.mark.parametrize("operation, missing, parameters", [
    ("DescribeKey", "KeyId", {}),
    ("EnableKey", "KeyId", {}),
    ("DisableKey", "KeyId", {}),
    ("CancelKeyDeletion", "KeyId", {}),
    ("ScheduleKeyDeletion", "PendingWindowInDays", {"KeyId": NO_SUCH_KEY}),
    ("UpdateKeyDescription", "Description", {"KeyId": NO_SUCH_KEY}),
])
def test_a_missing_parameter_is_named(kms, operation, missing, parameters):
    message = kms.refuses("MissingParameter", 400, operation, **parameters)
    assert message == f'The parameter "{missing}" is needed but not provided.'


def test_a_description_can_be_changed_and_cleared(kms):
    key = kms.key(Description="old")
    kms("UpdateKeyDescription", KeyId=key, Description="new 描述 & more")
    assert kms.describe(key)["Description"] == "new 描述 & more"
    kms("UpdateKeyDescription", KeyId=key, Description="")
    assert not kms.describe(key)["Description"]
    kms.refuses("InvalidParameter", 400, "UpdateKeyDescription", KeyId=key, Description="x" * 8193)


# States ---------------------------------------------------------------------------------------


def test_a_disabled_key_does_no_cryptography_until_it_is_enabled(kms):
    key = kms.key()
    blob = kms.encrypt(key, "aGk=")
    kms("DisableKey", KeyId=key)
    kms("DisableKey", KeyId=key)  # as often as you like
    assert kms.state(key) == "Disabled"
    for operation, parameters in {
        "Encrypt": {"KeyId": key, "Plaintext": "aGk="},
        "Decrypt": {"CiphertextBlob": blob},
        "GenerateDataKey": {"KeyId": key},
        "GenerateDataKeyWithoutPlaintext": {"KeyId": key},
        "ReEncrypt": {"CiphertextBlob": blob, "DestinationKeyId": kms.key()},
    }.items():
        message = kms.refuses("Rejected.Disabled", 409, operation, **parameters)
        assert message == "The request was rejected because the key state is Disabled."
    kms("EnableKey", KeyId=key)
    kms("EnableKey", KeyId=key)
    assert kms.decrypt(blob) == "aGk="


def test_re_encrypt_needs_both_keys_enabled(kms):
    blob = kms.encrypt(kms.key(), "aGk=")
    kms.refuses("Rejected.Disabled", 409, "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=kms.disabled_key())
    kms.refuses("Rejected.PendingDeletion", 409, "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=kms.doomed_key())


def test_a_key_that_waits_for_deletion_can_only_be_read_or_saved(kms, fresh):
    key = kms.key()
    blob = kms.encrypt(key, "aGk=")
    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=key)
    kms("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)

    metadata = kms.describe(f"alias/{fresh}")
    assert metadata["KeyState"] == "PendingDeletion"
    ends = datetime.datetime.strptime(metadata["DeleteDate"], "%Y-%m-%dT%H:%M:%SZ")
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    assert abs(ends - now - datetime.timedelta(days=7)) < datetime.timedelta(minutes=5)

    another = kms.key()
    for operation, code, parameters in [
        ("Encrypt", "PendingDeletion", {"KeyId": key, "Plaintext": "aGk="}),
        ("Decrypt", "PendingDeletion", {"CiphertextBlob": blob}),
        ("GenerateDataKey", "PendingDeletion", {"KeyId": key}),
        ("GenerateDataKeyWithoutPlaintext", "PendingDeletion", {"KeyId": key}),
        ("UpdateKeyDescription", "PendingDeletion", {"KeyId": key, "Description": "x"}),
        ("TagResource", "PendingDeletion", {"KeyId": key, "Tags": tags_json(a="b")}),
        ("UntagResource", "PendingDeletion", {"KeyId": key, "TagKeys": '["a"]'}),
        ("SetDeletionProtection", "PendingDeletion",
         {"ProtectedResourceArn": metadata["Arn"], "EnableDeletionProtection": True}),
        ("EnableKey", "StateModifiedFailed", {"KeyId": key}),
        ("DisableKey", "StateModifiedFailed", {"KeyId": key}),
        ("ScheduleKeyDeletion", "StateModifiedFailed", {"KeyId": key, "PendingWindowInDays": 7}),
        ("CreateAlias", "StateModifiedFailed", {"KeyId": key, "AliasName": f"alias/{fresh}-2"}),
    ]:
        kms.refuses(f"Rejected.{code}", 409, operation, **parameters)
    kms("CreateAlias", AliasName=f"alias/{fresh}-3", KeyId=another)
    kms.refuses("Rejected.PendingDeletion", 409, "UpdateAlias", AliasName=f"alias/{fresh}-3", KeyId=key)
    assert kms.tags(key) == {}
    assert kms("ListAliasesByKeyId", KeyId=key)["TotalCount"] == 1

    kms("CancelKeyDeletion", KeyId=key)
    assert kms.state(key) == "Enabled"
    assert not kms.describe(key).get("DeleteDate")
    assert kms.decrypt(blob) == "aGk="


def test_a_disabled_key_that_is_saved_from_deletion_is_enabled(kms):
    key = kms.disabled_key()
    kms("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=366)
    kms("CancelKeyDeletion", KeyId=key)
    assert kms.state(key) == "Enabled"


def test_only_a_key_that_waits_for_deletion_can_be_saved(kms):
    kms.refuses("Rejected.StateModifiedFailed", 409, "CancelKeyDeletion", KeyId=kms.key())
    kms.refuses("Rejected.StateModifiedFailed", 409, "CancelKeyDeletion", KeyId=kms.disabled_key())


@pytest.mark.parametrize("days", [0, 6, 367, -7])
def test_the_deletion_window_is_7_to_366_days(kms, days):
    key = kms.key()
    kms.refuses("InvalidParameter", 400, "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=days)
    assert kms.state(key) == "Enabled"


def test_a_protected_key_cannot_be_scheduled_for_deletion(kms):
    key = kms.key()
    arn = kms.describe(key)["Arn"]
    kms("SetDeletionProtection", ProtectedResourceArn=arn, EnableDeletionProtection=True,
        DeletionProtectionDescription="production")
    metadata = kms.describe(key)
    assert metadata["DeletionProtection"] == "Enabled"
    assert metadata["DeletionProtectionDescription"] == "production"
    message = kms.refuses("Rejected.UnsupportedOperation", 400, "ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)
    assert "deletion protection" in message.lower()
    kms("SetDeletionProtection", ProtectedResourceArn=arn, EnableDeletionProtection=False)
    metadata = kms.describe(key)
    assert metadata["DeletionProtection"] == "Disabled"
    assert not metadata.get("DeletionProtectionDescription")
    kms("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=7)


def test_deletion_protection_needs_a_target(kms):
    kms.refuses("MissingParameter", 400, "SetDeletionProtection", EnableDeletionProtection=True)


# Lists ----------------------------------------------------------------------------------------


def found(kms, *filters, **parameters):
    """The ids of the keys that the filters select."""
    text = json.dumps([{"Key": key, "Values": values} for key, values in filters])
    return {row["KeyId"] for row in kms("ListKeys", Filters=text, PageSize=100, **parameters)["Keys"]["Key"]}


def test_keys_are_listed_page_by_page(kms, fresh):
    keys = {kms.key(Tags=tags_json(**{fresh: "x"})) for _ in range(5)}
    mine = json.dumps([{"Key": "TagKey", "Values": [fresh]}])
    pages = [kms("ListKeys", Filters=mine, PageNumber=number, PageSize=2) for number in (1, 2, 3, 4)]
    assert [len(page["Keys"]["Key"]) for page in pages] == [2, 2, 1, 0]
    assert [(page["PageNumber"], page["PageSize"], page["TotalCount"]) for page in pages] == [
        (1, 2, 5), (2, 2, 5), (3, 2, 5), (4, 2, 5),
    ]
    assert {row["KeyId"] for page in pages for row in page["Keys"]["Key"]} == keys


def test_a_page_holds_ten_unless_said_otherwise(kms):
    page = kms("ListKeys")
    assert (page["PageNumber"], page["PageSize"]) == (1, 10)


def test_filters_select_keys(kms, fresh):
    plain = kms.key(Tags=tags_json(**{fresh: "plain"}))
    sm4 = kms.key(KeySpec="Aliyun_SM4", Tags=tags_json(**{fresh: "sm4"}))
    off = kms.key(KeySpec="Aliyun_AES_128", Tags=tags_json(**{fresh: "off"}))
    kms("DisableKey", KeyId=off)
    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=plain)
    mine = ("TagKey", [fresh])
    assert found(kms, mine) == {plain, sm4, off}
    assert found(kms, mine, ("KeyState", ["Disabled"])) == {off}
    assert found(kms, mine, ("KeyState", ["Disabled", "Enabled"])) == {plain, sm4, off}
    assert found(kms, mine, ("KeySpec", ["Aliyun_SM4", "Aliyun_AES_128"])) == {sm4, off}
    assert found(kms, mine, ("KeySpec", ["Aliyun_SM4"]), ("KeyState", ["Disabled"])) == set()
    assert found(kms, mine, ("KeyUsage", ["ENCRYPT/DECRYPT"])) == {plain, sm4, off}
    assert found(kms, mine, ("ProtectionLevel", ["HSM"])) == set()
    assert found(kms, mine, ("CreatorType", ["User"])) == {plain, sm4, off}
    assert found(kms, mine, ("TagValue", ["sm4"])) == {sm4}
    assert found(kms, ("AliasName", [f"alias/{fresh}"])) == {plain}
    assert found(kms, ("keyId", [off])) == {off}
    assert found(kms, ("KeyId", [off, sm4])) == {off, sm4}


@pytest.mark.parametrize("filters", [
    "KeyState=Enabled",
    '{"Key":"KeyState","Values":["Enabled"]}',
    '[{"Key":"Colour","Values":["red"]}]',
    '[{"Key":"KeyState","Values":"Enabled"}]',
    '[{"Values":["Enabled"]}]',
    json.dumps([{"Key": "KeyState", "Values": ["Enabled"]}] * 11),
    json.dumps([{"Key": "keyId", "Values": [str(n) for n in range(11)]}]),
], ids=lambda text: text[:44])
def test_filters_that_make_no_sense_are_refused(kms, filters):
    kms.refuses("InvalidParameter", 400, "ListKeys", Filters=filters)


@pytest.mark.parametrize("page", [{"PageNumber": 0}, {"PageNumber": -1}, {"PageSize": 102}, {"PageSize": -1}], ids=str)
def test_a_page_out_of_range_is_refused(kms, page):
    kms.refuses("InvalidParameter", 400, "ListKeys", **page)
