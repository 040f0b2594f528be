//! `Encrypt`: encrypts up to 6 KB under a symmetric key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sesame_crypto::encryption_context::EncryptionContext;
use sesame_crypto::secret::SecretText;
use sesame_derive::Params;
use sesame_domain::{KeyRef, limits};

use super::SYMMETRIC_DEFAULT;
use super::{can_encrypt, seal};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};

pub(crate) struct Encrypt;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of a symmetric key.
    key_id: KeyRef,
    /// What to encrypt, usually Base64 of up to 6,144 bytes. Decrypt gives back exactly this text.
    plaintext: SecretText,
    /// A JSON object of strings that must be given again to Decrypt.
    encryption_context: Option<EncryptionContext>,
    /// Whether to only rehearse the call.
    dry_run: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    key_id: String,
    key_version_id: String,
    ciphertext_blob: String,
}

impl Operation for Encrypt {
    const NAME: &'static str = "Encrypt";
    const SUMMARY: &'static str = "Encrypts up to 6 KB under a symmetric key.";
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        is_short_enough(&request.plaintext)
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Key(&request.key_id)]
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
        let version = cx.keys().primary(key).await?;
        // EXPOSE: the cipher takes a slice; it neither keeps nor logs it. What is encrypted is the text itself, as
        // clients expect it back (keys reference, 5.2).
        let plaintext = request.plaintext.expose().as_bytes();
        Ok(Response {
            ciphertext_blob: seal(cx, version, request.encryption_context.as_ref(), plaintext)?,
            key_id: key.key.id.to_string(),
            key_version_id: version.version.id.to_string(),
        })
    }
}

/// Refuses a plaintext of more than 6 KB.
pub(super) fn is_short_enough(plaintext: &SecretText) -> Result<()> {
    // EXPOSE: only its length is looked at.
    if is_too_long(plaintext.expose()) {
        let reason = format!("it may have {} bytes at most before Base64", limits::PLAINTEXT_BYTES);
        return Err(KmsError::invalid("Plaintext", reason));
    }
    Ok(())
}

/// The limit counts decoded bytes when the text is Base64, else the text's own.
fn is_too_long(text: &str) -> bool {
    if text.len() <= limits::PLAINTEXT_BYTES {
        return false;
    }
    // Base64 of 6,144 bytes has exactly 8,192 characters, so a valid text within that length is short enough.
    text.len() > limits::PLAINTEXT_CHARS
        || sesame_crypto::secret::SecretBytes::new(STANDARD.decode(text).unwrap_or_default()).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_counts_bytes_before_base64() {
        assert!(!is_too_long(&"x".repeat(6_144)));
        assert!(is_too_long(&"!".repeat(6_145)));
        assert!(!is_too_long(&STANDARD.encode([0; 6_144])));
        assert!(is_too_long(&STANDARD.encode([0; 6_145])));
    }
}
