//! The record of an attempt to rotate a secret: nobody waits for its answer, so it says how it ended.

use sesame_audit::json;

use crate::rotator::{RotationEvent, RotationOutcome};

pub(super) fn write(out: &mut Vec<u8>, event: &RotationEvent<'_>, region: &str) {
    let member = |out: &mut Vec<u8>, name: &str, value: &str| {
        out.push(b',');
        json::text(out, name.as_bytes());
        out.push(b':');
        json::text(out, value.as_bytes());
    };
    let secret = event.secret;
    out.extend_from_slice(b"{\"eventTime\":\"");
    json::time(out, event.at.millis());
    out.push(b'"');
    member(out, "eventName", "RotateSecret");
    member(out, "eventType", "AliyunServiceEvent");
    member(out, "eventRW", "Write");
    member(out, "acsRegion", region);
    member(out, "sourceIpAddress", "Internal");
    out.extend_from_slice(b",\"userIdentity\":{\"type\":\"system\"");
    member(out, "accountId", secret.account.as_str());
    out.extend_from_slice(b"},\"requestParameters\":{\"SecretName\":");
    json::text(out, secret.name.as_str().as_bytes());
    if let Some(version) = event.version {
        member(out, "VersionId", version.as_str());
    }
    out.extend_from_slice(b"},\"resources\":[[\"ACS::KMS::Secret\",");
    json::text(out, secret.name.as_str().as_bytes());
    out.extend_from_slice(b"]]");
    if let RotationOutcome::Failed { failure, .. } = &event.outcome {
        member(out, "errorCode", failure.reason.name());
        member(out, "errorMessage", &failure.message);
    }
    out.push(b'}');
}
