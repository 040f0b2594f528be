//! Secrets Manager: every operation against its page.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a call that must succeed fails its test")]

mod lists;
mod managed;
mod passwords;
mod policies;
mod rotations;
mod safety;
mod states;
mod tags;
mod values;
mod versions;

use serde_json::Value;
use sesame_testkit::{Refusal, TestKms};

type Answer = Result<Value, Refusal>;

/// What an answer was: the status and code of a refusal, 200 and nothing of a success.
fn code(answer: Answer) -> (u16, &'static str) {
    answer.map_or_else(|refusal| (refusal.status, refusal.code), |_| (200, ""))
}

const NOT_FOUND: (u16, &str) = (404, "Forbidden.ResourceNotFound");
const INVALID: (u16, &str) = (400, "InvalidParameter");
const MISSING: (u16, &str) = (400, "MissingParameter");
const SCHEDULED: (u16, &str) = (409, "Rejected.ResourceInDeleteWindow");
const EXISTS: (u16, &str) = (409, "Rejected.ResourceExist");
const TOO_MANY: (u16, &str) = (400, "Rejected.LimitExceeded");
const UNSUPPORTED: (u16, &str) = (400, "UnsupportedOperation");
const OK: (u16, &str) = (200, "");

/// Calls with parameters that come first and more that follow.
async fn with(kms: &TestKms, operation: &str, first: &[(&str, &str)], more: &[(&str, &str)]) -> Answer {
    kms.call(operation, &[first, more].concat()).await
}

async fn create(kms: &TestKms, name: &str, more: &[(&str, &str)]) -> Answer {
    let first = [("SecretName", name), ("VersionId", "v1"), ("SecretData", "one")];
    with(kms, "CreateSecret", &first, more).await
}

async fn put(kms: &TestKms, name: &str, version: &str, data: &str, more: &[(&str, &str)]) -> Answer {
    with(kms, "PutSecretValue", &[("SecretName", name), ("VersionId", version), ("SecretData", data)], more).await
}

async fn get(kms: &TestKms, name: &str, more: &[(&str, &str)]) -> Answer {
    with(kms, "GetSecretValue", &[("SecretName", name)], more).await
}

async fn named(kms: &TestKms, operation: &str, name: &str) -> Answer {
    kms.call(operation, &[("SecretName", name)]).await
}

/// An RDS secret of two accounts.
async fn create_rds(kms: &TestKms, name: &str, more: &[(&str, &str)]) -> Answer {
    let first = [
        ("SecretName", name),
        ("VersionId", "v1"),
        ("SecretType", "Rds"),
        (
            "SecretData",
            r#"{"Accounts":[{"AccountName":"a","AccountPassword":"p1"},{"AccountName":"b","AccountPassword":"p2"}]}"#,
        ),
        ("ExtendedConfig", r#"{"SecretSubType":"DoubleUsers","DBInstanceId":"rm-1"}"#),
    ];
    with(kms, "CreateSecret", &first, more).await
}

fn member<'v>(answer: &'v Value, pointer: &str) -> &'v str {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or("(none)")
}

/// The texts of an array.
fn texts<'v>(answer: &'v Value, pointer: &str) -> Vec<&'v str> {
    answer.pointer(pointer).and_then(Value::as_array).unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}
