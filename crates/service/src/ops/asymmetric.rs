//! Asymmetric keys: signatures, encryption under public keys, and the public keys themselves.

mod asymmetric_decrypt;
mod asymmetric_encrypt;
mod asymmetric_sign;
mod asymmetric_verify;
mod get_public_key;

pub(crate) use asymmetric_decrypt::AsymmetricDecrypt;
pub(crate) use asymmetric_encrypt::AsymmetricEncrypt;
pub(crate) use asymmetric_sign::AsymmetricSign;
pub(crate) use asymmetric_verify::AsymmetricVerify;
pub(crate) use get_public_key::GetPublicKey;

use std::sync::Arc;

use sesame_crypto::algorithm::{EncryptionAlgorithm, SignatureAlgorithm};
use sesame_crypto::error::CryptoError;
use sesame_crypto::secret::SecretBytes;
use sesame_crypto::spec::{KeyClass, KeyUsage};
use sesame_domain::Key;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::keys::LoadedVersion;
use crate::workers::Work;

/// Refuses keys that are not for signatures, and algorithms of other keys.
fn can_sign(on: &Granted, algorithm: SignatureAlgorithm) -> Result<()> {
    let key = &on.key()?.key;
    for_usage(key, KeyUsage::SignVerify)?;
    if algorithm.fits(key.spec) {
        Ok(())
    } else {
        Err(KmsError::invalid("Algorithm", format_args!("a key of {} does not sign with it", key.spec.name())))
    }
}

/// Refuses keys that are not for asymmetric encryption, and algorithms of other keys.
pub(super) fn can_encrypt(key: &Key, algorithm: EncryptionAlgorithm) -> Result<()> {
    for_usage(key, KeyUsage::EncryptDecrypt)?;
    if algorithm.fits(key.spec) {
        Ok(())
    } else {
        let message = format!("A key of {} does not encrypt with {algorithm}.", key.spec.name());
        Err(KmsError::new(Code::RejectedUnsupportedOperation, message))
    }
}

fn for_usage(key: &Key, usage: KeyUsage) -> Result<()> {
    is_asymmetric(key)?;
    if key.usage == usage {
        Ok(())
    } else {
        let message = format!("The usage of the key is {}, not {}.", key.usage.name(), usage.name());
        Err(KmsError::new(Code::RejectedUnsupportedOperation, message))
    }
}

fn is_asymmetric(key: &Key) -> Result<()> {
    if key.spec.class() == KeyClass::Asymmetric {
        Ok(())
    } else {
        let message = format!("A key of {} is not an asymmetric key.", key.spec.name());
        Err(KmsError::new(Code::RejectedUnsupportedOperation, message))
    }
}

/// Decrypts with a private key. Whatever is wrong with the ciphertext, the answer is the same.
pub(super) async fn decrypt(
    cx: &Context<'_>,
    version: &Arc<LoadedVersion>,
    algorithm: EncryptionAlgorithm,
    ciphertext: Vec<u8>,
) -> Result<SecretBytes> {
    let with = Arc::clone(version);
    let job = move || with.unlocked.decrypt(algorithm, &ciphertext);
    cx.workers().run(Work::Private, version.unlocked.spec(), job).await?.map_err(|error| match error {
        CryptoError::Integrity => KmsError::invalid("CiphertextBlob", "it does not decrypt"),
        other => other.into(),
    })
}
