//! Secrets that hold the access keys of RAM users, which the server rotates by itself.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a call that must succeed fails its test")]

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use sesame_service::rotations::{RotationOptions, Rotations};
use sesame_testkit::TestKms;

const NAME: (&str, &str) = ("SecretName", "acs/ram/user/bob");
const BOB: (&str, &str) = ("UserName", "bob");
const CONFIG: (&str, &str) = ("ExtendedConfig", r#"{"SecretSubType":"RamUserAccessKey","UserName":"bob"}"#);
const DAY: i64 = 86_400;

/// A server, and what rotates its secrets.
struct World {
    kms: TestKms,
    rotations: Arc<Rotations>,
}

impl World {
    async fn new() -> Self {
        let kms = TestKms::new().await;
        let rotations = Rotations::new(&kms.service, Vec::new(), RotationOptions::default()).unwrap();
        rotations.install();
        Self { kms, rotations }
    }

    /// With the user, and a secret that holds its only access key.
    async fn with_secret() -> (Self, String) {
        let world = Self::new().await;
        world.kms.user("bob", &["AliyunKMSReadOnlyAccess"]).await;
        let made = world.kms.call("Ram:CreateAccessKey", &[BOB]).await.unwrap();
        let id = made["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned();
        world.create(&json!([{"AccessKeyId": id, "AccessKeySecret": made["AccessKey"]["AccessKeySecret"]}])).await;
        (world, id)
    }

    async fn create(&self, keys: &Value) {
        let data = json!({"AccessKeys": keys}).to_string();
        let kind = ("SecretType", "RAMCredentials");
        let first = [("SecretName", "$Auto"), ("VersionId", "v1"), kind, CONFIG, ("SecretData", &*data)];
        self.kms.call("CreateSecret", &first).await.unwrap();
    }

    async fn rotate(&self, version: &str) {
        self.kms.call("RotateSecret", &[NAME, ("VersionId", version)]).await.unwrap();
        self.rotations.round().await;
    }

    /// The id of the access key that the secret holds.
    async fn held(&self) -> String {
        let answer = self.kms.call("GetSecretValue", &[NAME]).await.unwrap();
        let value: Value = serde_json::from_str(answer["SecretData"].as_str().unwrap()).unwrap();
        value["AccessKeyId"].as_str().unwrap().to_owned()
    }

    /// The access keys that the user has and that work.
    async fn works(&self) -> BTreeSet<String> {
        let listed = self.kms.call("Ram:ListAccessKeys", &[BOB]).await.unwrap();
        let keys = listed["AccessKeys"]["AccessKey"].as_array().unwrap().iter();
        let active = keys.filter(|key| key["Status"] == "Active");
        active.map(|key| key["AccessKeyId"].as_str().unwrap().to_owned()).collect()
    }
}

fn set<const N: usize>(ids: [&String; N]) -> BTreeSet<String> {
    ids.into_iter().cloned().collect()
}

#[tokio::test]
async fn the_key_before_works_for_two_days_beside_the_new_one() {
    let (world, first) = World::with_secret().await;
    world.rotate("v2").await;
    let second = world.held().await;
    assert_ne!(second, first);
    assert_eq!(world.works().await, set([&first, &second]));
    world.kms.clock.advance_seconds(2 * DAY - 1);
    world.kms.service.run_jobs_once().await;
    assert_eq!(world.works().await, set([&first, &second]));
    world.kms.clock.advance_seconds(1);
    world.kms.service.run_jobs_once().await;
    assert_eq!(world.works().await, set([&second]));
    assert_eq!(world.held().await, second);
    let gone = world.kms.call("GetSecretValue", &[NAME, ("VersionStage", "ACSPrevious")]).await.unwrap_err();
    assert_eq!(gone.code, "Forbidden.ResourceNotFound");
    let events = world.kms.events();
    assert!(events.iter().any(|event| event["eventName"] == "DeleteAccessKey" && event["resourceName"] == *first));
}

#[tokio::test]
async fn a_rotation_within_two_days_removes_the_key_before_the_last() {
    let (world, first) = World::with_secret().await;
    world.rotate("v2").await;
    let second = world.held().await;
    world.rotate("v3").await;
    let third = world.held().await;
    assert_eq!(world.works().await, set([&second, &third]));
    assert!(!world.works().await.contains(&first));
}

#[tokio::test]
async fn what_was_written_into_a_secret_does_not_become_an_access_key() {
    let world = World::new().await;
    world.kms.user("bob", &[]).await;
    world.create(&json!([{"AccessKeyId": "LTAI5tmadeup", "AccessKeySecret": "s"}])).await;
    world.rotate("v2").await;
    assert_eq!(world.works().await, set([&world.held().await]));
    assert_ne!(world.held().await, "LTAI5tmadeup");
}

#[tokio::test]
async fn a_key_that_the_secret_does_not_know_is_left_alone() {
    let (world, first) = World::with_secret().await;
    let other = world.kms.call("Ram:CreateAccessKey", &[BOB]).await.unwrap();
    let other = other["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned();
    world.rotate("v2").await;
    assert_eq!(world.held().await, first);
    assert_eq!(world.works().await, set([&first, &other]));
    // Once it is gone, the next attempt succeeds.
    world.kms.call("Ram:DeleteAccessKey", &[BOB, ("UserAccessKeyId", &other)]).await.unwrap();
    world.kms.clock.advance_seconds(60);
    world.rotations.round().await;
    assert_ne!(world.held().await, first);
}

#[tokio::test]
async fn to_make_such_a_secret_takes_the_permission_to_make_access_keys() {
    let (world, _) = World::with_secret().await;
    let kms = &world.kms;
    let mallory = kms.user("mallory", &["AliyunKMSFullAccess"]).await;
    let data = r#"{"AccessKeys":[{"AccessKeyId":"LTAI5t1","AccessKeySecret":"s"}]}"#;
    let kind = ("SecretType", "RAMCredentials");
    let make = [("SecretName", "$Auto"), ("VersionId", "v1"), kind, CONFIG, ("SecretData", data)];
    let refusal = kms.call_as(&mallory, "CreateSecret", &make).await.unwrap_err();
    assert_eq!(refusal.denied.unwrap().auth_action, "ram:CreateAccessKey");
}
