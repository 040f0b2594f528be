//! One record for every request, with everything in it but secrets.
#![expect(clippy::unwrap_used, reason = "a call that must succeed fails its test")]

mod world;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sesame_service::audit::facts::{Access, facts};
use sesame_service::audit::sensitivity;
use sesame_service::params::{Params, Sensitivity};
use sesame_service::registry::{ENTRIES, lookup};
use sesame_service::{Attempt, Code, Source};
use sesame_testkit::TestKms;

const STRANGER: &str = "6543210987654321";

fn source() -> Source<'static> {
    Source { address: [192, 0, 2, 7].into(), secure_transport: true, host: b"kms.test", user_agent: b"\"agent\"\n" }
}

fn trail(kms: &TestKms) -> String {
    // What is staged comes into the files.
    kms.keep_audit();
    let files = sesame_audit::files(&kms.folder().join("audit")).unwrap();
    files.iter().map(|(_, path)| fs::read_to_string(path).unwrap()).collect()
}

#[tokio::test]
async fn every_operation_leaves_one_record_and_no_secret() {
    let kms = TestKms::new().await;
    for (entry, number) in ENTRIES.iter().zip(1_u8..) {
        let canary = world::canary(number);
        let call = world::sample(&kms, entry.name, &canary).await;
        let before = kms.events().len();
        let outcome = kms.call(entry.name, &call.params()).await;
        let _ = kms.call_from(STRANGER, entry.name, &call.params()).await;
        let _ = kms.call(entry.name, &[]).await;
        let events = kms.events();
        let new = &events[before..];
        assert_eq!(new.len(), 3, "{}", entry.name);
        for event in new {
            assert_eq!(event["eventName"], entry.name);
            assert_eq!(event["recipientAccountId"], event["userIdentity"]["accountId"]);
        }
        let code = outcome.as_ref().err().map(|refused| refused.code);
        assert_eq!(new[0].get("errorCode").and_then(|code| code.as_str()), code, "{}", entry.name);
        // DeleteAlias and UpdateAlias name the alias, and only the latter a key.
        let keys = if entry.name.ends_with("Alias") { &[][..] } else { &call.keys };
        for key in keys {
            let named = new[0]["resourceName"].as_str().unwrap_or_default();
            assert!(named.contains(key.as_str()), "{}: {named} has no {key}", entry.name);
        }
        let is_write = facts(entry.name).access == Access::Write;
        assert!(is_write || new[0]["responseElements"].is_null(), "{}", entry.name);
        let text = trail(&kms);
        let hex: String = canary.iter().map(|byte| format!("{byte:02x}")).collect();
        for form in [STANDARD.encode(canary), hex] {
            assert!(!text.contains(&form), "{} leaves a secret in the trail", entry.name);
        }
    }
}

#[tokio::test]
async fn an_event_has_the_members_of_the_original() {
    let kms = TestKms::new().await;
    let (one, two) = (kms.key(&[]).await, kms.key(&[]).await);
    let params = [
        ("RegionId", "cn-hangzhou"),
        ("ResourceType", "key"),
        ("ResourceId.2", two.as_str()),
        ("ResourceId.1", one.as_str()),
        ("TagKey.1", "env"),
        ("All", "false"),
        ("Signature", "never-recorded"),
    ];
    kms.call("UntagResources", &params).await.unwrap();
    let event = kms.events().pop().unwrap();
    assert_eq!(event["requestParameters"]["ResourceId"], serde_json::json!([one, two]));
    assert_eq!(event["requestParameters"]["TagKey"], serde_json::json!(["env"]));
    assert_eq!(event["requestParameters"]["All"], false);
    assert_eq!(event["resourceType"], "ACS::KMS::Key");
    let named = event["resourceName"].as_str().unwrap();
    assert!(named == format!("{one},{two}") || named == format!("{two},{one}"), "{named}");
    assert_eq!(event["eventRW"], "Write");
    assert_eq!(event["eventAttributes"]["SensitiveAction"], "true");
    assert_eq!(event["eventTime"], "2026-01-02T03:04:05Z");
    assert_eq!(event["userIdentity"]["userName"], "root");
    assert_eq!(event["additionalEventData"]["Scheme"], "https");
    assert!(!event.to_string().contains("never-recorded"));
    assert_eq!(event["eventId"].as_str().unwrap().len(), 36);

    let tags = [("RegionId", "cn-hangzhou"), ("ResourceType", "key"), ("ResourceId.1", one.as_str())];
    let tags =
        [&tags[..], &[("Tag.1.Key", "a"), ("Tag.1.Value", "b"), ("Tag.2.Key", "c"), ("Tag.2.Value", "")]].concat();
    kms.call("TagResources", &tags).await.unwrap();
    let event = kms.events().pop().unwrap();
    let expected = serde_json::json!([{"Key": "a", "Value": "b"}, {"Key": "c", "Value": ""}]);
    assert_eq!(event["requestParameters"]["Tag"], expected);
}

#[tokio::test]
async fn ciphertexts_are_hashed_and_contexts_by_their_values() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let context = r#"{"purpose":"canary-context"}"#;
    let params = [("KeyId", key.as_str()), ("Plaintext", "aGk="), ("EncryptionContext", context)];
    let sealed = kms.call("Encrypt", &params).await.unwrap();
    let blob = sealed["CiphertextBlob"].as_str().unwrap();
    kms.call("Decrypt", &[("CiphertextBlob", blob), ("EncryptionContext", context)]).await.unwrap();
    let event = kms.events().pop().unwrap();
    let parameters = &event["requestParameters"];
    assert!(parameters["CiphertextBlob"].as_str().unwrap().starts_with("hmac-sha256:"));
    assert!(parameters["EncryptionContext"]["purpose"].as_str().unwrap().starts_with("hmac-sha256:"));
    assert!(!trail(&kms).contains("canary-context") && !trail(&kms).contains(blob));
    assert_eq!(event["resourceName"], key.as_str());
}

#[tokio::test]
async fn a_refused_attempt_is_recorded_without_what_was_signed() {
    let kms = TestKms::new().await;
    let params = Params::new(vec![("Plaintext".into(), "canary".into()), ("AccessKeyId".into(), "LTAIclaimed".into())]);
    let operation = lookup("Encrypt").unwrap();
    let attempt =
        Attempt { operation, params: &params, access_key_id: Some("LTAIclaimed"), source: source(), request_id: "R" };
    let long = sesame_service::KmsError::new(Code::SignatureDoesNotMatch, "server string to sign is:canary");
    let answered = kms.service.refuse(&attempt, long).await;
    assert!(answered.message.contains("canary"), "the caller is told");
    let event = kms.events().pop().unwrap();
    assert_eq!(event["errorCode"], "SignatureDoesNotMatch");
    assert_eq!(event["userIdentity"]["accessKeyId"], "LTAIclaimed");
    assert_eq!(event["userAgent"], "\"agent\"\n");
    assert_eq!(event["sourceIpAddress"], "192.0.2.7");
    assert!(!trail(&kms).contains("canary"));
}

#[tokio::test]
async fn what_cannot_be_recorded_is_neither_done_nor_answered() {
    let full = Arc::new(AtomicBool::new(false));
    let kms = TestKms::with_audit_files(Arc::new(sesame_audit::testing::Failing(Arc::clone(&full)))).await;
    let key = kms.key(&[]).await;
    full.store(true, Ordering::SeqCst);
    // The first call that is written at once finds out: it was executed, and its caller is not told that it succeeded.
    let key_id = [("KeyId", key.as_str())];
    assert_eq!(kms.call("DescribeKey", &key_id).await.unwrap_err().code, "ServiceUnavailableTemporary");
    // From then on nothing is executed.
    let refused = kms.call("DisableKey", &[("KeyId", &key)]).await.unwrap_err();
    assert_eq!((refused.status, refused.code), (503, "ServiceUnavailableTemporary"));
    assert!(kms.service.ready().await.is_err());
    full.store(false, Ordering::SeqCst);
    kms.keep_audit();
    let described = kms.call("DescribeKey", &[("KeyId", &key)]).await.unwrap();
    assert_eq!(described["KeyMetadata"]["KeyState"], "Enabled");
    let names: Vec<_> = kms.events().iter().map(|event| event["eventName"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["CreateKey", "DescribeKey", "DescribeKey"]);
}

#[tokio::test]
async fn a_call_whose_record_is_staged_is_on_record_even_if_the_disk_is_full() {
    let full = Arc::new(AtomicBool::new(false));
    let kms = TestKms::with_audit_files(Arc::new(sesame_audit::testing::Failing(Arc::clone(&full)))).await;
    let key = kms.key(&[]).await;
    full.store(true, Ordering::SeqCst);
    let encrypt = [("KeyId", key.as_str()), ("Plaintext", "aGk=")];
    kms.call("Encrypt", &encrypt).await.unwrap();
    // The next round of the trail finds out.
    kms.keep_audit();
    assert_eq!(kms.call("Encrypt", &encrypt).await.unwrap_err().code, "ServiceUnavailableTemporary");
    full.store(false, Ordering::SeqCst);
    kms.keep_audit();
    kms.call("Encrypt", &encrypt).await.unwrap();
    let names: Vec<_> = kms.events().iter().map(|event| event["eventName"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["CreateKey", "Encrypt", "Encrypt"]);
}

#[test]
fn parameters_are_as_sensitive_as_the_reference_says() {
    // Access control reference, 6.4.
    const MASKED: &[&str] = &[
        "Aad",
        "CiphertextBlob",
        "Digest",
        "EncryptedKeyMaterial",
        "EncryptionContext",
        "ImportToken",
        "Iv",
        "Mac",
        "Message",
        "Password",
        "Plaintext",
        "PublicKeyBlob",
        "Recipient",
        "SecretData",
        "Value",
    ];
    let clear = ENTRIES.iter().flat_map(|entry| {
        let clear = entry.parameters.iter().filter(|spec| sensitivity(spec) == Sensitivity::Clear);
        clear.map(move |spec| (entry.name, spec.name))
    });
    let wrong: Vec<_> = clear.filter(|(_, name)| MASKED.contains(name)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
async fn the_metrics_count_what_the_trail_holds() {
    let kms = TestKms::new().await;
    let counted = |kms: &TestKms| {
        let text = kms.service.metrics().encode();
        let line = text.lines().find(|line| line.starts_with("sesame_audit_records ")).unwrap().to_owned();
        line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
    };
    let before = counted(&kms);
    kms.key(&[]).await;
    kms.call("ListKeys", &[]).await.unwrap();
    assert_eq!(counted(&kms) - before, 2);
}
