//! Key versions and rotation.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a fixture that cannot be made fails its test")]

use std::sync::Arc;

use serde_json::Value;
use sesame_service::Limits;
use sesame_testkit::{Refusal, TestClock, TestKms};

const DAY: i64 = 86_400;
const AES: &[(&str, &str)] = &[];
const EC: &[(&str, &str)] = &[("KeySpec", "EC_P256")];

async fn metadata(kms: &TestKms, key: &str) -> Value {
    kms.call("DescribeKey", &[("KeyId", key)]).await.unwrap()["KeyMetadata"].clone()
}

async fn versions(kms: &TestKms, key: &str) -> Vec<String> {
    let listed = kms.call("ListKeyVersions", &[("KeyId", key), ("PageSize", "100")]).await.unwrap();
    let ids = listed["KeyVersions"]["KeyVersion"].as_array().unwrap().iter();
    ids.map(|version| version["KeyVersionId"].as_str().unwrap().to_owned()).collect()
}

async fn rotating(kms: &TestKms, interval: &str) -> String {
    kms.key(&[("EnableAutomaticRotation", "true"), ("RotationInterval", interval)]).await
}

async fn encrypt(kms: &TestKms, key: &str) -> (String, String) {
    let answer = kms.call("Encrypt", &[("KeyId", key), ("Plaintext", "aGVsbG8=")]).await.unwrap();
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    (text("CiphertextBlob"), text("KeyVersionId"))
}

async fn decrypts(kms: &TestKms, blob: &str) -> bool {
    kms.call("Decrypt", &[("CiphertextBlob", blob)]).await.unwrap()["Plaintext"] == "aGVsbG8="
}

fn code(outcome: Result<Value, Refusal>) -> (u16, &'static str) {
    let refusal = outcome.unwrap_err();
    (refusal.status, refusal.code)
}

#[tokio::test]
async fn a_new_version_of_a_symmetric_key_becomes_primary_and_old_ciphertexts_open() {
    let kms = TestKms::new().await;
    let key = kms.key(AES).await;
    let (old_blob, old_version) = encrypt(&kms, &key).await;
    kms.clock.advance_seconds(60);
    let made = kms.call("CreateKeyVersion", &[("KeyId", &key)]).await.unwrap();
    let new_version = made["KeyVersion"]["KeyVersionId"].as_str().unwrap();
    assert_eq!(made["KeyVersion"]["KeyId"], key);
    assert_eq!(made["KeyVersion"]["CreationDate"], "2026-01-02T03:05:05Z");
    let described = metadata(&kms, &key).await;
    assert_eq!(described["PrimaryKeyVersion"], new_version);
    assert_eq!(described["LastRotationDate"], "2026-01-02T03:05:05Z");
    assert_eq!(encrypt(&kms, &key).await.1, new_version);
    assert!(decrypts(&kms, &old_blob).await);
    assert_eq!(versions(&kms, &key).await, [new_version.to_owned(), old_version]);
}

#[tokio::test]
async fn versions_are_described_and_listed_in_pages() {
    let kms = TestKms::new().await;
    let (key, other) = (kms.key(AES).await, kms.key(AES).await);
    let first = versions(&kms, &key).await.remove(0);
    for _ in 0..2 {
        kms.clock.advance_seconds(1);
        kms.call("CreateKeyVersion", &[("KeyId", &key)]).await.unwrap();
    }
    kms.call("CreateAlias", &[("KeyId", &key), ("AliasName", "alias/a")]).await.unwrap();
    let described = kms.call("DescribeKeyVersion", &[("KeyId", "alias/a"), ("KeyVersionId", &first)]).await.unwrap();
    assert_eq!(described["KeyVersion"]["KeyVersionId"], first);
    assert_eq!(described["KeyVersion"]["KeyId"], key);
    let page =
        kms.call("ListKeyVersions", &[("KeyId", "alias/a"), ("PageNumber", "2"), ("PageSize", "2")]).await.unwrap();
    assert_eq!(
        (page["TotalCount"].as_i64(), page["PageNumber"].as_i64(), page["PageSize"].as_i64()),
        (Some(3), Some(2), Some(2))
    );
    assert_eq!(page["KeyVersions"]["KeyVersion"][0]["KeyVersionId"], first);
    let past_the_end = kms.call("ListKeyVersions", &[("KeyId", &key), ("PageNumber", "9")]).await.unwrap();
    assert_eq!(past_the_end["KeyVersions"]["KeyVersion"], Value::Array(Vec::new()));
    for id in [versions(&kms, &other).await.remove(0).as_str(), "nonsense", "2ab1a983-7072-4bbc-a582-584b5bd8abcd"] {
        let outcome = kms.call("DescribeKeyVersion", &[("KeyId", &key), ("KeyVersionId", id)]).await;
        assert_eq!(code(outcome), (404, "Forbidden.KeyVersionNotFound"), "{id}");
    }
}

#[tokio::test]
async fn asymmetric_versions_are_seven_days_apart_and_limited_in_number() {
    let limits = Limits { asymmetric_versions: 3, ..Limits::default() };
    let kms = TestKms::with_limits(limits).await;
    let key = kms.key(EC).await;
    let first = versions(&kms, &key).await;
    let create = async || kms.call("CreateKeyVersion", &[("KeyId", &key)]).await;
    assert_eq!(code(create().await), (400, "Rejected.UnsupportedOperation"));
    kms.clock.advance_seconds(7 * DAY - 1);
    assert_eq!(code(create().await), (400, "Rejected.UnsupportedOperation"));
    kms.clock.advance_seconds(1);
    create().await.unwrap();
    assert_eq!(code(create().await), (400, "Rejected.UnsupportedOperation"));
    kms.clock.advance_seconds(7 * DAY);
    create().await.unwrap();
    kms.clock.advance_seconds(7 * DAY);
    assert_eq!(code(create().await), (400, "Rejected.LimitExceeded"));
    assert_eq!(versions(&kms, &key).await.last(), first.first());
    let described = metadata(&kms, &key).await;
    assert_eq!((&described["PrimaryKeyVersion"], &described["LastRotationDate"]), (&"".into(), &"".into()));
}

#[tokio::test]
async fn a_quota_of_versions_holds_for_the_keys_of_an_account_together() {
    let kms = TestKms::with_limits(Limits { key_versions_per_account: 4, ..Limits::default() }).await;
    let key = rotating(&kms, "7d").await;
    kms.key(&[("Origin", "EXTERNAL")]).await;
    let create = async || kms.call("CreateKeyVersion", &[("KeyId", &key)]).await;
    create().await.unwrap();
    kms.key(EC).await;
    assert_eq!(code(create().await), (400, "Rejected.LimitExceeded"));
    assert_eq!(code(kms.call("CreateKey", &[]).await), (400, "Rejected.LimitExceeded"));
    assert_eq!(versions(&kms, &key).await.len(), 2);
    kms.call_from("6543210987654321", "CreateKey", &[]).await.unwrap();
    // Rotation is not held up by it.
    kms.clock.advance_seconds(7 * DAY);
    kms.service.run_jobs_once().await;
    assert_eq!(versions(&kms, &key).await.len(), 3);
    // What a destroyed key had is free again.
    kms.call("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "7")]).await.unwrap();
    kms.clock.advance_seconds(7 * DAY);
    assert_eq!(code(kms.call("CreateKey", &[]).await), (400, "Rejected.LimitExceeded"));
    kms.service.run_jobs_once().await;
    kms.key(&[]).await;
}

#[tokio::test]
async fn a_version_made_under_a_wrong_clock_does_not_hold_up_the_next() {
    let kms = TestKms::new().await;
    let key = kms.key(EC).await;
    kms.clock.advance_seconds(1000 * DAY);
    kms.call("CreateKeyVersion", &[("KeyId", &key)]).await.unwrap();
    kms.clock.advance_seconds(-990 * DAY);
    kms.call("CreateKeyVersion", &[("KeyId", &key)]).await.unwrap();
}

#[tokio::test]
async fn some_keys_have_one_version_only() {
    let kms = TestKms::new().await;
    for params in [&[("Origin", "EXTERNAL")][..], &[("KeySpec", "HMAC_SHA_256")]] {
        let key = kms.key(params).await;
        assert_eq!(versions(&kms, &key).await.len(), 1);
        let outcome = kms.call("CreateKeyVersion", &[("KeyId", &key)]).await;
        assert_eq!(code(outcome), (400, "Rejected.UnsupportedOperation"));
    }
    for params in [&[("Origin", "EXTERNAL")][..], &[("KeySpec", "HMAC_SHA_256")], EC] {
        let key = kms.key(params).await;
        let policy = [("KeyId", &*key), ("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")];
        assert_eq!(code(kms.call("UpdateRotationPolicy", &policy).await), (400, "Rejected.UnsupportedOperation"));
    }
}

#[tokio::test]
async fn states_and_names_are_checked() {
    let kms = TestKms::new().await;
    let key = kms.key(AES).await;
    let policy = [("KeyId", &*key), ("EnableAutomaticRotation", "false")];
    kms.call("DisableKey", &[("KeyId", &key)]).await.unwrap();
    assert_eq!(code(kms.call("CreateKeyVersion", &[("KeyId", &key)]).await), (409, "Rejected.Disabled"));
    assert_eq!(code(kms.call("UpdateRotationPolicy", &policy).await), (409, "Rejected.Disabled"));
    kms.call("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "7")]).await.unwrap();
    assert_eq!(code(kms.call("CreateKeyVersion", &[("KeyId", &key)]).await), (409, "Rejected.PendingDeletion"));
    assert_eq!(code(kms.call("UpdateRotationPolicy", &policy).await), (409, "Rejected.PendingDeletion"));
    assert_eq!(versions(&kms, &key).await.len(), 1);
    let gone = "key-hzz0123456789abcdefgh";
    for operation in ["CreateKeyVersion", "ListKeyVersions"] {
        assert_eq!(code(kms.call(operation, &[("KeyId", gone)]).await), (404, "Forbidden.KeyNotFound"));
        assert_eq!(code(kms.call(operation, &[("KeyId", "alias/no")]).await), (404, "Forbidden.AliasNotFound"));
        assert_eq!(code(kms.call(operation, &[]).await), (400, "MissingParameter"));
        let foreign = kms.call_from("6543210987654321", operation, &[("KeyId", &key)]).await;
        assert_eq!(code(foreign), (404, "Forbidden.KeyNotFound"));
    }
    let by_alias = [("KeyId", "alias/a"), ("EnableAutomaticRotation", "false")];
    assert_eq!(code(kms.call("UpdateRotationPolicy", &by_alias).await), (400, "Unsupported.Alias"));
}

#[tokio::test]
async fn a_rotation_policy_is_shown_and_forgotten() {
    let kms = TestKms::new().await;
    let key = kms.key(AES).await;
    assert_eq!(metadata(&kms, &key).await["AutomaticRotation"], "Disabled");
    let set = async |enable: &str, interval: &str| {
        let policy = [("KeyId", &*key), ("EnableAutomaticRotation", enable), ("RotationInterval", interval)];
        kms.call("UpdateRotationPolicy", &policy).await
    };
    assert_eq!(code(set("true", "").await), (400, "MissingParameter"));
    assert_eq!(code(set("maybe", "7d").await), (400, "InvalidParameter"));
    for wrong in ["6d", "731d", "7", "week"] {
        let refusal = set("true", wrong).await.unwrap_err();
        assert!(refusal.code == "InvalidParameter" && refusal.message.contains("RotationInterval"), "{refusal:?}");
    }
    set("true", "168h").await.unwrap();
    let described = metadata(&kms, &key).await;
    assert_eq!(described["AutomaticRotation"], "Enabled");
    assert_eq!(described["RotationInterval"], "604800s");
    assert_eq!(described["NextRotationDate"], "2026-01-09T03:04:05Z");
    set("false", "").await.unwrap();
    let described = metadata(&kms, &key).await;
    assert_eq!(described["AutomaticRotation"], "Disabled");
    assert!(described.get("RotationInterval").is_none() && described.get("NextRotationDate").is_none());
}

#[tokio::test]
async fn a_policy_that_is_already_due_rotates_at_once() {
    let kms = TestKms::new().await;
    let key = kms.key(AES).await;
    kms.clock.advance_seconds(8 * DAY);
    let policy = [("KeyId", &*key), ("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")];
    kms.call("UpdateRotationPolicy", &policy).await.unwrap();
    assert_eq!(versions(&kms, &key).await.len(), 2);
    assert_eq!(metadata(&kms, &key).await["NextRotationDate"], "2026-01-17T03:04:05Z");
    kms.call("UpdateRotationPolicy", &policy).await.unwrap();
    assert_eq!(versions(&kms, &key).await.len(), 2);
}

#[tokio::test]
async fn the_job_rotates_each_time_once_and_old_ciphertexts_open_for_ever() {
    let kms = TestKms::new().await;
    let key = rotating(&kms, "7d").await;
    let mut blobs = Vec::new();
    for round in 1..=80 {
        blobs.push(encrypt(&kms, &key).await.0);
        kms.clock.advance_seconds(7 * DAY - 1);
        kms.service.run_jobs_once().await;
        assert_eq!(versions(&kms, &key).await.len(), round);
        kms.clock.advance_seconds(1);
        kms.service.run_jobs_once().await;
        kms.service.run_jobs_once().await;
        assert_eq!(versions(&kms, &key).await.len(), round + 1);
    }
    for blob in blobs {
        assert!(decrypts(&kms, &blob).await);
    }
}

#[tokio::test]
async fn many_due_keys_rotate_in_one_round() {
    let kms = TestKms::new().await;
    let mut keys = Vec::new();
    for _ in 0..230 {
        keys.push(rotating(&kms, "7d").await);
    }
    kms.clock.advance_seconds(7 * DAY);
    kms.service.run_jobs_once().await;
    for key in &keys {
        assert_eq!(versions(&kms, key).await.len(), 2);
    }
}

#[tokio::test]
async fn several_nodes_rotate_once() {
    let kms = TestKms::new().await;
    let mut keys = Vec::new();
    for _ in 0..20 {
        keys.push(rotating(&kms, "7d").await);
    }
    let nodes: Vec<_> = (0..4).map(|_| kms.another_node(&kms.clock)).collect();
    kms.clock.advance_seconds(7 * DAY);
    let rounds: Vec<_> =
        nodes.iter().map(Arc::clone).map(|node| tokio::spawn(async move { node.run_jobs_once().await })).collect();
    kms.service.run_jobs_once().await;
    for round in rounds {
        round.await.unwrap();
    }
    for key in &keys {
        assert_eq!(versions(&kms, key).await.len(), 2);
    }
}

#[tokio::test]
async fn a_node_that_was_off_for_years_rotates_once() {
    let kms = TestKms::new().await;
    let key = rotating(&kms, "7d").await;
    kms.clock.advance_seconds(3000 * DAY);
    kms.another_node(&kms.clock).run_jobs_once().await;
    kms.another_node(&kms.clock).run_jobs_once().await;
    assert_eq!(versions(&kms, &key).await.len(), 2);
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_and_back_rotates_once_and_goes_on_in_time() {
    let kms = TestKms::new().await;
    let key = rotating(&kms, "7d").await;
    kms.service.run_jobs_once().await;
    kms.clock.advance_seconds(1000 * DAY);
    kms.service.run_jobs_once().await;
    kms.service.run_jobs_once().await;
    assert_eq!(versions(&kms, &key).await.len(), 2);
    kms.clock.advance_seconds(-1000 * DAY);
    kms.service.run_jobs_once().await;
    assert_eq!(versions(&kms, &key).await.len(), 2);
    assert_eq!(metadata(&kms, &key).await["NextRotationDate"], "2026-01-09T03:04:05Z");
    kms.clock.advance_seconds(7 * DAY);
    kms.service.run_jobs_once().await;
    kms.service.run_jobs_once().await;
    assert_eq!(versions(&kms, &key).await.len(), 3);
}

#[tokio::test]
async fn a_node_that_starts_after_a_wrong_clock_puts_it_right() {
    let kms = TestKms::new().await;
    let key = rotating(&kms, "7d").await;
    kms.clock.advance_seconds(1000 * DAY);
    kms.service.run_jobs_once().await;
    kms.clock.advance_seconds(-1000 * DAY);
    kms.another_node(&kms.clock).run_jobs_once().await;
    assert_eq!(metadata(&kms, &key).await["NextRotationDate"], "2026-01-09T03:04:05Z");
}

#[tokio::test]
async fn nodes_whose_clocks_disagree_by_years_do_not_rotate_in_turns() {
    let kms = TestKms::new().await;
    let key = rotating(&kms, "7d").await;
    let ahead = Arc::new(TestClock::default());
    ahead.advance_seconds(1000 * DAY);
    for _ in 0..10 {
        kms.another_node(&ahead).run_jobs_once().await;
        kms.another_node(&kms.clock).run_jobs_once().await;
    }
    assert_eq!(versions(&kms, &key).await.len(), 2);
}

#[tokio::test]
async fn rotation_is_suspended_with_the_key_and_made_up_for_afterwards() {
    let kms = TestKms::new().await;
    let key = rotating(&kms, "7d").await;
    kms.call("DisableKey", &[("KeyId", &key)]).await.unwrap();
    let described = metadata(&kms, &key).await;
    assert_eq!(
        (&described["AutomaticRotation"], &described["RotationInterval"]),
        (&"Suspended".into(), &"604800s".into())
    );
    kms.clock.advance_seconds(30 * DAY);
    kms.service.run_jobs_once().await;
    assert_eq!(versions(&kms, &key).await.len(), 1);
    kms.call("EnableKey", &[("KeyId", &key)]).await.unwrap();
    assert_eq!(metadata(&kms, &key).await["AutomaticRotation"], "Enabled");
    kms.service.run_jobs_once().await;
    assert_eq!(versions(&kms, &key).await.len(), 2);
    assert_eq!(metadata(&kms, &key).await["LastRotationDate"], "2026-02-01T03:04:05Z");
}
