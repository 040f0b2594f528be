//! From a record to the event that ActionTrail would show.

use serde_json::{Map, Value, json};

/// The whole event of a record: its body and its hash, from which the event's id comes.
pub fn expand(body: &[u8], hash: &[u8]) -> Option<Value> {
    let Ok(Value::Object(mut event)) = serde_json::from_slice(body) else { return None };
    let text =
        |event: &Map<String, Value>, name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let time = text(&event, "eventTime");
    let whole_seconds = time.get(..19).map(|seconds| format!("{seconds}Z"));
    event.insert("eventTime".into(), Value::String(whole_seconds.unwrap_or(time)));
    event.insert("eventId".into(), Value::String(event_id(hash)));
    for (name, value) in [
        ("eventVersion", json!(1)),
        ("eventType", json!("ApiCall")),
        ("eventCategory", json!("Management")),
        ("serviceName", json!("Kms")),
        ("apiVersion", json!("2016-01-20")),
        ("isGlobal", json!(false)),
        ("responseElements", Value::Null),
    ] {
        event.entry(name).or_insert(value);
    }
    if event.remove("sensitive").is_some() {
        event.insert("eventAttributes".into(), json!({"SensitiveAction": "true"}));
    }
    let scheme = event.remove("scheme").unwrap_or_default();
    event.insert("additionalEventData".into(), json!({"Scheme": scheme}));
    identity(&mut event);
    resources(&mut event);
    let (host, region, request_id) =
        (text(&event, "eventSource"), text(&event, "acsRegion"), text(&event, "requestId"));
    let product = text(&event, "serviceName");
    if let Some(Value::Object(parameters)) = event.get_mut("requestParameters") {
        for (name, value) in
            [("AcsHost", host), ("AcsProduct", product), ("RegionId", region), ("RequestId", request_id)]
        {
            parameters.entry(name).or_insert(Value::String(value));
        }
    }
    let parameters = event.get("requestParameters").map(Value::to_string).unwrap_or_default();
    event.insert("requestParameterJson".into(), Value::String(parameters));
    Some(Value::Object(event))
}

fn identity(event: &mut Map<String, Value>) {
    let Some(Value::Object(identity)) = event.get_mut("userIdentity") else { return };
    let account = identity.get("accountId").cloned();
    if identity.get("type").and_then(Value::as_str) == Some("root-account") {
        identity.insert("userName".into(), json!("root"));
        identity.entry("principalId").or_insert(account.clone().unwrap_or_default());
    }
    if let Some(account) = account {
        event.entry("recipientAccountId").or_insert(account);
    }
}

/// Names of one type joined by commas, types by semicolons, in the same order.
fn resources(event: &mut Map<String, Value>) {
    let Some(Value::Array(named)) = event.remove("resources") else { return };
    let mut by_type: Vec<(String, Vec<String>)> = Vec::new();
    for pair in &named {
        let part = |at: usize| pair.get(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, name) = (part(0), part(1));
        match by_type.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, names)) => names.push(name),
            None => by_type.push((kind, vec![name])),
        }
    }
    let kinds: Vec<_> = by_type.iter().map(|(kind, _)| kind.as_str()).collect();
    let names: Vec<_> = by_type.iter().map(|(_, names)| names.join(",")).collect();
    event.insert("resourceType".into(), Value::String(kinds.join(";")));
    event.insert("resourceName".into(), Value::String(names.join(";")));
    let referenced: Map<String, Value> = by_type.into_iter().map(|(kind, names)| (kind, json!(names))).collect();
    event.insert("referencedResources".into(), Value::Object(referenced));
}

/// The hash of the record in the form of a UUID of one's own making (RFC 9562, version 8): whoever has the event can
/// find its record in the chain.
fn event_id(hash: &[u8]) -> String {
    let digits = String::from_utf8_lossy(hash.get(..32).unwrap_or_default());
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
