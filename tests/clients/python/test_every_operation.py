"""Each client, over each scheme and in each way of signing, drives every operation once and is understood."""

from harness.kms import tag_list, tags_json, text64
from harness.server import REGION

OPERATIONS = set("""
    TagResources UntagResources ListTagResources TagResource UntagResource ListResourceTags
    DescribeRegions DescribeAccountKmsStatus OpenKmsService
    CreateKey DescribeKey ListKeys EnableKey DisableKey ScheduleKeyDeletion CancelKeyDeletion
    SetDeletionProtection UpdateKeyDescription
    Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext
    CreateAlias UpdateAlias DeleteAlias ListAliases ListAliasesByKeyId
""".split())


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

    assert done == OPERATIONS
