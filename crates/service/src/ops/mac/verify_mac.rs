//! `VerifyMac`: checks the HMAC of a message.

use serde::Serialize;
use sesame_crypto::algorithm::MacAlgorithm;
use sesame_derive::Params;
use sesame_domain::KeyRef;

use super::{can_authenticate, is_short_enough};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::values::{Bytes, SecretBase64};

pub(crate) struct VerifyMac;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of an HMAC key.
    key_id: KeyRef,
    /// The algorithm of the key.
    algorithm: MacAlgorithm,
    /// The message itself, not a digest: Base64 of up to 6,144 bytes.
    message: SecretBase64,
    /// The message authentication code, Base64.
    mac: Bytes,
    /// Whether to only rehearse the call.
    dry_run: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    key_id: String,
    algorithm: &'static str,
    value: bool,
}

impl Operation for VerifyMac {
    const NAME: &'static str = "VerifyMac";
    const SUMMARY: &'static str = "Tells whether a message authentication code belongs to a message.";
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        is_short_enough(&request.message)
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Key(&request.key_id)]
    }

    fn is_dry_run(request: &Request) -> bool {
        request.dry_run == Some(true)
    }

    fn check(request: &Request, on: &Granted) -> Result<()> {
        can_authenticate(on, request.algorithm)
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let key = on.key()?;
        let version = cx.keys().primary(key).await?;
        // EXPOSE: the hash takes a slice; it neither keeps nor logs it.
        let message = request.message.0.expose();
        let value = version.unlocked.verify_mac(request.algorithm, message, &request.mac.0)?;
        Ok(Response { key_id: key.key.id.to_string(), algorithm: request.algorithm.name(), value })
    }
}
