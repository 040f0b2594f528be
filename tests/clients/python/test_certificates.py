"""The certificate operations of the older SDK, which the newer one sends with its generic request."""

import base64
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from harness.certificates import issued
from harness.kms import text64

MESSAGE = b"what is signed"
DIGEST = hashlib.sha256(MESSAGE).digest()
PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
SIGNING = [
    ("EC_P256", "ECDSA_SHA_256", (ec.ECDSA(Prehashed(hashes.SHA256())),)),
    ("RSA_2048", "RSA_PSS_SHA_256", (PSS, Prehashed(hashes.SHA256()))),
    ("RSA_2048", "RSA_PKCS1_SHA_256", (padding.PKCS1v15(), Prehashed(hashes.SHA256()))),
]
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def b64(data):
    return base64.b64encode(data).decode()


def make(kms, spec, **parameters):
    """The parameter that names a new certificate which waits for its upload, and its signing request."""
    made = kms("CreateCertificate", Subject="CN=app,OU=kms,O=example,C=CN", KeySpec=spec, **parameters)
    assert made["Arn"].endswith(f":certificate/{made['CertificateId']}")
    return {"CertificateId": made["CertificateId"]}, made["Csr"]


def upload(kms, spec):
    """The parameter that names a usable certificate, and the certificate."""
    named, csr = make(kms, spec)
    certificate, chain = issued(csr)
    kms("UploadCertificate", Certificate=certificate, CertificateChain=chain, **named)
    return named, x509.load_pem_x509_certificate(certificate.encode())


def test_a_certificate_is_requested_uploaded_described_and_deleted(kms):
    named, csr = make(kms, "EC_P256", SubjectAlternativeNames='["app.example.com"]')
    request = x509.load_pem_x509_csr(csr.encode())
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["app.example.com"]
    assert kms("DescribeCertificate", **named)["Status"] == "PENDING"
    assert not kms("GetCertificate", **named).get("Certificate")
    certificate, chain = issued(csr)
    kms("UploadCertificate", Certificate=certificate, CertificateChain=chain, **named)
    kept = kms("GetCertificate", **named)
    assert (kept["Certificate"].strip(), kept["CertificateChain"].strip()) == (certificate.strip(), chain.strip())
    described = kms("DescribeCertificate", **named)
    serial = x509.load_pem_x509_certificate(certificate.encode()).serial_number
    assert (described["Status"], int(described["Serial"], 16)) == ("ACTIVE", serial)
    assert described["KeySpec"] == "EC_P256"
    kms("DeleteCertificate", **named)
    kms.refuses("Certificate.NotFound", 404, "DescribeCertificate", **named)


@pytest.mark.parametrize("spec, algorithm, how", SIGNING, ids=lambda value: value if isinstance(value, str) else "")
def test_a_certificate_signs_and_verifies(kms, spec, algorithm, how):
    named, certificate = upload(kms, spec)
    for message, kind in ((MESSAGE, "RAW"), (DIGEST, "DIGEST")):
        call = {"Algorithm": algorithm, "Message": b64(message), "MessageType": kind, **named}
        value = kms("CertificatePrivateKeySign", **call)["SignatureValue"]
        certificate.public_key().verify(base64.b64decode(value), DIGEST, *how)
        assert kms("CertificatePublicKeyVerify", SignatureValue=value, **call)["SignatureValid"] is True
        other = {**call, "Message": b64(hashlib.sha256(b"other").digest())}
        assert kms("CertificatePublicKeyVerify", SignatureValue=value, **other)["SignatureValid"] is False


@pytest.mark.parametrize("algorithm, digest", [("RSAES_OAEP_SHA_256", hashes.SHA256()), ("RSAES_OAEP_SHA_1", hashes.SHA1())])
def test_a_certificate_encrypts_and_decrypts(kms, algorithm, digest):
    named, certificate = upload(kms, "RSA_2048")
    call = {"Algorithm": algorithm, **named}
    blob = kms("CertificatePublicKeyEncrypt", Plaintext=text64("hello"), **call)["CiphertextBlob"]
    elsewhere = certificate.public_key().encrypt(b"hello", padding.OAEP(padding.MGF1(digest), digest, None))
    for ciphertext in (blob, b64(elsewhere)):
        assert kms("CertificatePrivateKeyDecrypt", CiphertextBlob=ciphertext, **call)["Plaintext"] == text64("hello")
    kms.refuses("InvalidParameter", 400, "CertificatePrivateKeyDecrypt", CiphertextBlob=b64(b"x" * 256), **call)


def test_a_status_decides_what_a_certificate_is_good_for(kms):
    named, _ = upload(kms, "EC_P256")
    call = {"Algorithm": "ECDSA_SHA_256", "Message": text64("message"), **named}
    value = kms("CertificatePrivateKeySign", **call)["SignatureValue"]
    kms("UpdateCertificateStatus", Status="INACTIVE", **named)
    kms.refuses("InvalidParameter", 400, "CertificatePrivateKeySign", **call)
    kms("UpdateCertificateStatus", Status="ACTIVE", **named)
    kms("UpdateCertificateStatus", Status="REVOKED", **named)
    kms.refuses("InvalidParameter", 400, "CertificatePrivateKeySign", **call)
    assert kms("CertificatePublicKeyVerify", SignatureValue=value, **call)["SignatureValid"] is True
    kms.refuses("InvalidParameter", 400, "UpdateCertificateStatus", Status="ACTIVE", **named)


def test_what_cannot_be_is_refused(kms):
    kms.refuses("InvalidParameter", 400, "CreateCertificate", Subject="nobody", KeySpec="EC_P256")
    kms.refuses("InvalidParameter", 400, "CreateCertificate", Subject="CN=a,OU=b,O=c,C=CN", KeySpec="RSA_4096")
    named, csr = make(kms, "EC_P256")
    stranger, _ = issued(make(kms, "EC_P256")[1])
    kms.refuses("InvalidParameter", 400, "UploadCertificate", Certificate=stranger, **named)
    kms.refuses("InvalidParameter", 400, "UploadCertificate", Certificate=csr, **named)
    kms.refuses("InvalidParameter", 400, "UpdateCertificateStatus", Status="ACTIVE", **named)
    signing = {"Algorithm": "ECDSA_SHA_256", "Message": text64("m")}
    kms.refuses("InvalidParameter", 400, "CertificatePrivateKeySign", **signing, **named)
    encrypting = {"Algorithm": "RSAES_OAEP_SHA_256"}
    for operation, parameters in {
        "UploadCertificate": {"Certificate": stranger},
        "DescribeCertificate": {},
        "GetCertificate": {},
        "DeleteCertificate": {},
        "UpdateCertificateStatus": {"Status": "INACTIVE"},
        "CertificatePrivateKeySign": signing,
        "CertificatePublicKeyVerify": {**signing, "SignatureValue": "AAAA"},
        "CertificatePublicKeyEncrypt": {**encrypting, "Plaintext": text64("m")},
        "CertificatePrivateKeyDecrypt": {**encrypting, "CiphertextBlob": "AAAA"},
    }.items():
        kms.refuses("Certificate.NotFound", 404, operation, CertificateId=UNKNOWN, **parameters)
