//! Calls per account and group: who is counted together, and what a call beyond its quota is answered.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

use sesame_service::registry::ENTRIES;
use sesame_service::{AccountRate, CallQuotas, Group, GroupRate, Limits};
use sesame_testkit::{Refusal, TestKms};

const OTHER: &str = "6543210987654321";

fn quotas(original: bool, groups: &[&str], accounts: &[&str]) -> CallQuotas {
    CallQuotas {
        original,
        groups: groups.iter().map(|text| text.parse::<GroupRate>().unwrap()).collect(),
        accounts: accounts.iter().map(|text| text.parse::<AccountRate>().unwrap()).collect(),
    }
}

fn throttled(refusal: &Refusal) -> bool {
    (refusal.status, refusal.code, refusal.message.as_str()) == (429, "Rejected.Throttling", "QPS Limit Exceeded")
}

#[tokio::test]
async fn nothing_is_limited_by_default() {
    let kms = TestKms::new().await;
    for _ in 0..200 {
        kms.call("OpenKmsService", &[]).await.unwrap_or_default();
        kms.call("DescribeAccountKmsStatus", &[]).await.unwrap();
    }
}

#[tokio::test]
async fn the_operations_of_a_group_are_counted_together_and_recover_with_time() {
    let kms = TestKms::with_call_quotas(quotas(true, &["key_create=off"], &[])).await;
    let id = kms.key(&[]).await;
    let about = [("KeyId", id.as_str())];
    for _ in 0..25 {
        kms.call("DescribeKey", &about).await.unwrap();
        kms.call("ListKeys", &[]).await.unwrap();
    }
    let refused = kms.call("ListAliases", &[]).await.unwrap_err();
    assert!(throttled(&refused), "{refused:?}");
    assert_eq!(refused.retry_after_ms, Some(20));
    // Another group and another account go on.
    kms.call("UpdateKeyDescription", &[("KeyId", &id), ("Description", "x")]).await.unwrap();
    kms.call_from(OTHER, "ListKeys", &[]).await.unwrap();
    kms.clock.advance_seconds(1);
    for _ in 0..50 {
        kms.call("DescribeKey", &about).await.unwrap();
    }
    assert!(throttled(&kms.call("DescribeKey", &about).await.unwrap_err()));
}

#[tokio::test]
async fn an_account_can_have_rates_of_its_own() {
    let account = format!("{OTHER}/key_read=3/s");
    let kms = TestKms::with_call_quotas(quotas(false, &["key_read=1/s"], &[&account])).await;
    kms.call("ListKeys", &[]).await.unwrap();
    assert!(throttled(&kms.call("ListKeys", &[]).await.unwrap_err()));
    for _ in 0..3 {
        kms.call_from(OTHER, "ListKeys", &[]).await.unwrap();
    }
    assert!(throttled(&kms.call_from(OTHER, "ListKeys", &[]).await.unwrap_err()));
}

#[tokio::test]
async fn a_call_is_counted_before_anything_else_of_it_is_looked_at() {
    let kms = TestKms::with_call_quotas(quotas(false, &["symmetric=2/h"], &[])).await;
    // Calls that fail count, and a rehearsal is throttled like a call.
    assert_eq!(kms.call("Encrypt", &[]).await.unwrap_err().code, "MissingParameter");
    let unknown = [("KeyId", "1234abcd-12ab-34cd-56ef-1234567890ab"), ("Plaintext", "eA==")];
    assert_eq!(kms.call("Encrypt", &unknown).await.unwrap_err().code, "Forbidden.KeyNotFound");
    for params in [&[][..], &unknown, &[("DryRun", "true")]] {
        assert!(throttled(&kms.call("Encrypt", params).await.unwrap_err()));
    }
}

#[tokio::test]
async fn a_throttled_call_leaves_a_record() {
    let kms = TestKms::with_call_quotas(quotas(false, &["key_create=1/h"], &[])).await;
    kms.call("CreateKey", &[]).await.unwrap();
    kms.call("CreateKey", &[]).await.unwrap_err();
    let events = kms.events();
    let codes: Vec<_> = events.iter().map(|event| event["errorCode"].as_str()).collect();
    assert_eq!(codes, [None, Some("Rejected.Throttling")]);
    assert_eq!(events[1]["eventName"], "CreateKey");
}

#[tokio::test]
async fn every_operation_is_throttled_when_its_group_is() {
    let rates: Vec<_> = Group::ALL.iter().map(|group| format!("{group}=1/h")).collect();
    let kms =
        TestKms::with_call_quotas(quotas(false, &rates.iter().map(String::as_str).collect::<Vec<_>>(), &[])).await;
    let mut counted = Vec::new();
    for entry in ENTRIES {
        let is_first = !counted.contains(&entry.group.name());
        counted.push(entry.group.name());
        let refused = kms.call(entry.name, &[]).await.err();
        let is_throttled = refused.as_ref().is_some_and(|refusal| refusal.code.contains("Throttling"));
        assert_eq!(is_throttled, !is_first, "{}: {refused:?}", entry.name);
        assert_eq!(refused.and_then(|refusal| refusal.retry_after_ms).is_some(), !is_first, "{}", entry.name);
    }
}

type Call<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn every_quota_of_resources_is_kept() {
    const CERTIFICATE: Call<'_> = &[("Subject", "CN=userName,OU=kms,O=aliyun,C=CN"), ("KeySpec", "EC_P256")];
    let kms = TestKms::with_limits(Limits {
        aliases_per_key: 1,
        secrets_per_account: 1,
        certificates_per_account: 1,
        ..Limits::default()
    })
    .await;
    let (one, other) = (kms.key(&[]).await, kms.key(&[]).await);
    let full: &[(&str, Call<'_>, Call<'_>, &str)] = &[
        (
            "CreateAlias",
            &[("AliasName", "alias/a"), ("KeyId", &one)],
            &[("AliasName", "alias/b"), ("KeyId", &one)],
            "as many aliases",
        ),
        (
            "CreateSecret",
            &[("SecretName", "a"), ("SecretData", "x"), ("VersionId", "v")],
            &[("SecretName", "b"), ("SecretData", "x"), ("VersionId", "v")],
            "The secret quota is exceeded.",
        ),
        ("CreateCertificate", CERTIFICATE, CERTIFICATE, "as many certificates"),
    ];
    for (operation, first, second, says) in full {
        kms.call(operation, first).await.unwrap();
        let refused = kms.call(operation, second).await.unwrap_err();
        assert_eq!((refused.status, refused.code), (400, "Rejected.LimitExceeded"), "{operation}");
        assert!(refused.message.contains(says), "{refused:?}");
    }
    kms.call("CreateAlias", &[("AliasName", "alias/b"), ("KeyId", &other)]).await.unwrap();
    kms.call_from(OTHER, "CreateCertificate", CERTIFICATE).await.unwrap();
}
