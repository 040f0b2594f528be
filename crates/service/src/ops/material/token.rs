//! The import token: what a caller holds of it, and by what the database finds it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sesame_crypto::digest::{sha256, to_hex};
use sesame_crypto::random::Random;
use sesame_domain::Timestamp;

use crate::error::{Code, Result};

/// How long a token can be used.
pub(super) const LIFE_SECONDS: i64 = 86_400;

const FORMAT: u8 = 1;
const SECRET_LEN: usize = 32;

/// Format byte, time of expiry, secret. The expiry is there to tell an expired token, whose row is gone, from one that
/// never was; what counts is the row.
pub(super) struct Token([u8; 1 + 8 + SECRET_LEN]);

impl Token {
    pub(super) fn new(random: &dyn Random, expires_at: Timestamp) -> Result<Self> {
        let mut bytes = [0; 1 + 8 + SECRET_LEN];
        let ([format, rest @ ..], expiry) = (&mut bytes, expires_at.millis().to_be_bytes());
        *format = FORMAT;
        let (time, secret) = rest.split_at_mut(expiry.len());
        time.copy_from_slice(&expiry);
        random.fill(secret)?;
        Ok(Self(bytes))
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let bytes = STANDARD.decode(text).map_err(|_| Code::InvalidImportToken)?;
        let bytes: [u8; 1 + 8 + SECRET_LEN] = bytes.try_into().map_err(|_| Code::InvalidImportToken)?;
        if bytes.first() == Some(&FORMAT) { Ok(Self(bytes)) } else { Err(Code::InvalidImportToken.into()) }
    }

    pub(super) fn expires_at(&self) -> Timestamp {
        let [_, time @ ..] = &self.0;
        let time = time.first_chunk().copied().unwrap_or_default();
        Timestamp::from_millis(i64::from_be_bytes(time))
    }

    /// The database holds only a digest, so that nobody who reads it has the token.
    pub(super) fn id(&self) -> String {
        to_hex(&sha256(&self.0))
    }

    pub(super) fn to_text(&self) -> String {
        STANDARD.encode(self.0)
    }
}

#[cfg(test)]
mod tests {
    use sesame_crypto::random::SystemRandom;

    use super::*;

    #[test]
    fn a_token_comes_back() {
        let token = Token::new(&SystemRandom, Timestamp::from_seconds(1_767_323_045)).unwrap();
        let back = Token::parse(&token.to_text()).unwrap();
        assert_eq!((back.id(), back.expires_at().seconds()), (token.id(), 1_767_323_045));
        for wrong in ["", "!", "QUJD", &token.to_text()[4..]] {
            assert!(Token::parse(wrong).is_err());
        }
    }
}
