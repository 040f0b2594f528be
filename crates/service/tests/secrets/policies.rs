//! GetSecretPolicy and SetSecretPolicy.

use serde_json::json;
use sesame_testkit::TestKms;

use super::*;

const POLICY: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["kms:GetSecretValue"],
    "Resource":["*"],"Principal":{"RAM":["acs:ram::1234567890123456:user/bob"]}}]}"#;

#[tokio::test]
async fn a_policy_is_kept_as_it_was_given() {
    let kms = TestKms::new().await;
    kms.user("bob", &[]).await;
    create(&kms, "s", &[]).await.unwrap();
    let default = named(&kms, "GetSecretPolicy", "s").await.unwrap();
    assert!(member(&default, "/Policy").contains("kms default secret policy"));
    let set = [("SecretName", "s"), ("PolicyName", "default"), ("Policy", POLICY)];
    assert_eq!(kms.call("SetSecretPolicy", &set).await.unwrap(), json!({}));
    assert_eq!(named(&kms, "GetSecretPolicy", "s").await.unwrap(), json!({"Policy": POLICY}));
    create(&kms, "t", &[("Policy", POLICY)]).await.unwrap();
    assert_eq!(named(&kms, "GetSecretPolicy", "t").await.unwrap(), json!({"Policy": POLICY}));
}

#[tokio::test]
async fn other_policies_are_refused() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[]).await.unwrap();
    let name = ("SecretName", "s");
    let bad = [("SecretName", "t"), ("VersionId", "v1"), ("SecretData", "x"), ("Policy", "{}")];
    assert_eq!(code(kms.call("CreateSecret", &bad).await), INVALID);
    let long = format!("{POLICY}{}", " ".repeat(32_768));
    for (operation, params, expected) in [
        ("SetSecretPolicy", vec![name, ("Policy", POLICY), ("PolicyName", "other")], NOT_FOUND),
        ("GetSecretPolicy", vec![name, ("PolicyName", "other")], NOT_FOUND),
        ("SetSecretPolicy", vec![("SecretName", "none"), ("Policy", POLICY)], NOT_FOUND),
        ("GetSecretPolicy", vec![("SecretName", "none")], NOT_FOUND),
        ("SetSecretPolicy", vec![name], MISSING),
        ("SetSecretPolicy", vec![name, ("Policy", &long)], INVALID),
        ("SetSecretPolicy", vec![name, ("Policy", "{}")], INVALID),
        ("SetSecretPolicy", vec![name, ("Policy", &POLICY.replace("Allow", "allow"))], INVALID),
    ] {
        assert_eq!(code(kms.call(operation, &params).await), expected, "{operation} {params:?}");
    }
}
