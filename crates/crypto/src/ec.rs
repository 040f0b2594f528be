//! ECDSA on P-256 and secp256k1, through AWS-LC.

use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1, ECDSA_P256K1_SHA256_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, KeyPair as _, ParsedPublicKey,
};

use crate::error::CryptoError;
use crate::rsa::import;
use crate::secret::SecretBytes;
use crate::spec::Curve;

/// Length of an uncompressed point: `04`, x and y.
pub(crate) const POINT_LEN: usize = 65;

pub(crate) struct EcPrivate {
    curve: Curve,
    key: EcdsaKeyPair,
}

pub(crate) struct EcPublic {
    curve: Curve,
    point: [u8; POINT_LEN],
    verifier: ParsedPublicKey,
}

impl Curve {
    fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
            Self::Secp256k1 => &ECDSA_P256K1_SHA256_ASN1_SIGNING,
        }
    }

    fn verification(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_ASN1,
            Self::Secp256k1 => &ECDSA_P256K1_SHA256_ASN1,
        }
    }
}

impl EcPrivate {
    /// A new key, in PKCS#8.
    pub(crate) fn generate(curve: Curve) -> Result<SecretBytes, CryptoError> {
        let key = EcdsaKeyPair::generate(curve.signing()).map_err(|_| CryptoError::Internal)?;
        Self { curve, key }.to_pkcs8()
    }

    /// From PKCS#8. A key on another curve, or whose public point does not belong to it, is refused.
    pub(crate) fn from_pkcs8(curve: Curve, pkcs8: &[u8]) -> Result<Self, CryptoError> {
        let key = EcdsaKeyPair::from_pkcs8(curve.signing(), pkcs8);
        Ok(Self { curve, key: key.map_err(|_| CryptoError::InvalidInput("key material"))? })
    }

    /// The key in our own serialisation.
    pub(crate) fn to_pkcs8(&self) -> Result<SecretBytes, CryptoError> {
        let document = self.key.to_pkcs8v1().map_err(|_| CryptoError::Internal)?;
        Ok(SecretBytes::from_slice(document.as_ref()))
    }

    pub(crate) fn curve(&self) -> Curve {
        self.curve
    }

    /// The uncompressed public point.
    pub(crate) fn point(&self) -> Result<[u8; POINT_LEN], CryptoError> {
        self.key.public_key().as_ref().try_into().map_err(|_| CryptoError::Internal)
    }

    /// The private scalar, 32 bytes.
    pub(crate) fn scalar(&self) -> Result<SecretBytes, CryptoError> {
        let scalar = self.key.private_key().as_be_bytes().map_err(|_| CryptoError::Internal)?;
        Ok(SecretBytes::from_slice(scalar.as_ref()))
    }

    /// Signs the digest and answers `SEQUENCE { r, s }`.
    pub(crate) fn sign(&self, digest: &[u8; 32]) -> Result<Vec<u8>, CryptoError> {
        let signature = self.key.sign_digest(&import(digest)?).map_err(|_| CryptoError::Internal)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl EcPublic {
    /// From an uncompressed point, which must be on the curve.
    pub(crate) fn from_point(curve: Curve, point: &[u8; POINT_LEN]) -> Result<Self, CryptoError> {
        let verifier = ParsedPublicKey::new(curve.verification(), point);
        let verifier = verifier.map_err(|_| CryptoError::InvalidInput("public key"))?;
        Ok(Self { curve, point: *point, verifier })
    }

    pub(crate) fn curve(&self) -> Curve {
        self.curve
    }

    pub(crate) fn point(&self) -> &[u8; POINT_LEN] {
        &self.point
    }

    pub(crate) fn verify(&self, digest: &[u8; 32], signature: &[u8]) -> Result<bool, CryptoError> {
        Ok(self.verifier.verify_digest_sig(&import(digest)?, signature).is_ok())
    }
}
