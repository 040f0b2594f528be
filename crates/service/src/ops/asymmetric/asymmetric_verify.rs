//! `AsymmetricVerify`: checks a signature of a digest.

use std::sync::Arc;

use serde::Serialize;
use sesame_crypto::algorithm::SignatureAlgorithm;
use sesame_derive::Params;
use sesame_domain::KeyRef;

use super::can_sign;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::values::{Bytes, Digest, VersionId};
use crate::workers::Work;

pub(crate) struct AsymmetricVerify;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of an asymmetric key for signatures.
    key_id: KeyRef,
    /// The version that signed.
    key_version_id: VersionId,
    /// The algorithm that the signature was made with.
    algorithm: SignatureAlgorithm,
    /// The digest that was signed, Base64 of 32 bytes.
    digest: Digest,
    /// The signature, Base64.
    value: Bytes,
    /// Whether to only rehearse the call.
    dry_run: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    key_id: String,
    key_version_id: String,
    value: bool,
}

impl Operation for AsymmetricVerify {
    const NAME: &'static str = "AsymmetricVerify";
    const SUMMARY: &'static str = "Tells whether a signature of a digest was made with an asymmetric key.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Version(&request.key_id, request.key_version_id.get())]
    }

    fn is_dry_run(request: &Request) -> bool {
        request.dry_run == Some(true)
    }

    fn check(request: &Request, on: &Granted) -> Result<()> {
        can_sign(on, request.algorithm)
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let version = on.version()?;
        let with = Arc::clone(version);
        let job = move || with.unlocked.verify_digest(request.algorithm, request.digest.expose(), &request.value.0);
        let value = cx.workers().run(Work::Public, version.unlocked.spec(), job).await??;
        Ok(Response { key_id: version.version.key.to_string(), key_version_id: version.version.id.to_string(), value })
    }
}
