//! Tags on secrets, through all tag operations.

use serde_json::json;
use sesame_testkit::TestKms;

use super::*;

const SECRETS: [(&str, &str); 2] = [("RegionId", "cn-hangzhou"), ("ResourceType", "secret")];

async fn tags_of(kms: &TestKms, name: &str) -> String {
    let answer = with(kms, "ListTagResources", &SECRETS, &[("ResourceId.1", name)]).await.unwrap();
    let rows = answer["TagResources"]["TagResource"].as_array().unwrap();
    let shown = rows.iter().map(|row| {
        assert_eq!(row["ResourceType"], "secret");
        format!("{}:{}={}", member(row, "/ResourceId"), member(row, "/TagKey"), member(row, "/TagValue"))
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn secrets_carry_tags() {
    let kms = TestKms::new().await;
    create(&kms, "a/1", &[]).await.unwrap();
    create(&kms, "b", &[]).await.unwrap();
    let arn = "acs:kms:cn-hangzhou:1234567890123456:secret/a/1";
    let ids = [("ResourceId.1", arn), ("ResourceId.2", "b")];
    let new = [("Tag.1.Key", "k"), ("Tag.1.Value", "1"), ("Tag.2.Key", "l")];
    with(&kms, "TagResources", &SECRETS, &[&ids[..], &new].concat()).await.unwrap();
    assert_eq!(tags_of(&kms, arn).await, "a/1:k=1 a/1:l=");
    kms.call("TagResource", &[("SecretName", "b"), ("Tags", r#"[{"TagKey":"k","TagValue":"2"}]"#)]).await.unwrap();
    assert_eq!(tags_of(&kms, "b").await, "b:k=2 b:l=");
    let sought = with(&kms, "ListTagResources", &SECRETS, &[("Tag.1.Key", "k"), ("Tag.1.Value", "2")]).await.unwrap();
    assert_eq!(sought.pointer("/TagResources/TagResource/0/ResourceId").unwrap(), "b");
    kms.call("UntagResource", &[("SecretName", arn), ("TagKeys", r#"["l","x"]"#)]).await.unwrap();
    assert_eq!(tags_of(&kms, "a/1").await, "a/1:k=1");
    with(&kms, "UntagResources", &SECRETS, &[("ResourceId.1", "b"), ("TagKey.1", "k")]).await.unwrap();
    assert_eq!(tags_of(&kms, "b").await, "b:l=");
    with(&kms, "UntagResources", &SECRETS, &[&ids[..], &[("All", "true")]].concat()).await.unwrap();
    assert_eq!((tags_of(&kms, "a/1").await, tags_of(&kms, "b").await), (String::new(), String::new()));
    // Tagging is no change of the secret.
    let described = named(&kms, "DescribeSecret", "b").await.unwrap();
    assert_eq!(described["UpdateTime"], described["CreateTime"]);
}

#[tokio::test]
async fn rules_of_tags_hold_for_secrets() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[("Tags", r#"[{"TagKey":"k","TagValue":"v"}]"#)]).await.unwrap();
    let key = kms.key(&[]).await;
    let not_found = (404, "InvalidResourceId.NotFound");
    let (s, k) = (("ResourceId.1", "s"), ("TagKey.1", "k"));
    for (more, expected) in [
        (vec![s, ("ResourceId.2", "none"), k], not_found),
        (vec![("ResourceId.1", &*key), k], not_found),
        (vec![("ResourceId.1", "a b"), k], not_found),
        (vec![s, ("TagKey.1", "acs:x")], (400, "InvalidParameter.TagKey")),
        (vec![s], MISSING),
    ] {
        assert_eq!(code(with(&kms, "UntagResources", &SECRETS, &more).await), expected, "{more:?}");
    }
    assert_eq!(tags_of(&kms, "s").await, "s:k=v");
    let named = [("SecretName", "none"), ("TagKeys", "k")];
    assert_eq!(code(kms.call("UntagResource", &named).await), NOT_FOUND);
    let both = [("SecretName", "s"), ("KeyId", &key), ("TagKeys", "k")];
    assert_eq!(code(kms.call("UntagResource", &both).await), INVALID);
    let many: Vec<_> = (1..=20).map(|n| json!({"TagKey": format!("t{n}"), "TagValue": ""})).collect();
    let tags = [("SecretName", "s"), ("Tags", &json!(many).to_string())];
    assert_eq!(code(kms.call("TagResource", &tags).await), TOO_MANY);
    let foreign = [("SecretName", "acs:kms:cn-hangzhou:1234567890123456:secret/s"), ("TagKeys", "k")];
    assert_eq!(code(kms.call_from("6543210987654321", "UntagResource", &foreign).await).0, 403);
}
