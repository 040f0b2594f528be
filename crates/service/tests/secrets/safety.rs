//! Keys of secrets, and where values must not be.

use sesame_testkit::TestKms;

use super::*;

const CANARY: &str = "canary-e5b1f0c2-never-in-clear";

#[tokio::test]
async fn a_disabled_key_disables_its_secrets() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    create(&kms, "s", &[("EncryptionKeyId", &key)]).await.unwrap();
    create(&kms, "t", &[]).await.unwrap();
    // The first reads the key, the second finds it at hand.
    get(&kms, "s", &[]).await.unwrap();
    get(&kms, "s", &[]).await.unwrap();
    let id = ("KeyId", key.as_str());
    kms.call("DisableKey", &[id]).await.unwrap();
    let disabled = (409, "Rejected.Disabled");
    assert_eq!(code(get(&kms, "s", &[]).await), disabled);
    assert_eq!(code(put(&kms, "s", "v2", "two", &[]).await), disabled);
    assert_eq!(code(create(&kms, "u", &[("EncryptionKeyId", &key)]).await), disabled);
    let list = r#"[{"SecretName":"s"},{"SecretName":"t"}]"#;
    let batch = kms.call("BatchGetSecretValue", &[("SecretsList", list)]).await.unwrap();
    assert_eq!(member(&batch, "/Errors/0/Code"), disabled.1);
    assert_eq!(member(&batch, "/SecretValues/0/SecretName"), "t");
    named(&kms, "DescribeSecret", "s").await.unwrap();
    kms.call("EnableKey", &[id]).await.unwrap();
    get(&kms, "s", &[]).await.unwrap();
    kms.call("ScheduleKeyDeletion", &[id, ("PendingWindowInDays", "7")]).await.unwrap();
    assert_eq!(code(get(&kms, "s", &[]).await), (409, "Rejected.PendingDeletion"));
    kms.clock.advance_seconds(7 * 86_400);
    kms.service.run_jobs_once().await;
    assert_eq!(code(get(&kms, "s", &[]).await), (404, "Forbidden.KeyNotFound"));
    let force = [("SecretName", "s"), ("ForceDeleteWithoutRecovery", "true")];
    kms.call("DeleteSecret", &force).await.unwrap();
}

#[tokio::test]
async fn one_key_of_the_service_serves_the_secrets_without_one() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[]).await.unwrap();
    create(&kms, "t", &[]).await.unwrap();
    let key_of = async |name: &str| {
        let described = named(&kms, "DescribeSecret", name).await.unwrap();
        member(&described, "/EncryptionKeyId").to_owned()
    };
    let key = key_of("s").await;
    assert_eq!(key_of("t").await, key);
    let described = kms.call("DescribeKey", &[("KeyId", "alias/acs/secretsmanager")]).await.unwrap();
    assert_eq!(member(&described, "/KeyMetadata/KeyId"), key);
    kms.call("DisableKey", &[("KeyId", &key)]).await.unwrap();
    assert_eq!(code(get(&kms, "s", &[]).await), (409, "Rejected.Disabled"));
    assert_eq!(code(create(&kms, "u", &[]).await), (409, "Rejected.Disabled"));
}

#[tokio::test]
async fn values_open_after_their_key_has_a_new_version_and_on_another_node() {
    let kms = TestKms::new().await;
    let key = kms.key(&[("KeySpec", "Aliyun_SM4")]).await;
    create(&kms, "s", &[("EncryptionKeyId", &key)]).await.unwrap();
    kms.call("CreateKeyVersion", &[("KeyId", &key)]).await.unwrap();
    put(&kms, "s", "v2", "two", &[]).await.unwrap();
    for (version, data) in [("v1", "one"), ("v2", "two")] {
        assert_eq!(member(&get(&kms, "s", &[("VersionId", version)]).await.unwrap(), "/SecretData"), data);
    }
    // What is at hand was encrypted under the version before.
    kms.call("CreateKeyVersion", &[("KeyId", &key)]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(member(&get(&kms, "s", &[]).await.unwrap(), "/SecretData"), "two");
    }
}

#[tokio::test]
async fn no_value_is_in_the_files_of_the_database_or_of_the_audit_trail() {
    let kms = TestKms::new().await;
    let tags = ("Tags", r#"[{"TagKey":"marker","TagValue":"visible-marker"}]"#);
    let base = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", CANARY), tags];
    kms.call("CreateSecret", &base).await.unwrap();
    put(&kms, "s", "v2", &format!("{CANARY} again"), &[]).await.unwrap();
    let config = r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}"#;
    let data = format!(r#"{{"Accounts":[{{"AccountName":"a","AccountPassword":"{CANARY}"}}]}}"#);
    let [name, version] = [("SecretName", "r"), ("VersionId", "v1")];
    let rds = [name, version, ("SecretType", "Rds"), ("SecretData", &*data), ("ExtendedConfig", config)];
    kms.call("CreateSecret", &rds).await.unwrap();
    let mut seen = false;
    let files = |folder| std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    for file in files(kms.folder().to_owned()).chain(files(kms.folder().join("audit"))).filter(|file| file.is_file()) {
        let bytes = std::fs::read(file).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        seen |= holds("visible-marker");
        assert!(!holds(CANARY));
    }
    assert!(seen, "the files were read");
}

#[tokio::test]
async fn refusals_never_repeat_a_value() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[]).await.unwrap();
    let long = CANARY.repeat(2_000);
    let config = ("ExtendedConfig", r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}"#);
    let base = [("SecretName", "r"), ("VersionId", "v1"), ("SecretType", "Rds"), ("SecretData", CANARY), config];
    for refused in [
        put(&kms, "s", "v1", CANARY, &[]).await,
        put(&kms, "s", "v2", &long, &[]).await,
        kms.call("CreateSecret", &base).await,
        create(&kms, "s", &[("SecretData", CANARY)]).await,
    ] {
        let refusal = refused.unwrap_err();
        assert!(!refusal.message.contains("canary"), "{}", refusal.message);
    }
}
