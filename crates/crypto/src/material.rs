//! One unlocked key: its usable state, and every operation that its spec offers.

use std::fmt;

use crate::aead::{AeadKey, CallerIv, IV_LEN};
use crate::error::CryptoError;
use crate::hmac::HmacKey;
use crate::random::Random;
use crate::secret::SecretBytes;
use crate::spec::{KeySpec, Primitive};

/// A key in memory, ready for use from any thread. Its bytes cannot be read back; `Debug` shows the spec only.
///
/// The serialised material is, by spec: the raw key for `Aliyun_*` and `HMAC_*`, the 32-byte private scalar for
/// `EC_SM2`, and a PKCS#8 structure in DER for `RSA_*`, `EC_P256` and `EC_P256K`.
pub struct UnlockedKey {
    spec: KeySpec,
    state: State,
}

enum State {
    Aead(AeadKey),
    #[expect(dead_code, reason = "its operations come with the asymmetric ones")]
    Mac(HmacKey),
}

impl UnlockedKey {
    /// Makes a new key, and its serialised material to be sealed and stored.
    pub fn generate(spec: KeySpec, random: &dyn Random) -> Result<(Self, SecretBytes), CryptoError> {
        let mut material = SecretBytes::zeroed(spec.material_len().ok_or(CryptoError::WrongKey)?);
        // EXPOSE: filled in place.
        random.fill(material.expose_mut())?;
        Ok((Self::from_material(spec, &material)?, material))
    }

    /// Restores a key from its serialised material. Material that does not fit the spec is
    /// [`CryptoError::InvalidInput`].
    pub fn from_material(spec: KeySpec, material: &SecretBytes) -> Result<Self, CryptoError> {
        if spec.material_len().is_some_and(|length| length != material.len()) {
            return Err(CryptoError::InvalidInput("key material"));
        }
        let state = match spec.primitive() {
            Primitive::Aead(algorithm) => State::Aead(AeadKey::new(algorithm, material)?),
            // EXPOSE: the key block is derived from it.
            Primitive::Hmac(hash) => State::Mac(HmacKey::new(hash, material.expose())),
            Primitive::Rsa { .. } | Primitive::Ec(_) | Primitive::Sm2 => return Err(CryptoError::WrongKey),
        };
        Ok(Self { spec, state })
    }

    /// The spec of this key.
    pub fn spec(&self) -> KeySpec {
        self.spec
    }

    /// Encrypts with a symmetric key: appends IV ‖ ciphertext ‖ tag to `out`.
    pub fn seal(
        &self,
        random: &dyn Random,
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        self.aead()?.seal(random, aad, plaintext, out)
    }

    /// As [`UnlockedKey::seal`], for the raw operations in which the caller chooses the IV.
    pub fn seal_with_chosen_iv(
        &self,
        iv: CallerIv,
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        self.aead()?.seal_with_chosen_iv(iv, aad, plaintext, out)
    }

    /// Decrypts ciphertext ‖ tag with a symmetric key.
    pub fn open(&self, iv: &[u8; IV_LEN], aad: &[u8], sealed: &[u8]) -> Result<SecretBytes, CryptoError> {
        self.aead()?.open(iv, aad, sealed)
    }

    fn aead(&self) -> Result<&AeadKey, CryptoError> {
        match &self.state {
            State::Aead(key) => Ok(key),
            State::Mac(_) => Err(CryptoError::WrongKey),
        }
    }
}

impl fmt::Debug for UnlockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnlockedKey({})", self.spec.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    static_assertions::assert_impl_all!(UnlockedKey: Send, Sync);
    static_assertions::assert_not_impl_any!(UnlockedKey: Clone);

    #[test]
    fn material_restores_the_key() {
        for spec in KeySpec::ALL.into_iter().filter(|spec| spec.can_rotate_automatically()) {
            let (key, material) = UnlockedKey::generate(spec, &SystemRandom).unwrap();
            let mut out = Vec::new();
            key.seal(&SystemRandom, b"aad", b"plaintext", &mut out).unwrap();
            let (iv, sealed) = out.split_first_chunk::<IV_LEN>().unwrap();
            let restored = UnlockedKey::from_material(spec, &material).unwrap();
            assert_eq!(restored.open(iv, b"aad", sealed).unwrap().expose(), b"plaintext");
        }
    }

    #[test]
    fn material_of_the_wrong_length_is_refused() {
        for length in [0, 16, 31, 33] {
            let material = SecretBytes::zeroed(length);
            let refused = UnlockedKey::from_material(KeySpec::Aes256, &material);
            assert_eq!(refused.err(), Some(CryptoError::InvalidInput("key material")));
        }
    }
}
