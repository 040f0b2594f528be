//! `GenerateAndExportDataKey`: a random data key, encrypted under a key and wrapped under a caller's public key.

use std::sync::Arc;

use serde::Serialize;
use sesame_crypto::algorithm::{EncryptionAlgorithm, WrappingKeySpec};
use sesame_crypto::encryption_context::EncryptionContext;
use sesame_crypto::public_key::PublicKey;
use sesame_derive::Params;
use sesame_domain::KeyRef;

use super::SYMMETRIC_DEFAULT;
use super::generate_data_key::{DataKeyLength, DataKeySpec, data_key_bytes, new_data_key};
use super::{can_encrypt, export};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};

pub(crate) struct GenerateAndExportDataKey;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of a symmetric key.
    key_id: KeyRef,
    /// `AES_256` (default) or `AES_128`; ignored when NumberOfBytes is given.
    key_spec: Option<DataKeySpec>,
    /// The length of the data key in bytes, 1 to 1,024, and no more than fits under the public key.
    number_of_bytes: Option<DataKeyLength>,
    /// A JSON object of strings that must be given again to Decrypt.
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
    ciphertext_blob: String,
    exported_data_key: String,
}

impl Operation for GenerateAndExportDataKey {
    const NAME: &'static str = "GenerateAndExportDataKey";
    const SUMMARY: &'static str =
        "Makes a random data key and answers it encrypted under a key and wrapped under a public key, not in clear.";
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        let (spec, algorithm) = (request.wrapping_key_spec, request.wrapping_algorithm);
        export::fits(&request.public_key_blob, spec, algorithm)?;
        let most = algorithm.max_plaintext_len(spec.key_spec()).unwrap_or_default();
        if data_key_bytes(request.key_spec, request.number_of_bytes) > most {
            let reason = format!("{algorithm} with a key of {spec} takes {most} bytes at most");
            return Err(KmsError::invalid("NumberOfBytes", reason));
        }
        Ok(())
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
        let length = data_key_bytes(request.key_spec, request.number_of_bytes);
        let (text, ciphertext_blob) = new_data_key(cx, version, request.encryption_context.as_ref(), length)?;
        let public = Arc::new(request.public_key_blob);
        Ok(Response {
            // EXPOSE: from one secret type into another.
            exported_data_key: export::wrap(
                cx,
                &public,
                request.wrapping_algorithm,
                sesame_crypto::secret::SecretBytes::from_slice(text.expose().as_bytes()),
            )
            .await?,
            key_id: key.key.id.to_string(),
            key_version_id: version.version.id.to_string(),
            ciphertext_blob,
        })
    }
}
