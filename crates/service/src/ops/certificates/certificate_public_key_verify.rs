//! `CertificatePublicKeyVerify`: checks a signature with the public key of a certificate.

use serde::Serialize;
use sesame_crypto::SignatureAlgorithm;
use sesame_derive::Params;
use sesame_domain::certificate::CertificateStatus::{Active, Revoked};

use super::message::{self, MessageType};
use super::{can_sign, has_status, with_public_key};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::values::{Bytes, SecretBase64};

pub(crate) struct CertificatePublicKeyVerify;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the certificate.
    certificate_id: String,
    /// The algorithm that the signature was made with.
    algorithm: SignatureAlgorithm,
    /// The message in Base64, shorter than 4,096 bytes; or its digest.
    message: SecretBase64,
    /// `RAW` (default) for a message, `DIGEST` for a digest of 32 bytes.
    message_type: Option<MessageType>,
    /// The signature in Base64.
    signature_value: Bytes,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    certificate_id: String,
    signature_valid: bool,
}

impl Operation for CertificatePublicKeyVerify {
    const NAME: &'static str = "CertificatePublicKeyVerify";
    const SUMMARY: &'static str = "Checks a signature with the public key of a certificate.";
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        message::check(&request.message.0, request.message_type.unwrap_or_default())
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Certificate(&request.certificate_id)]
    }

    fn check(request: &Request, on: &Granted) -> Result<()> {
        can_sign(on.certificate()?, request.algorithm)?;
        has_status(on.certificate()?, &[Active, Revoked])
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let ours = on.certificate()?;
        let Request { algorithm, message, message_type, signature_value, .. } = request;
        let valid = with_public_key(cx, ours, move |key| {
            let kind = message_type.unwrap_or_default();
            let digest = message::digest(&message.0, kind, algorithm, key)?;
            key.verify_digest(algorithm, &digest, &signature_value.0)
        });
        Ok(Response { signature_valid: valid.await??, certificate_id: ours.id.clone() })
    }
}
