"""What a user may do, what the official client makes of a refusal, and how fast permissions come and go."""

import json

import pytest

from harness import kms as kms_clients
from harness import ram as ram_clients
from harness.errors import ApiError
from harness.kms import text64
from harness.server import REGION


@pytest.fixture
def account(server):
    """The root of the account, as a client of KMS and one of RAM."""
    return kms_clients.client(server, "py-new/http"), ram_clients.client(server, "py-ram/http")


def user(server, ram, name, *policies):
    """A client of KMS that signs as a new user with these policies: names of system policies, or documents."""
    ram("CreateUser", UserName=name)
    for number, policy in enumerate(policies):
        kind = "System"
        if isinstance(policy, dict):
            kind, document = "Custom", json.dumps({"Version": "1", "Statement": [policy]})
            policy = f"{name}-{number}"
            ram("CreatePolicy", PolicyName=policy, PolicyDocument=document)
        ram("AttachPolicyToUser", PolicyType=kind, PolicyName=policy, UserName=name)
    key = ram("CreateAccessKey", UserName=name)["AccessKey"]
    kind, options = kms_clients.CLIENTS["py-new"]
    pair = {"access_key_id": key["AccessKeyId"], "access_key_secret": key["AccessKeySecret"]}
    return kms_clients.Kms(kind(server, "http", **options, **pair), "py-new")


def refusal(kms, operation, **parameters):
    with pytest.raises(ApiError) as caught:
        kms(operation, **parameters)
    assert (caught.value.code, caught.value.status) == ("Forbidden.NoPermission", 403)
    return caught.value


def test_a_refusal_says_which_permission_is_missing_and_is_explained(server, account, fresh):
    root, ram = account
    key = root.key()
    app = user(server, ram, fresh, "AliyunKMSCryptoUserAccess")
    assert app.decrypt(app.encrypt(key, text64("hello"))) == text64("hello")
    refused = refusal(app, "DisableKey", KeyId=key)
    assert key in refused.message
    denied = refused.denied
    assert (denied["AuthAction"], denied["NoPermissionType"]) == ("kms:DisableKey", "ImplicitDeny")
    assert (denied["AuthPrincipalType"], denied["PolicyType"]) == ("SubUser", "AccountLevelIdentityBasedPolicy")
    told = ram("DecodeDiagnosticMessage", EncodedDiagnosticMessage=denied["EncodedDiagnosticMessage"])
    told = told["DecodedDiagnosticMessage"]
    assert (told["AuthAction"], told["ExplicitDeny"]) == ("kms:DisableKey", False)
    assert told["AuthResource"].endswith(f":key/{key}")
    assert root.state(key) == "Enabled"
    ram.refuses("EntityNotExist", 404, "DecodeDiagnosticMessage", EncodedDiagnosticMessage="AQE=")


def test_a_deny_wins_and_names_itself(server, account, fresh):
    root, ram = account
    key = root.key()
    deny = {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"}
    app = user(server, ram, fresh, "AdministratorAccess", deny)
    blob = app.encrypt(key, text64("hello"))
    denied = refusal(app, "Decrypt", CiphertextBlob=blob).denied
    assert denied["NoPermissionType"] == "ExplicitDeny"
    told = ram("DecodeDiagnosticMessage", EncodedDiagnosticMessage=denied["EncodedDiagnosticMessage"])
    [matched] = told["DecodedDiagnosticMessage"]["MatchedPolicies"]
    assert (matched["PolicyIdentifier"], matched["Effect"]) == (f"{fresh}-1", "Deny")


def test_untagging_a_key_takes_access_with_the_next_call(server, account, fresh):
    root, ram = account
    key = root.key()
    of_team = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
               "Condition": {"StringEquals": {"kms:tag/team": fresh}}}
    app = user(server, ram, fresh, of_team)
    refusal(app, "Encrypt", KeyId=key, Plaintext=text64("hello"))
    root("TagResources", RegionId=REGION, ResourceType="key", ResourceId=[key], Tag=[{"Key": "team", "Value": fresh}])
    app.encrypt(key, text64("hello"))
    root("UntagResources", RegionId=REGION, ResourceType="key", ResourceId=[key], TagKey=["team"])
    refusal(app, "Encrypt", KeyId=key, Plaintext=text64("hello"))


def test_a_secret_needs_its_key_as_well(server, account, fresh):
    root, ram = account
    key = root.key()
    root("CreateSecret", SecretName=fresh, VersionId="1", SecretData="s", EncryptionKeyId=key)
    reader = user(server, ram, fresh, "AliyunKMSSecretUserAccess")
    assert refusal(reader, "GetSecretValue", SecretName=fresh).denied["AuthAction"] == "kms:Decrypt"
    ram("AttachPolicyToUser", PolicyType="System", PolicyName="AliyunKMSCryptoUserAccess", UserName=fresh)
    assert reader("GetSecretValue", SecretName=fresh)["SecretData"] == "s"


def test_a_disabled_access_key_and_a_deleted_one_are_refused(server, account, fresh):
    root, ram = account
    key = root.key()
    app = user(server, ram, fresh, "AliyunKMSCryptoUserAccess")
    app.encrypt(key, text64("hello"))
    named = {"UserName": fresh}
    [pair] = ram("ListAccessKeys", **named)["AccessKeys"]["AccessKey"]
    named["UserAccessKeyId"] = pair["AccessKeyId"]
    ram("UpdateAccessKey", Status="Inactive", **named)
    app.refuses("InvalidAccessKeyId.Inactive", 400, "Encrypt", KeyId=key, Plaintext=text64("hello"))
    ram("UpdateAccessKey", Status="Active", **named)
    app.encrypt(key, text64("hello"))
    ram("DeleteAccessKey", **named)
    app.refuses("InvalidAccessKeyId.NotFound", 404, "Encrypt", KeyId=key, Plaintext=text64("hello"))


def test_a_key_policy_grants_to_whom_it_names(server, account, fresh):
    root, ram = account
    app = user(server, ram, fresh)
    key = root.key()
    owner = root.describe(key)["Arn"].split(":")[3]
    statements = [
        {"Effect": "Allow", "Principal": {"RAM": [f"acs:ram::{owner}:*"]}, "Action": ["kms:*"], "Resource": ["*"]},
        {"Effect": "Allow", "Principal": {"RAM": [f"acs:ram::{owner}:user/{fresh}"]}, "Action": ["kms:Encrypt"],
         "Resource": ["*"]},
    ]
    refusal(app, "Encrypt", KeyId=key, Plaintext=text64("hello"))
    root("SetKeyPolicy", KeyId=key, Policy=json.dumps({"Version": "1", "Statement": statements}))
    blob = app.encrypt(key, text64("hello"))
    refusal(app, "Decrypt", CiphertextBlob=blob)
