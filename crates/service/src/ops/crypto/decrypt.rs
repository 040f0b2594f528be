//! `Decrypt`: decrypts what Encrypt or a data-key operation made.

use serde::Serialize;
use sesame_crypto::encryption_context::EncryptionContext;
use sesame_crypto::secret::SecretText;
use sesame_derive::Params;

use super::SYMMETRIC_DEFAULT;
use super::blob::Blob;
use super::{can_encrypt, open};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, Target};
use crate::values::Reveal;

pub(crate) struct Decrypt;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// A ciphertext made by Encrypt, ReEncrypt or a data-key operation.
    ciphertext_blob: Blob,
    /// The encryption context that the ciphertext was made with.
    encryption_context: Option<EncryptionContext>,
    /// Whether to only rehearse the call.
    dry_run: Option<bool>,
    /// Attestation of a recipient; not supported.
    recipient: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    key_id: String,
    key_version_id: String,
    plaintext: Reveal,
}

impl Operation for Decrypt {
    const NAME: &'static str = "Decrypt";
    const SUMMARY: &'static str = "Decrypts what Encrypt or a data-key operation made.";
    const SENSITIVE: bool = true;
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        super::no_recipient(request.recipient.as_deref())
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::KeyOfVersion(&request.ciphertext_blob.version)]
    }

    fn is_dry_run(request: &Request) -> bool {
        request.dry_run == Some(true)
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        can_encrypt(on)
    }

    fn encryption_algorithm(_: &Request) -> Option<&str> {
        Some(SYMMETRIC_DEFAULT)
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let key = on.key()?;
        let blob = &request.ciphertext_blob;
        let plaintext = open(cx, key, blob, request.encryption_context.as_ref(), "EncryptionContext").await?;
        let plaintext = SecretText::from_utf8(plaintext).map_err(|_| {
            KmsError::new(
                Code::UnsupportedOperation,
                "The plaintext is not text and cannot be answered by this operation.",
            )
        })?;
        Ok(Response {
            key_id: key.key.id.to_string(),
            key_version_id: blob.version.to_string(),
            plaintext: Reveal(plaintext),
        })
    }
}
