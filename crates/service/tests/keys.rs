//! Keys: making, listing, switching, deleting.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a call that must succeed fails its test")]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sesame_service::Limits;
use sesame_testkit::{Refusal, TestKms};

fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> (u16, &'static str) {
    let refusal = result.unwrap_err();
    (refusal.status, refusal.code)
}

async fn described(kms: &TestKms, key: &str) -> Value {
    kms.call("DescribeKey", &[("KeyId", key)]).await.unwrap()["KeyMetadata"].take()
}

async fn listed(kms: &TestKms, filters: &str) -> BTreeSet<String> {
    let answer = kms.call("ListKeys", &[("PageSize", "100"), ("Filters", filters)]).await.unwrap();
    let keys = answer["Keys"]["Key"].as_array().unwrap();
    assert_eq!(answer["TotalCount"], keys.len());
    keys.iter().map(|key| key["KeyId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_new_key_has_the_metadata_of_the_api_page() {
    let kms = TestKms::new().await;
    let made = kms.call("CreateKey", &[("Description", "first")]).await.unwrap();
    let id = made["KeyMetadata"]["KeyId"].as_str().unwrap();
    let version = made["KeyMetadata"]["PrimaryKeyVersion"].as_str().unwrap();
    assert!(id.starts_with("key-hzz") && id.len() == 25, "{id}");
    assert!(version.starts_with(id) && version.len() == 36, "{version}");
    let expected = json!({
        "KeyId": id,
        "Arn": format!("acs:kms:cn-hangzhou:1234567890123456:key/{id}"),
        "Creator": "1234567890123456",
        "CreationDate": "2026-01-02T03:04:05Z",
        "Description": "first",
        "KeyState": "Enabled",
        "KeySpec": "Aliyun_AES_256",
        "KeyUsage": "ENCRYPT/DECRYPT",
        "Origin": "Aliyun_KMS",
        "ProtectionLevel": "SOFTWARE",
        "DKMSInstanceId": "",
        "PrimaryKeyVersion": version,
        "AutomaticRotation": "Disabled",
        "LastRotationDate": "2026-01-02T03:04:05Z",
        "MaterialExpireTime": "",
        "DeleteDate": "",
    });
    assert_eq!(made["KeyMetadata"], expected);
    let mut described = described(&kms, id).await;
    let members = described.as_object_mut().unwrap();
    assert_eq!(members.remove("DeletionProtection").unwrap(), "Disabled");
    assert_eq!(members.remove("DeletionProtectionDescription").unwrap(), "");
    assert_eq!(described, expected);
}

#[tokio::test]
async fn a_key_can_be_made_to_rotate_and_to_wait_for_material() {
    let kms = TestKms::new().await;
    let rotating = [("EnableAutomaticRotation", "true"), ("RotationInterval", "365d")];
    let rotating = described(&kms, &kms.key(&rotating).await).await;
    assert_eq!(rotating["AutomaticRotation"], "Enabled");
    assert_eq!(rotating["RotationInterval"], "31536000s");
    assert_eq!(rotating["NextRotationDate"], "2027-01-02T03:04:05Z");
    let waiting = described(&kms, &kms.key(&[("Origin", "EXTERNAL"), ("KeySpec", "Aliyun_SM4")]).await).await;
    assert_eq!((&waiting["KeyState"], &waiting["KeySpec"]), (&json!("PendingImport"), &json!("Aliyun_SM4")));
}

#[tokio::test]
async fn create_key_refuses_what_does_not_fit() {
    let kms = TestKms::new().await;
    let long = "x".repeat(8_193);
    let tags = json!((0..21).map(|n| json!({"TagKey": n.to_string()})).collect::<Vec<_>>()).to_string();
    for (call, expected) in [
        (&[("KeySpec", "AES_256")][..], (400, "InvalidParameter")),
        (&[("KeyUsage", "SIGN/VERIFY")], (400, "InvalidParameter")),
        (&[("Origin", "external")], (400, "InvalidParameter")),
        (&[("ProtectionLevel", "SOFT")], (400, "InvalidParameter")),
        (&[("Description", &long)], (400, "InvalidParameter")),
        (&[("EnableAutomaticRotation", "true")], (400, "MissingParameter")),
        (&[("EnableAutomaticRotation", "true"), ("RotationInterval", "6d")], (400, "InvalidParameter")),
        (
            &[("EnableAutomaticRotation", "true"), ("RotationInterval", "7d"), ("Origin", "EXTERNAL")],
            (400, "InvalidParameter"),
        ),
        (&[("DKMSInstanceId", "kst-none")], (403, "Forbidden.DKMSInstanceNotFound")),
        (&[("Tags", &tags)], (400, "InvalidParameter")),
        (&[("KeyStorageMechanism", "x")], (400, "InvalidParameter")),
    ] {
        assert_eq!(code(kms.call("CreateKey", call).await), expected, "{call:?}");
    }
    assert_eq!(listed(&kms, "").await.len(), 0);
}

#[tokio::test]
async fn a_quota_of_keys_is_kept() {
    let kms = TestKms::with_limits(Limits { keys_per_account: 2, aliases_per_account: 1, ..Limits::default() }).await;
    let key = kms.key(&[]).await;
    kms.key(&[]).await;
    assert_eq!(code(kms.call("CreateKey", &[]).await), (400, "Rejected.LimitExceeded"));
    kms.call("CreateAlias", &[("AliasName", "alias/a"), ("KeyId", &key)]).await.unwrap();
    let second = [("AliasName", "alias/b"), ("KeyId", key.as_str())];
    assert_eq!(code(kms.call("CreateAlias", &second).await), (400, "Rejected.LimitExceeded"));
}

#[tokio::test]
async fn a_key_is_named_by_id_arn_or_alias_of_its_own_account() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    kms.call("CreateAlias", &[("AliasName", "alias/app"), ("KeyId", &key)]).await.unwrap();
    let arn = |resource: &str| format!("acs:kms:cn-hangzhou:1234567890123456:{resource}");
    for name in [key.clone(), arn(&format!("key/{key}")), "alias/app".to_owned(), arn("alias/app")] {
        assert_eq!(described(&kms, &name).await["KeyId"], key.as_str(), "{name}");
    }
    for (name, expected) in [
        ("key-hzz000000000000000000".to_owned(), (404, "Forbidden.KeyNotFound")),
        ("no-such-key".to_owned(), (404, "Forbidden.KeyNotFound")),
        (format!("acs:kms:cn-beijing:1234567890123456:key/{key}"), (404, "Forbidden.KeyNotFound")),
        // Nothing in another account is the caller's without a policy there, whether or not it exists.
        (format!("acs:kms:cn-hangzhou:9999999999999999:key/{key}"), (403, "Forbidden.NoPermission")),
        ("alias/none".to_owned(), (404, "Forbidden.AliasNotFound")),
        ("acs:kms:cn-hangzhou:9999999999999999:alias/app".to_owned(), (403, "Forbidden.NoPermission")),
        ("acs:kms:x".to_owned(), (400, "InvalidParameter")),
        ("a b".to_owned(), (400, "InvalidParameter")),
    ] {
        assert_eq!(code(kms.call("DescribeKey", &[("KeyId", &name)]).await), expected, "{name}");
    }
    assert_eq!(code(kms.call("EnableKey", &[("KeyId", "alias/app")]).await), (400, "Unsupported.Alias"));
}

#[tokio::test]
async fn another_account_sees_nothing_of_a_key() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let arn = format!("acs:kms:cn-hangzhou:1234567890123456:key/{key}");
    let other = "2222222222222222";
    assert_eq!(code(kms.call_from(other, "DescribeKey", &[("KeyId", &key)]).await), (404, "Forbidden.KeyNotFound"));
    assert_eq!(code(kms.call_from(other, "DescribeKey", &[("KeyId", &arn)]).await), (403, "Forbidden.NoPermission"));
    let blob = kms.call("Encrypt", &[("KeyId", &key), ("Plaintext", "aGk=")]).await.unwrap();
    let blob = blob["CiphertextBlob"].as_str().unwrap();
    assert_eq!(
        code(kms.call_from(other, "Decrypt", &[("CiphertextBlob", blob)]).await),
        (403, "Forbidden.NoPermission")
    );
}

#[tokio::test]
async fn lists_are_newest_first_and_fresh_after_every_change() {
    let kms = TestKms::new().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        kms.clock.advance_seconds(1);
        made.insert(0, kms.key(&[]).await);
        let page = kms.call("ListKeys", &[("PageSize", "2")]).await.unwrap();
        assert_eq!((&page["TotalCount"], &page["Keys"]["Key"][0]["KeyId"]), (&json!(made.len()), &json!(made[0])));
    }
    let third = kms.call("ListKeys", &[("PageSize", "2"), ("PageNumber", "3")]).await.unwrap();
    let arn = format!("acs:kms:cn-hangzhou:1234567890123456:key/{}", made[4]);
    assert_eq!(
        third,
        json!({
            "Keys": {"Key": [{"KeyId": made[4], "KeyArn": arn}]}, "TotalCount": 5, "PageNumber": 3, "PageSize": 2
        })
    );
    let past = kms.call("ListKeys", &[("PageNumber", "9")]).await.unwrap();
    assert_eq!((&past["Keys"]["Key"], &past["TotalCount"]), (&json!([]), &json!(5)));
    for wrong in [("PageNumber", "0"), ("PageSize", "102"), ("PageSize", "x"), ("Filters", "x")] {
        assert_eq!(code(kms.call("ListKeys", &[wrong]).await), (400, "InvalidParameter"));
    }
}

#[tokio::test]
async fn filters_follow_every_change_of_what_they_look_at() {
    let kms = TestKms::new().await;
    let (aes, sm4) = (kms.key(&[]).await, kms.key(&[("KeySpec", "Aliyun_SM4")]).await);
    let only = |keys: &[&String]| keys.iter().map(|key| (*key).clone()).collect::<BTreeSet<_>>();
    let spec = r#"[{"Key":"KeySpec","Values":["Aliyun_SM4","RSA_1024"]}]"#;
    let disabled = r#"[{"Key":"KeyState","Values":["Disabled"]}]"#;
    let tagged = r#"[{"Key":"TagKey","Values":["team"]},{"Key":"TagValue","Values":["red"]}]"#;
    let named = r#"[{"Key":"AliasName","Values":["alias/app"]}]"#;
    let user = r#"[{"Key":"CreatorType","Values":["User"]},{"Key":"DKMSInstanceId","Values":[""]}]"#;
    assert_eq!(listed(&kms, spec).await, only(&[&sm4]));
    for empty in [disabled, tagged, named, r#"[{"Key":"CreatorType","Values":["Service"]}]"#] {
        assert_eq!(listed(&kms, empty).await, only(&[]), "{empty}");
    }
    assert_eq!(listed(&kms, user).await, only(&[&aes, &sm4]));
    kms.call("DisableKey", &[("KeyId", &aes)]).await.unwrap();
    kms.call("TagResource", &[("KeyId", &sm4), ("Tags", r#"[{"TagKey":"team","TagValue":"red"}]"#)]).await.unwrap();
    kms.call("CreateAlias", &[("AliasName", "alias/app"), ("KeyId", &aes)]).await.unwrap();
    assert_eq!(listed(&kms, disabled).await, only(&[&aes]));
    assert_eq!(listed(&kms, tagged).await, only(&[&sm4]));
    assert_eq!(listed(&kms, named).await, only(&[&aes]));
    kms.call("EnableKey", &[("KeyId", &aes)]).await.unwrap();
    kms.call("UntagResource", &[("KeyId", &sm4), ("TagKeys", "team")]).await.unwrap();
    kms.call("UpdateAlias", &[("AliasName", "alias/app"), ("KeyId", &sm4)]).await.unwrap();
    assert_eq!(listed(&kms, disabled).await, only(&[]));
    assert_eq!(listed(&kms, tagged).await, only(&[]));
    assert_eq!(listed(&kms, named).await, only(&[&sm4]));
}

#[tokio::test]
async fn a_protected_key_cannot_be_scheduled_for_deletion() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let arn = format!("acs:kms:cn-hangzhou:1234567890123456:key/{key}");
    let protect = [
        ("ProtectedResourceArn", arn.as_str()),
        ("EnableDeletionProtection", "true"),
        ("DeletionProtectionDescription", "payroll"),
    ];
    kms.call("SetDeletionProtection", &protect).await.unwrap();
    let delete = [("KeyId", key.as_str()), ("PendingWindowInDays", "7")];
    let refusal = kms.call("ScheduleKeyDeletion", &delete).await.unwrap_err();
    assert_eq!((refusal.status, refusal.code), (400, "Rejected.UnsupportedOperation"));
    assert!(refusal.message.contains("SetDeletionProtection"), "{}", refusal.message);
    let metadata = described(&kms, &key).await;
    assert_eq!(metadata["DeletionProtection"], "Enabled");
    assert_eq!(metadata["DeletionProtectionDescription"], "payroll");
    kms.call("SetDeletionProtection", &[("KeyId", &key), ("EnableDeletionProtection", "false")]).await.unwrap();
    assert_eq!(described(&kms, &key).await["DeletionProtectionDescription"], "");
    kms.call("ScheduleKeyDeletion", &delete).await.unwrap();
    for (call, expected) in [
        (&[("EnableDeletionProtection", "true")][..], (400, "MissingParameter")),
        (&[("KeyId", key.as_str())], (400, "MissingParameter")),
        (&[("KmsInstanceId", "kst-x"), ("EnableDeletionProtection", "true")], (403, "Forbidden.DKMSInstanceNotFound")),
        (&[("ProtectedResourceArn", key.as_str()), ("EnableDeletionProtection", "true")], (400, "InvalidParameter")),
        (&[("KeyId", key.as_str()), ("EnableDeletionProtection", "true")], (409, "Rejected.PendingDeletion")),
    ] {
        assert_eq!(code(kms.call("SetDeletionProtection", call).await), expected, "{call:?}");
    }
}

#[tokio::test]
async fn deletion_can_be_cancelled_until_the_window_ends() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    for (days, expected) in [("6", "InvalidParameter"), ("367", "InvalidParameter"), ("", "MissingParameter")] {
        let call = [("KeyId", key.as_str()), ("PendingWindowInDays", days)];
        assert_eq!(code(kms.call("ScheduleKeyDeletion", &call).await), (400, expected));
    }
    kms.call("DisableKey", &[("KeyId", &key)]).await.unwrap();
    kms.call("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "7")]).await.unwrap();
    let metadata = described(&kms, &key).await;
    assert_eq!(
        (&metadata["KeyState"], &metadata["DeleteDate"]),
        (&json!("PendingDeletion"), &json!("2026-01-09T03:04:05Z"))
    );
    kms.call("CancelKeyDeletion", &[("KeyId", &key)]).await.unwrap();
    let metadata = described(&kms, &key).await;
    assert_eq!((&metadata["KeyState"], &metadata["DeleteDate"]), (&json!("Enabled"), &json!("")));
    let waiting = kms.key(&[("Origin", "EXTERNAL")]).await;
    kms.call("ScheduleKeyDeletion", &[("KeyId", &waiting), ("PendingWindowInDays", "7")]).await.unwrap();
    kms.call("CancelKeyDeletion", &[("KeyId", &waiting)]).await.unwrap();
    assert_eq!(described(&kms, &waiting).await["KeyState"], "PendingImport");
}

#[tokio::test]
async fn a_key_is_destroyed_with_its_aliases_and_tags_when_its_window_ends() {
    let kms = TestKms::new().await;
    let key = kms.key(&[("Tags", r#"[{"TagKey":"a"}]"#)]).await;
    let blob = kms.call("Encrypt", &[("KeyId", &key), ("Plaintext", "aGk=")]).await.unwrap();
    kms.call("CreateAlias", &[("AliasName", "alias/app"), ("KeyId", &key)]).await.unwrap();
    kms.call("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "7")]).await.unwrap();
    kms.clock.advance_seconds(7 * 86_400 - 1);
    kms.service.run_jobs_once().await;
    assert_eq!(described(&kms, "alias/app").await["KeyId"], key.as_str());
    kms.clock.advance_seconds(1);
    kms.service.run_jobs_once().await;
    assert_eq!(code(kms.call("DescribeKey", &[("KeyId", &key)]).await), (404, "Forbidden.KeyNotFound"));
    assert_eq!(code(kms.call("DescribeKey", &[("KeyId", "alias/app")]).await), (404, "Forbidden.AliasNotFound"));
    let blob = blob["CiphertextBlob"].as_str().unwrap();
    assert_eq!(code(kms.call("Decrypt", &[("CiphertextBlob", blob)]).await), (404, "Forbidden.KeyNotFound"));
    assert_eq!(listed(&kms, "").await.len(), 0);
    let rows = kms.call("ListTagResources", &[("RegionId", "cn-hangzhou"), ("ResourceType", "key")]).await.unwrap();
    assert_eq!(rows["TagResources"]["TagResource"], json!([]));
}

#[tokio::test]
async fn a_description_can_be_replaced_and_cleared() {
    let kms = TestKms::new().await;
    let key = kms.key(&[("Description", "old")]).await;
    kms.call("UpdateKeyDescription", &[("KeyId", &key), ("Description", "新")]).await.unwrap();
    assert_eq!(described(&kms, &key).await["Description"], "新");
    kms.call("UpdateKeyDescription", &[("KeyId", &key), ("Description", "")]).await.unwrap();
    assert_eq!(described(&kms, &key).await["Description"], "");
    assert_eq!(code(kms.call("UpdateKeyDescription", &[("KeyId", &key)]).await), (400, "MissingParameter"));
}

#[tokio::test]
async fn an_alias_stands_for_one_key_and_moves() {
    let kms = TestKms::new().await;
    let (one, two) = (kms.key(&[]).await, kms.key(&[]).await);
    let name = ("AliasName", "alias/app");
    kms.call("CreateAlias", &[name, ("KeyId", &one)]).await.unwrap();
    assert_eq!(code(kms.call("CreateAlias", &[name, ("KeyId", &two)]).await), (400, "AliasAlreadyExists"));
    kms.call("UpdateAlias", &[name, ("KeyId", &two)]).await.unwrap();
    assert_eq!(described(&kms, "alias/app").await["KeyId"], two.as_str());
    let of = async |key: &str| kms.call("ListAliasesByKeyId", &[("KeyId", key)]).await.unwrap()["TotalCount"].take();
    assert_eq!((of(&one).await, of(&two).await), (json!(0), json!(1)));
    let all = kms.call("ListAliases", &[]).await.unwrap();
    assert_eq!(
        all["Aliases"]["Alias"],
        json!([{
            "AliasName": "alias/app", "AliasArn": "acs:kms:cn-hangzhou:1234567890123456:alias/app", "KeyId": two
        }])
    );
    kms.call("DeleteAlias", &[name]).await.unwrap();
    assert_eq!(code(kms.call("DeleteAlias", &[name]).await), (404, "Forbidden.AliasNotFound"));
    assert_eq!(code(kms.call("UpdateAlias", &[name, ("KeyId", &two)]).await), (404, "Forbidden.AliasNotFound"));
    assert_eq!(code(kms.call("DescribeKey", &[("KeyId", "alias/app")]).await), (404, "Forbidden.AliasNotFound"));
    for wrong in ["app", "alias/", "alias/a b", "alias/acs/ecs"] {
        let call = [("AliasName", wrong), ("KeyId", one.as_str())];
        assert_eq!(code(kms.call("CreateAlias", &call).await), (400, "InvalidParameter"), "{wrong}");
    }
}

#[tokio::test]
async fn the_account_is_open_and_lists_its_region() {
    let kms = TestKms::new().await;
    assert_eq!(kms.call("DescribeAccountKmsStatus", &[]).await.unwrap(), json!({"AccountStatus": "Enabled"}));
    let regions = json!({"Regions": {"Region": [{"RegionId": "cn-hangzhou"}]}});
    assert_eq!(kms.call("DescribeRegions", &[]).await.unwrap(), regions);
    assert_eq!(code(kms.call("OpenKmsService", &[]).await), (400, "Forbidden.Opened"));
}
