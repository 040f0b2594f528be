//! `ExportDataKey`: wraps an encrypted data key under a caller's public key.

use std::sync::Arc;

use serde::Serialize;
use sesame_crypto::algorithm::{EncryptionAlgorithm, WrappingKeySpec};
use sesame_crypto::encryption_context::EncryptionContext;
use sesame_crypto::public_key::PublicKey;
use sesame_derive::Params;

use super::SYMMETRIC_DEFAULT;
use super::blob::Blob;
use super::{can_encrypt, export, open};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};

pub(crate) struct ExportDataKey;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The data key, encrypted by a data-key operation or by Encrypt.
    ciphertext_blob: Blob,
    /// The encryption context that the ciphertext was made with.
    encryption_context: Option<EncryptionContext>,
    /// The public key to wrap under: Base64 of a SubjectPublicKeyInfo in DER.
    public_key_blob: PublicKey,
    /// The spec of the public key: `RSA_2048` or `EC_SM2`.
    wrapping_key_spec: WrappingKeySpec,
    /// `RSAES_OAEP_SHA_256` or `RSAES_OAEP_SHA_1` for RSA, `SM2PKE` for SM2.
    wrapping_algorithm: EncryptionAlgorithm,
    /// Whether to only rehearse the call.
    dry_run: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    key_id: String,
    key_version_id: String,
    exported_data_key: String,
}

impl Operation for ExportDataKey {
    const NAME: &'static str = "ExportDataKey";
    const SUMMARY: &'static str = "Decrypts a data key and wraps it under a public key, without showing it.";
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        export::fits(&request.public_key_blob, request.wrapping_key_spec, request.wrapping_algorithm)
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
        let data_key = open(cx, key, blob, request.encryption_context.as_ref(), "EncryptionContext").await?;
        let public = Arc::new(request.public_key_blob);
        Ok(Response {
            exported_data_key: export::wrap(cx, &public, request.wrapping_algorithm, data_key).await?,
            key_id: key.key.id.to_string(),
            key_version_id: blob.version.to_string(),
        })
    }
}
