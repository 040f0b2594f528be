//! `BatchGetSecretValue`: the values of several secrets.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sesame_derive::Params;
use sesame_domain::secret::{BATCH, SecretRef, SecretVersionId, StageLabel};

use super::get_secret_value::{self, GetSecretValue, Wanted, read};
use crate::authorize::{Gate, Granted};
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::params::{FromText, Kind};

pub(crate) struct BatchGetSecretValue;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The secrets: `[{"SecretName":"a","VersionStage":"ACSCurrent"}]`, 1 to 20 different ones.
    secrets_list: SecretsList,
}

#[derive(Debug)]
struct SecretsList(Vec<Item>);

#[derive(Debug)]
struct Item {
    secret: SecretRef,
    stage: Option<StageLabel>,
    id: Option<SecretVersionId>,
    extended_config: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawItem {
    secret_name: String,
    version_id: Option<String>,
    version_stage: Option<String>,
    fetch_extended_config: Option<Flag>,
}

/// A text in the API; JSON writers also send the value itself.
#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Text(String),
    Value(bool),
}

impl FromText for SecretsList {
    const KIND: Kind = Kind::Json;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        let raw: Vec<RawItem> =
            serde_json::from_str(text).map_err(|_| "it must be a JSON array such as [{\"SecretName\":\"a\"}]")?;
        if raw.is_empty() || raw.len() > BATCH {
            return Err(format!("it must name 1 to {BATCH} secrets").into());
        }
        let mut names = BTreeSet::new();
        let items = raw.into_iter().map(|raw| {
            let given = |text: Option<String>| text.filter(|text| !text.is_empty());
            let item = Item {
                secret: SecretRef::from_text(&raw.secret_name)?,
                id: given(raw.version_id).map(|text| SecretVersionId::from_text(&text)).transpose()?,
                stage: given(raw.version_stage).map(|text| StageLabel::from_text(&text)).transpose()?,
                extended_config: match raw.fetch_extended_config {
                    None => false,
                    Some(Flag::Value(value)) => value,
                    Some(Flag::Text(text)) => !text.is_empty() && bool::from_text(&text)?,
                },
            };
            if !names.insert(raw.secret_name) {
                return Err("each secret may be named once".into());
            }
            Ok(item)
        });
        items.collect::<std::result::Result<_, Cow<'static, str>>>().map(Self)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    secret_values: Vec<Value>,
    errors: Vec<Failure>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Value {
    request_id: String,
    #[serde(flatten)]
    value: get_secret_value::Response,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    secret_name: String,
    code: &'static str,
    http_status: u16,
    message: String,
}

impl Operation for BatchGetSecretValue {
    const NAME: &'static str = "BatchGetSecretValue";
    const SUMMARY: &'static str = "Gives the values of up to 20 secrets; what cannot be read is listed with its error.";
    const SENSITIVE: bool = true;
    type Request = Request;
    type Response = Response;

    /// None: permission is asked for each secret, and one that may not be read does not end the call.
    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        []
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let gate = Gate::of::<GetSecretValue>(cx, None).await?;
        let mut response = Response { secret_values: Vec::new(), errors: Vec::new() };
        for item in request.secrets_list.0 {
            match one(cx, &gate, &item).await {
                Ok(value) => {
                    response.secret_values.push(Value { request_id: cx.service.new_request_id(), value });
                }
                // A fault of the service is one of the call, not of the secret.
                Err(error) if error.code.status() >= 500 => return Err(error),
                Err(error) => response.errors.push(Failure {
                    secret_name: item.secret.name.to_string(),
                    code: error.code.name(),
                    http_status: error.code.status(),
                    message: error.message.into_owned(),
                }),
            }
        }
        Ok(response)
    }
}

async fn one(cx: &Context<'_>, gate: &Gate<'_>, item: &Item) -> Result<get_secret_value::Response> {
    let (secret, key) = gate.secret_and_key(&item.secret, "Decrypt").await??;
    let wanted = Wanted { stage: item.stage.as_ref(), id: item.id.as_ref(), extended_config: item.extended_config };
    wanted.version(&secret)?;
    key.key.state.permits(GetSecretValue::NAME)?;
    read(cx, &secret, &key, wanted).await
}
