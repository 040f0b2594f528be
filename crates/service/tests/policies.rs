//! Key policies: kept and given back.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a fixture that cannot be made fails its test")]

use serde_json::Value;
use sesame_testkit::{Refusal, TestKms};

const POLICY: &str = r#"{ "Version": "1", "Statement": [{"Effect": "Deny",
    "Principal": {"RAM": ["acs:ram::1234567890123456:user/alice"]},
    "Action": ["kms:Decrypt"], "Resource": ["*"]}] }"#;

fn code(outcome: Result<Value, Refusal>) -> (u16, &'static str) {
    let refusal = outcome.unwrap_err();
    (refusal.status, refusal.code)
}

async fn policy(kms: &TestKms, key: &str) -> String {
    kms.call("GetKeyPolicy", &[("KeyId", key)]).await.unwrap()["Policy"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_has_the_default_policy_until_it_is_given_one() {
    let kms = TestKms::new().await;
    kms.user("alice", &[]).await;
    let key = kms.key(&[]).await;
    let default: Value = serde_json::from_str(&policy(&kms, &key).await).unwrap();
    assert_eq!(default["Statement"][0]["Sid"], "kms default key policy");
    assert_eq!(default["Statement"][0]["Principal"]["RAM"][0], "acs:ram::1234567890123456:*");
    let set = [("KeyId", &*key), ("Policy", POLICY), ("PolicyName", "default")];
    kms.call("SetKeyPolicy", &set).await.unwrap();
    assert_eq!(policy(&kms, &key).await, POLICY);
    let arn = format!("acs:kms:cn-hangzhou:1234567890123456:key/{key}");
    let by_arn = kms.call("GetKeyPolicy", &[("KeyId", &arn), ("PolicyName", "default")]).await.unwrap();
    assert_eq!(by_arn["Policy"], POLICY);
    let restored = default.to_string();
    kms.call("SetKeyPolicy", &[("KeyId", &key), ("Policy", &restored)]).await.unwrap();
    assert_eq!(policy(&kms, &key).await, restored);
}

#[tokio::test]
async fn a_key_can_be_born_with_a_policy() {
    let kms = TestKms::new().await;
    kms.user("alice", &[]).await;
    let key = kms.key(&[("Policy", POLICY)]).await;
    assert_eq!(policy(&kms, &key).await, POLICY);
    let wrong = kms.call("CreateKey", &[("Policy", r#"{"Version":"1"}"#)]).await;
    assert_eq!(code(wrong), (400, "InvalidParameter"));
}

#[tokio::test]
async fn other_names_and_other_texts_are_refused() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    for (operation, params) in [
        ("GetKeyPolicy", &[("PolicyName", "other")][..]),
        ("SetKeyPolicy", &[("PolicyName", "other"), ("Policy", POLICY)]),
    ] {
        let params = [&[("KeyId", &*key)], params].concat();
        assert_eq!(code(kms.call(operation, &params).await), (404, "Forbidden.ResourceNotFound"));
    }
    let set = async |key: &str, policy: &str| kms.call("SetKeyPolicy", &[("KeyId", key), ("Policy", policy)]).await;
    for wrong in ["{", "{}", &POLICY.replace("Deny", "Perhaps"), &format!("{POLICY}{}", " ".repeat(32_768))] {
        assert_eq!(code(set(&key, wrong).await), (400, "InvalidParameter"));
    }
    assert_eq!(code(set(&key, "").await), (400, "MissingParameter"));
    assert_eq!(code(set("alias/a", POLICY).await), (400, "Unsupported.Alias"));
    assert_eq!(code(set("key-hzz0123456789abcdefgh", POLICY).await), (404, "Forbidden.KeyNotFound"));
    assert_eq!(code(kms.call("GetKeyPolicy", &[("KeyId", "alias/a")]).await), (400, "Unsupported.Alias"));
    kms.call("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "7")]).await.unwrap();
    assert_eq!(code(set(&key, POLICY).await), (409, "Rejected.PendingDeletion"));
    assert!(kms.call("GetKeyPolicy", &[("KeyId", &key)]).await.is_ok());
}
