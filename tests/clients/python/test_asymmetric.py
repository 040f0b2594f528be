"""Asymmetric and HMAC keys: what the service makes, an independent implementation accepts, and the other way round."""

import base64
import hashlib
import os

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from harness.kms import text64

MESSAGE = b"what is signed"
DIGEST = hashlib.sha256(MESSAGE).digest()
PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
OAEP = {
    "RSAES_OAEP_SHA_256": padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None),
    "RSAES_OAEP_SHA_1": padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),
}
SIGNING = [
    ("RSA_2048", "RSA_PSS_SHA_256", (PSS, Prehashed(hashes.SHA256()))),
    ("RSA_2048", "RSA_PKCS1_SHA_256", (padding.PKCS1v15(), Prehashed(hashes.SHA256()))),
    ("RSA_3072", "RSA_PSS_SHA_256", (PSS, Prehashed(hashes.SHA256()))),
    ("EC_P256", "ECDSA_SHA_256", (ec.ECDSA(Prehashed(hashes.SHA256())),)),
    ("EC_P256K", "ECDSA_SHA_256", (ec.ECDSA(Prehashed(hashes.SHA256())),)),
]


def b64(data):
    return base64.b64encode(data).decode()


def unb64(text):
    return base64.b64decode(text, validate=True)


def pair(kms, spec, usage):
    """The parameters that name an asymmetric key and its version, and its public key."""
    key = kms.key(KeySpec=spec, KeyUsage=usage)
    version = kms("ListKeyVersions", KeyId=key)["KeyVersions"]["KeyVersion"][0]["KeyVersionId"]
    named = {"KeyId": key, "KeyVersionId": version}
    answer = kms("GetPublicKey", **named)
    assert (answer["KeyId"], answer["KeyVersionId"]) == (key, version)
    return named, answer["PublicKey"]


@pytest.mark.parametrize("spec, algorithm, how", SIGNING, ids=lambda value: value if isinstance(value, str) else "")
def test_a_signature_is_accepted_elsewhere_and_by_the_service(kms, spec, algorithm, how):
    named, pem = pair(kms, spec, "SIGN/VERIFY")
    signed = kms("AsymmetricSign", Algorithm=algorithm, Digest=b64(DIGEST), **named)
    assert (signed["KeyId"], signed["KeyVersionId"]) == (named["KeyId"], named["KeyVersionId"])
    public = serialization.load_pem_public_key(pem.encode())
    public.verify(unb64(signed["Value"]), DIGEST, *how)
    with pytest.raises(InvalidSignature):
        public.verify(unb64(signed["Value"]), hashlib.sha256(b"other").digest(), *how)

    def verify(value, digest=DIGEST):
        answer = kms("AsymmetricVerify", Algorithm=algorithm, Digest=b64(digest), Value=value, **named)
        return answer["Value"]

    assert verify(signed["Value"]) is True
    assert verify(signed["Value"], hashlib.sha256(b"other").digest()) is False
    assert verify(b64(b"no signature")) is False


def private_key(spec):
    """A key made elsewhere."""
    if spec.startswith("RSA_"):
        return rsa.generate_private_key(65537, int(spec[len("RSA_"):]))
    return ec.generate_private_key(ec.SECP256R1() if spec == "EC_P256" else ec.SECP256K1())


def imported(kms, spec, usage, private):
    """The parameters that name a key of the service with the material of one that was made elsewhere."""
    key, algorithm = kms.key(KeySpec=spec, KeyUsage=usage, Origin="EXTERNAL"), "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD"
    offer = kms("GetParametersForImport", KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048")
    pkcs8 = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    ephemeral, padder = os.urandom(32), PKCS7(128).padder()
    cipher = Cipher(algorithms.AES(ephemeral), modes.ECB()).encryptor()
    wrapping = serialization.load_der_public_key(unb64(offer["PublicKey"]))
    wrapped = wrapping.encrypt(ephemeral, OAEP["RSAES_OAEP_SHA_256"])
    wrapped += cipher.update(padder.update(pkcs8) + padder.finalize()) + cipher.finalize()
    kms(
        "ImportKeyMaterial", KeyId=key, EncryptedKeyMaterial=b64(wrapped), ImportToken=offer["ImportToken"],
        KeyMaterialExpireUnix=0,
    )
    version = kms("ListKeyVersions", KeyId=key)["KeyVersions"]["KeyVersion"][0]["KeyVersionId"]
    return {"KeyId": key, "KeyVersionId": version}


@pytest.mark.parametrize("spec, algorithm, how", SIGNING, ids=lambda value: value if isinstance(value, str) else "")
def test_a_signature_made_elsewhere_is_accepted(kms, spec, algorithm, how):
    private = private_key(spec)
    named = imported(kms, spec, "SIGN/VERIFY", private)
    public = serialization.load_pem_public_key(kms("GetPublicKey", **named)["PublicKey"].encode())
    assert public.public_numbers() == private.public_key().public_numbers()
    value = b64(private.sign(DIGEST, *how))
    for digest, accepted in ((DIGEST, True), (hashlib.sha256(b"other").digest(), False)):
        call = {"Algorithm": algorithm, "Digest": b64(digest), "Value": value, **named}
        assert kms("AsymmetricVerify", **call)["Value"] is accepted


@pytest.mark.parametrize("algorithm", OAEP)
@pytest.mark.parametrize("spec", ["RSA_2048", "RSA_3072"])
def test_what_the_service_encrypts_decrypts_elsewhere(kms, spec, algorithm):
    private = private_key(spec)
    named = imported(kms, spec, "ENCRYPT/DECRYPT", private)
    blob = kms("AsymmetricEncrypt", Algorithm=algorithm, Plaintext=text64("secret"), **named)["CiphertextBlob"]
    assert private.decrypt(unb64(blob), OAEP[algorithm]) == b"secret"


def test_sm2_signs_and_verifies(kms):
    named, pem = pair(kms, "EC_SM2", "SIGN/VERIFY")
    assert pem.startswith("-----BEGIN PUBLIC KEY-----\n")
    signed = kms("AsymmetricSign", Algorithm="SM2DSA", Digest=b64(DIGEST), **named)
    assert kms("AsymmetricVerify", Algorithm="SM2DSA", Digest=b64(DIGEST), Value=signed["Value"], **named)["Value"] is True


@pytest.mark.parametrize("algorithm", OAEP)
def test_what_is_encrypted_elsewhere_decrypts(kms, algorithm):
    named, pem = pair(kms, "RSA_2048", "ENCRYPT/DECRYPT")
    public = serialization.load_pem_public_key(pem.encode())
    blob = b64(public.encrypt(b"secret", OAEP[algorithm]))
    assert kms("AsymmetricDecrypt", Algorithm=algorithm, CiphertextBlob=blob, **named)["Plaintext"] == text64("secret")
    other = "RSAES_OAEP_SHA_1" if algorithm == "RSAES_OAEP_SHA_256" else "RSAES_OAEP_SHA_256"
    kms.refuses("InvalidParameter", 400, "AsymmetricDecrypt", Algorithm=other, CiphertextBlob=blob, **named)


@pytest.mark.parametrize("spec, algorithm", [
    ("RSA_2048", "RSAES_OAEP_SHA_256"), ("EC_P256", "ECIES_DH_SHA_1_XOR_HMAC"), ("EC_SM2", "SM2PKE"),
])
def test_what_the_service_encrypts_it_decrypts(kms, spec, algorithm):
    named, _ = pair(kms, spec, "ENCRYPT/DECRYPT")
    blob = kms("AsymmetricEncrypt", Algorithm=algorithm, Plaintext=text64("secret"), **named)["CiphertextBlob"]
    opened = kms("AsymmetricDecrypt", Algorithm=algorithm, CiphertextBlob=blob, **named)
    assert opened["Plaintext"] == text64("secret")


def test_a_ciphertext_moves_from_an_asymmetric_key(kms):
    named, pem = pair(kms, "RSA_2048", "ENCRYPT/DECRYPT")
    public = serialization.load_pem_public_key(pem.encode())
    blob = b64(public.encrypt(b"a raw data key", OAEP["RSAES_OAEP_SHA_256"]))
    moved = kms(
        "ReEncrypt", CiphertextBlob=blob, SourceKeyId=named["KeyId"], SourceKeyVersionId=named["KeyVersionId"],
        SourceEncryptionAlgorithm="RSAES_OAEP_SHA_256", DestinationKeyId=kms.key(),
    )
    assert (moved["KeyId"], moved["KeyVersionId"]) == (named["KeyId"], named["KeyVersionId"])
    assert kms.decrypt(moved["CiphertextBlob"]) == text64("a raw data key")


def test_a_data_key_is_exported_to_its_owner(kms):
    key = kms.key()
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    spki = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    wrapping = {"PublicKeyBlob": b64(spki), "WrappingKeySpec": "RSA_2048", "WrappingAlgorithm": "RSAES_OAEP_SHA_256"}
    made = kms("GenerateAndExportDataKey", KeyId=key, KeySpec="AES_256", **wrapping)
    raw = private.decrypt(unb64(made["ExportedDataKey"]), OAEP["RSAES_OAEP_SHA_256"])
    assert len(raw) == 32 and kms.decrypt(made["CiphertextBlob"]) == b64(raw)
    again = kms("ExportDataKey", CiphertextBlob=made["CiphertextBlob"], **wrapping)
    assert private.decrypt(unb64(again["ExportedDataKey"]), OAEP["RSAES_OAEP_SHA_256"]) == raw
    wrapping["WrappingAlgorithm"] = "SM2PKE"
    kms.refuses("InvalidParameter", 400, "ExportDataKey", CiphertextBlob=made["CiphertextBlob"], **wrapping)


def test_keys_versions_and_algorithms_are_checked(kms):
    named, _ = pair(kms, "EC_P256", "SIGN/VERIFY")
    call = {"Algorithm": "ECDSA_SHA_256", "Digest": b64(DIGEST), **named}
    for change, code, status in [
        ({"KeyVersionId": "none"}, "Forbidden.KeyVersionNotFound", 404),
        ({"KeyId": "alias/none"}, "Forbidden.AliasNotFound", 404),
        ({"KeyId": kms.key(), "KeyVersionId": "none"}, "Forbidden.KeyVersionNotFound", 404),
        ({"Digest": "AAAA"}, "InvalidParameter", 400),
        ({"Algorithm": "SM2DSA"}, "InvalidParameter", 400),
        ({"DryRun": "true"}, "DryRunOperationError", 400),
    ]:
        kms.refuses(code, status, "AsymmetricSign", **{**call, **change})
    plaintext = {"Algorithm": "ECIES_DH_SHA_1_XOR_HMAC", "Plaintext": text64("x"), **named}
    kms.refuses("Rejected.UnsupportedOperation", 400, "AsymmetricEncrypt", **plaintext)
    kms("DisableKey", KeyId=named["KeyId"])
    kms.refuses("Rejected.Disabled", 409, "AsymmetricSign", **call)
    kms.refuses("Rejected.Disabled", 409, "GetPublicKey", **named)
