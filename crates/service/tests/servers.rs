//! Several servers over one PostgreSQL database, each with a store, caches and a clock of its own.
//!
//! Without `SESAME_TEST_POSTGRES_URL` these tests say that they are skipped.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a fixture that cannot be made fails its test")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use sesame_service::Limits;
use sesame_testkit::{Refusal, TestKms};

const DAY: i64 = 86_400;
const PLAINTEXT: &str = "aGVsbG8=";

/// This many servers over a fresh database.
async fn servers<const N: usize>(limits: Limits) -> Option<[TestKms; N]> {
    let first = TestKms::on_postgres(limits).await?;
    let mut all = vec![first];
    while all.len() < N {
        all.push(all[0].another_server().await);
    }
    Some(all.try_into().unwrap())
}

fn advance(servers: &[TestKms], seconds: i64) {
    servers.iter().for_each(|server| server.clock.advance_seconds(seconds));
}

/// A round of the jobs on all servers at the same time.
async fn round(servers: &[TestKms]) {
    let rounds: Vec<_> = servers
        .iter()
        .map(|server| Arc::clone(&server.service))
        .map(|service| tokio::spawn(async move { service.run_jobs_once().await }))
        .collect();
    for round in rounds {
        round.await.unwrap();
    }
}

/// The same call on all servers at the same time.
async fn everywhere(servers: &[TestKms; 3], operation: &str, params: &[(&str, &str)]) -> [Result<Value, Refusal>; 3] {
    let [one, two, three] = servers;
    tokio::join!(one.call(operation, params), two.call(operation, params), three.call(operation, params)).into()
}

async fn rotating(kms: &TestKms, count: usize) -> Vec<String> {
    let mut keys = Vec::new();
    for _ in 0..count {
        keys.push(kms.key(&[("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")]).await);
    }
    keys
}

async fn versions(kms: &TestKms, key: &str) -> usize {
    let listed = kms.call("ListKeyVersions", &[("KeyId", key)]).await.unwrap();
    usize::try_from(listed["TotalCount"].as_u64().unwrap()).unwrap()
}

async fn assert_versions(kms: &TestKms, keys: &[String], expected: usize) {
    for key in keys {
        assert_eq!(versions(kms, key).await, expected, "{key}");
    }
}

async fn encrypt(kms: &TestKms, key: &str) -> Value {
    kms.call("Encrypt", &[("KeyId", key), ("Plaintext", PLAINTEXT)]).await.unwrap()
}

/// How often servers counted something, all together.
fn counted(servers: &[TestKms], counter: &str) -> u64 {
    let value = |server: &TestKms| {
        let text = server.service.metrics().encode();
        let line = text.lines().find_map(|line| line.strip_prefix(counter)).unwrap().trim().to_owned();
        line.parse::<u64>().unwrap()
    };
    servers.iter().map(value).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_rotation_is_made_once_whoever_makes_it() {
    let Some(servers) = servers::<3>(Limits::default()).await else { return };
    let keys = rotating(&servers[0], 12).await;
    let mut blobs = Vec::new();
    for interval in 1..=5 {
        for (at, key) in keys.iter().enumerate() {
            blobs.push(encrypt(&servers[at % 3], key).await["CiphertextBlob"].as_str().unwrap().to_owned());
        }
        advance(&servers, 7 * DAY - 1);
        round(&servers).await;
        assert_versions(&servers[0], &keys, interval).await;
        advance(&servers, 1);
        round(&servers).await;
        round(&servers).await;
        assert_versions(&servers[0], &keys, interval + 1).await;
        assert_eq!(counted(&servers, "sesame_keys_rotated_total"), (interval * keys.len()) as u64);
    }
    for (at, blob) in blobs.iter().enumerate() {
        let opened = servers[at % 3].call("Decrypt", &[("CiphertextBlob", blob)]).await.unwrap();
        assert_eq!(opened["Plaintext"], PLAINTEXT);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_in_a_round_leaves_every_key_rotated_once_or_to_the_others() {
    let Some([dying, other]) = servers::<2>(Limits::default()).await else { return };
    let keys = rotating(&dying, 20).await;
    for interval in 1..=4_u64 {
        advance(std::slice::from_ref(&dying), 7 * DAY);
        advance(std::slice::from_ref(&other), 7 * DAY);
        let service = Arc::clone(&dying.service);
        let interrupted = tokio::spawn(async move { service.run_jobs_once().await });
        tokio::time::sleep(Duration::from_millis(interval * 15)).await;
        interrupted.abort();
        let _ = interrupted.await;
        // What the dead server sent may still be on its way to a commit.
        other.service.run_jobs_once().await;
        other.service.run_jobs_once().await;
        let expected = usize::try_from(interval).unwrap() + 1;
        assert_versions(&other, &keys, expected).await;
        // Started again, it finds nothing to do.
        dying.another_server().await.service.run_jobs_once().await;
        assert_versions(&other, &keys, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_were_all_off_rotate_once_when_they_start() {
    let Some(before) = servers::<2>(Limits::default()).await else { return };
    let keys = rotating(&before[0], 5).await;
    advance(&before, 100 * DAY);
    let after = [before[0].another_server().await, before[1].another_server().await];
    for server in &before {
        server.store.close().await;
    }
    round(&after).await;
    round(&after).await;
    assert_versions(&after[0], &keys, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_differ_by_minutes_make_no_rotation_twice() {
    let Some(servers) = servers::<3>(Limits::default()).await else { return };
    let keys = rotating(&servers[1], 3).await;
    servers[0].clock.advance_seconds(-240);
    servers[2].clock.advance_seconds(240);
    for interval in 1..=3 {
        // To five minutes before the slowest clock reaches the date, and on until it has passed it by as much.
        advance(&servers, 7 * DAY - 600);
        for _ in 0..20 {
            round(&servers).await;
            advance(&servers, 60);
        }
        assert_versions(&servers[0], &keys, interval + 1).await;
        advance(&servers, -600);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_steps_far_ahead_and_back_on_one_server_makes_one_rotation() {
    let Some(servers) = servers::<3>(Limits::default()).await else { return };
    let keys = rotating(&servers[0], 3).await;
    round(&servers).await;
    servers[1].clock.advance_seconds(1_000 * DAY);
    for _ in 0..5 {
        round(&servers).await;
    }
    assert_versions(&servers[0], &keys, 2).await;
    servers[1].clock.advance_seconds(-1_000 * DAY);
    round(&servers).await;
    assert_versions(&servers[0], &keys, 2).await;
    // The date that the wrong clock wrote does not hold up the next one.
    advance(&servers, 7 * DAY);
    round(&servers).await;
    round(&servers).await;
    assert_versions(&servers[0], &keys, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_version_is_used_by_every_server_within_a_second() {
    let Some(servers) = servers::<2>(Limits::default()).await else { return };
    let key = rotating(&servers[0], 1).await.remove(0);
    let before = encrypt(&servers[1], &key).await;
    advance(&servers, 7 * DAY);
    servers[0].service.run_jobs_once().await;
    let rotated = Instant::now();
    let new = encrypt(&servers[0], &key).await["KeyVersionId"].clone();
    assert_ne!(new, before["KeyVersionId"]);
    while encrypt(&servers[1], &key).await["KeyVersionId"] != new {
        assert!(rotated.elapsed() < Duration::from_secs(1), "the other server still uses the old version");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let blob = before["CiphertextBlob"].as_str().unwrap();
    assert_eq!(servers[0].call("Decrypt", &[("CiphertextBlob", blob)]).await.unwrap()["Plaintext"], PLAINTEXT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_key_disables_its_secrets_on_every_server_within_a_second() {
    let Some(servers) = servers::<2>(Limits::default()).await else { return };
    let key = servers[0].key(&[]).await;
    let secret = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "one"), ("EncryptionKeyId", &key)];
    servers[0].call("CreateSecret", &secret).await.unwrap();
    let read = || servers[1].call("GetSecretValue", &secret[..1]);
    for _ in 0..3 {
        read().await.unwrap();
    }
    servers[0].call("DisableKey", &[("KeyId", &key)]).await.unwrap();
    let disabled = Instant::now();
    let refusal = loop {
        match read().await {
            Err(refusal) => break refusal,
            Ok(_) => assert!(disabled.elapsed() < Duration::from_secs(1), "the other server still opens the secret"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(refusal.code, "Rejected.Disabled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_is_due_at_once_and_set_everywhere_rotates_once() {
    let Some(servers) = servers::<3>(Limits::default()).await else { return };
    let key = servers[0].key(&[]).await;
    advance(&servers, 8 * DAY);
    let policy = [("KeyId", key.as_str()), ("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")];
    for answer in everywhere(&servers, "UpdateRotationPolicy", &policy).await {
        answer.unwrap();
    }
    round(&servers).await;
    assert_eq!(versions(&servers[0], &key).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold_when_all_servers_make_versions_at_the_same_time() {
    let limits = Limits { key_versions_per_account: 4, ..Limits::default() };
    let Some(servers) = servers::<3>(limits).await else { return };
    let asymmetric = servers[0].key(&[("KeySpec", "EC_P256")]).await;
    advance(&servers, 7 * DAY);
    let made = everywhere(&servers, "CreateKeyVersion", &[("KeyId", &asymmetric)]).await;
    assert_eq!(made.iter().filter(|answer| answer.is_ok()).count(), 1, "seven days apart");
    assert_eq!(versions(&servers[0], &asymmetric).await, 2);
    // One key with two versions is there; the quota has room for two more.
    let made = everywhere(&servers, "CreateKey", &[]).await;
    assert_eq!(made.iter().filter(|answer| answer.is_ok()).count(), 2);
    assert!(made.iter().filter_map(|answer| answer.as_ref().err()).all(|e| e.code == "Rejected.LimitExceeded"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_destroyed_once_and_gone_everywhere() {
    let Some(servers) = servers::<3>(Limits::default()).await else { return };
    let mut keys = Vec::new();
    for _ in 0..5 {
        let key = servers[0].key(&[]).await;
        servers[0].call("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "7")]).await.unwrap();
        keys.push(key);
    }
    advance(&servers, 7 * DAY);
    round(&servers).await;
    assert_eq!(counted(&servers, "sesame_keys_destroyed_total"), 5);
    tokio::time::sleep(Duration::from_secs(1)).await;
    for server in &servers {
        for key in &keys {
            let gone = server.call("DescribeKey", &[("KeyId", key)]).await.unwrap_err();
            assert_eq!(gone.code, "Forbidden.KeyNotFound");
        }
    }
}
