//! `CertificatePrivateKeyDecrypt`: decrypts with the private key of a certificate.

use serde::Serialize;
use sesame_crypto::{CryptoError, EncryptionAlgorithm};
use sesame_derive::Params;
use sesame_domain::certificate::CertificateStatus::Active;

use super::{can_encrypt, has_status, with_private_key};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};
use crate::values::{Bytes, Reveal};

pub(crate) struct CertificatePrivateKeyDecrypt;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the certificate.
    certificate_id: String,
    /// The algorithm that the ciphertext was made with.
    algorithm: EncryptionAlgorithm,
    /// The ciphertext in Base64.
    ciphertext_blob: Bytes,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    certificate_id: String,
    plaintext: Reveal,
}

impl Operation for CertificatePrivateKeyDecrypt {
    const NAME: &'static str = "CertificatePrivateKeyDecrypt";
    const SUMMARY: &'static str = "Decrypts with the private key of a certificate.";
    const SENSITIVE: bool = true;
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
        let Request { algorithm, ciphertext_blob, .. } = request;
        let decrypted = with_private_key(cx, ours, move |key| key.decrypt(algorithm, &ciphertext_blob.0)).await?;
        let plaintext = decrypted.map_err(|error| match error {
            CryptoError::Integrity => KmsError::invalid("CiphertextBlob", "it does not decrypt"),
            other => other.into(),
        })?;
        Ok(Response { plaintext: Reveal::base64(&plaintext)?, certificate_id: ours.id.clone() })
    }
}
