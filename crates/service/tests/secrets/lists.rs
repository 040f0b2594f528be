//! ListSecrets.

use serde_json::{Value, json};
use sesame_testkit::TestKms;

use super::*;

async fn names(kms: &TestKms, params: &[(&str, &str)]) -> (Vec<String>, i64) {
    let answer = kms.call("ListSecrets", params).await.unwrap();
    let list = answer["SecretList"]["Secret"].as_array().unwrap();
    let names = list.iter().map(|secret| member(secret, "/SecretName").to_owned()).collect();
    (names, answer["TotalCount"].as_i64().unwrap())
}

#[tokio::test]
async fn secrets_are_listed_by_name_in_pages() {
    let kms = TestKms::new().await;
    for name in ["c", "a", "B", "d"] {
        create(&kms, name, &[("Tags", r#"[{"TagKey":"k","TagValue":"v"}]"#)]).await.unwrap();
    }
    let all = kms.call("ListSecrets", &[("PageSize", "2"), ("FetchTags", "true")]).await.unwrap();
    let item = |name: &str| {
        let time = "2026-01-02T03:04:05Z";
        json!({"SecretName": name, "SecretType": "Generic", "CreateTime": time, "UpdateTime": time,
            "Tags": {"Tag": [{"TagKey": "k", "TagValue": "v"}]}})
    };
    assert_eq!(
        all,
        json!({"PageNumber": 1, "PageSize": 2, "TotalCount": 4,
        "SecretList": {"Secret": [item("B"), item("a")]}})
    );
    assert_eq!(names(&kms, &[("PageNumber", "2"), ("PageSize", "3")]).await, (vec!["d".to_owned()], 4));
    assert_eq!(names(&kms, &[("PageNumber", "9")]).await, (vec![], 4));
    let untagged = kms.call("ListSecrets", &[]).await.unwrap();
    assert_eq!(untagged.pointer("/SecretList/Secret/0/Tags"), None);
    for wrong in [("PageNumber", "0"), ("PageSize", "102"), ("FetchTags", "x"), ("Filters", "{}")] {
        assert_eq!(code(kms.call("ListSecrets", &[wrong]).await), INVALID);
    }
    assert_eq!(kms.call_from("6543210987654321", "ListSecrets", &[]).await.unwrap()["TotalCount"], 0);
}

#[tokio::test]
async fn every_filter_selects() {
    let kms = TestKms::new().await;
    let tags = |key: &str, value: &str| format!(r#"[{{"TagKey":"{key}","TagValue":"{value}"}},{{"TagKey":"z"}}]"#);
    create(&kms, "a", &[("Description", "one"), ("Tags", &tags("env", "prod"))]).await.unwrap();
    create(&kms, "b", &[("Description", "two"), ("Tags", &tags("env", "test"))]).await.unwrap();
    create(&kms, "c", &[("Description", "one"), ("Tags", &tags("team", "prod"))]).await.unwrap();
    create_rds(&kms, "r", &[]).await.unwrap();
    let select = async |filters: &[(&str, &[&str])]| {
        let filters: Vec<Value> = filters.iter().map(|(key, values)| json!({"Key": key, "Values": values})).collect();
        let (names, total) = names(&kms, &[("Filters", &json!(filters).to_string())]).await;
        assert_eq!(names.len() as i64, total);
        names.join("")
    };
    for (filters, expected) in [
        (&[("SecretName", &["a", "r", "x"][..])][..], "ar"),
        (&[("Description", &["one"])], "ac"),
        (&[("TagKey", &["env"])], "ab"),
        (&[("TagValue", &["prod"])], "ac"),
        (&[("TagKey", &["env"]), ("TagValue", &["prod"])], "a"),
        (&[("TagKey", &["env", "team"])], "abc"),
        (&[("SecretType", &["RDS"])], "r"),
        (&[("SecretType", &["Generic", "Rds"])], "abcr"),
        (&[("SecretType", &["Oracle"])], ""),
        (&[("Creator", &["1234567890123456"])], "abcr"),
        (&[("Creator", &["1"])], ""),
        (&[("DKMSInstanceId", &["kst-1"])], ""),
        (&[("Description", &["one"]), ("SecretName", &["c", "b"])], "c"),
        (&[("SecretType", &["Generic"]), ("Description", &["two"]), ("TagValue", &["test"])], "b"),
        (&[("SecretName", &[])], "abcr"),
    ] {
        assert_eq!(select(filters).await, expected, "{filters:?}");
    }
    // What is kept in memory follows every change.
    let env = [("TagKey", &["env"][..])];
    let untag = [("RegionId", "cn-hangzhou"), ("ResourceType", "secret"), ("ResourceId.1", "a"), ("TagKey.1", "env")];
    kms.call("UntagResources", &untag).await.unwrap();
    assert_eq!(select(&env).await, "b");
    kms.call("UpdateSecret", &[("SecretName", "b"), ("Description", "one")]).await.unwrap();
    assert_eq!(select(&[("Description", &["one"])]).await, "abc");
    let force = [("SecretName", "b"), ("ForceDeleteWithoutRecovery", "true")];
    kms.call("DeleteSecret", &force).await.unwrap();
    assert_eq!(select(&env).await, "");
    assert_eq!(select(&[("Description", &["one"])]).await, "ac");
}
