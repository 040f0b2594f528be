"""Operations that only the newest client has: message authentication, challenges, recipients."""

import base64

import pytest

from harness.kms import text64


@pytest.fixture
def newest(kms):
    if kms.is_legacy:
        pytest.skip("the legacy SDK does not have these operations")
    return kms


@pytest.mark.parametrize("spec", ["HMAC_SHA_224", "HMAC_SHA_256", "HMAC_SHA_384", "HMAC_SHA_512", "HMAC_SM3"])
def test_a_message_is_authenticated(newest, spec):
    call = {"KeyId": newest.key(KeySpec=spec), "Algorithm": spec, "Message": text64("message")}
    made = newest("GenerateMac", **call)
    assert (made["KeyId"], made["Algorithm"]) == (call["KeyId"], spec)
    assert newest("VerifyMac", Mac=made["Mac"], **call)["Value"] is True
    assert newest("VerifyMac", Mac=made["Mac"], **{**call, "Message": text64("massage")})["Value"] is False
    newest.refuses("Rejected.UnsupportedOperation", 400, "GenerateMac", **{**call, "KeyId": newest.key()})


def test_a_challenge_is_fresh(newest):
    one, other = newest("GetChallenge"), newest("GetChallenge")
    assert len(base64.b64decode(one["Nonce"])) == 32 and one["ChallengeToken"]
    assert one["Nonce"] != other["Nonce"]


def test_a_recipient_is_refused(newest):
    blob = newest.encrypt(newest.key(), "aGk=")
    newest.refuses("UnsupportedOperation", 400, "Decrypt", CiphertextBlob=blob, Recipient="{}")


def test_an_unknown_managed_data_key_is_not_found(newest):
    for operation in ("GetManagedDataKey", "ListManagedDataKeyVersions"):
        newest.refuses("Forbidden.ResourceNotFound", 404, operation, DataKeyName="none")
