//! Events as batches of CloudEvents 1.0, posted to a URL.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use sesame_crypto::SecretText;

use crate::call::http::{Endpoint, Outgoing, Trust, post};
use crate::config::Config;

const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Webhook {
    endpoint: Endpoint,
    path: String,
    trust: Trust,
    /// Sent as a bearer token.
    token: Option<SecretText>,
}

impl Webhook {
    pub(super) fn new(config: &Config, url: &str) -> Result<Self> {
        let settings = &config.settings;
        let (scheme, rest) = url.split_once("://").context("audit.webhook must be http://… or https://…")?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let endpoint = Endpoint::parse(&format!("{scheme}://{authority}")).context("audit.webhook is wrong")?;
        let token = settings.audit_webhook_token_file.as_ref().map(|path| {
            let path = config.path(path);
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            Ok::<_, anyhow::Error>(SecretText::new(text.trim_end().to_owned()))
        });
        let trust = match &settings.audit_webhook_ca {
            Some(path) => Trust::Only(config.path(path)),
            None => Trust::SystemAnd(PathBuf::new()),
        };
        Ok(Self { endpoint, path: path.to_owned(), trust, token: token.transpose()? })
    }

    pub(super) async fn send(&self, events: &[Value]) -> Result<()> {
        let batch: Vec<_> = events.iter().map(cloud_event).collect();
        let mut headers = vec![
            ("host", self.endpoint.authority.clone()),
            ("content-type", "application/cloudevents-batch+json; charset=utf-8".to_owned()),
        ];
        if let Some(token) = &self.token {
            // EXPOSE: the receiver knows the sender by it.
            headers.push(("authorization", format!("Bearer {}", token.expose())));
        }
        let outgoing = Outgoing { path: self.path.clone(), headers, body: Value::Array(batch).to_string() };
        let (status, _) = post(&self.endpoint, &self.trust, outgoing, TIMEOUT).await?;
        if !(200..300).contains(&status) {
            bail!("{} answered with status {status}", self.endpoint.url());
        }
        Ok(())
    }
}

fn cloud_event(event: &Value) -> Value {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = match (text("eventType"), text("eventName")) {
        ("AliyunServiceEvent", "RotateSecret") => {
            let outcome = if event.get("errorCode").is_some() { "Failure" } else { "Success" };
            format!("kms:CloudMonitor:Secret[RotateSecret:{outcome}]")
        }
        (kind, _) => format!("{}:ActionTrail:{kind}", text("serviceName").to_lowercase()),
    };
    json!({
        "specversion": "1.0",
        "id": text("eventId"),
        "source": format!("acs:{}:{}", text("serviceName").to_lowercase(), text("acsRegion")),
        "type": kind,
        "subject": text("resourceName"),
        "time": text("eventTime"),
        "datacontenttype": "application/json",
        "data": event,
    })
}
