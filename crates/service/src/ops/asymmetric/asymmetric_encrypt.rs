//! `AsymmetricEncrypt`: encrypts under a public key.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sesame_crypto::algorithm::EncryptionAlgorithm;
use sesame_derive::Params;
use sesame_domain::KeyRef;

use super::can_encrypt;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};
use crate::values::{SecretBase64, VersionId};
use crate::workers::Work;

pub(crate) struct AsymmetricEncrypt;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of an asymmetric key for encryption.
    key_id: KeyRef,
    /// The version to encrypt under.
    key_version_id: VersionId,
    /// `RSAES_OAEP_SHA_256`, `RSAES_OAEP_SHA_1`, `SM2PKE` or `ECIES_DH_SHA_1_XOR_HMAC`, as fits the key.
    algorithm: EncryptionAlgorithm,
    /// What to encrypt, Base64. How much that may be depends on key and algorithm.
    plaintext: SecretBase64,
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

impl Operation for AsymmetricEncrypt {
    const NAME: &'static str = "AsymmetricEncrypt";
    const SUMMARY: &'static str = "Encrypts under the public key of an asymmetric key.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Version(&request.key_id, request.key_version_id.get())]
    }

    fn is_dry_run(request: &Request) -> bool {
        request.dry_run == Some(true)
    }

    fn check(request: &Request, on: &Granted) -> Result<()> {
        let key = &on.key()?.key;
        can_encrypt(key, request.algorithm)?;
        let most = request.algorithm.max_plaintext_len(key.spec).unwrap_or_default();
        if request.plaintext.0.len() > most {
            return Err(KmsError::invalid("Plaintext", format_args!("it may have {most} bytes at most before Base64")));
        }
        Ok(())
    }

    fn encryption_algorithm(request: &Request) -> Option<&str> {
        Some(request.algorithm.name())
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let version = on.version()?;
        let with = Arc::clone(version);
        // EXPOSE: the cipher takes a slice; it neither keeps nor logs it.
        let job = move || with.unlocked.encrypt(request.algorithm, request.plaintext.0.expose());
        let ciphertext = cx.workers().run(Work::Public, version.unlocked.spec(), job).await??;
        Ok(Response {
            key_id: version.version.key.to_string(),
            key_version_id: version.version.id.to_string(),
            ciphertext_blob: STANDARD.encode(ciphertext),
        })
    }
}
