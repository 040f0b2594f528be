"""Each client, over each scheme and in each way of signing, drives every operation once, successfully and not, and is
understood."""

import base64
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from harness.certificates import issued
from harness.kms import tag_list, tags_json, text64
from harness.operations import ALSO_BUILT, DRIVEN, WITHOUT_REQUIRED_PARAMETERS, to_drive
from harness.server import REGION

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def b64(data):
    return base64.b64encode(data).decode()


def test_every_operation_works(any_kms, fresh):
    done = set()

    def kms(operation, **parameters):
        answer = any_kms(operation, **parameters)
        done.add(operation)
        return answer

    assert {"RegionId": REGION} in kms("DescribeRegions")["Regions"]["Region"]
    assert kms("DescribeAccountKmsStatus")["AccountStatus"] == "Enabled"
    any_kms.refuses("Forbidden.Opened", 400, "OpenKmsService")  # the account is open from the start
    done.add("OpenKmsService")

    metadata = kms("CreateKey", Description="first", Tags=tags_json(made="here"))["KeyMetadata"]
    key, arn, version = metadata["KeyId"], metadata["Arn"], metadata["PrimaryKeyVersion"]
    other = any_kms.key()
    kms("UpdateKeyDescription", KeyId=key, Description="second")
    assert kms("DescribeKey", KeyId=key)["KeyMetadata"]["Description"] == "second"
    listed = kms("ListKeys", Filters=f'[{{"Key":"keyId","Values":["{key}"]}}]', PageNumber=1, PageSize=10)
    assert listed["Keys"]["Key"] == [{"KeyId": key, "KeyArn": arn}]

    kms("CreateAlias", AliasName=f"alias/{fresh}", KeyId=other)
    kms("UpdateAlias", AliasName=f"alias/{fresh}", KeyId=key)
    alias = {"AliasName": f"alias/{fresh}", "AliasArn": arn.replace(f"key/{key}", f"alias/{fresh}"), "KeyId": key}
    assert kms("ListAliasesByKeyId", KeyId=key)["Aliases"]["Alias"] == [alias]
    assert kms("ListAliases", PageSize=100)["TotalCount"] >= 1

    encrypted = kms("Encrypt", KeyId=f"alias/{fresh}", Plaintext=text64("hello"), EncryptionContext={"for": "you"})
    assert (encrypted["KeyId"], encrypted["KeyVersionId"]) == (key, version)
    opened = kms("Decrypt", CiphertextBlob=encrypted["CiphertextBlob"], EncryptionContext={"for": "you"})
    assert (opened["KeyId"], opened["KeyVersionId"], opened["Plaintext"]) == (key, version, text64("hello"))
    moved = kms(
        "ReEncrypt", CiphertextBlob=encrypted["CiphertextBlob"], SourceEncryptionContext={"for": "you"},
        DestinationKeyId=other,
    )
    assert any_kms.decrypt(moved["CiphertextBlob"]) == text64("hello")
    data_key = kms("GenerateDataKey", KeyId=key, KeySpec="AES_256")
    assert any_kms.decrypt(data_key["CiphertextBlob"]) == data_key["Plaintext"]
    assert kms("GenerateDataKeyWithoutPlaintext", KeyId=key)["CiphertextBlob"]

    kms("TagResource", KeyId=key, Tags=tags_json(one="1"))
    kms("UntagResource", KeyId=key, TagKeys='["one"]')
    kms("TagResources", RegionId=REGION, ResourceType="key", ResourceId=[key, other], Tag=tag_list(two="2"))
    rows = kms("ListTagResources", RegionId=REGION, ResourceType="key", ResourceId=[key])
    assert rows["TagResources"]["TagResource"] == [
        {"ResourceId": key, "ResourceType": "key", "TagKey": "made", "TagValue": "here"},
        {"ResourceId": key, "ResourceType": "key", "TagKey": "two", "TagValue": "2"},
    ]
    kms("UntagResources", RegionId=REGION, ResourceType="key", ResourceId=[key, other], TagKey=["two"])
    assert kms("ListResourceTags", KeyId=key)["Tags"]["Tag"] == [{"KeyId": key, "TagKey": "made", "TagValue": "here"}]

    kms("DisableKey", KeyId=key)
    kms("EnableKey", KeyId=key)
    kms("SetDeletionProtection", ProtectedResourceArn=arn, EnableDeletionProtection=True)
    kms("SetDeletionProtection", ProtectedResourceArn=arn, EnableDeletionProtection=False)
    kms("ScheduleKeyDeletion", KeyId=key, PendingWindowInDays=30)
    kms("CancelKeyDeletion", KeyId=key)
    kms("DeleteAlias", AliasName=f"alias/{fresh}")
    assert any_kms.state(key) == "Enabled"

    asymmetric_keys_and_messages(any_kms, kms)
    exported_and_managed_data_keys(any_kms, kms)
    versions_material_and_policies(any_kms, kms)
    certificates(kms)
    secrets(kms, fresh)
    assert done == to_drive(any_kms)


def asymmetric_keys_and_messages(any_kms, kms):
    signer = any_kms.key(KeySpec="EC_P256")
    version = kms("ListKeyVersions", KeyId=signer)["KeyVersions"]["KeyVersion"][0]
    assert kms("DescribeKeyVersion", KeyId=signer, KeyVersionId=version["KeyVersionId"])["KeyVersion"] == version
    named = {"KeyId": signer, "KeyVersionId": version["KeyVersionId"]}
    public = serialization.load_pem_public_key(kms("GetPublicKey", **named)["PublicKey"].encode())
    call = {"Algorithm": "ECDSA_SHA_256", "Digest": b64(b"d" * 32), **named}
    value = kms("AsymmetricSign", **call)["Value"]
    public.verify(base64.b64decode(value), b"d" * 32, ec.ECDSA(Prehashed(hashes.SHA256())))
    assert kms("AsymmetricVerify", Value=value, **call)["Value"] is True

    cipher = any_kms.key(KeySpec="EC_SM2", KeyUsage="ENCRYPT/DECRYPT")
    version = any_kms("ListKeyVersions", KeyId=cipher)["KeyVersions"]["KeyVersion"][0]["KeyVersionId"]
    call = {"KeyId": cipher, "KeyVersionId": version, "Algorithm": "SM2PKE"}
    blob = kms("AsymmetricEncrypt", Plaintext=text64("hello"), **call)["CiphertextBlob"]
    assert kms("AsymmetricDecrypt", CiphertextBlob=blob, **call)["Plaintext"] == text64("hello")

    call = {"KeyId": any_kms.key(KeySpec="HMAC_SM3"), "Algorithm": "HMAC_SM3", "Message": text64("message")}
    assert kms("VerifyMac", Mac=kms("GenerateMac", **call)["Mac"], **call)["Value"] is True
    assert kms("GetChallenge")["ChallengeToken"]


def exported_and_managed_data_keys(any_kms, kms):
    key, receiver = any_kms.key(), rsa.generate_private_key(65537, 2048)
    public = receiver.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    wrapping = {
        "PublicKeyBlob": b64(public), "WrappingKeySpec": "RSA_2048", "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
    }
    made = kms("GenerateAndExportDataKey", KeyId=key, NumberOfBytes=24, **wrapping)
    exported = kms("ExportDataKey", CiphertextBlob=made["CiphertextBlob"], **wrapping)
    for answer in (made, exported):
        data_key = receiver.decrypt(base64.b64decode(answer["ExportedDataKey"]), OAEP)
        assert len(data_key) == 24 and any_kms.decrypt(made["CiphertextBlob"]) == b64(data_key)
    assert any_kms.decrypt(kms("AdvanceEncrypt", KeyId=key, Plaintext=text64("hello"))["CiphertextBlob"]) == text64("hello")

    managed = kms("GetManagedDataKey", DataKeyName="app", UseLatest=True)
    listed = kms("ListManagedDataKeyVersions", DataKeyName="app")
    assert managed["DataKeyVersionId"] in json.dumps(listed)


def versions_material_and_policies(any_kms, kms):
    key = any_kms.key()
    made = kms("CreateKeyVersion", KeyId=key)["KeyVersion"]
    assert any_kms.describe(key)["PrimaryKeyVersion"] == made["KeyVersionId"]
    kms("UpdateRotationPolicy", KeyId=key, EnableAutomaticRotation=True, RotationInterval="30d")
    policy = kms("GetKeyPolicy", KeyId=key)["Policy"]
    kms("SetKeyPolicy", KeyId=key, Policy=policy)

    key = any_kms.key(Origin="EXTERNAL")
    offer = kms(
        "GetParametersForImport", KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
    public = serialization.load_der_public_key(base64.b64decode(offer["PublicKey"]))
    kms(
        "ImportKeyMaterial", KeyId=key, EncryptedKeyMaterial=b64(public.encrypt(b"m" * 32, OAEP)),
        ImportToken=offer["ImportToken"], KeyMaterialExpireUnix=0,
    )
    assert any_kms.state(key) == "Enabled"
    kms("DeleteKeyMaterial", KeyId=key)
    assert any_kms.state(key) == "PendingImport"


def certificates(kms):
    def certificate(spec):
        made = kms("CreateCertificate", Subject="CN=app,OU=kms,O=example,C=CN", KeySpec=spec)
        pem, chain = issued(made["Csr"])
        kms("UploadCertificate", CertificateId=made["CertificateId"], Certificate=pem, CertificateChain=chain)
        return {"CertificateId": made["CertificateId"]}, pem

    named, pem = certificate("EC_P256")
    assert kms("DescribeCertificate", **named)["Status"] == "ACTIVE"
    assert kms("GetCertificate", **named)["Certificate"].strip() == pem.strip()
    call = {"Algorithm": "ECDSA_SHA_256", "Message": text64("message"), "MessageType": "RAW", **named}
    value = kms("CertificatePrivateKeySign", **call)["SignatureValue"]
    public = x509.load_pem_x509_certificate(pem.encode()).public_key()
    public.verify(base64.b64decode(value), b"message", ec.ECDSA(hashes.SHA256()))
    assert kms("CertificatePublicKeyVerify", SignatureValue=value, **call)["SignatureValid"] is True
    kms("UpdateCertificateStatus", Status="INACTIVE", **named)
    kms("DeleteCertificate", **named)

    named, pem = certificate("RSA_2048")
    call = {"Algorithm": "RSAES_OAEP_SHA_256", **named}
    blob = kms("CertificatePublicKeyEncrypt", Plaintext=text64("hello"), **call)["CiphertextBlob"]
    assert kms("CertificatePrivateKeyDecrypt", CiphertextBlob=blob, **call)["Plaintext"] == text64("hello")


def secrets(kms, fresh):
    password = kms("GetRandomPassword", PasswordLength="40", ExcludePunctuation="true")["RandomPassword"]
    assert len(password) == 40 and password.isalnum()
    named = {"SecretName": f"{fresh}/a"}
    made = kms("CreateSecret", VersionId="v1", SecretData=password, Tags=tags_json(team="a"), **named)
    assert (made["SecretName"], made["VersionId"], made["SecretType"]) == (named["SecretName"], "v1", "Generic")
    kms("UpdateSecret", Description="for tests", **named)
    described = kms("DescribeSecret", FetchTags="true", **named)
    assert (described["Arn"], described["Description"]) == (made["Arn"], "for tests")
    assert described["Tags"]["Tag"] == [{"TagKey": "team", "TagValue": "a"}]
    filters = json.dumps([{"Key": "SecretName", "Values": [named["SecretName"]]}])
    listed = kms("ListSecrets", Filters=filters, PageNumber=1, PageSize=10)
    assert [row["SecretName"] for row in listed["SecretList"]["Secret"]] == [named["SecretName"]]

    put = kms("PutSecretValue", VersionId="v2", SecretData="second", VersionStages='["ACSCurrent","mine"]', **named)
    assert put["VersionStages"]["VersionStage"] == ["ACSCurrent", "mine"]
    kms("UpdateSecretVersionStage", VersionStage="mine", MoveToVersion="v1", RemoveFromVersion="v2", **named)
    value = kms("GetSecretValue", VersionStage="mine", **named)
    assert (value["VersionId"], value["SecretData"]) == ("v1", password)
    listed = kms("ListSecretVersionIds", IncludeDeprecated="false", **named)["VersionIds"]["VersionId"]
    assert [(row["VersionId"], row["VersionStages"]["VersionStage"]) for row in listed] == [
        ("v2", ["ACSCurrent"]), ("v1", ["ACSPrevious", "mine"]),
    ]
    batch = kms("BatchGetSecretValue", SecretsList=[named, {"SecretName": f"{fresh}/none"}])
    assert [row["SecretData"] for row in batch["SecretValues"]] == ["second"]
    assert [(row["Code"], row["HttpStatus"]) for row in batch["Errors"]] == [("Forbidden.ResourceNotFound", 404)]
    kms("SetSecretPolicy", Policy=kms("GetSecretPolicy", **named)["Policy"], **named)

    rds = {"SecretName": f"{fresh}/rds"}
    kms(
        "CreateSecret", VersionId="v1", SecretType="Rds", **rds,
        SecretData='{"Accounts":[{"AccountName":"app","AccountPassword":"secret"}]}',
        ExtendedConfig={"SecretSubType": "SingleUser", "DBInstanceId": "rm-not-configured"},
    )
    kms("UpdateSecretRotationPolicy", EnableAutomaticRotation=True, RotationInterval="7d", **rds)
    assert kms("RotateSecret", VersionId="v1", **rds)["VersionId"] == "v1"  # it exists: nothing has to be done

    assert kms("DeleteSecret", RecoveryWindowInDays="7", **named)["PlannedDeleteTime"]
    assert kms("RestoreSecret", **named)["SecretName"] == named["SecretName"]
    for secret in (named, rds):
        kms("DeleteSecret", ForceDeleteWithoutRecovery="true", **secret)


def test_every_operation_says_what_it_misses(any_kms):
    for operation in sorted(to_drive(any_kms) - WITHOUT_REQUIRED_PARAMETERS):
        any_kms.refuses("MissingParameter", 400, operation)


def test_every_operation_of_the_other_products_is_driven_somewhere():
    for product, suites in DRIVEN.items():
        assert set().union(*suites.values()) == ALSO_BUILT[product], product
