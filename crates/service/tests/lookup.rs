//! `LookupEvents`, the events that the server makes, and how keys are used.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

use serde_json::{Value, json};
use sesame_service::Limits;
use sesame_store::key_uses;
use sesame_testkit::{Refusal, TestKms};

const DAY: i64 = 86_400;
const STRANGER: &str = "6543210987654321";

async fn lookup(kms: &TestKms, params: &[(&str, &str)]) -> Value {
    kms.call("LookupEvents", params).await.unwrap()
}

fn names(answer: &Value) -> Vec<&str> {
    answer["Events"].as_array().unwrap().iter().map(|event| event["eventName"].as_str().unwrap()).collect()
}

async fn found(kms: &TestKms, key: &str, value: &str) -> Vec<String> {
    let answer =
        lookup(kms, &[("LookupAttribute.1.Key", key), ("LookupAttribute.1.Value", value), ("MaxResults", "50")]).await;
    names(&answer).into_iter().map(str::to_owned).collect()
}

fn code(outcome: Result<Value, Refusal>) -> (u16, &'static str) {
    let refusal = outcome.unwrap_err();
    (refusal.status, refusal.code)
}

#[tokio::test]
async fn events_are_found_as_soon_as_they_are_recorded_newest_first() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    kms.clock.advance_seconds(1);
    kms.call("DisableKey", &[("KeyId", &key)]).await.unwrap();
    kms.call("Encrypt", &[("KeyId", &key), ("Plaintext", "aGk=")]).await.unwrap_err();
    let answer = lookup(&kms, &[]).await;
    // Encrypt works on data, and such events are copied only when asked for.
    assert_eq!(names(&answer), ["DisableKey", "CreateKey"]);
    assert!(answer.get("NextToken").is_none());
    assert_eq!(answer["StartTime"], "2025-12-26T03:04:06Z");
    assert_eq!(answer["EndTime"], "2026-01-02T03:04:06Z");
    let event = &answer["Events"][0];
    assert_eq!(event["resourceName"], key.as_str());
    assert_eq!(event["recipientAccountId"], "1234567890123456");
    assert_eq!(event["userIdentity"]["type"], "root-account");
    // What the files hold of it is the same event.
    let recorded = kms.events().into_iter().find(|event| event["eventName"] == "DisableKey").unwrap();
    assert_eq!(*event, recorded);
    // Reading is recorded, too.
    assert_eq!(names(&lookup(&kms, &[]).await), ["LookupEvents", "DisableKey", "CreateKey"]);
    assert_eq!(names(&kms.call_from(STRANGER, "LookupEvents", &[]).await.unwrap()), Vec::<&str>::new());
}

#[tokio::test]
async fn pages_hold_every_event_once_in_both_directions() {
    let kms = TestKms::new().await;
    for number in 0..23 {
        kms.call("ListKeys", &[("PageNumber", &(number + 1).to_string())]).await.unwrap();
        kms.clock.advance_seconds(i64::from(number % 3 == 0));
    }
    let numbers = |answer: &Value| -> Vec<String> {
        let events = answer["Events"].as_array().unwrap().iter();
        events.map(|event| event["requestParameters"]["PageNumber"].as_str().unwrap().to_owned()).collect()
    };
    let condition = [("LookupAttribute.1.Key", "EventName"), ("LookupAttribute.1.Value", "ListKeys")];
    for (direction, limit) in [("FORWARD", "5"), ("BACKWARD", "7"), ("FORWARD", "23")] {
        let mut seen = Vec::new();
        let mut token = None;
        loop {
            let mut params = [&condition[..], &[("Direction", direction), ("MaxResults", limit)]].concat();
            let sent: String = token.take().unwrap_or_default();
            if !sent.is_empty() {
                params.push(("NextToken", &sent));
            }
            let answer = lookup(&kms, &params).await;
            seen.extend(numbers(&answer));
            token = answer.get("NextToken").map(|token| token.as_str().unwrap().to_owned());
            if token.is_none() {
                break;
            }
        }
        if direction == "BACKWARD" {
            seen.reverse();
        }
        assert_eq!(seen, (1..=23).map(|number: u32| number.to_string()).collect::<Vec<_>>(), "{direction} {limit}");
    }
}

#[tokio::test]
async fn each_attribute_finds_its_events() {
    let kms = TestKms::new().await;
    let (one, two) = (kms.key(&[]).await, kms.key(&[]).await);
    let tags = [("RegionId", "cn-hangzhou"), ("ResourceType", "key"), ("Tag.1.Key", "a"), ("Tag.1.Value", "b")];
    let tags = [&tags[..], &[("ResourceId.1", one.as_str()), ("ResourceId.2", two.as_str())]].concat();
    kms.call("TagResources", &tags).await.unwrap();
    kms.call("CreateAlias", &[("AliasName", "alias/x"), ("KeyId", &one)]).await.unwrap();
    kms.call("DescribeKey", &[("KeyId", "alias/x")]).await.unwrap();
    assert_eq!(found(&kms, "ResourceName", &one).await, ["DescribeKey", "CreateAlias", "TagResources", "CreateKey"]);
    assert_eq!(found(&kms, "ResourceName", &two).await, ["TagResources", "CreateKey"]);
    assert_eq!(found(&kms, "ResourceType", "ACS::KMS::Alias").await, ["CreateAlias"]);
    assert_eq!(found(&kms, "SensitiveAction", "true").await, ["TagResources"]);
    assert_eq!(found(&kms, "EventRW", "Write").await, ["CreateAlias", "TagResources", "CreateKey", "CreateKey"]);
    assert_eq!(found(&kms, "ServiceName", "Actiontrail").await, ["LookupEvents"; 5]);
    assert_eq!(found(&kms, "EventAccessKeyId", "LTAItestkit").await.len(), 11);
    assert_eq!(found(&kms, "User", "root").await.len(), 12);
    assert!(found(&kms, "User", "alice").await.is_empty());
    let answer =
        lookup(&kms, &[("LookupAttribute.1.Key", "EventName"), ("LookupAttribute.1.Value", "TagResources")]).await;
    let id = answer["Events"][0]["eventId"].as_str().unwrap();
    assert_eq!(found(&kms, "EventId", id).await, ["TagResources"]);
}

#[tokio::test]
async fn times_bound_what_is_found() {
    let kms = TestKms::new().await;
    kms.key(&[]).await;
    kms.clock.advance_seconds(3_600);
    kms.call("ListKeys", &[]).await.unwrap();
    let between = async |from: &str, to: &str| {
        let answer = lookup(&kms, &[("StartTime", from), ("EndTime", to)]).await;
        names(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(between("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z").await, ["CreateKey"]);
    assert_eq!(between("2026-01-02T03:04:06Z", "2026-01-02T04:04:05Z").await[1..], ["ListKeys"]);
    assert_eq!(between("2026-01-02T03:04:06Z", "2026-01-02T04:04:04Z").await, [""; 0]);
    // Without a start, a week.
    kms.clock.advance_seconds(8 * DAY);
    assert_eq!(names(&lookup(&kms, &[]).await), [""; 0]);
}

#[tokio::test]
async fn wrong_queries_have_the_codes_of_the_original() {
    let kms = TestKms::new().await;
    let refused = async |params: &[(&str, &str)]| code(kms.call("LookupEvents", params).await);
    assert_eq!(refused(&[("StartTime", "yesterday")]).await, (400, "InvalidParameterStartTime"));
    assert_eq!(refused(&[("EndTime", "2026-13-01T00:00:00Z")]).await, (400, "InvalidParameterEndTime"));
    let reversed = [("StartTime", "2026-01-02T00:00:00Z"), ("EndTime", "2026-01-01T00:00:00Z")];
    assert_eq!(refused(&reversed).await, (400, "InvalidParameterCombination"));
    let unknown = [("LookupAttribute.1.Key", "Weather"), ("LookupAttribute.1.Value", "fair")];
    assert_eq!(refused(&unknown).await, (400, "InvalidQueryParameter"));
    assert_eq!(refused(&[("LookupAttribute.1.Key", "EventName")]).await, (400, "InvalidQueryParameter"));
    for wrong in [("MaxResults", "51"), ("MaxResults", "many"), ("Direction", "UP"), ("NextToken", "x")] {
        assert_eq!(refused(&[wrong]).await, (400, "InvalidParameter"), "{wrong:?}");
    }
    let two = [unknown, [("LookupAttribute.2.Key", "EventName"), ("LookupAttribute.2.Value", "x")]].concat();
    assert_eq!(refused(&two).await, (400, "InvalidParameter"));
}

#[tokio::test]
async fn what_another_node_recorded_is_found_once_it_was_copied() {
    let Some(kms) = TestKms::on_postgres(Limits::default()).await else { return };
    let other = kms.another_server().await;
    other.key(&[]).await;
    other.service.run_jobs_once().await;
    kms.key(&[]).await;
    assert_eq!(names(&lookup(&kms, &[]).await), ["CreateKey", "CreateKey"]);
    // Copying again changes nothing.
    other.service.run_jobs_once().await;
    assert_eq!(found(&kms, "EventName", "CreateKey").await.len(), 2);
}

#[tokio::test]
async fn events_are_removed_when_they_are_too_old_to_be_asked_for() {
    let kms = TestKms::new().await;
    kms.key(&[]).await;
    kms.service.run_jobs_once().await;
    kms.clock.advance_seconds(89 * DAY);
    kms.service.run_jobs_once().await;
    let all = [("StartTime", "2026-01-01T00:00:00Z")];
    assert_eq!(names(&lookup(&kms, &all).await), ["CreateKey"]);
    kms.clock.advance_seconds(2 * DAY);
    kms.service.run_jobs_once().await;
    assert_eq!(names(&lookup(&kms, &all).await), ["LookupEvents"]);
    let term = [("LookupAttribute.1.Key", "EventName"), ("LookupAttribute.1.Value", "CreateKey")];
    assert_eq!(names(&lookup(&kms, &[&all[..], &term].concat()).await), [""; 0]);
    // The files keep them.
    assert!(kms.events().iter().any(|event| event["eventName"] == "CreateKey"));
}

#[tokio::test]
async fn what_the_server_does_itself_is_an_event() {
    let kms = TestKms::new().await;
    let rotating = kms.key(&[("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")]).await;
    let doomed = kms.key(&[]).await;
    kms.call("ScheduleKeyDeletion", &[("KeyId", &doomed), ("PendingWindowInDays", "7")]).await.unwrap();
    let secret = [("SecretName", "s"), ("VersionId", "v1"), ("SecretData", "d")];
    kms.call("CreateSecret", &secret).await.unwrap();
    kms.call("DeleteSecret", &[("SecretName", "s"), ("RecoveryWindowInDays", "7")]).await.unwrap();
    kms.clock.advance_seconds(8 * DAY);
    kms.service.run_jobs_once().await;
    for (name, resource) in [("RotateKey", rotating.as_str()), ("DeleteKey", &doomed), ("DeleteSecret", "s")] {
        let events = kms.events();
        let made = |event: &&Value| event["eventName"] == name && event["eventType"] == "AliyunServiceEvent";
        let event = events.iter().find(made).unwrap_or_else(|| panic!("no event {name}"));
        assert_eq!(event["resourceName"], resource);
        assert_eq!(event["userIdentity"]["type"], "system");
        assert_eq!(event["sourceIpAddress"], "Internal");
        assert_eq!(found(&kms, "ResourceName", resource).await[0], name);
    }
}

#[tokio::test]
async fn uses_of_keys_are_counted_and_told_when_a_key_is_taken_out_of_use() {
    let kms = TestKms::new().await;
    let (used, unused) = (kms.key(&[]).await, kms.key(&[]).await);
    let mut blob = Value::Null;
    for _ in 0..3 {
        blob = kms.call("Encrypt", &[("KeyId", &used), ("Plaintext", "aGk=")]).await.unwrap();
        kms.clock.advance_seconds(60);
    }
    let blob = blob["CiphertextBlob"].as_str().unwrap().to_owned();
    kms.call("Decrypt", &[("CiphertextBlob", &blob)]).await.unwrap();
    kms.call("Decrypt", &[("CiphertextBlob", &blob), ("EncryptionContext", r#"{"a":"b"}"#)]).await.unwrap_err();
    // In two steps, which add up.
    kms.service.run_jobs_once().await;
    kms.call("Encrypt", &[("KeyId", &used), ("Plaintext", "aGk=")]).await.unwrap();
    kms.clock.advance_seconds(60);

    kms.call("DisableKey", &[("KeyId", &used)]).await.unwrap();
    let event = kms.events().pop().unwrap();
    let last = json!({"Time": "2026-01-02T03:07:05Z", "Operation": "Encrypt", "By": "LTAItestkit", "Uses": 4});
    assert_eq!(event["additionalEventData"]["KeyLastUsed"], last);
    assert_eq!(event["additionalEventData"]["Scheme"], "https");
    let uses = key_uses::of_key(&mut kms.store.reader().await.unwrap(), &used.parse().unwrap()).await.unwrap();
    let counts: Vec<_> = uses.iter().map(|of| (of.operation.as_str(), of.uses)).collect();
    assert_eq!(counts, [("Decrypt", 1), ("Encrypt", 4)]);

    kms.call("ScheduleKeyDeletion", &[("KeyId", &unused), ("PendingWindowInDays", "7")]).await.unwrap();
    assert!(kms.events().pop().unwrap()["additionalEventData"].get("KeyLastUsed").is_none());
    let metrics = kms.service.metrics().encode();
    assert!(metrics.contains("sesame_keys_stopped_in_use_total{operation=\"DisableKey\"} 1"), "{metrics}");
    assert!(metrics.contains("sesame_keys_stopped_in_use_total{operation=\"ScheduleKeyDeletion\"} 0"), "{metrics}");

    // A use of long ago is no news, and a key that is gone has none.
    kms.call("EnableKey", &[("KeyId", &used)]).await.unwrap();
    kms.clock.advance_seconds(31 * DAY);
    kms.call("ScheduleKeyDeletion", &[("KeyId", &used), ("PendingWindowInDays", "7")]).await.unwrap();
    assert!(kms.events().pop().unwrap()["additionalEventData"].get("KeyLastUsed").is_none());
    kms.clock.advance_seconds(8 * DAY);
    kms.service.run_jobs_once().await;
    let uses = key_uses::of_key(&mut kms.store.reader().await.unwrap(), &used.parse().unwrap()).await.unwrap();
    assert!(uses.is_empty());
}
