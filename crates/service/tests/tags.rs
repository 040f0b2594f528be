//! Tags: the founding page, `UntagResources`, and its siblings.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a call that must succeed fails its test")]

use serde_json::{Value, json};
use sesame_testkit::{Refusal, TestKms};

const REGION: (&str, &str) = ("RegionId", "cn-hangzhou");
const KEYS: (&str, &str) = ("ResourceType", "key");

async fn tags_of(kms: &TestKms, key: &str) -> Vec<(String, String)> {
    let answer = kms.call("ListResourceTags", &[("KeyId", key)]).await.unwrap();
    let text = |tag: &Value, name: &str| tag[name].as_str().unwrap().to_owned();
    answer["Tags"]["Tag"].as_array().unwrap().iter().map(|tag| (text(tag, "TagKey"), text(tag, "TagValue"))).collect()
}

async fn tagged_key(kms: &TestKms) -> String {
    kms.key(&[("Tags", r#"[{"TagKey":"a","TagValue":"1"},{"TagKey":"b","TagValue":"2"},{"TagKey":"环境"}]"#)]).await
}

fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> (u16, &'static str) {
    let refusal = result.unwrap_err();
    (refusal.status, refusal.code)
}

#[tokio::test]
async fn untag_resources_removes_the_named_tags_from_every_key() {
    let kms = TestKms::new().await;
    let (one, two) = (tagged_key(&kms).await, tagged_key(&kms).await);
    let ids = [("ResourceId.1", one.as_str()), ("ResourceId.2", two.as_str())];
    let call = [&[REGION, KEYS], &ids[..], &[("TagKey.1", "a"), ("TagKey.2", "环境"), ("TagKey.3", "absent")]].concat();
    assert_eq!(kms.call("UntagResources", &call).await.unwrap(), json!({}));
    for key in [one, two] {
        assert_eq!(tags_of(&kms, &key).await, [("b".to_owned(), "2".to_owned())]);
    }
}

#[tokio::test]
async fn all_removes_everything_only_when_no_tag_key_is_given() {
    let kms = TestKms::new().await;
    let key = tagged_key(&kms).await;
    let id = ("ResourceId.1", key.as_str());
    kms.call("UntagResources", &[REGION, KEYS, id, ("TagKey.1", "a"), ("All", "True")]).await.unwrap();
    assert_eq!(tags_of(&kms, &key).await.len(), 2);
    kms.call("UntagResources", &[REGION, KEYS, id, ("All", "true")]).await.unwrap();
    assert_eq!(tags_of(&kms, &key).await, []);
    kms.call("UntagResources", &[REGION, KEYS, id, ("All", "true")]).await.unwrap();
}

#[tokio::test]
async fn one_missing_resource_leaves_every_tag_in_place() {
    let kms = TestKms::new().await;
    let key = tagged_key(&kms).await;
    let ids = [("ResourceId.1", key.as_str()), ("ResourceId.2", "key-hzz000000000000000000")];
    for (operation, rest) in
        [("UntagResources", &[("TagKey.1", "a")][..]), ("TagResources", &[("Tag.1.Key", "new"), ("Tag.1.Value", "x")])]
    {
        let call = [&[REGION, KEYS], &ids[..], rest].concat();
        assert_eq!(code(kms.call(operation, &call).await), (404, "InvalidResourceId.NotFound"));
    }
    assert_eq!(tags_of(&kms, &key).await.len(), 3);
}

#[tokio::test]
async fn both_notations_of_lists_are_read() {
    let kms = TestKms::new().await;
    let key = tagged_key(&kms).await;
    let ids = json!([key]).to_string();
    let tags = r#"[{"Key":"c","Value":"3"}]"#;
    kms.call("TagResources", &[REGION, KEYS, ("ResourceId", &ids), ("Tag", tags)]).await.unwrap();
    assert_eq!(tags_of(&kms, &key).await.len(), 4);
    let keys = r#"["a","b","c","环境"]"#;
    kms.call("UntagResources", &[REGION, KEYS, ("ResourceId", &ids), ("TagKey", keys)]).await.unwrap();
    assert_eq!(tags_of(&kms, &key).await, []);
}

#[tokio::test]
async fn calls_that_break_a_rule_of_the_page_get_its_code() {
    let kms = TestKms::new().await;
    let key = tagged_key(&kms).await;
    let id = ("ResourceId.1", key.as_str());
    let many_ids: Vec<String> = (1..=51).map(|n| format!("ResourceId.{n}")).collect();
    let many_ids: Vec<_> = many_ids.iter().map(|name| (name.as_str(), key.as_str())).collect();
    let many_keys: Vec<(String, String)> = (1..=21).map(|n| (format!("TagKey.{n}"), format!("k{n}"))).collect();
    let many_keys: Vec<_> = many_keys.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let a = ("TagKey.1", "a");
    for (call, expected) in [
        (vec![KEYS, id, a], (400, "MissingParameter")),
        (vec![REGION, id, a], (400, "MissingParameter")),
        (vec![REGION, KEYS, a], (400, "MissingParameter")),
        (vec![REGION, KEYS, id], (400, "MissingParameter")),
        (vec![REGION, KEYS, id, ("All", "false")], (400, "MissingParameter")),
        (vec![("RegionId", "cn-beijing"), KEYS, id, a], (400, "InvalidParameter")),
        (vec![REGION, ("ResourceType", "Key"), id, a], (400, "InvalidParameter")),
        (vec![REGION, KEYS, id, ("All", "yes")], (400, "InvalidParameter")),
        (vec![REGION, KEYS, id, ("TagKey.1", "acs:x")], (400, "InvalidParameter.TagKey")),
        (vec![REGION, KEYS, id, ("TagKey.1", "Aliyun")], (400, "InvalidParameter.TagKey")),
        (vec![REGION, KEYS, id, ("TagKey.2", "a")], (400, "InvalidParameter")),
        ([vec![REGION, KEYS, a], many_ids].concat(), (400, "InvalidParameter")),
        ([vec![REGION, KEYS, id], many_keys].concat(), (400, "InvalidParameter")),
        (vec![REGION, ("ResourceType", "secret"), ("ResourceId.1", "s"), a], (404, "InvalidResourceId.NotFound")),
        (vec![REGION, KEYS, ("ResourceId.1", "alias/x"), a], (404, "InvalidResourceId.NotFound")),
        (vec![REGION, KEYS, ("ResourceId.1", "a b"), a], (404, "InvalidResourceId.NotFound")),
    ] {
        assert_eq!(code(kms.call("UntagResources", &call).await), expected, "{call:?}");
    }
    assert_eq!(tags_of(&kms, &key).await.len(), 3);
}

#[tokio::test]
async fn tag_resources_overwrites_and_checks() {
    let kms = TestKms::new().await;
    let key = tagged_key(&kms).await;
    let id = ("ResourceId.1", key.as_str());
    let put = async |rest: &[(&str, &str)]| kms.call("TagResources", &[&[REGION, KEYS, id], rest].concat()).await;
    put(&[("Tag.1.Key", "a"), ("Tag.1.Value", "9"), ("Tag.2.Key", "e"), ("Tag.2.Value", "")]).await.unwrap();
    let tags = tags_of(&kms, &key).await;
    assert!(tags.contains(&("a".to_owned(), "9".to_owned())) && tags.contains(&("e".to_owned(), String::new())));
    let twice = [("Tag.1.Key", "x"), ("Tag.1.Value", "1"), ("Tag.2.Key", "x"), ("Tag.2.Value", "2")];
    assert_eq!(code(put(&twice).await), (400, "Duplicate.TagKey"));
    assert_eq!(code(put(&[("Tag.1.Key", "acs:x"), ("Tag.1.Value", "1")]).await), (400, "InvalidParameter.TagKey"));
    assert_eq!(code(put(&[("Tag.1.Key", "x"), ("Tag.1.Value", "*")]).await), (400, "InvalidParameter.TagValue"));
    let names: Vec<(String, String)> = (1..=17).map(|n| (format!("Tag.{n}.Key"), format!("k{n}"))).collect();
    let names: Vec<_> = names.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(code(put(&names).await), (400, "Rejected.LimitExceeded"));
    put(&names[..16]).await.unwrap();
    assert_eq!(tags_of(&kms, &key).await.len(), 20);
}

#[tokio::test]
async fn list_tag_resources_selects_by_resource_and_by_tag() {
    let kms = TestKms::new().await;
    let (one, two) = (tagged_key(&kms).await, kms.key(&[("Tags", r#"[{"TagKey":"a","TagValue":"2"}]"#)]).await);
    let rows = async |rest: &[(&str, &str)]| {
        let answer = kms.call("ListTagResources", &[&[REGION, KEYS], rest].concat()).await.unwrap();
        assert_eq!(answer["NextToken"], "");
        answer["TagResources"]["TagResource"].as_array().unwrap().len()
    };
    assert_eq!(rows(&[]).await, 4);
    assert_eq!(rows(&[("ResourceId.1", &one)]).await, 3);
    assert_eq!(rows(&[("Tag.1.Key", "a")]).await, 4);
    assert_eq!(rows(&[("Tag.1.Key", "a"), ("Tag.1.Value", "1")]).await, 3);
    assert_eq!(rows(&[("Tag.1.Key", "a"), ("Tag.2.Key", "b")]).await, 3);
    assert_eq!(rows(&[("ResourceId.1", &two), ("Tag.1.Key", "b")]).await, 0);
    let twice = [REGION, KEYS, ("Tag.1.Key", "a"), ("Tag.2.Key", "a")];
    assert_eq!(code(kms.call("ListTagResources", &twice).await), (400, "Duplicate.TagKey"));
    let missing = [REGION, KEYS, ("ResourceId.1", "key-hzz000000000000000000")];
    assert_eq!(code(kms.call("ListTagResources", &missing).await), (404, "InvalidResourceId.NotFound"));
}

#[tokio::test]
async fn list_tag_resources_pages_by_token_until_it_is_empty() {
    let kms = TestKms::new().await;
    let tags: Vec<_> = (0..20).map(|n| json!({"TagKey": format!("k{n:02}"), "TagValue": "v"})).collect();
    let tags = Value::from(tags).to_string();
    for _ in 0..11 {
        kms.key(&[("Tags", &tags)]).await;
    }
    let mut seen = std::collections::BTreeSet::new();
    let (mut token, mut pages) = (String::new(), 0);
    loop {
        let call = [REGION, KEYS, ("NextToken", token.as_str())];
        let answer = kms.call("ListTagResources", &call).await.unwrap();
        let rows = answer["TagResources"]["TagResource"].as_array().unwrap();
        seen.extend(rows.iter().map(|row| (row["ResourceId"].to_string(), row["TagKey"].to_string())));
        (token, pages) = (answer["NextToken"].as_str().unwrap().to_owned(), pages + 1);
        if token.is_empty() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (220, 2));
    let wrong = [REGION, KEYS, ("NextToken", "!")];
    assert_eq!(code(kms.call("ListTagResources", &wrong).await), (400, "InvalidParameter"));
}

#[tokio::test]
async fn the_older_operations_work_on_the_same_tags() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    kms.call("CreateAlias", &[("AliasName", "alias/app"), ("KeyId", &key)]).await.unwrap();
    let tags = r#"[{"TagKey":"a","TagValue":"1"},{"TagKey":"b","TagValue":"2"},{"TagKey":"c","TagValue":"3"}]"#;
    kms.call("TagResource", &[("KeyId", "alias/app"), ("Tags", tags)]).await.unwrap();
    assert_eq!(tags_of(&kms, &key).await.len(), 3);
    kms.call("UntagResource", &[("KeyId", &key), ("TagKeys", r#"["a","zz"]"#)]).await.unwrap();
    kms.call("UntagResource", &[("KeyId", &key), ("TagKeys", "b,c")]).await.unwrap();
    assert_eq!(tags_of(&kms, &key).await, []);
    for (call, expected) in [
        (vec![("Tags", tags)], (400, "InvalidParameter")),
        (vec![("KeyId", key.as_str()), ("SecretName", "s"), ("Tags", tags)], (400, "InvalidParameter")),
        (vec![("KeyId", key.as_str())], (400, "MissingParameter")),
        (vec![("KeyId", key.as_str()), ("Tags", "{}")], (400, "InvalidParameter")),
        (vec![("KeyId", key.as_str()), ("Tags", r#"[{"TagKey":"acs:x"}]"#)], (400, "InvalidParameter")),
        (vec![("KeyId", key.as_str()), ("Tags", r#"[{"TagKey":"a"},{"TagKey":"a"}]"#)], (400, "InvalidParameter")),
        (vec![("SecretName", "s"), ("Tags", tags)], (404, "Forbidden.ResourceNotFound")),
        (vec![("KeyId", "key-hzz000000000000000000"), ("Tags", tags)], (404, "Forbidden.KeyNotFound")),
    ] {
        assert_eq!(code(kms.call("TagResource", &call).await), expected, "{call:?}");
    }
}
