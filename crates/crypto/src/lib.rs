//! Key specs, algorithms, secret types and ciphertext blobs of Sesame.
//!
//! Nothing here does input or output, reads a clock or knows a store. What a caller gets is a handle
//! ([`UnlockedKey`]) with operations on it; the bytes of a key leave only as [`SecretBytes`], to be sealed.
//!
//! | module | subject |
//! |---|---|
//! | [`secret`] | types for bytes and text that must not leak |
//! | [`random`] | the source of randomness, passed in |
//! | [`spec`] | key specs and usages as the API names them |
//! | [`material`] | one unlocked key and what can be done with it |
//! | [`aead`], [`hmac`], [`digest`] | the symmetric primitives |
//! | [`ed25519`] | signatures under the audit trail |
//! | [`algorithm`] | signature, encryption, MAC and wrapping algorithms as the API names them |
//! | [`public_key`], [`wrap`], [`fingerprint`] | keys that come from, or go, outside |
//! | [`certificate`] | X.509 certificates and signing requests |
//! | [`password_hash`] | what is kept in the place of a password that people log on with |
//! | [`verifier`] | what database servers keep in the place of a password |
//! | [`blob`], [`encryption_context`] | what `Encrypt` and `Decrypt` put around them |

pub mod aead;
pub mod algorithm;
pub mod blob;
pub mod certificate;
mod der;
pub mod digest;
mod ec;
mod ecies;
pub mod ed25519;
pub mod encryption_context;
pub mod error;
pub mod fingerprint;
pub mod hmac;
pub mod material;
pub mod password_hash;
pub mod public_key;
pub mod random;
mod rsa;
pub mod secret;
mod sm2;
pub mod spec;
pub mod verifier;
pub mod wrap;

pub use aead::{AeadAlgorithm, AeadKey, CallerIv};
pub use algorithm::{EncryptionAlgorithm, MacAlgorithm, SignatureAlgorithm, WrappingAlgorithm, WrappingKeySpec};
pub use blob::{BlobRef, CiphertextBlob};
pub use ed25519::Ed25519;
pub use encryption_context::{Aad, ContextError, EncryptionContext};
pub use error::CryptoError;
pub use hmac::{HmacHash, HmacKey, Tag};
pub use material::UnlockedKey;
pub use public_key::PublicKey;
pub use random::{Random, SystemRandom};
pub use secret::{SecretBytes, SecretText};
pub use spec::{KeyClass, KeySpec, KeyUsage};
pub use wrap::WrappingKeyPair;
