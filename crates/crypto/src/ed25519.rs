//! Ed25519 (RFC 8032): signatures that anybody can check who has the public key.

use std::fmt;

use aws_lc_rs::signature as lc;
use aws_lc_rs::signature::KeyPair as _;

use crate::error::CryptoError;
use crate::random::Random;
use crate::secret::SecretBytes;

/// Length of a seed, and of a public key, in bytes.
pub const KEY_BYTES: usize = 32;

/// A key pair.
pub struct Ed25519(lc::Ed25519KeyPair);

impl Ed25519 {
    /// Draws the seed of a new key pair.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new_seed(random: &dyn Random) -> Result<SecretBytes, CryptoError> {
        let mut seed = SecretBytes::zeroed(KEY_BYTES);
        // EXPOSE: the generator writes the seed here.
        random.fill(seed.expose_mut())?;
        Ok(seed)
    }

    /// The key pair of a seed.
    ///
    /// # Errors
    /// When the seed has another length than 32 bytes.
    pub fn from_seed(seed: &SecretBytes) -> Result<Self, CryptoError> {
        // EXPOSE: the library reads the seed and keeps a copy of its own.
        lc::Ed25519KeyPair::from_seed_unchecked(seed.expose())
            .map(Self)
            .map_err(|_| CryptoError::InvalidInput("an Ed25519 seed"))
    }

    /// The public key.
    pub fn public(&self) -> [u8; KEY_BYTES] {
        let mut key = [0; KEY_BYTES];
        for (to, from) in key.iter_mut().zip(self.0.public_key().as_ref()) {
            *to = *from;
        }
        key
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for Ed25519 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519")
    }
}

/// Whether a signature is that of the public key's owner.
pub fn verify(public: &[u8], message: &[u8], signature: &[u8]) -> bool {
    lc::UnparsedPublicKey::new(&lc::ED25519, public).verify(message, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn the_first_vector_of_the_standard_is_signed_as_printed() {
        // RFC 8032, section 7.1, test 1: the empty message.
        let seed: Vec<u8> = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let pair = Ed25519::from_seed(&SecretBytes::new(seed)).unwrap();
        assert_eq!(pair.public().to_vec(), hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
        let signature = pair.sign(b"");
        assert_eq!(&signature[..8], hex("e5564300c360ac72"));
        assert!(verify(&pair.public(), b"", &signature));
        assert!(!verify(&pair.public(), b"x", &signature));
    }

    #[test]
    fn keys_differ_and_seeds_have_their_length() {
        let one = Ed25519::new_seed(&SystemRandom).unwrap();
        let two = Ed25519::new_seed(&SystemRandom).unwrap();
        assert_ne!(Ed25519::from_seed(&one).unwrap().public(), Ed25519::from_seed(&two).unwrap().public());
        assert!(Ed25519::from_seed(&SecretBytes::zeroed(31)).is_err());
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }
}
