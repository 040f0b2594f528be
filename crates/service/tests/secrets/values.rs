//! CreateSecret, PutSecretValue, GetSecretValue, BatchGetSecretValue.

use serde_json::{Value, json};
use sesame_service::Limits;
use sesame_testkit::TestKms;

use super::*;

const CREATED: &str = "2026-01-02T03:04:05Z";

#[tokio::test]
async fn a_secret_is_made_and_read() {
    let kms = TestKms::new().await;
    let made = create(&kms, "db/main", &[("Description", "d"), ("ExtendedConfig", "ignored")]).await.unwrap();
    let arn = "acs:kms:cn-hangzhou:1234567890123456:secret/db/main";
    assert_eq!(made, json!({"Arn": arn, "SecretName": "db/main", "VersionId": "v1", "SecretType": "Generic"}));
    let expected = json!({
        "SecretName": "db/main", "VersionId": "v1", "SecretData": "one", "SecretDataType": "text",
        "SecretType": "Generic", "CreateTime": CREATED, "VersionStages": {"VersionStage": ["ACSCurrent"]},
    });
    for more in [
        &[][..],
        &[("VersionStage", ""), ("VersionId", "")],
        &[("VersionStage", "ACSCurrent")],
        &[("VersionId", "v1"), ("VersionStage", "ACSCurrent"), ("FetchExtendedConfig", "True")],
    ] {
        assert_eq!(get(&kms, "db/main", more).await.unwrap(), expected, "{more:?}");
    }
    assert_eq!(get(&kms, arn, &[]).await.unwrap(), expected);
    assert_eq!(code(kms.call_from("6543210987654321", "GetSecretValue", &[("SecretName", arn)]).await).0, 403);
    let elsewhere = "acs:kms:cn-beijing:1234567890123456:secret/db/main";
    assert_eq!(code(get(&kms, elsewhere, &[]).await), NOT_FOUND);
}

#[tokio::test]
async fn create_secret_refuses_what_its_page_forbids() {
    let kms = TestKms::with_limits(Limits { secrets_per_account: 2, ..Limits::default() }).await;
    create(&kms, "taken", &[]).await.unwrap();
    let rsa = kms.key(&[("KeySpec", "RSA_2048")]).await;
    let long = "x".repeat(30_721);
    let base = [("SecretName", "new"), ("VersionId", "v1"), ("SecretData", "one")];
    for (change, expected) in [
        (("SecretName", ""), MISSING),
        (("VersionId", ""), MISSING),
        (("SecretData", ""), MISSING),
        (("SecretName", "a b"), INVALID),
        (("SecretName", "acs/x"), INVALID),
        (("SecretName", "acs:kms:cn-hangzhou:1234567890123456:secret/x"), INVALID),
        (("VersionId", "a b"), INVALID),
        (("VersionId", &"x".repeat(65)), INVALID),
        (("SecretData", &long), INVALID),
        (("SecretDataType", "json"), INVALID),
        (("SecretType", "generic"), INVALID),
        (("SecretType", "Rds"), MISSING),
        (("EncryptionKeyId", "no-such-key"), (404, "Forbidden.KeyNotFound")),
        (("EncryptionKeyId", "alias/none"), (404, "Forbidden.AliasNotFound")),
        (("EncryptionKeyId", &rsa), INVALID),
        (("DKMSInstanceId", "kst-1"), (403, "Forbidden.DKMSInstanceNotFound")),
        (("Tags", r#"[{"TagKey":"acs:x","TagValue":""}]"#), INVALID),
        (("Tags", "x"), INVALID),
        (("SecretName", "taken"), EXISTS),
    ] {
        let kept: Vec<_> = base.iter().filter(|(name, _)| *name != change.0).copied().collect();
        assert_eq!(code(with(&kms, "CreateSecret", &kept, &[change]).await), expected, "{}", change.0);
    }
    create(&kms, "second", &[]).await.unwrap();
    assert_eq!(code(create(&kms, "third", &[]).await), TOO_MANY);
    named(&kms, "DeleteSecret", "second").await.unwrap();
    assert_eq!(code(create(&kms, "second", &[]).await), SCHEDULED);
}

#[tokio::test]
async fn a_value_is_stored_as_it_is() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[]).await.unwrap();
    let long = "é".repeat(15_360);
    for (version, data, kind) in
        [("v2", "not Base64 §", "binary"), ("v3", " leading\n", "text"), ("v4", long.as_str(), "binary")]
    {
        put(&kms, "s", version, data, &[("SecretDataType", kind)]).await.unwrap();
        let read = get(&kms, "s", &[("VersionId", version)]).await.unwrap();
        assert_eq!((member(&read, "/SecretData"), member(&read, "/SecretDataType")), (data, kind));
    }
}

/// The first answer is read from the database, those that follow from what is at hand since.
#[tokio::test]
async fn answers_with_a_value_stay_the_same_until_something_changes() {
    let kms = TestKms::new().await;
    let long = "\"é\\\n".repeat(1_000);
    create(&kms, "s", &[]).await.unwrap();
    create(&kms, "t", &[]).await.unwrap();
    put(&kms, "t", "v2", &long, &[]).await.unwrap();
    create_rds(&kms, "r", &[]).await.unwrap();
    let (previous, extended) = (("VersionStage", "ACSPrevious"), ("FetchExtendedConfig", "true"));
    let asked = [("s", &[][..]), ("t", &[previous]), ("t", &[]), ("r", &[]), ("r", &[extended])];
    let mut first = Vec::new();
    for (name, more) in asked {
        first.push(get(&kms, name, more).await.unwrap());
    }
    assert_eq!(member(&first[1], "/SecretData"), "one");
    assert_eq!(member(&first[2], "/SecretData"), long);
    assert!(first[3].get("ExtendedConfig").is_none() && first[4].get("ExtendedConfig").is_some());
    for _ in 0..3 {
        for ((name, more), first) in asked.iter().zip(&first) {
            assert_eq!(get(&kms, name, more).await.unwrap(), *first, "{name} {more:?}");
        }
    }
    let label = [("SecretName", "s"), ("VersionStage", "mine"), ("MoveToVersion", "v1")];
    kms.call("UpdateSecretVersionStage", &label).await.unwrap();
    assert_eq!(get(&kms, "s", &[]).await.unwrap()["VersionStages"]["VersionStage"], json!(["ACSCurrent", "mine"]));
    put(&kms, "s", "v2", "two", &[]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(member(&get(&kms, "s", &[]).await.unwrap(), "/SecretData"), "two");
        assert_eq!(member(&get(&kms, "s", &[previous]).await.unwrap(), "/SecretData"), "one");
    }
}

#[tokio::test]
async fn putting_the_same_value_again_changes_nothing() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[]).await.unwrap();
    // Terraform stores the first version again, with labels.
    let again = put(&kms, "s", "v1", "one", &[("VersionStages", r#"["x"]"#)]).await.unwrap();
    assert_eq!(again, json!({"SecretName": "s", "VersionId": "v1", "VersionStages": {"VersionStage": ["ACSCurrent"]}}));
    put(&kms, "s", "v2", "two", &[]).await.unwrap();
    let old = put(&kms, "s", "v1", "one", &[]).await.unwrap();
    assert_eq!(texts(&old, "/VersionStages/VersionStage"), ["ACSPrevious"]);
    assert_eq!(code(put(&kms, "s", "v1", "other", &[]).await), EXISTS);
    assert_eq!(code(put(&kms, "s", "v1", "one", &[("SecretDataType", "binary")]).await), EXISTS);
    let read = get(&kms, "s", &[]).await.unwrap();
    assert_eq!((member(&read, "/VersionId"), member(&read, "/SecretData")), ("v2", "two"));
}

#[tokio::test]
async fn a_version_is_chosen_by_id_by_label_or_by_both() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[]).await.unwrap();
    put(&kms, "s", "v2", "two", &[]).await.unwrap();
    put(&kms, "s", "v3", "three", &[("VersionStages", r#"["ACSCurrent","ACSNext"]"#)]).await.unwrap();
    for (more, expected) in [
        (&[("VersionId", "v1")][..], "one"),
        (&[("VersionStage", "ACSPrevious")], "two"),
        (&[("VersionStage", "ACSNext")], "three"),
        (&[("VersionStage", "ACSNext"), ("VersionId", "v3")], "three"),
    ] {
        assert_eq!(member(&get(&kms, "s", more).await.unwrap(), "/SecretData"), expected);
    }
    for (more, expected) in [
        (&[("VersionId", "v9")][..], NOT_FOUND),
        (&[("VersionStage", "x")], NOT_FOUND),
        (&[("VersionStage", "ACSCurrent"), ("VersionId", "v1")], INVALID),
        (&[("VersionStage", "ACSCurrent"), ("VersionId", "v9")], NOT_FOUND),
        (&[("VersionStage", "a b")], INVALID),
        (&[("Recipient", "{}")], UNSUPPORTED),
        (&[("DryRun", "maybe")], INVALID),
    ] {
        assert_eq!(code(get(&kms, "s", more).await), expected, "{more:?}");
    }
    assert_eq!(code(get(&kms, "none", &[]).await), NOT_FOUND);
    let refusal = get(&kms, "none", &[]).await.unwrap_err();
    assert!(refusal.message.starts_with("Resource not found"), "{}", refusal.message);
    assert_eq!(code(kms.call("GetSecretValue", &[]).await), MISSING);
}

#[tokio::test]
async fn a_rehearsal_never_reads() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[]).await.unwrap();
    let dry = ("DryRun", "true");
    assert_eq!(code(get(&kms, "s", &[dry]).await), (400, "DryRunOperationError"));
    assert_eq!(code(get(&kms, "s", &[dry, ("VersionId", "v9")]).await), (400, "ValidationError"));
    assert_eq!(code(get(&kms, "none", &[dry]).await), (400, "ValidationError"));
    let arn = ("SecretName", "acs:kms:cn-hangzhou:1234567890123456:secret/s");
    let foreign = kms.call_from("6543210987654321", "GetSecretValue", &[arn, dry]).await;
    assert_eq!(code(foreign), (403, "AccessDeniedError"));
}

#[tokio::test]
async fn several_secrets_are_read_at_once_and_failures_are_listed() {
    let kms = TestKms::new().await;
    create(&kms, "a", &[]).await.unwrap();
    create(&kms, "b", &[]).await.unwrap();
    create_rds(&kms, "r", &[]).await.unwrap();
    named(&kms, "DeleteSecret", "b").await.unwrap();
    let list = r#"[{"SecretName":"a","VersionId":"v1","VersionStage":"ACSCurrent"},{"SecretName":"b"},
        {"SecretName":"r","FetchExtendedConfig":"true"},{"SecretName":"none","VersionId":""}]"#;
    let answer = kms.call("BatchGetSecretValue", &[("SecretsList", list)]).await.unwrap();
    let values = answer["SecretValues"].as_array().unwrap();
    assert_eq!(values.len(), 2);
    assert_eq!((member(&values[0], "/SecretName"), member(&values[0], "/SecretData")), ("a", "one"));
    assert!(values.iter().all(|value| value["RequestId"].as_str().is_some_and(|id| id.len() == 36)));
    assert!(member(&values[1], "/ExtendedConfig").contains("rm-1"));
    let errors: Vec<_> = answer["Errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (member(error, "/SecretName"), error["HttpStatus"].as_u64().unwrap(), member(error, "/Code")))
        .collect();
    assert_eq!(errors, [("b", 409, SCHEDULED.1), ("none", 404, NOT_FOUND.1)]);
    let many: Vec<Value> = (0..21).map(|at| json!({"SecretName": format!("s{at}")})).collect();
    let none = kms.call("BatchGetSecretValue", &[("SecretsList", &json!(many[..20]).to_string())]).await.unwrap();
    assert_eq!((none["SecretValues"].clone(), none["Errors"].as_array().unwrap().len()), (json!([]), 20));
    let twice = r#"[{"SecretName":"a"},{"SecretName":"a","VersionId":"v1"}]"#;
    for wrong in
        ["x", "[]", "{}", r#"[{"VersionId":"v1"}]"#, r#"[{"SecretName":"a b"}]"#, twice, &json!(many).to_string()]
    {
        assert_eq!(code(kms.call("BatchGetSecretValue", &[("SecretsList", wrong)]).await), INVALID, "{wrong}");
    }
    assert_eq!(code(kms.call("BatchGetSecretValue", &[]).await), MISSING);
}
