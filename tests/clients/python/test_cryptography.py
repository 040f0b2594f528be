"""Encrypt, Decrypt, ReEncrypt and data keys: what goes in comes out, and nothing else opens."""

import base64

import pytest

from harness.kms import NO_SUCH_KEY, text64

SPECS = ["Aliyun_AES_256", "Aliyun_AES_192", "Aliyun_AES_128", "Aliyun_SM4"]


@pytest.mark.parametrize("spec", SPECS)
def test_every_spec_opens_what_it_closed(kms, spec):
    key = kms.key(KeySpec=spec)
    version = kms.describe(key)["PrimaryKeyVersion"]
    encrypted = kms("Encrypt", KeyId=key, Plaintext=text64("secret"))
    assert (encrypted["KeyId"], encrypted["KeyVersionId"]) == (key, version)
    opened = kms("Decrypt", CiphertextBlob=encrypted["CiphertextBlob"])
    assert (opened["KeyId"], opened["KeyVersionId"], opened["Plaintext"]) == (key, version, text64("secret"))


def test_a_blob_is_version_iv_ciphertext_and_tag(kms):
    key = kms.key()
    plaintext = text64("sixteen bytes ok")
    blob = base64.b64decode(kms.encrypt(key, plaintext), validate=True)
    assert blob[:36].decode("ascii") == kms.describe(key)["PrimaryKeyVersion"]
    assert len(blob) == 36 + 12 + len(plaintext) + 16


def test_the_same_plaintext_never_gives_the_same_blob(kms):
    key = kms.key()
    assert kms.encrypt(key, "aGk=") != kms.encrypt(key, "aGk=")


@pytest.mark.parametrize("plaintext", [
    "plaintext", "a b+c/d=e&f~*!'()", "密钥 🔑", "-----BEGIN KEY-----\nabc\n-----END KEY-----\n", "x",
], ids=ascii)
def test_the_plaintext_is_text_that_comes_back_as_it_was(kms, plaintext):
    key = kms.key()
    assert kms.decrypt(kms.encrypt(key, plaintext)) == plaintext


def test_six_kilobytes_is_the_most_that_is_encrypted(kms):
    key = kms.key()
    most = base64.b64encode(bytes(6144)).decode()
    assert kms.decrypt(kms.encrypt(key, most)) == most
    too_much = base64.b64encode(bytes(6145)).decode()
    kms.refuses("InvalidParameter", 400, "Encrypt", KeyId=key, Plaintext=too_much)
    kms.refuses("InvalidParameter", 400, "Encrypt", KeyId=key, Plaintext="!" * 6145)


def test_a_key_is_used_by_id_arn_and_alias_and_answers_with_its_id(kms, fresh):
    key = kms.key()
    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=key)
    for name in (key, kms.describe(key)["Arn"], f"alias/{fresh}"):
        assert kms("Encrypt", KeyId=name, Plaintext="aGk=")["KeyId"] == key
        assert kms("GenerateDataKey", KeyId=name)["KeyId"] == key
        assert kms("GenerateDataKeyWithoutPlaintext", KeyId=name)["KeyId"] == key


# Encryption context ---------------------------------------------------------------------------


def test_a_blob_opens_only_with_its_context(kms):
    key = kms.key()
    blob = kms.encrypt(key, "aGk=", EncryptionContext={"app": "pay", "环境": "test & more"})
    assert kms.decrypt(blob, EncryptionContext={"环境": "test & more", "app": "pay"}) == "aGk="
    for wrong in ({"app": "pay"}, {"app": "pay", "环境": "Test & more"}, {"app": "pay", "环境": "test & more", "x": ""}):
        kms.refuses("InvalidParameter", 400, "Decrypt", CiphertextBlob=blob, EncryptionContext=wrong)
    kms.refuses("InvalidParameter", 400, "Decrypt", CiphertextBlob=blob)


def test_a_blob_without_context_does_not_open_with_one(kms):
    blob = kms.encrypt(kms.key(), "aGk=")
    kms.refuses("InvalidParameter", 400, "Decrypt", CiphertextBlob=blob, EncryptionContext={"app": "pay"})


def test_an_empty_context_is_as_good_as_none(kms):
    key = kms.key()
    assert kms.decrypt(kms.encrypt(key, "aGk=", EncryptionContext={})) == "aGk="
    assert kms.decrypt(kms.encrypt(key, "aGk="), EncryptionContext={}) == "aGk="


@pytest.mark.parametrize("context", [{"n": 1}, {"n": True}, {"n": {"m": "x"}}, {"n": ["x"]}, {"n": "x" * 8192}],
                         ids=lambda context: str(context)[:20])
def test_a_context_maps_names_to_texts_and_is_not_too_long(kms, context):
    kms.refuses("InvalidParameter", 400, "Encrypt", KeyId=kms.key(), Plaintext="aGk=", EncryptionContext=context)


# Decrypt --------------------------------------------------------------------------------------


def flipped(blob, position):
    raw = bytearray(base64.b64decode(blob))
    raw[position] ^= 1
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize("position", [36, 47, 48, -17, -16, -1])
def test_an_altered_blob_does_not_open(kms, position):
    blob = kms.encrypt(kms.key(), "aGk=")
    kms.refuses("InvalidParameter", 400, "Decrypt", CiphertextBlob=flipped(blob, position))


@pytest.mark.parametrize("blob", [
    "not base64!", text64("short"), base64.b64encode(bytes(100)).decode(), "YWJj=ZGVm",
], ids=["no base64", "too short", "no version id", "base64 in two parts"])
def test_what_is_no_blob_is_refused(kms, blob):
    kms.refuses("InvalidParameter", 400, "Decrypt", CiphertextBlob=blob)
    kms.refuses("InvalidParameter", 400, "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=kms.key())


def test_a_blob_of_a_key_that_is_not_there_names_no_other_secret(kms):
    blob = base64.b64encode(NO_SUCH_KEY.encode() + bytes(12 + 4 + 16)).decode()
    kms.refuses("Forbidden.KeyNotFound", 404, "Decrypt", CiphertextBlob=blob)
    kms.refuses("Forbidden.KeyNotFound", 404, "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=kms.key())


# ReEncrypt ------------------------------------------------------------------------------------


def test_re_encrypt_moves_a_blob_to_another_key_and_context(kms):
    source, destination = kms.key(), kms.key(KeySpec="Aliyun_SM4")
    blob = kms.encrypt(source, "aGk=", EncryptionContext={"from": "a"})
    moved = kms(
        "ReEncrypt", CiphertextBlob=blob, SourceEncryptionContext={"from": "a"},
        DestinationKeyId=destination, DestinationEncryptionContext={"to": "b"},
    )
    # The answer names the key that opened the source; the new blob names its own.
    assert moved["KeyId"] == source
    assert moved["KeyVersionId"] == kms.describe(source)["PrimaryKeyVersion"]
    opened = kms("Decrypt", CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"to": "b"})
    assert (opened["KeyId"], opened["Plaintext"]) == (destination, "aGk=")
    kms.refuses("InvalidParameter", 400, "Decrypt", CiphertextBlob=moved["CiphertextBlob"],
                EncryptionContext={"from": "a"})
    kms.refuses("InvalidParameter", 400, "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=destination)


def test_re_encrypt_to_the_same_key_is_allowed(kms):
    key = kms.key()
    blob = kms.encrypt(key, "aGk=")
    moved = kms("ReEncrypt", CiphertextBlob=blob, DestinationKeyId=key)["CiphertextBlob"]
    assert moved != blob
    assert kms.decrypt(moved) == "aGk="


def test_re_encrypt_needs_a_destination_that_is_there(kms):
    blob = kms.encrypt(kms.key(), "aGk=")
    kms.refuses("MissingParameter", 400, "ReEncrypt", CiphertextBlob=blob)
    kms.refuses("Forbidden.KeyNotFound", 404, "ReEncrypt", CiphertextBlob=blob, DestinationKeyId=NO_SUCH_KEY)


# Data keys ------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked, size", [
    ({}, 32),
    ({"KeySpec": "AES_256"}, 32),
    ({"KeySpec": "AES_128"}, 16),
    ({"NumberOfBytes": 1}, 1),
    ({"NumberOfBytes": 1024}, 1024),
    ({"KeySpec": "AES_128", "NumberOfBytes": 48}, 48),
], ids=str)
def test_a_data_key_has_the_size_asked_for(kms, asked, size):
    key = kms.key()
    made = kms("GenerateDataKey", KeyId=key, EncryptionContext={"app": "pay"}, **asked)
    assert made["KeyId"] == key
    assert made["KeyVersionId"] == kms.describe(key)["PrimaryKeyVersion"]
    assert len(base64.b64decode(made["Plaintext"], validate=True)) == size
    assert kms.decrypt(made["CiphertextBlob"], EncryptionContext={"app": "pay"}) == made["Plaintext"]

    hidden = kms("GenerateDataKeyWithoutPlaintext", KeyId=key, EncryptionContext={"app": "pay"}, **asked)
    assert "Plaintext" not in hidden
    opened = kms.decrypt(hidden["CiphertextBlob"], EncryptionContext={"app": "pay"})
    assert len(base64.b64decode(opened, validate=True)) == size


@pytest.mark.parametrize("asked", [{"KeySpec": "AES_512"}, {"NumberOfBytes": 0}, {"NumberOfBytes": 1025}], ids=str)
@pytest.mark.parametrize("operation", ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"])
def test_a_data_key_of_another_size_is_refused(kms, operation, asked):
    kms.refuses("InvalidParameter", 400, operation, KeyId=kms.key(), **asked)


# Missing parameters and dry runs --------------------------------------------------------------


@pytest.mark.parametrize("operation, missing, parameters", [
    ("Encrypt", "KeyId", {"Plaintext": "aGk="}),
    ("Encrypt", "Plaintext", {"KeyId": NO_SUCH_KEY}),
    ("Decrypt", "CiphertextBlob", {}),
    ("ReEncrypt", "CiphertextBlob", {"DestinationKeyId": NO_SUCH_KEY}),
    ("GenerateDataKey", "KeyId", {}),
    ("GenerateDataKeyWithoutPlaintext", "KeyId", {}),
])
def test_a_missing_parameter_is_named(kms, operation, missing, parameters):
    message = kms.refuses("MissingParameter", 400, operation, **parameters)
    assert message == f'The parameter "{missing}" is needed but not provided.'


def calls(key, blob):
    return {
        "Encrypt": {"KeyId": key, "Plaintext": "aGk="},
        "Decrypt": {"CiphertextBlob": blob},
        "ReEncrypt": {"CiphertextBlob": blob, "DestinationKeyId": key},
        "GenerateDataKey": {"KeyId": key},
        "GenerateDataKeyWithoutPlaintext": {"KeyId": key},
    }


def test_a_dry_run_tells_how_the_call_would_end_and_does_nothing(kms):
    key = kms.key()
    blob = kms.encrypt(key, "aGk=")
    for operation, parameters in calls(key, blob).items():
        kms.refuses("DryRunOperationError", 400, operation, DryRun="true", **parameters)
        assert kms(operation, DryRun="false", **parameters)["KeyId"] == key
        kms.refuses("InvalidParameter", 400, operation, DryRun="perhaps", **parameters)
    kms("DisableKey", KeyId=key)
    for operation, parameters in calls(key, blob).items():
        kms.refuses("ValidationError", 400, operation, DryRun="true", **parameters)
    for operation, parameters in calls(NO_SUCH_KEY, "AAAA").items():
        kms.refuses("ValidationError", 400, operation, DryRun="true", **parameters)
