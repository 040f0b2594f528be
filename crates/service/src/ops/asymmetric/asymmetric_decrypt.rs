//! `AsymmetricDecrypt`: decrypts what was encrypted under a public key.

use serde::Serialize;
use sesame_crypto::algorithm::EncryptionAlgorithm;
use sesame_derive::Params;
use sesame_domain::KeyRef;

use super::{can_encrypt, decrypt};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::ops::crypto::no_recipient;
use crate::values::{Bytes, Reveal, VersionId};

pub(crate) struct AsymmetricDecrypt;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of an asymmetric key for encryption.
    key_id: KeyRef,
    /// The version whose public key the ciphertext was made with.
    key_version_id: VersionId,
    /// The algorithm that the ciphertext was made with.
    algorithm: EncryptionAlgorithm,
    /// The ciphertext, Base64. One of SM2 may be C1 ‖ C3 ‖ C2 or in ASN.1.
    ciphertext_blob: Bytes,
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

impl Operation for AsymmetricDecrypt {
    const NAME: &'static str = "AsymmetricDecrypt";
    const SUMMARY: &'static str = "Decrypts what was encrypted under the public key of an asymmetric key.";
    const SENSITIVE: bool = true;
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        no_recipient(request.recipient.as_deref())
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Version(&request.key_id, request.key_version_id.get())]
    }

    fn is_dry_run(request: &Request) -> bool {
        request.dry_run == Some(true)
    }

    fn check(request: &Request, on: &Granted) -> Result<()> {
        can_encrypt(&on.key()?.key, request.algorithm)
    }

    fn encryption_algorithm(request: &Request) -> Option<&str> {
        Some(request.algorithm.name())
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let version = on.version()?;
        let plaintext = decrypt(cx, version, request.algorithm, request.ciphertext_blob.0).await?;
        Ok(Response {
            key_id: version.version.key.to_string(),
            key_version_id: version.version.id.to_string(),
            plaintext: Reveal::base64(&plaintext)?,
        })
    }
}
