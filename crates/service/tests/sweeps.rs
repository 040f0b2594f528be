//! What must hold for every operation alike: no secret in a log, nothing for those without permission.
#![expect(clippy::unwrap_used, reason = "a call that must succeed fails its test")]

mod world;

use std::io::Write;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sesame_service::registry::ENTRIES;
use sesame_testkit::{Refusal, TestKms};
use tracing_subscriber::fmt::MakeWriter;
use world::{Sample, sample};

const STRANGER: &str = "6543210987654321";
const MISPLACED: &str = "canary-in-the-place-of-a-parameter";

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The ways in which bytes could be written by accident.
fn forms(secret: &[u8]) -> Vec<String> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{secret:?}");
    let list = list.trim_matches(['[', ']']).to_owned();
    let mut forms = vec![STANDARD.encode(secret), hex.to_uppercase(), hex, list];
    forms.extend(String::from_utf8(secret.to_vec()));
    forms
}

#[tokio::test]
async fn no_secret_is_logged_by_any_operation() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let kms = TestKms::new().await;
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    for (entry, number) in ENTRIES.iter().zip(1_u8..) {
        let canary = world::canary(number);
        let call = sample(&kms, entry.name, &canary).await;
        secrets.push(canary.to_vec());
        // With a canary in the place of each parameter, by a stranger, and last as it should be.
        for place in 0..call.params.len() {
            let mut spoilt = call.params();
            spoilt[place].1 = MISPLACED;
            keep_plaintext(&mut secrets, kms.call(entry.name, &spoilt).await);
        }
        let foreign = by_arn(&call);
        let foreign: Vec<_> = foreign.iter().map(|(name, value)| (*name, value.as_str())).collect();
        keep_plaintext(&mut secrets, kms.call_from(STRANGER, entry.name, &foreign).await);
        keep_plaintext(&mut secrets, kms.call(entry.name, &call.params()).await);
        for key in &call.keys {
            let version = world::first_version(&kms, key).await.parse().unwrap();
            let mut conn = kms.store.reader().await.unwrap();
            if let Some((_, material)) = sesame_store::key_versions::get(&mut conn, &version).await.unwrap()
                && !material.is_empty()
            {
                secrets.push(material.expose().to_vec());
            }
        }
    }
    secrets.push(MISPLACED.as_bytes().to_vec());
    let logged = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(logged.contains("denied"), "nothing was captured");
    for form in secrets.iter().flat_map(|secret| forms(secret)) {
        assert!(!logged.contains(&form), "{form} is in the log");
    }
}

/// A plaintext that was answered is a secret, and so is what it is the Base64 of.
fn keep_plaintext(secrets: &mut Vec<Vec<u8>>, answer: Result<Value, Refusal>) {
    if let Ok(answer) = answer
        && let Some(plaintext) = answer.get("Plaintext").and_then(Value::as_str)
    {
        secrets.push(plaintext.as_bytes().to_vec());
        secrets.push(STANDARD.decode(plaintext).unwrap());
    }
}

fn is_refusal(code: &str) -> bool {
    code == "Forbidden.NoPermission" || code.ends_with("NotFound")
}

#[tokio::test]
async fn what_belongs_to_one_account_is_closed_to_another() {
    let kms = TestKms::new().await;
    for entry in ENTRIES {
        let call = sample(&kms, entry.name, &world::canary(7)).await;
        if call.keys.is_empty() {
            if let Ok(answer) = kms.call_from(STRANGER, entry.name, &call.params()).await {
                let ours = kms.key(&[]).await;
                assert!(!answer.to_string().contains(&ours), "{}", entry.name);
            }
            continue;
        }
        for params in [call.params(), by_arn(&call).iter().map(|(name, value)| (*name, value.as_str())).collect()] {
            let refused = kms.call_from(STRANGER, entry.name, &params).await;
            let refused = refused.map(|_| ()).unwrap_err();
            assert!(is_refusal(refused.code), "{}: {refused:?} for {params:?}", entry.name);
        }
        // Nothing happened to the key meanwhile.
        let ours = kms.call(entry.name, &call.params()).await;
        let state_first = entry.name == "CancelKeyDeletion";
        assert!(ours.is_ok() || state_first, "{}: {ours:?}", entry.name);
    }
}

/// The same call with the ARN of each key instead of its id.
fn by_arn(call: &Sample) -> Vec<(&'static str, String)> {
    let arn = |value: &String| match call.keys.contains(value) {
        true => format!("acs:kms:cn-hangzhou:1234567890123456:key/{value}"),
        false => value.clone(),
    };
    call.params.iter().map(|(name, value)| (*name, arn(value))).collect()
}
