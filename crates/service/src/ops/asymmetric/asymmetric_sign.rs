//! `AsymmetricSign`: signs a digest with a private key.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sesame_crypto::algorithm::SignatureAlgorithm;
use sesame_derive::Params;
use sesame_domain::KeyRef;

use super::can_sign;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::values::{Digest, VersionId};
use crate::workers::Work;

pub(crate) struct AsymmetricSign;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of an asymmetric key for signatures.
    key_id: KeyRef,
    /// The version to sign with.
    key_version_id: VersionId,
    /// `RSA_PSS_SHA_256`, `RSA_PKCS1_SHA_256`, `ECDSA_SHA_256` or `SM2DSA`, as fits the key.
    algorithm: SignatureAlgorithm,
    /// The digest to sign, Base64 of 32 bytes. It is signed as it is.
    digest: Digest,
    /// Whether to only rehearse the call.
    dry_run: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    key_id: String,
    key_version_id: String,
    value: String,
}

impl Operation for AsymmetricSign {
    const NAME: &'static str = "AsymmetricSign";
    const SUMMARY: &'static str = "Signs a digest with the private key of an asymmetric key.";
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
        let job = move || with.unlocked.sign_digest(request.algorithm, request.digest.expose());
        let signature = cx.workers().run(Work::Private, version.unlocked.spec(), job).await??;
        Ok(Response {
            key_id: version.version.key.to_string(),
            key_version_id: version.version.id.to_string(),
            value: STANDARD.encode(signature),
        })
    }
}
