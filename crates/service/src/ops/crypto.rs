//! Encryption with symmetric keys, and data keys.

mod advance_encrypt;
mod blob;
mod decrypt;
mod encrypt;
mod export;
mod export_data_key;
mod generate_and_export_data_key;
mod generate_data_key;
mod generate_data_key_without_plaintext;
mod get_challenge;
mod re_encrypt;

pub(crate) use advance_encrypt::AdvanceEncrypt;
pub(crate) use decrypt::Decrypt;
pub(crate) use encrypt::Encrypt;
pub(crate) use export_data_key::ExportDataKey;
pub(crate) use generate_and_export_data_key::GenerateAndExportDataKey;
pub(crate) use generate_data_key::GenerateDataKey;
pub(crate) use generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintext;
pub(crate) use get_challenge::GetChallenge;
pub(crate) use re_encrypt::ReEncrypt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sesame_crypto::blob::{BlobRef, CiphertextBlob};
use sesame_crypto::encryption_context::EncryptionContext;
use sesame_crypto::error::CryptoError;
use sesame_crypto::secret::SecretBytes;
use sesame_crypto::spec::{KeyClass, KeyUsage};
use sesame_domain::Key;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::keys::{LoadedKey, LoadedVersion};

/// The algorithm of every symmetric key, as `kms:EncryptionAlgorithm` has it.
const SYMMETRIC_DEFAULT: &str = "SYMMETRIC_DEFAULT";

/// Refuses keys that are not for symmetric encryption.
fn can_encrypt(on: &Granted) -> Result<()> {
    on.keys().iter().try_for_each(|key| is_symmetric(&key.key))
}

fn is_symmetric(key: &Key) -> Result<()> {
    if key.spec.class() == KeyClass::Symmetric && key.usage == KeyUsage::EncryptDecrypt {
        return Ok(());
    }
    let message = format!("A key of {} cannot be used for symmetric encryption.", key.spec.name());
    Err(KmsError::new(Code::UnsupportedOperation, message))
}

/// Seals under a version and frames the result: Base64 of version id, IV, ciphertext and tag.
fn seal(
    cx: &Context<'_>,
    under: &LoadedVersion,
    context: Option<&EncryptionContext>,
    plaintext: &[u8],
) -> Result<String> {
    let aad = context.map(EncryptionContext::aad);
    let aad = aad.as_ref().map(|aad| aad.as_bytes()).unwrap_or_default();
    let mut blob = CiphertextBlob::begin(under.version.id.as_str(), plaintext.len())?;
    under.unlocked.seal(cx.random(), aad, plaintext, &mut blob)?;
    Ok(STANDARD.encode(blob))
}

/// Opens a blob of this key. A wrong context, an altered blob and a foreign blob cannot be told apart.
async fn open(
    cx: &Context<'_>,
    key: &LoadedKey,
    blob: &blob::Blob,
    context: Option<&EncryptionContext>,
    context_name: &str,
) -> Result<SecretBytes> {
    let version = cx.keys().version(key, &blob.version).await?.ok_or(Code::KeyNotFound)?;
    let BlobRef { iv, sealed, .. } = CiphertextBlob::parse(&blob.bytes)?;
    let absent = EncryptionContext::default();
    for aad in context.unwrap_or(&absent).opening_aads() {
        match version.unlocked.open(iv, aad.as_bytes(), sealed) {
            Ok(plaintext) => return Ok(plaintext),
            Err(CryptoError::Integrity) => {}
            Err(other) => return Err(other.into()),
        }
    }
    let reason = format!("it was altered, or {context_name} is not the one that it was encrypted with");
    Err(KmsError::invalid("CiphertextBlob", reason))
}

/// Refuses a `Recipient`: nothing is published about the attestation that it must hold (docs/decisions/0021).
pub(super) fn no_recipient(recipient: Option<&str>) -> Result<()> {
    match recipient {
        None => Ok(()),
        Some(_) => Err(KmsError::new(Code::UnsupportedOperation, "Recipient is not supported; leave it out.")),
    }
}
