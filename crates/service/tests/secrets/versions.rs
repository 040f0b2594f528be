//! ListSecretVersionIds and UpdateSecretVersionStage.

use serde_json::json;
use sesame_testkit::TestKms;

use super::*;

async fn stage(kms: &TestKms, label: &str, more: &[(&str, &str)]) -> Answer {
    with(kms, "UpdateSecretVersionStage", &[("SecretName", "s"), ("VersionStage", label)], more).await
}

/// `v2:ACSCurrent v1:ACSPrevious`, newest first, with deprecated versions.
async fn listed(kms: &TestKms) -> String {
    let call = [("SecretName", "s"), ("IncludeDeprecated", "true"), ("PageSize", "100")];
    let answer = kms.call("ListSecretVersionIds", &call).await.unwrap();
    let versions = answer["VersionIds"]["VersionId"].as_array().unwrap();
    let shown = versions.iter().map(|version| {
        let labels = texts(version, "/VersionStages/VersionStage").join("+");
        format!("{}:{labels}", member(version, "/VersionId"))
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn versions_are_listed_newest_first() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[]).await.unwrap();
    for version in ["v2", "v3", "v4"] {
        put(&kms, "s", version, version, &[]).await.unwrap();
    }
    let item = |id: &str, labels: &[&str]| {
        let created = "2026-01-02T03:04:05Z";
        json!({"VersionId": id, "CreateTime": created, "VersionStages": {"VersionStage": labels}})
    };
    let labelled = named(&kms, "ListSecretVersionIds", "s").await.unwrap();
    assert_eq!(
        labelled,
        json!({
            "SecretName": "s", "PageNumber": 1, "PageSize": 20, "TotalCount": 2,
            "VersionIds": {"VersionId": [item("v4", &["ACSCurrent"]), item("v3", &["ACSPrevious"])]},
        })
    );
    let page = [("SecretName", "s"), ("IncludeDeprecated", "true"), ("PageNumber", "2"), ("PageSize", "3")];
    let second = kms.call("ListSecretVersionIds", &page).await.unwrap();
    assert_eq!(second["TotalCount"], 4);
    assert_eq!(second["VersionIds"]["VersionId"], json!([item("v1", &[])]));
    for wrong in [("PageSize", "102"), ("PageNumber", "0"), ("IncludeDeprecated", "yes")] {
        assert_eq!(code(with(&kms, "ListSecretVersionIds", &[("SecretName", "s")], &[wrong]).await), INVALID);
    }
    assert_eq!(code(named(&kms, "ListSecretVersionIds", "none").await), NOT_FOUND);
}

#[tokio::test]
async fn the_eleventh_version_takes_the_place_of_the_oldest_without_a_label() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[]).await.unwrap();
    stage(&kms, "keep", &[("MoveToVersion", "v1")]).await.unwrap();
    for number in 2..=11 {
        put(&kms, "s", &format!("v{number}"), &format!("value {number}"), &[]).await.unwrap();
    }
    assert_eq!(listed(&kms).await, "v11:ACSCurrent v10:ACSPrevious v9: v8: v7: v6: v5: v4: v3: v1:keep");
    assert_eq!(code(get(&kms, "s", &[("VersionId", "v2")]).await), NOT_FOUND);
    // The id may be used again, and then has its new value.
    put(&kms, "s", "v2", "anew", &[]).await.unwrap();
    assert_eq!(member(&get(&kms, "s", &[("VersionId", "v2")]).await.unwrap(), "/SecretData"), "anew");
}

#[tokio::test]
async fn labels_move_as_the_page_says() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[]).await.unwrap();
    put(&kms, "s", "v2", "two", &[]).await.unwrap();
    put(&kms, "s", "v3", "three", &[("VersionStages", r#"{"VersionStage":["MyPendingLabel"]}"#)]).await.unwrap();
    assert_eq!(listed(&kms).await, "v3:MyPendingLabel v2:ACSCurrent v1:ACSPrevious");
    let done = stage(&kms, "ACSCurrent", &[("MoveToVersion", "v3")]).await.unwrap();
    assert_eq!(done, json!({"SecretName": "s"}));
    assert_eq!(listed(&kms).await, "v3:ACSCurrent+MyPendingLabel v2:ACSPrevious v1:");
    assert_eq!(member(&get(&kms, "s", &[]).await.unwrap(), "/SecretData"), "three");
    stage(&kms, "MyPendingLabel", &[("RemoveFromVersion", "v3"), ("MoveToVersion", "v1")]).await.unwrap();
    stage(&kms, "ACSPrevious", &[("MoveToVersion", "v1")]).await.unwrap();
    assert_eq!(listed(&kms).await, "v3:ACSCurrent v2: v1:ACSPrevious+MyPendingLabel");
    stage(&kms, "MyPendingLabel", &[("RemoveFromVersion", "v1")]).await.unwrap();
    stage(&kms, "ACSCurrent", &[("MoveToVersion", "v3")]).await.unwrap();
    assert_eq!(listed(&kms).await, "v3:ACSCurrent v2: v1:ACSPrevious");
}

#[tokio::test]
async fn labels_that_cannot_be_set_are_refused() {
    let kms = TestKms::new().await;
    create(&kms, "s", &[]).await.unwrap();
    put(&kms, "s", "v2", "two", &[]).await.unwrap();
    create_rds(&kms, "r", &[]).await.unwrap();
    for (label, more, expected) in [
        ("x", &[][..], MISSING),
        ("ACSCurrent", &[("RemoveFromVersion", "v2")], MISSING),
        ("a b", &[("MoveToVersion", "v1")], INVALID),
        ("x", &[("MoveToVersion", "v9")], NOT_FOUND),
        ("x", &[("RemoveFromVersion", "v9")], NOT_FOUND),
        ("x", &[("RemoveFromVersion", "v1")], INVALID),
        ("ACSCurrent", &[("RemoveFromVersion", "v1"), ("MoveToVersion", "v1")], INVALID),
    ] {
        assert_eq!(code(stage(&kms, label, more).await), expected, "{label} {more:?}");
    }
    let managed = [("SecretName", "r"), ("VersionStage", "x"), ("MoveToVersion", "v1")];
    assert_eq!(code(kms.call("UpdateSecretVersionStage", &managed).await), UNSUPPORTED);
    for label in ["a", "b", "c", "d", "e", "f"] {
        stage(&kms, label, &[("MoveToVersion", "v1")]).await.unwrap();
    }
    assert_eq!(code(stage(&kms, "g", &[("MoveToVersion", "v1")]).await), TOO_MANY);
    assert_eq!(code(put(&kms, "s", "v3", "three", &[("VersionStages", r#"["g"]"#)]).await), TOO_MANY);
    assert_eq!(listed(&kms).await, "v2:ACSCurrent v1:ACSPrevious+a+b+c+d+e+f");
    for wrong in ["x", "[1]", r#"["a b"]"#] {
        assert_eq!(code(put(&kms, "s", "v3", "three", &[("VersionStages", wrong)]).await), INVALID);
    }
}
