//! What the two operations share that wrap a data key under a caller's public key.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sesame_crypto::algorithm::{EncryptionAlgorithm, WrappingKeySpec};
use sesame_crypto::error::CryptoError;
use sesame_crypto::public_key::PublicKey;
use sesame_crypto::secret::SecretBytes;

use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::values::decode_secret;
use crate::workers::Work;

/// Refuses a public key that is not of the spec that the call names, and an algorithm that does not fit it.
pub(super) fn fits(public: &PublicKey, spec: WrappingKeySpec, algorithm: EncryptionAlgorithm) -> Result<()> {
    if !algorithm.fits(spec.key_spec()) {
        return Err(KmsError::invalid("WrappingAlgorithm", format_args!("it does not fit a key of {spec}")));
    }
    if public.spec() != spec.key_spec() {
        return Err(KmsError::invalid("PublicKeyBlob", format_args!("it is not a public key of {spec}")));
    }
    Ok(())
}

/// Wraps a data key, given as the text that Decrypt would answer. What is wrapped is the raw key behind it; a text
/// that is not Base64 is wrapped as it is (keys reference, 5.2).
pub(super) async fn wrap(
    cx: &Context<'_>,
    public: &Arc<PublicKey>,
    algorithm: EncryptionAlgorithm,
    text: SecretBytes,
) -> Result<String> {
    // EXPOSE: decoded into another secret.
    let raw = decode_secret(text.expose()).unwrap_or(text);
    let under = Arc::clone(public);
    // EXPOSE: the cipher takes a slice; it neither keeps nor logs it.
    let job = move || under.encrypt(algorithm, raw.expose());
    let wrapped = cx.workers().run(Work::Public, public.spec(), job).await?.map_err(|error| match error {
        CryptoError::TooLong { max } => {
            KmsError::invalid("CiphertextBlob", format_args!("the data key in it is longer than {max} bytes"))
        }
        other => other.into(),
    })?;
    Ok(STANDARD.encode(wrapped))
}
