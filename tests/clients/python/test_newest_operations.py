"""Operations that only the kms client has: message authentication, challenges, recipients."""

import base64

import pytest

from harness.kms import text64


@pytest.mark.parametrize("spec", ["HMAC_SHA_224", "HMAC_SHA_256", "HMAC_SHA_384", "HMAC_SHA_512", "HMAC_SM3"])
def test_a_message_is_authenticated(kms, spec):
    call = {"KeyId": kms.key(KeySpec=spec), "Algorithm": spec, "Message": text64("message")}
    made = kms("GenerateMac", **call)
    assert (made["KeyId"], made["Algorithm"]) == (call["KeyId"], spec)
    assert kms("VerifyMac", Mac=made["Mac"], **call)["Value"] is True
    assert kms("VerifyMac", Mac=made["Mac"], **{**call, "Message": text64("massage")})["Value"] is False
    kms.refuses("Rejected.UnsupportedOperation", 400, "GenerateMac", **{**call, "KeyId": kms.key()})


def test_a_challenge_is_fresh(kms):
    one, other = kms("GetChallenge"), kms("GetChallenge")
    assert len(base64.b64decode(one["Nonce"])) == 32 and one["ChallengeToken"]
    assert one["Nonce"] != other["Nonce"]


def test_a_recipient_is_refused(kms):
    if kms.is_legacy:
        pytest.skip("the legacy SDK does not know the parameter")
    blob = kms.encrypt(kms.key(), "aGk=")
    kms.refuses("UnsupportedOperation", 400, "Decrypt", CiphertextBlob=blob, Recipient="{}")


def test_a_managed_data_key_is_read(kms):
    one = kms("GetManagedDataKey", DataKeyName="app")
    assert len(base64.b64decode(one["Plaintext"])) == 32
    version = one["DataKeyVersionId"]
    again = kms("GetManagedDataKey", DataKeyName="app", DataKeyVersionId=version)
    assert (again["Plaintext"], again["DataKeyVersionId"]) == (one["Plaintext"], version)


def test_an_unknown_managed_data_key_is_not_found(kms):
    for operation in ("GetManagedDataKey", "ListManagedDataKeyVersions"):
        kms.refuses("Forbidden.ResourceNotFound", 404, operation, DataKeyName="none")
