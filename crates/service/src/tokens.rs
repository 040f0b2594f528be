//! Tokens that only this deployment can write and read: what they hold comes back to it in the hands of strangers.
//!
//! A token is Base64 of a version byte, a random salt, and the ciphertext with its tag (AES-256-GCM). Its key is
//! HMAC-SHA256(server key, purpose ‖ salt), so that each token has a key of its own and no nonce can ever repeat
//! under one, and so that a token of one purpose does not open as one of another. The server key is made once, sealed
//! by the barrier, and shared by all nodes.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sesame_crypto::aead::{AeadAlgorithm, AeadKey, CallerIv, IV_LEN, TAG_LEN};
use sesame_crypto::error::CryptoError;
use sesame_crypto::hmac::{HmacHash, HmacKey};
use sesame_crypto::random::Random;
use sesame_crypto::secret::SecretBytes;
use sesame_domain::Clock;
use sesame_store::{Store, server_keys};
use tokio::sync::OnceCell;

use crate::error::Result;

/// The form of the tokens that are written.
const VERSION: u8 = 1;
const SALT_BYTES: usize = 32;
/// The name of the server key in the database.
const KEY_NAME: &str = "tokens";
/// A key seals one message, so one nonce is enough.
const NONCE: [u8; IV_LEN] = [0; IV_LEN];

/// Seals and opens tokens.
pub(crate) struct Tokens {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Read from the database when it is first needed.
    key: OnceCell<HmacKey>,
}

impl Tokens {
    /// The tokens of the deployment that has this database.
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { store, clock, random, key: OnceCell::new() }
    }

    /// Seals a text of a purpose as standard Base64: 4 characters for 3 bytes of the text and of 49 more.
    ///
    /// # Errors
    /// `InternalFailure` without randomness, and the failures of the database when the server key is read for the first
    /// time.
    pub(crate) async fn seal(&self, purpose: &str, plaintext: &[u8]) -> Result<String> {
        let mut salt = [0; SALT_BYTES];
        self.random.fill(&mut salt)?;
        Ok(seal(self.key().await?, purpose, &salt, plaintext)?)
    }

    /// What a token of a purpose holds; `None` for everything that [`Tokens::seal`] did not make for this purpose.
    ///
    /// # Errors
    /// The failures of the database when the server key is read for the first time.
    pub(crate) async fn open(&self, purpose: &str, text: &str) -> Result<Option<SecretBytes>> {
        // What has not even the form of a token costs nothing more.
        let Some(token) = Token::parse(text) else { return Ok(None) };
        Ok(token.open(self.key().await?, purpose))
    }

    async fn key(&self) -> Result<&HmacKey> {
        self.key
            .get_or_try_init(|| async {
                let mut fresh = SecretBytes::zeroed(32);
                // EXPOSE: filled in place.
                self.random.fill(fresh.expose_mut())?;
                let key = server_keys::get_or_put(&self.store, KEY_NAME, fresh, self.clock.now()).await?;
                // EXPOSE: the state of the HMAC is derived from the key.
                Ok(HmacKey::new(HmacHash::Sha256, key.expose()))
            })
            .await
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

/// A token that has the right form.
struct Token {
    salt: [u8; SALT_BYTES],
    sealed: Vec<u8>,
}

impl Token {
    fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (salt, sealed) = rest.split_first_chunk::<SALT_BYTES>()?;
        let is_right = *version == VERSION && sealed.len() >= TAG_LEN;
        is_right.then(|| Self { salt: *salt, sealed: sealed.to_vec() })
    }

    fn open(&self, server_key: &HmacKey, purpose: &str) -> Option<SecretBytes> {
        let key = key_of(server_key, purpose, &self.salt)?;
        key.open(&NONCE, &associated(purpose), &self.sealed).ok()
    }
}

fn seal(
    server_key: &HmacKey,
    purpose: &str,
    salt: &[u8; SALT_BYTES],
    plaintext: &[u8],
) -> std::result::Result<String, CryptoError> {
    let key = key_of(server_key, purpose, salt).ok_or(CryptoError::Internal)?;
    let mut sealed = Vec::new();
    key.seal_with_chosen_iv(CallerIv(NONCE), &associated(purpose), plaintext, &mut sealed)?;
    let sealed = sealed.get(IV_LEN..).unwrap_or_default();
    Ok(STANDARD.encode([&[VERSION], &salt[..], sealed].concat()))
}

/// The key of one token. The salt has a fixed length and stands last, so no purpose can be read as another with a part
/// of a salt.
fn key_of(server_key: &HmacKey, purpose: &str, salt: &[u8; SALT_BYTES]) -> Option<AeadKey> {
    let derived = server_key.sign(&[purpose.as_bytes(), salt]);
    AeadKey::new(AeadAlgorithm::Aes256Gcm, &SecretBytes::from_slice(derived.as_bytes())).ok()
}

fn associated(purpose: &str) -> Vec<u8> {
    [&[VERSION], purpose.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn server_key() -> HmacKey {
        HmacKey::new(HmacHash::Sha256, b"a key of the server")
    }

    fn opened(purpose: &str, text: &str) -> Option<Vec<u8>> {
        Token::parse(text)?.open(&server_key(), purpose).map(|bytes| bytes.expose().to_vec())
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens_for_its_purpose_only(
            plaintext in proptest::collection::vec(any::<u8>(), 0..600),
            salt: [u8; SALT_BYTES],
            purpose in "[a-z]{0,9}",
            other in "[a-z]{0,9}",
        ) {
            let text = seal(&server_key(), &purpose, &salt, &plaintext).unwrap();
            prop_assert_eq!(text.len(), (plaintext.len() + 49).div_ceil(3) * 4);
            let expected = Some(plaintext);
            prop_assert_eq!(opened(&other, &text) == expected, other == purpose);
            prop_assert_eq!(opened(&purpose, &text), expected);
        }

        #[test]
        fn whatever_is_changed_does_not_open(salt: [u8; SALT_BYTES], at: prop::sample::Index, bit in 0..8_u32) {
            let text = seal(&server_key(), "purpose", &salt, b"plaintext").unwrap();
            let mut bytes = STANDARD.decode(text).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(opened("purpose", &STANDARD.encode(bytes)), None);
        }

        #[test]
        fn garbage_does_not_open(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(opened("purpose", &text), None);
            prop_assert_eq!(opened("purpose", &STANDARD.encode(&bytes)), None);
            prop_assert_eq!(opened("purpose", &STANDARD.encode([&[VERSION], &bytes[..]].concat())), None);
        }
    }

    #[test]
    fn another_server_key_opens_nothing() {
        let text = seal(&server_key(), "purpose", &[7; SALT_BYTES], b"plaintext").unwrap();
        let token = Token::parse(&text).unwrap();
        assert!(token.open(&HmacKey::new(HmacHash::Sha256, b"another"), "purpose").is_none());
        assert!(token.open(&server_key(), "purpose").is_some());
    }
}
