//! `ReEncrypt`: moves a ciphertext to another key, or to the newest version, without showing the plaintext.

use serde::Serialize;
use sesame_crypto::encryption_context::EncryptionContext;
use sesame_derive::Params;
use sesame_domain::KeyRef;

use super::blob::Blob;
use super::{can_encrypt, open, seal};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target, TargetKey};

pub(crate) struct ReEncrypt;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The ciphertext to move.
    ciphertext_blob: Blob,
    /// The encryption context that the ciphertext was made with.
    source_encryption_context: Option<EncryptionContext>,
    /// The id of the symmetric key to encrypt under.
    destination_key_id: KeyRef,
    /// The encryption context of the new ciphertext.
    destination_encryption_context: Option<EncryptionContext>,
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

impl Operation for ReEncrypt {
    const NAME: &'static str = "ReEncrypt";
    const SUMMARY: &'static str =
        "Decrypts a ciphertext and encrypts it under another key, without showing the plaintext.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [
            Target::With("ReEncryptFrom", TargetKey::OfVersion(&request.ciphertext_blob.version)),
            Target::With("ReEncryptTo", TargetKey::ById(&request.destination_key_id)),
        ]
    }

    fn is_dry_run(request: &Request) -> bool {
        request.dry_run == Some(true)
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        can_encrypt(on)
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let (source, destination) = (on.key()?, on.second_key()?);
        let blob = &request.ciphertext_blob;
        let context = request.source_encryption_context.as_ref();
        let plaintext = open(cx, source, blob, context, "SourceEncryptionContext").await?;
        let version = cx.keys().primary(destination).await?;
        // EXPOSE: from one cipher into the other.
        let context = request.destination_encryption_context.as_ref();
        Ok(Response {
            ciphertext_blob: seal(cx, &version, context, plaintext.expose())?,
            // The key that opened the source, as the API says; the new blob names its own.
            key_id: source.key.id.to_string(),
            key_version_id: blob.version.to_string(),
        })
    }
}
