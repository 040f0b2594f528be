"""Key versions, rotation policies, imported material, key policies and certificates, as the official clients see them."""

import base64
import datetime
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from harness.kms import text64


def test_a_new_version_encrypts_and_the_old_one_still_decrypts(kms):
    key = kms.key()
    old = kms.encrypt(key, text64("before"))
    made = kms("CreateKeyVersion", KeyId=key)["KeyVersion"]
    assert kms.describe(key)["PrimaryKeyVersion"] == made["KeyVersionId"]
    assert kms("DescribeKeyVersion", KeyId=key, KeyVersionId=made["KeyVersionId"])["KeyVersion"] == made
    assert kms("ListKeyVersions", KeyId=key, PageNumber=1, PageSize=10)["TotalCount"] == 2
    assert kms.decrypt(old) == text64("before")
    assert kms.decrypt(kms.encrypt(key, text64("after"))) == text64("after")


def test_a_rotation_policy_is_set_and_taken_back(kms):
    key = kms.key()
    kms("UpdateRotationPolicy", KeyId=key, EnableAutomaticRotation=True, RotationInterval="30d")
    described = kms.describe(key)
    assert (described["AutomaticRotation"], described["RotationInterval"]) == ("Enabled", "2592000s")
    kms("UpdateRotationPolicy", KeyId=key, EnableAutomaticRotation=False)
    assert kms.describe(key)["AutomaticRotation"] == "Disabled"


def test_material_is_imported_used_and_deleted(kms):
    key = kms.key(Origin="EXTERNAL")
    call = {"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    offer = kms("GetParametersForImport", **call)
    public = serialization.load_der_public_key(base64.b64decode(offer["PublicKey"]))
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)

    def send(material):
        wrapped = base64.b64encode(public.encrypt(material, oaep)).decode()
        return {
            "KeyId": key, "EncryptedKeyMaterial": wrapped, "ImportToken": offer["ImportToken"],
            "KeyMaterialExpireUnix": 0,
        }

    kms("ImportKeyMaterial", **send(b"m" * 32))
    assert kms.state(key) == "Enabled"
    blob = kms.encrypt(key, text64("imported"))
    kms("DeleteKeyMaterial", KeyId=key)
    kms.refuses("Rejected.PendingImport", 409, "Decrypt", CiphertextBlob=blob)
    kms.refuses("InvalidKeyMaterial", 400, "ImportKeyMaterial", **send(b"x" * 32))
    kms("ImportKeyMaterial", **send(b"m" * 32))
    assert kms.decrypt(blob) == text64("imported")


@pytest.fixture
def legacy(kms):
    if not kms.is_legacy:
        pytest.skip("the newest SDK does not have the certificate operations")
    return kms


def issued(csr_pem):
    """A certificate for the request, and the certificate of the authority that issued it."""
    csr = x509.load_pem_x509_csr(csr_pem.encode())
    authority = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)

    def certificate(subject, key, is_authority):
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(
            now + datetime.timedelta(days=30))
        builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        return builder.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    return certificate(csr.subject, csr.public_key(), False), certificate(name, authority.public_key(), True)


def test_a_certificate_signs_and_verifies(legacy):
    made = legacy("CreateCertificate", Subject="CN=app,OU=kms,O=example,C=CN", KeySpec="EC_P256")
    named = {"CertificateId": made["CertificateId"]}
    certificate, chain = issued(made["Csr"])
    legacy("UploadCertificate", Certificate=certificate, CertificateChain=chain, **named)
    assert legacy("DescribeCertificate", **named)["Status"] == "ACTIVE"
    assert legacy("GetCertificate", **named)["Csr"] == made["Csr"]
    call = {"Algorithm": "ECDSA_SHA_256", "Message": text64("message"), "MessageType": "RAW", **named}
    value = legacy("CertificatePrivateKeySign", **call)["SignatureValue"]
    public = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    public.verify(base64.b64decode(value), b"message", ec.ECDSA(hashes.SHA256()))
    assert legacy("CertificatePublicKeyVerify", SignatureValue=value, **call)["SignatureValid"] is True
    legacy("UpdateCertificateStatus", Status="REVOKED", **named)
    legacy.refuses("InvalidParameter", 400, "CertificatePrivateKeySign", **call)
    legacy("DeleteCertificate", **named)
    legacy.refuses("Certificate.NotFound", 404, "DescribeCertificate", **named)


def test_a_certificate_encrypts_and_decrypts(legacy):
    made = legacy("CreateCertificate", Subject="CN=app,OU=kms,O=example,C=CN", KeySpec="RSA_2048")
    named = {"CertificateId": made["CertificateId"]}
    certificate, chain = issued(made["Csr"])
    legacy("UploadCertificate", Certificate=certificate, CertificateChain=chain, **named)
    call = {"Algorithm": "RSAES_OAEP_SHA_256", **named}
    blob = legacy("CertificatePublicKeyEncrypt", Plaintext=text64("hello"), **call)["CiphertextBlob"]
    assert legacy("CertificatePrivateKeyDecrypt", CiphertextBlob=blob, **call)["Plaintext"] == text64("hello")


def test_a_key_policy_is_kept(kms):
    key = kms.key()
    policy = json.loads(kms("GetKeyPolicy", KeyId=key)["Policy"])
    assert policy["Version"] == "1" and policy["Statement"]
    kms("SetKeyPolicy", KeyId=key, Policy=json.dumps(policy))
    assert json.loads(kms("GetKeyPolicy", KeyId=key)["Policy"]) == policy
    kms.refuses("InvalidParameter", 400, "SetKeyPolicy", KeyId=key, Policy="{}")
