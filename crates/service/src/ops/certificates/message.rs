//! What is signed: a message that the server hashes, or a digest.

use std::borrow::Cow;

use sesame_crypto::digest::sha256;
use sesame_crypto::secret::SecretBytes;
use sesame_crypto::{PublicKey, SignatureAlgorithm};

use crate::error::{KmsError, Result};
use crate::params::{FromText, Kind};

/// A message must be shorter than 4 KB.
const TOO_LONG: usize = 4_096;

/// `MessageType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum MessageType {
    /// The server hashes the message.
    #[default]
    Raw,
    /// It is a digest, and signed as it is.
    Digest,
}

impl FromText for MessageType {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        match text {
            "RAW" => Ok(Self::Raw),
            "DIGEST" => Ok(Self::Digest),
            _ => Err("it must be RAW or DIGEST".into()),
        }
    }
}

/// Refuses messages of a length that their type does not have.
pub(super) fn check(message: &SecretBytes, kind: MessageType) -> Result<()> {
    match kind {
        MessageType::Raw if message.len() >= TOO_LONG => {
            Err(KmsError::invalid("Message", "it must be shorter than 4,096 bytes"))
        }
        MessageType::Digest if message.len() != 32 => {
            Err(KmsError::invalid("Message", "a digest must be Base64 of 32 bytes"))
        }
        MessageType::Raw | MessageType::Digest => Ok(()),
    }
}

/// The digest to sign. For SM2 it is e, with the default id in Z_A.
pub(super) fn digest(
    message: &SecretBytes,
    kind: MessageType,
    algorithm: SignatureAlgorithm,
    key: &PublicKey,
) -> std::result::Result<[u8; 32], sesame_crypto::CryptoError> {
    // EXPOSE: hashed, or taken as the digest that it is.
    match (kind, algorithm) {
        (MessageType::Digest, _) => {
            message.expose().try_into().map_err(|_| sesame_crypto::CryptoError::InvalidInput("digest"))
        }
        (MessageType::Raw, SignatureAlgorithm::Sm2Dsa) => key.sm2_message_digest(message.expose()),
        (MessageType::Raw, _) => Ok(sha256(message.expose())),
    }
}
