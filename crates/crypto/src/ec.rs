//! ECDSA on P-256, through AWS-LC, and on secp256k1.
//!
//! For secp256k1 AWS-LC has general arithmetic only, so there RustCrypto signs and verifies, in constant time and audited;
//! AWS-LC still makes and reads the keys.

use aws_lc_rs::encoding::AsBigEndian as _;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair as _, ParsedPublicKey,
};
use k256::ecdsa::signature::hazmat::{PrehashSigner as _, PrehashVerifier as _};
use k256::ecdsa::{Signature, SigningKey, VerifyingKey};

use crate::der::{self, Reader};
use crate::error::CryptoError;
use crate::rsa::import;
use crate::secret::SecretBytes;
use crate::spec::Curve;

/// Length of an uncompressed point: `04`, x and y.
pub(crate) const POINT_LEN: usize = 65;

pub(crate) struct EcPrivate {
    curve: Curve,
    key: EcdsaKeyPair,
    /// What signs on secp256k1; wiped on drop.
    secp256k1: Option<Box<SigningKey>>,
}

pub(crate) struct EcPublic {
    curve: Curve,
    point: [u8; POINT_LEN],
    verifier: Verifier,
}

enum Verifier {
    P256(ParsedPublicKey),
    Secp256k1(VerifyingKey),
}

impl Curve {
    fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
            Self::Secp256k1 => &ECDSA_P256K1_SHA256_ASN1_SIGNING,
        }
    }
}

impl EcPrivate {
    /// A new key, in PKCS#8.
    pub(crate) fn generate(curve: Curve) -> Result<SecretBytes, CryptoError> {
        let key = EcdsaKeyPair::generate(curve.signing()).map_err(|_| CryptoError::Internal)?;
        to_pkcs8(&key)
    }

    /// From PKCS#8. A key on another curve, or whose public point does not belong to it, is refused.
    pub(crate) fn from_pkcs8(curve: Curve, pkcs8: &[u8]) -> Result<Self, CryptoError> {
        let key = EcdsaKeyPair::from_pkcs8(curve.signing(), pkcs8);
        let mut key = Self { curve, key: key.map_err(|_| CryptoError::InvalidInput("key material"))?, secp256k1: None };
        if curve == Curve::Secp256k1 {
            // EXPOSE: the other library takes the scalar as bytes.
            let signer = SigningKey::from_slice(key.scalar()?.expose()).map_err(|_| CryptoError::Internal)?;
            key.secp256k1 = Some(Box::new(signer));
        }
        Ok(key)
    }

    /// The key in our own serialisation.
    pub(crate) fn to_pkcs8(&self) -> Result<SecretBytes, CryptoError> {
        to_pkcs8(&self.key)
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

    /// Signs the digest and answers `SEQUENCE { r, s }`. On secp256k1 the nonce is that of RFC 6979.
    pub(crate) fn sign(&self, digest: &[u8; 32]) -> Result<Vec<u8>, CryptoError> {
        if let Some(key) = &self.secp256k1 {
            let signature: Signature = key.sign_prehash(digest).map_err(|_| CryptoError::Internal)?;
            let (r, s) = signature.split_bytes();
            let (r, s) = (der::unsigned(&r.into()), der::unsigned(&s.into()));
            return Ok(der::element(der::SEQUENCE, &[&r, &s]));
        }
        let signature = self.key.sign_digest(&import(digest)?).map_err(|_| CryptoError::Internal)?;
        Ok(signature.as_ref().to_vec())
    }
}

impl EcPublic {
    /// From an uncompressed point, which must be on the curve.
    pub(crate) fn from_point(curve: Curve, point: &[u8; POINT_LEN]) -> Result<Self, CryptoError> {
        const REFUSED: CryptoError = CryptoError::InvalidInput("public key");
        let verifier = match curve {
            Curve::P256 => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).map(Verifier::P256).map_err(|_| REFUSED)
            }
            Curve::Secp256k1 => VerifyingKey::from_sec1_bytes(point).map(Verifier::Secp256k1).map_err(|_| REFUSED),
        };
        Ok(Self { curve, point: *point, verifier: verifier? })
    }

    pub(crate) fn curve(&self) -> Curve {
        self.curve
    }

    pub(crate) fn point(&self) -> &[u8; POINT_LEN] {
        &self.point
    }

    pub(crate) fn verify(&self, digest: &[u8; 32], signature: &[u8]) -> Result<bool, CryptoError> {
        match &self.verifier {
            Verifier::P256(key) => Ok(key.verify_digest_sig(&import(digest)?, signature).is_ok()),
            Verifier::Secp256k1(key) => Ok(parse_signature(signature).is_some_and(|signature| {
                // That library takes the lower of the two values of s that are equally right, as its signatures have it.
                key.verify_prehash(digest, &signature.normalize_s()).is_ok()
            })),
        }
    }
}

fn to_pkcs8(key: &EcdsaKeyPair) -> Result<SecretBytes, CryptoError> {
    let document = key.to_pkcs8v1().map_err(|_| CryptoError::Internal)?;
    Ok(SecretBytes::from_slice(document.as_ref()))
}

/// Reads `SEQUENCE { r, s }`, in DER and nothing else.
fn parse_signature(signature: &[u8]) -> Option<Signature> {
    let mut outer = Reader::new(signature);
    let mut inner = Reader::new(outer.element(der::SEQUENCE)?);
    outer.finish()?;
    let (r, s) = (inner.unsigned()?, inner.unsigned()?);
    inner.finish()?;
    Signature::from_scalars(r, s).ok()
}
