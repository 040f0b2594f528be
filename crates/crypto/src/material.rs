//! One unlocked key: its usable state, and every operation that its spec offers.

use std::fmt;

use crate::aead::{AeadKey, CallerIv, IV_LEN};
use crate::algorithm::{EncryptionAlgorithm, MacAlgorithm, SignatureAlgorithm};
use crate::ec::EcPrivate;
use crate::ecies;
use crate::error::CryptoError;
use crate::hmac::{HmacKey, Tag};
use crate::public_key::PublicKey;
use crate::random::{Random, SystemRandom};
use crate::rsa::RsaPrivate;
use crate::secret::SecretBytes;
use crate::sm2::Sm2Private;
use crate::spec::{KeySpec, Primitive};

/// A key in memory, ready for use from any thread. Its bytes cannot be read back; `Debug` shows the spec only.
///
/// The serialised material is, by spec: the raw key for `Aliyun_*` and `HMAC_*`, the 32-byte private scalar for
/// `EC_SM2`, and a PKCS#8 structure in DER for `RSA_*`, `EC_P256` and `EC_P256K`.
///
/// An operation that the spec does not offer is [`CryptoError::WrongKey`]. Whether the key's *usage* allows it is for
/// the caller to decide.
pub struct UnlockedKey {
    spec: KeySpec,
    state: State,
}

enum State {
    Aead(AeadKey),
    Mac(HmacKey),
    Asymmetric(Box<Asymmetric>),
}

struct Asymmetric {
    private: Private,
    public: PublicKey,
}

enum Private {
    Rsa(RsaPrivate),
    Ec(EcPrivate),
    Sm2(Sm2Private),
}

impl UnlockedKey {
    /// Makes a new key, and its serialised material to be sealed and stored. RSA and EC keys are drawn from AWS-LC's
    /// own generator, the others from `random`. RSA takes from a tenth of a second to seconds.
    pub fn generate(spec: KeySpec, random: &dyn Random) -> Result<(Self, SecretBytes), CryptoError> {
        let material = match spec.primitive() {
            Primitive::Rsa { modulus_bits } => RsaPrivate::generate(modulus_bits)?,
            Primitive::Ec(curve) => EcPrivate::generate(curve)?,
            Primitive::Sm2 => Sm2Private::generate(random)?,
            Primitive::Aead(_) | Primitive::Hmac(_) => {
                let mut material = SecretBytes::zeroed(spec.material_len().ok_or(CryptoError::Internal)?);
                // EXPOSE: filled in place.
                random.fill(material.expose_mut())?;
                material
            }
        };
        Ok((Self::from_material(spec, &material)?, material))
    }

    /// Restores a key from its serialised material. Material that does not fit the spec, or is not consistent in
    /// itself, is [`CryptoError::InvalidInput`].
    pub fn from_material(spec: KeySpec, material: &SecretBytes) -> Result<Self, CryptoError> {
        if spec.material_len().is_some_and(|length| length != material.len()) {
            return Err(CryptoError::InvalidInput("key material"));
        }
        // EXPOSE: each primitive derives its own state, or reads the structure, and keeps no other copy.
        let state = match spec.primitive() {
            Primitive::Aead(algorithm) => State::Aead(AeadKey::new(algorithm, material)?),
            Primitive::Hmac(hash) => State::Mac(HmacKey::new(hash, material.expose())),
            Primitive::Rsa { modulus_bits } => {
                let private = RsaPrivate::from_pkcs8(modulus_bits, material.expose())?;
                let public = PublicKey::from_spki_der(&private.spki()?)?;
                State::Asymmetric(Box::new(Asymmetric { private: Private::Rsa(private), public }))
            }
            Primitive::Ec(curve) => {
                let private = EcPrivate::from_pkcs8(curve, material.expose())?;
                let public = PublicKey::from_point(spec, &private.point()?)?;
                State::Asymmetric(Box::new(Asymmetric { private: Private::Ec(private), public }))
            }
            Primitive::Sm2 => {
                let private = Sm2Private::from_scalar(material.expose())?;
                let public = PublicKey::from_point(spec, private.public().point())?;
                State::Asymmetric(Box::new(Asymmetric { private: Private::Sm2(private), public }))
            }
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

    /// The public key of an asymmetric key.
    pub fn public_key(&self) -> Result<&PublicKey, CryptoError> {
        Ok(&self.asymmetric()?.public)
    }

    /// The public key as SubjectPublicKeyInfo in DER.
    pub fn public_key_der(&self) -> Result<&[u8], CryptoError> {
        Ok(self.public_key()?.der())
    }

    /// The public key in PEM: lines of 64 characters, with a final newline.
    pub fn public_key_pem(&self) -> Result<String, CryptoError> {
        Ok(self.public_key()?.pem())
    }

    /// Signs a digest of 32 bytes as it is. RSA signatures are as long as the modulus, the others are DER.
    pub fn sign_digest(&self, algorithm: SignatureAlgorithm, digest: &[u8; 32]) -> Result<Vec<u8>, CryptoError> {
        let key = self.asymmetric()?;
        if !algorithm.fits(self.spec) {
            return Err(CryptoError::WrongKey);
        }
        match &key.private {
            Private::Rsa(key) => key.sign(algorithm, digest),
            Private::Ec(key) => key.sign(digest),
            Private::Sm2(key) => key.sign(&SystemRandom, digest),
        }
    }

    /// As [`PublicKey::verify_digest`].
    pub fn verify_digest(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &[u8; 32],
        signature: &[u8],
    ) -> Result<bool, CryptoError> {
        self.public_key()?.verify_digest(algorithm, digest, signature)
    }

    /// As [`PublicKey::encrypt`].
    pub fn encrypt(&self, algorithm: EncryptionAlgorithm, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.public_key()?.encrypt(algorithm, plaintext)
    }

    /// Decrypts what was encrypted under the public key. Every failure of the ciphertext, whatever its cause, is
    /// [`CryptoError::Integrity`].
    pub fn decrypt(&self, algorithm: EncryptionAlgorithm, ciphertext: &[u8]) -> Result<SecretBytes, CryptoError> {
        let key = self.asymmetric()?;
        if !algorithm.fits(self.spec) {
            return Err(CryptoError::WrongKey);
        }
        match &key.private {
            Private::Rsa(key) => key.decrypt(algorithm, ciphertext),
            Private::Ec(key) => ecies::decrypt(key, ciphertext),
            Private::Sm2(key) => key.decrypt(ciphertext),
        }
    }

    /// The tag of a message of any length.
    pub fn mac(&self, algorithm: MacAlgorithm, message: &[u8]) -> Result<Tag, CryptoError> {
        Ok(self.hmac(algorithm)?.sign(&[message]))
    }

    /// Whether `tag` is the whole tag of the message, in constant time.
    pub fn verify_mac(&self, algorithm: MacAlgorithm, message: &[u8], tag: &[u8]) -> Result<bool, CryptoError> {
        Ok(self.hmac(algorithm)?.verify(&[message], tag))
    }

    /// PKCS#1 v1.5 decryption, for the import of key material only.
    pub(crate) fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> Result<SecretBytes, CryptoError> {
        match &self.asymmetric()?.private {
            Private::Rsa(key) => key.decrypt_pkcs1(ciphertext),
            Private::Ec(_) | Private::Sm2(_) => Err(CryptoError::WrongKey),
        }
    }

    /// The material of an RSA or EC key as this crate writes it, so that equal keys have equal material.
    pub(crate) fn to_pkcs8(&self) -> Result<SecretBytes, CryptoError> {
        match &self.asymmetric()?.private {
            Private::Rsa(key) => key.to_pkcs8(),
            Private::Ec(key) => key.to_pkcs8(),
            Private::Sm2(_) => Err(CryptoError::WrongKey),
        }
    }

    fn aead(&self) -> Result<&AeadKey, CryptoError> {
        match &self.state {
            State::Aead(key) => Ok(key),
            State::Mac(_) | State::Asymmetric(_) => Err(CryptoError::WrongKey),
        }
    }

    fn asymmetric(&self) -> Result<&Asymmetric, CryptoError> {
        match &self.state {
            State::Asymmetric(key) => Ok(key),
            State::Aead(_) | State::Mac(_) => Err(CryptoError::WrongKey),
        }
    }

    fn hmac(&self, algorithm: MacAlgorithm) -> Result<&HmacKey, CryptoError> {
        match &self.state {
            State::Mac(key) if algorithm.fits(self.spec) => Ok(key),
            State::Mac(_) | State::Aead(_) | State::Asymmetric(_) => Err(CryptoError::WrongKey),
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
    use crate::spec::KeyClass;

    static_assertions::assert_impl_all!(UnlockedKey: Send, Sync);
    static_assertions::assert_not_impl_any!(UnlockedKey: Clone, fmt::Display, serde::Serialize);

    #[test]
    fn material_restores_the_key() {
        for spec in KeySpec::ALL {
            let (key, material) = UnlockedKey::generate(spec, &SystemRandom).unwrap();
            let restored = UnlockedKey::from_material(spec, &material).unwrap();
            assert_eq!(restored.spec(), spec);
            assert_eq!(spec.material_len().unwrap_or(material.len()), material.len());
            match spec.class() {
                KeyClass::Symmetric => {
                    let mut out = Vec::new();
                    key.seal(&SystemRandom, b"aad", b"plaintext", &mut out).unwrap();
                    let (iv, sealed) = out.split_first_chunk::<IV_LEN>().unwrap();
                    assert_eq!(restored.open(iv, b"aad", sealed).unwrap().expose(), b"plaintext");
                }
                KeyClass::Mac => {
                    let algorithm = MacAlgorithm::default_for(spec).unwrap();
                    let tag = key.mac(algorithm, b"message").unwrap();
                    assert_eq!(tag.as_bytes().len(), algorithm.tag_len());
                    assert!(restored.verify_mac(algorithm, b"message", tag.as_bytes()).unwrap());
                    assert!(!restored.verify_mac(algorithm, b"massage", tag.as_bytes()).unwrap());
                }
                KeyClass::Asymmetric => signs_and_decrypts(&key, &restored),
            }
        }
    }

    fn signs_and_decrypts(key: &UnlockedKey, restored: &UnlockedKey) {
        let spec = key.spec();
        assert_eq!(key.public_key_der(), restored.public_key_der());
        for algorithm in SignatureAlgorithm::ALL.iter().copied().filter(|algorithm| algorithm.fits(spec)) {
            let signature = key.sign_digest(algorithm, &[7; 32]).unwrap();
            assert!(restored.verify_digest(algorithm, &[7; 32], &signature).unwrap());
            assert!(!restored.verify_digest(algorithm, &[8; 32], &signature).unwrap());
            assert!(!restored.verify_digest(algorithm, &[7; 32], &signature[1..]).unwrap());
            assert!(!restored.verify_digest(algorithm, &[7; 32], b"").unwrap());
        }
        for algorithm in EncryptionAlgorithm::ALL.iter().copied().filter(|algorithm| algorithm.fits(spec)) {
            let max = algorithm.max_plaintext_len(spec).unwrap();
            for length in [1, 31, 33, max] {
                let ciphertext = key.encrypt(algorithm, &vec![5; length]).unwrap();
                assert_eq!(restored.decrypt(algorithm, &ciphertext).unwrap().expose(), vec![5; length]);
                for position in [0, 1, 64, 65, 90, ciphertext.len() - 1] {
                    let mut altered = ciphertext.clone();
                    if let Some(byte) = altered.get_mut(position) {
                        *byte ^= 0x40;
                        assert_eq!(restored.decrypt(algorithm, &altered), Err(CryptoError::Integrity), "{position}");
                    }
                }
                assert_eq!(restored.decrypt(algorithm, &ciphertext[1..]), Err(CryptoError::Integrity));
            }
            assert_eq!(restored.decrypt(algorithm, b""), Err(CryptoError::Integrity));
            assert_eq!(key.encrypt(algorithm, &vec![5; max + 1]), Err(CryptoError::TooLong { max }));
        }
    }

    #[test]
    fn material_that_does_not_fit_is_refused() {
        for spec in KeySpec::ALL {
            for length in [0, 1, 31, 33, 200] {
                let refused = UnlockedKey::from_material(spec, &SecretBytes::zeroed(length));
                assert_eq!(refused.err(), Some(CryptoError::InvalidInput("key material")), "{spec} {length}");
            }
        }
        // The scalar of SM2 is from 1 to n - 2, and n - 1 has no inverse of 1 + d.
        assert!(UnlockedKey::from_material(KeySpec::EcSm2, &SecretBytes::zeroed(32)).is_err());
        assert!(UnlockedKey::from_material(KeySpec::EcSm2, &SecretBytes::new(vec![0xff; 32])).is_err());
        let (_, p256) = UnlockedKey::generate(KeySpec::EcP256, &SystemRandom).unwrap();
        assert!(UnlockedKey::from_material(KeySpec::EcP256k, &p256).is_err());
        assert!(UnlockedKey::from_material(KeySpec::Rsa2048, &p256).is_err());
    }

    #[test]
    fn an_operation_of_another_class_is_refused() {
        let (aes, _) = UnlockedKey::generate(KeySpec::Aes256, &SystemRandom).unwrap();
        let (ec, _) = UnlockedKey::generate(KeySpec::EcP256, &SystemRandom).unwrap();
        assert_eq!(aes.sign_digest(SignatureAlgorithm::EcdsaSha256, &[0; 32]), Err(CryptoError::WrongKey));
        assert_eq!(aes.public_key_der(), Err(CryptoError::WrongKey));
        assert_eq!(ec.open(&[0; 12], b"", &[0; 16]), Err(CryptoError::WrongKey));
        assert_eq!(ec.sign_digest(SignatureAlgorithm::Sm2Dsa, &[0; 32]), Err(CryptoError::WrongKey));
        assert_eq!(ec.decrypt(EncryptionAlgorithm::Sm2Pke, b""), Err(CryptoError::WrongKey));
        assert_eq!(ec.mac(MacAlgorithm::HmacSm3, b"").err(), Some(CryptoError::WrongKey));
    }
}
