//! DescribeSecret, UpdateSecret, DeleteSecret, RestoreSecret, and what a recovery window allows.

use serde_json::json;
use sesame_testkit::TestKms;

use super::*;

const DAY: i64 = 86_400;

#[tokio::test]
async fn a_secret_is_described_without_its_value() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let tags = ("Tags", r#"[{"TagKey":"team","TagValue":"a"}]"#);
    create(&kms, "s", &[("EncryptionKeyId", &key), tags]).await.unwrap();
    let expected = json!({
        "Arn": "acs:kms:cn-hangzhou:1234567890123456:secret/s", "SecretName": "s", "SecretType": "Generic",
        "Description": "", "EncryptionKeyId": key, "CreateTime": "2026-01-02T03:04:05Z",
        "UpdateTime": "2026-01-02T03:04:05Z",
    });
    assert_eq!(named(&kms, "DescribeSecret", "s").await.unwrap(), expected);
    let tagged = kms.call("DescribeSecret", &[("SecretName", "s"), ("FetchTags", "true")]).await.unwrap();
    assert_eq!(tagged["Tags"], json!({"Tag": [{"TagKey": "team", "TagValue": "a"}]}));
    assert_eq!(code(named(&kms, "DescribeSecret", "none").await), NOT_FOUND);
}

#[tokio::test]
async fn a_description_is_replaced_and_cleared() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[("Description", "old")]).await.unwrap();
    kms.clock.advance_seconds(60);
    let update = async |more: &[(&str, &str)]| with(&kms, "UpdateSecret", &[("SecretName", "s")], more).await;
    assert_eq!(update(&[("Description", "new")]).await.unwrap(), json!({"SecretName": "s"}));
    let described = named(&kms, "DescribeSecret", "s").await.unwrap();
    assert_eq!(
        (member(&described, "/Description"), member(&described, "/UpdateTime")),
        ("new", "2026-01-02T03:05:05Z")
    );
    update(&[]).await.unwrap();
    assert_eq!(named(&kms, "DescribeSecret", "s").await.unwrap()["Description"], "new");
    update(&[("Description", "")]).await.unwrap();
    assert_eq!(named(&kms, "DescribeSecret", "s").await.unwrap()["Description"], "");
    assert_eq!(code(update(&[("ExtendedConfig.CustomData", "{}")]).await), INVALID);
    assert_eq!(code(update(&[("Description", &"x".repeat(8_193))]).await), INVALID);
    assert_eq!(code(named(&kms, "UpdateSecret", "none").await), NOT_FOUND);
}

#[tokio::test]
async fn a_deleted_secret_can_be_restored_until_its_window_ends() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[]).await.unwrap();
    put(&kms, "s", "v2", "two", &[]).await.unwrap();
    let window = [("SecretName", "s"), ("RecoveryWindowInDays", "7")];
    let deleted = kms.call("DeleteSecret", &window).await.unwrap();
    assert_eq!(deleted, json!({"SecretName": "s", "PlannedDeleteTime": "2026-01-09T03:04:05Z"}));
    let described = named(&kms, "DescribeSecret", "s").await.unwrap();
    assert_eq!(member(&described, "/PlannedDeleteTime"), "2026-01-09T03:04:05Z");
    assert_eq!(code(kms.call("DeleteSecret", &window).await), SCHEDULED);
    kms.clock.advance_seconds(7 * DAY - 1);
    kms.service.run_jobs_once().await;
    assert_eq!(named(&kms, "RestoreSecret", "s").await.unwrap(), json!({"SecretName": "s"}));
    assert_eq!(member(&get(&kms, "s", &[("VersionStage", "ACSPrevious")]).await.unwrap(), "/SecretData"), "one");
    assert_eq!(code(named(&kms, "RestoreSecret", "s").await), (409, "Rejected.ResourceInUse"));
    let refusal = named(&kms, "RestoreSecret", "s").await.unwrap_err();
    assert_eq!(refusal.message, "restore normal secret");
    kms.call("DeleteSecret", &window).await.unwrap();
    kms.clock.advance_seconds(7 * DAY);
    kms.service.run_jobs_once().await;
    for operation in ["DescribeSecret", "RestoreSecret", "GetSecretValue", "DeleteSecret"] {
        assert_eq!(code(named(&kms, operation, "s").await), NOT_FOUND, "{operation}");
    }
    let list = kms.call("ListSecrets", &[]).await.unwrap();
    assert_eq!((list["TotalCount"].clone(), list["SecretList"].clone()), (json!(0), json!({"Secret": []})));
    // The name is free, and nothing of the old secret is left.
    create(&kms, "s", &[]).await.unwrap();
    assert_eq!(code(get(&kms, "s", &[("VersionId", "v2")]).await), NOT_FOUND);
    let tags = [("RegionId", "cn-hangzhou"), ("ResourceType", "secret"), ("ResourceId.1", "s")];
    let tags = kms.call("ListTagResources", &tags).await.unwrap();
    assert_eq!(tags["TagResources"], json!({"TagResource": []}));
}

#[tokio::test]
async fn a_forced_deletion_is_immediate_and_ignores_the_window() {
    let kms = TestKms::new().await;
    let force = |days: &'static str| {
        [("SecretName", "s"), ("ForceDeleteWithoutRecovery", "true"), ("RecoveryWindowInDays", days)]
    };
    create(&kms, "s", &[]).await.unwrap();
    let deleted = kms.call("DeleteSecret", &force("30")).await.unwrap();
    assert_eq!(member(&deleted, "/PlannedDeleteTime"), "2026-01-02T03:04:05Z");
    assert_eq!(code(named(&kms, "DescribeSecret", "s").await), NOT_FOUND);
    create(&kms, "s", &[]).await.unwrap();
    named(&kms, "DeleteSecret", "s").await.unwrap();
    kms.call("DeleteSecret", &force("3")).await.unwrap();
    assert_eq!(code(named(&kms, "RestoreSecret", "s").await), NOT_FOUND);
    create(&kms, "s", &[]).await.unwrap();
    for wrong in [("RecoveryWindowInDays", "6"), ("RecoveryWindowInDays", "31"), ("RecoveryWindowInDays", "x")] {
        assert_eq!(code(with(&kms, "DeleteSecret", &[("SecretName", "s")], &[wrong]).await), INVALID);
    }
    let default = named(&kms, "DeleteSecret", "s").await.unwrap();
    assert_eq!(member(&default, "/PlannedDeleteTime"), "2026-02-01T03:04:05Z");
}

/// The secrets reference, section 4.
#[tokio::test]
async fn a_recovery_window_allows_only_looking_and_deciding() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[]).await.unwrap();
    create_rds(&kms, "r", &[]).await.unwrap();
    for name in ["s", "r"] {
        named(&kms, "DeleteSecret", name).await.unwrap();
    }
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["kms:*"],"Resource":["*"],
        "Principal":{"RAM":["acs:ram::1234567890123456:*"]}}]}"#;
    let (s, r) = (("SecretName", "s"), ("SecretName", "r"));
    let region = ("RegionId", "cn-hangzhou");
    let resource = [region, ("ResourceType", "secret"), ("ResourceId.1", "s")];
    for (operation, params, expected) in [
        ("DescribeSecret", vec![s], OK),
        ("ListSecretVersionIds", vec![s], OK),
        ("GetSecretPolicy", vec![s], OK),
        ("ListSecrets", vec![], OK),
        ("ListTagResources", resource.to_vec(), OK),
        ("GetSecretValue", vec![s], SCHEDULED),
        ("PutSecretValue", vec![s, ("VersionId", "v2"), ("SecretData", "x")], SCHEDULED),
        ("UpdateSecret", vec![s, ("Description", "x")], SCHEDULED),
        ("UpdateSecretVersionStage", vec![s, ("VersionStage", "x"), ("MoveToVersion", "v1")], SCHEDULED),
        ("SetSecretPolicy", vec![s, ("Policy", policy)], SCHEDULED),
        ("RotateSecret", vec![r, ("VersionId", "v2")], SCHEDULED),
        ("UpdateSecretRotationPolicy", vec![r, ("EnableAutomaticRotation", "false")], SCHEDULED),
        ("TagResource", vec![s, ("Tags", r#"[{"TagKey":"a","TagValue":"b"}]"#)], SCHEDULED),
        ("UntagResource", vec![s, ("TagKeys", r#"["a"]"#)], SCHEDULED),
        ("TagResources", [&resource[..], &[("Tag.1.Key", "a")]].concat(), SCHEDULED),
        ("UntagResources", [&resource[..], &[("TagKey.1", "a")]].concat(), SCHEDULED),
        ("CreateSecret", vec![s, ("VersionId", "v1"), ("SecretData", "x")], SCHEDULED),
    ] {
        assert_eq!(code(kms.call(operation, &params).await), expected, "{operation}");
    }
    let list = kms.call("ListSecrets", &[]).await.unwrap();
    let planned = list.pointer("/SecretList/Secret/0/PlannedDeleteTime").unwrap();
    assert_eq!(planned, "2026-02-01T03:04:05Z");
}
