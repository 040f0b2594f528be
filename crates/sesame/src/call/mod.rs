//! `sesame call`: one operation, signed and sent.

pub(crate) mod http;
mod output;
mod parameters;
mod sign;
mod target;

use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use sesame_service::registry::{ENTRIES, Product, lookup};

use crate::cli::CallArguments;
use crate::failure::{ApiError, Failure};
use crate::nearest::suggestion;
pub(crate) use parameters::{Typed, split};

/// The region of operations that want one when nobody says which.
const DEFAULT_REGION: &str = "cn-hangzhou";

/// Runs the call and prints its answer.
pub(crate) fn run(arguments: &CallArguments, typed: Vec<Typed>) -> Result<(), Failure> {
    let flags = &arguments.flags;
    let asked = arguments.operation.as_str();
    let operation = lookup(asked);
    if operation.is_none() && !flags.force {
        return Err(Failure::Setup(unknown_operation(asked)));
    }
    let action = operation.map_or(asked, |operation| operation.name);
    let version = operation.map_or(Product::Kms, |operation| operation.product).version();
    let target = target::find(flags)?;
    let region = target.region.as_deref().unwrap_or(DEFAULT_REGION);
    let parameters = parameters::resolve(operation, typed, Some(region), flags.force)?;
    let signed = target.signer.sign(&target.endpoint.authority, action, version, &parameters)?;

    let outgoing = http::Outgoing { path: "/".to_owned(), headers: signed.headers, body: signed.body };

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let timeout = Duration::from_secs(flags.timeout);
    let (status, body) = runtime.block_on(http::post(&target.endpoint, &target.trust, outgoing, timeout))?;

    let answer: Value = serde_json::from_slice(&body).with_context(|| {
        format!("{} answered with status {status} and no JSON; is it a Sesame server?", target.endpoint.url())
    })?;
    if !(200..300).contains(&status) {
        return Err(Failure::Api(api_error(status, &answer, &target.hint)));
    }
    let text = output::render(&answer, flags.output);
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the answer")?;
    Ok(())
}

/// The refusal of a name that is no operation.
pub(crate) fn unknown_operation(name: &str) -> anyhow::Error {
    let hint = suggestion(name, ENTRIES.iter().map(|entry| entry.name));
    anyhow::anyhow!("there is no operation {name}.{hint} `sesame help` lists them.")
}

fn api_error(status: u16, answer: &Value, hint: &str) -> ApiError {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let code = text("Code");
    // Keys of the cloud often lie in the environment; then the reason is not obvious.
    let hint = if code.starts_with("InvalidAccessKeyId") { hint.to_owned() } else { String::new() };
    ApiError { status, code, message: text("Message"), request_id: text("RequestId"), hint }
}
