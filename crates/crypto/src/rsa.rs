//! RSA keys of 2048, 3072 and 4096 bits, through AWS-LC: blinded, in constant time.

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    OaepPublicEncryptingKey, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_SHA256, RsaEncoding,
};
use aws_lc_rs::{digest, error::Unspecified};

use crate::algorithm::{EncryptionAlgorithm, SignatureAlgorithm};
use crate::error::CryptoError;
use crate::secret::SecretBytes;

pub(crate) struct RsaPrivate {
    signer: KeyPair,
    /// Made on the first decryption: most keys only sign, and reading a private key checks it at some cost.
    decrypter: OnceLock<Decrypter>,
}

struct Decrypter {
    oaep: OaepPrivateDecryptingKey,
    pkcs1: Pkcs1PrivateDecryptingKey,
}

pub(crate) struct RsaPublic {
    encrypter: OaepPublicEncryptingKey,
    pss: ParsedPublicKey,
    pkcs1: ParsedPublicKey,
}

impl RsaPrivate {
    /// A new key, in PKCS#8.
    pub(crate) fn generate(modulus_bits: usize) -> Result<SecretBytes, CryptoError> {
        let sizes = [KeySize::Rsa2048, KeySize::Rsa3072, KeySize::Rsa4096];
        let size = sizes.into_iter().find(|size| size.len() * 8 == modulus_bits).ok_or(CryptoError::WrongKey)?;
        to_pkcs8(&KeyPair::generate(size).map_err(|_| CryptoError::Internal)?)
    }

    /// From PKCS#8. The library checks that the components belong together; a modulus of another size is refused.
    pub(crate) fn from_pkcs8(modulus_bits: usize, pkcs8: &[u8]) -> Result<Self, CryptoError> {
        const REFUSED: CryptoError = CryptoError::InvalidInput("key material");
        let signer = KeyPair::from_pkcs8(pkcs8).map_err(|_| REFUSED)?;
        let public = PublicEncryptingKey::from_der(&spki(&signer)?).map_err(|_| REFUSED)?;
        if public.key_size_bits() != modulus_bits {
            return Err(REFUSED);
        }
        Ok(Self { signer, decrypter: OnceLock::new() })
    }

    /// The key in our own serialisation.
    pub(crate) fn to_pkcs8(&self) -> Result<SecretBytes, CryptoError> {
        to_pkcs8(&self.signer)
    }

    /// The public key as SubjectPublicKeyInfo.
    pub(crate) fn spki(&self) -> Result<Vec<u8>, CryptoError> {
        spki(&self.signer)
    }

    pub(crate) fn sign(&self, algorithm: SignatureAlgorithm, digest: &[u8; 32]) -> Result<Vec<u8>, CryptoError> {
        let encoding: &'static dyn RsaEncoding = match algorithm {
            SignatureAlgorithm::RsaPssSha256 => &RSA_PSS_SHA256,
            SignatureAlgorithm::RsaPkcs1Sha256 => &RSA_PKCS1_SHA256,
            _ => return Err(CryptoError::WrongKey),
        };
        let mut signature = vec![0; self.signer.public_modulus_len()];
        self.signer.sign_digest(encoding, &import(digest)?, &mut signature).map_err(|_| CryptoError::Internal)?;
        Ok(signature)
    }

    /// OAEP with an empty label.
    pub(crate) fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, CryptoError> {
        let oaep = oaep(algorithm)?;
        let key = self.decrypter()?;
        self.decrypt_with(|out| key.oaep.decrypt(oaep, ciphertext, out, None))
    }

    /// PKCS#1 v1.5, for imports only; the caller must not let anyone learn whether it failed.
    pub(crate) fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> Result<SecretBytes, CryptoError> {
        let key = self.decrypter()?;
        self.decrypt_with(|out| key.pkcs1.decrypt(ciphertext, out))
    }

    fn decrypt_with(
        &self,
        operation: impl FnOnce(&mut [u8]) -> Result<&mut [u8], Unspecified>,
    ) -> Result<SecretBytes, CryptoError> {
        let mut buffer = SecretBytes::zeroed(self.signer.public_modulus_len());
        // EXPOSE: the plaintext is written here, and copied out at its own length.
        let plaintext = operation(buffer.expose_mut()).map_err(|_| CryptoError::Integrity)?;
        Ok(SecretBytes::from_slice(plaintext))
    }

    fn decrypter(&self) -> Result<&Decrypter, CryptoError> {
        if let Some(ready) = self.decrypter.get() {
            return Ok(ready);
        }
        let made = Decrypter::new(&self.signer).map_err(|_| CryptoError::Internal)?;
        Ok(self.decrypter.get_or_init(|| made))
    }
}

impl Decrypter {
    fn new(key: &KeyPair) -> Result<Self, Unspecified> {
        let pkcs8 = key.as_der()?;
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8.as_ref()).map_err(|_| Unspecified)?;
        Ok(Self { oaep: OaepPrivateDecryptingKey::new(key.clone())?, pkcs1: Pkcs1PrivateDecryptingKey::new(key)? })
    }
}

impl RsaPublic {
    /// From SubjectPublicKeyInfo; also tells the size of the modulus in bits.
    pub(crate) fn from_spki(spki: &[u8]) -> Result<(Self, usize), CryptoError> {
        const REFUSED: CryptoError = CryptoError::InvalidInput("public key");
        let key = PublicEncryptingKey::from_der(spki).map_err(|_| REFUSED)?;
        let modulus_bits = key.key_size_bits();
        let public = Self {
            encrypter: OaepPublicEncryptingKey::new(key).map_err(|_| REFUSED)?,
            pss: ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, spki).map_err(|_| REFUSED)?,
            pkcs1: ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, spki).map_err(|_| REFUSED)?,
        };
        Ok((public, modulus_bits))
    }

    pub(crate) fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &[u8; 32],
        signature: &[u8],
    ) -> Result<bool, CryptoError> {
        let key = match algorithm {
            SignatureAlgorithm::RsaPssSha256 => &self.pss,
            SignatureAlgorithm::RsaPkcs1Sha256 => &self.pkcs1,
            _ => return Err(CryptoError::WrongKey),
        };
        Ok(key.verify_digest_sig(&import(digest)?, signature).is_ok())
    }

    /// OAEP with an empty label; the caller has checked the length.
    pub(crate) fn encrypt(&self, algorithm: EncryptionAlgorithm, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut ciphertext = vec![0; self.encrypter.ciphertext_size()];
        self.encrypter
            .encrypt(oaep(algorithm)?, plaintext, &mut ciphertext, None)
            .map_err(|_| CryptoError::Internal)?;
        Ok(ciphertext)
    }
}

fn oaep(algorithm: EncryptionAlgorithm) -> Result<&'static OaepAlgorithm, CryptoError> {
    match algorithm {
        EncryptionAlgorithm::RsaesOaepSha256 => Ok(&OAEP_SHA256_MGF1SHA256),
        EncryptionAlgorithm::RsaesOaepSha1 => Ok(&OAEP_SHA1_MGF1SHA1),
        _ => Err(CryptoError::WrongKey),
    }
}

fn spki(key: &KeyPair) -> Result<Vec<u8>, CryptoError> {
    Ok(key.public_key().as_der().map_err(|_| CryptoError::Internal)?.as_ref().to_vec())
}

fn to_pkcs8(key: &KeyPair) -> Result<SecretBytes, CryptoError> {
    let document = key.as_der().map_err(|_| CryptoError::Internal)?;
    Ok(SecretBytes::from_slice(document.as_ref()))
}

/// A digest made elsewhere, as the library wants it.
pub(crate) fn import(digest: &[u8; 32]) -> Result<digest::Digest, CryptoError> {
    digest::Digest::import_less_safe(digest, &digest::SHA256).map_err(|_| CryptoError::Internal)
}
