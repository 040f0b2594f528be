//! `CertificatePrivateKeySign`: signs with the private key of a certificate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sesame_crypto::SignatureAlgorithm;
use sesame_derive::Params;
use sesame_domain::certificate::CertificateStatus::Active;

use super::message::{self, MessageType};
use super::{can_sign, has_status, with_private_key};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::values::SecretBase64;

pub(crate) struct CertificatePrivateKeySign;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the certificate.
    certificate_id: String,
    /// `RSA_PKCS1_SHA_256`, `RSA_PSS_SHA_256`, `ECDSA_SHA_256` or `SM2DSA`, as fits the key.
    algorithm: SignatureAlgorithm,
    /// The message in Base64, shorter than 4,096 bytes; or its digest.
    message: SecretBase64,
    /// `RAW` (default) for a message, `DIGEST` for a digest of 32 bytes.
    message_type: Option<MessageType>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    certificate_id: String,
    signature_value: String,
}

impl Operation for CertificatePrivateKeySign {
    const NAME: &'static str = "CertificatePrivateKeySign";
    const SUMMARY: &'static str = "Signs a message or a digest with the private key of a certificate.";
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
        has_status(on.certificate()?, &[Active])
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let ours = on.certificate()?;
        let Request { algorithm, message, message_type, .. } = request;
        let signature = with_private_key(cx, ours, move |key| {
            let kind = message_type.unwrap_or_default();
            let digest = message::digest(&message.0, kind, algorithm, key.public_key()?)?;
            key.sign_digest(algorithm, &digest)
        });
        Ok(Response { signature_value: STANDARD.encode(signature.await??), certificate_id: ours.id.clone() })
    }
}
