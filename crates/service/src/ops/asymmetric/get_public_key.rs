//! `GetPublicKey`: the public key of an asymmetric key.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::KeyRef;

use super::is_asymmetric;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::values::VersionId;

pub(crate) struct GetPublicKey;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of an asymmetric key.
    key_id: KeyRef,
    /// The version whose public key is asked for.
    key_version_id: VersionId,
    /// Whether to only rehearse the call.
    dry_run: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    key_id: String,
    key_version_id: String,
    public_key: String,
}

impl Operation for GetPublicKey {
    const NAME: &'static str = "GetPublicKey";
    const SUMMARY: &'static str = "Answers the public key of an asymmetric key in PEM.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Version(&request.key_id, request.key_version_id.get())]
    }

    fn is_dry_run(request: &Request) -> bool {
        request.dry_run == Some(true)
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        is_asymmetric(&on.key()?.key)
    }

    async fn run(_: &Context<'_>, on: Granted, _: Request) -> Result<Response> {
        let version = on.version()?;
        Ok(Response {
            key_id: version.version.key.to_string(),
            key_version_id: version.version.id.to_string(),
            public_key: version.unlocked.public_key_pem()?,
        })
    }
}
