"""Key versions, rotation policies, imported material and key policies, as the official clients see them."""

import base64
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

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


def test_a_key_policy_is_kept(kms):
    key = kms.key()
    policy = json.loads(kms("GetKeyPolicy", KeyId=key)["Policy"])
    assert policy["Version"] == "1" and policy["Statement"]
    kms("SetKeyPolicy", KeyId=key, Policy=json.dumps(policy))
    assert json.loads(kms("GetKeyPolicy", KeyId=key)["Policy"]) == policy
    kms.refuses("InvalidParameter", 400, "SetKeyPolicy", KeyId=key, Policy="{}")
