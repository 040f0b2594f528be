//! `CertificatePublicKeyEncrypt`: encrypts under the public key of a certificate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sesame_crypto::{CryptoError, EncryptionAlgorithm};
use sesame_derive::Params;
use sesame_domain::certificate::CertificateStatus::Active;

use super::{can_encrypt, has_status, with_public_key};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};
use crate::values::SecretBase64;

pub(crate) struct CertificatePublicKeyEncrypt;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the certificate.
    certificate_id: String,
    /// `RSAES_OAEP_SHA_1`, `RSAES_OAEP_SHA_256` or `SM2PKE`, as fits the key.
    algorithm: EncryptionAlgorithm,
    /// The plaintext in Base64: up to 214, 190 or 6,047 bytes.
    plaintext: SecretBase64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    certificate_id: String,
    ciphertext_blob: String,
}

impl Operation for CertificatePublicKeyEncrypt {
    const NAME: &'static str = "CertificatePublicKeyEncrypt";
    const SUMMARY: &'static str = "Encrypts under the public key of a certificate.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Certificate(&request.certificate_id)]
    }

    fn check(request: &Request, on: &Granted) -> Result<()> {
        can_encrypt(on.certificate()?, request.algorithm)?;
        has_status(on.certificate()?, &[Active])
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let ours = on.certificate()?;
        let Request { algorithm, plaintext, .. } = request;
        // EXPOSE: encrypted.
        let encrypted = with_public_key(cx, ours, move |key| key.encrypt(algorithm, plaintext.0.expose())).await?;
        let ciphertext = encrypted.map_err(|error| match error {
            CryptoError::TooLong { max } => {
                KmsError::invalid("Plaintext", format_args!("it may have {max} bytes at most"))
            }
            CryptoError::InvalidInput(_) => KmsError::invalid("Plaintext", "it must not be empty"),
            other => other.into(),
        })?;
        Ok(Response { ciphertext_blob: STANDARD.encode(ciphertext), certificate_id: ours.id.clone() })
    }
}
