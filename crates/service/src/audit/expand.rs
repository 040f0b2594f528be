//! From a record to the event that ActionTrail would show.

use serde_json::{Map, Value, json};
use sesame_domain::Timestamp;

use super::event::SESSION_BEGAN;

/// The whole event of a record: its body and the id that comes from its hash. An event is delivered to the account of
/// the caller, and to that of a resource of another account, which `recipient` then names.
pub fn expand(body: &[u8], id: &str, recipient: Option<&str>) -> Option<Value> {
    let Ok(record @ Value::Object(_)) = serde_json::from_slice(body) else { return None };
    let (resources, user) = (Resources::of(&record), user_name(&record));
    let Value::Object(mut event) = record else { return None };
    let text =
        |event: &Map<String, Value>, name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let time = text(&event, "eventTime");
    let whole_seconds = time.get(..19).map(|seconds| format!("{seconds}Z"));
    event.insert("eventTime".into(), Value::String(whole_seconds.unwrap_or(time)));
    event.insert("eventId".into(), Value::String(id.to_owned()));
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
    let mut additional = Map::new();
    if let Some(scheme) = event.remove("scheme") {
        additional.insert("Scheme".into(), scheme);
    }
    if let Some(Value::Object(more)) = event.remove("more") {
        additional.extend(more);
    }
    event.insert("additionalEventData".into(), Value::Object(additional));
    event.remove("owners");
    event.remove("resources");
    identity(&mut event, user, recipient);
    resources.write(&mut event);
    let (host, region, request_id) =
        (text(&event, "eventSource"), text(&event, "acsRegion"), text(&event, "requestId"));
    let product = text(&event, "serviceName");
    let session = session(&mut event);
    if let Some(Value::Object(parameters)) = event.get_mut("requestParameters") {
        for (name, value) in
            [("AcsHost", host), ("AcsProduct", product), ("RegionId", region), ("RequestId", request_id)]
        {
            parameters.entry(name).or_insert(Value::String(value));
        }
        parameters.extend(session);
    }
    let parameters = event.get("requestParameters").map(Value::to_string).unwrap_or_default();
    event.insert("requestParameterJson".into(), Value::String(parameters));
    Some(Value::Object(event))
}

/// The name of the user in an event.
pub(super) fn user_name(record: &Value) -> Option<String> {
    let identity = record.get("userIdentity")?;
    let text = |name: &str| identity.get(name).and_then(Value::as_str);
    match text("type") {
        Some("root-account") => Some("root".to_owned()),
        _ => text("userName").map(str::to_owned),
    }
}

/// The moment of an event, with its milliseconds.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let (seconds, millis) = text.strip_suffix('Z')?.split_once('.')?;
    let seconds = Timestamp::parse(&format!("{seconds}Z")).ok()?;
    Some(Timestamp::from_millis(seconds.millis() + millis.parse::<i64>().ok()?))
}

fn identity(event: &mut Map<String, Value>, user: Option<String>, recipient: Option<&str>) {
    let Some(Value::Object(identity)) = event.get_mut("userIdentity") else { return };
    let account = identity.get("accountId").cloned();
    if let Some(user) = user {
        identity.insert("userName".into(), Value::String(user));
    }
    if identity.get("type").and_then(Value::as_str) == Some("root-account") {
        identity.entry("principalId").or_insert(account.clone().unwrap_or_default());
    }
    if let Some(recipient) = recipient.map(|account| json!(account)).or(account) {
        event.insert("recipientAccountId".into(), recipient);
    }
}

/// Says of a session of a role when it began; and what the parameters say of it.
fn session(event: &mut Map<String, Value>) -> Map<String, Value> {
    let mut parameters = Map::new();
    let Some(Value::Object(identity)) = event.get_mut("userIdentity") else { return parameters };
    let Some(began) = identity.remove(SESSION_BEGAN) else { return parameters };
    // Whoever assumes a role with an access key was not asked for a second factor.
    let attributes = json!({"attributes": {"mfaAuthenticated": "false", "creationDate": began}});
    identity.insert("sessionContext".into(), attributes);
    let text = |name: &str| identity.get(name).and_then(Value::as_str).unwrap_or_default();
    let (role, _) = text("principalId").split_once(':').unwrap_or_default();
    parameters.insert("stsTokenPrincipalName".into(), json!(text("userName").replace(':', "/")));
    parameters.insert("stsTokenPlayerUid".into(), json!(role));
    parameters
}

/// The resources of a record: each type with its names, in the order of the record.
pub(super) struct Resources(pub(super) Vec<(String, Vec<String>)>);

impl Resources {
    pub(super) fn of(record: &Value) -> Self {
        let mut by_type: Vec<(String, Vec<String>)> = Vec::new();
        for pair in record.get("resources").and_then(Value::as_array).into_iter().flatten() {
            let part = |at: usize| pair.get(at).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (kind, name) = (part(0), part(1));
            match by_type.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, names)) => names.push(name),
                None => by_type.push((kind, vec![name])),
            }
        }
        Self(by_type)
    }

    /// Names of one type joined by commas, types by semicolons, in the same order.
    fn write(self, event: &mut Map<String, Value>) {
        if self.0.is_empty() {
            return;
        }
        let kinds: Vec<_> = self.0.iter().map(|(kind, _)| kind.as_str()).collect();
        let names: Vec<_> = self.0.iter().map(|(_, names)| names.join(",")).collect();
        event.insert("resourceType".into(), Value::String(kinds.join(";")));
        event.insert("resourceName".into(), Value::String(names.join(";")));
        let referenced: Map<String, Value> = self.0.into_iter().map(|(kind, names)| (kind, json!(names))).collect();
        event.insert("referencedResources".into(), Value::Object(referenced));
    }
}

/// The hash of the record in the form of a UUID of one's own making (RFC 9562, version 8): whoever has the event can
/// find its record in the chain.
pub fn event_id(hash: &[u8]) -> String {
    let digits = String::from_utf8_lossy(hash.get(..32).unwrap_or_default());
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
