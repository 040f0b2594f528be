//! Challenges: nonces with a token that proves who issued them, to whom, and until when.

use std::fmt;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sesame_crypto::hmac::{HmacHash, HmacKey};
use sesame_crypto::random::Random;
use sesame_crypto::secret::SecretBytes;
use sesame_domain::{AccountId, Timestamp};

use crate::error::Result;

const NONCE_BYTES: usize = 32;

/// How long a challenge can be answered. Nothing is published about it.
const LIFE_SECONDS: i64 = 300;

/// Issues challenges under a key of this process, drawn at the first one.
#[derive(Default)]
pub(crate) struct Challenges {
    key: OnceLock<HmacKey>,
}

/// A nonce and its token, both Base64.
#[derive(Debug)]
pub(crate) struct Challenge {
    pub(crate) nonce: String,
    pub(crate) token: String,
}

impl Challenges {
    pub(crate) fn issue(&self, random: &dyn Random, account: &AccountId, now: Timestamp) -> Result<Challenge> {
        let mut nonce = [0; NONCE_BYTES];
        random.fill(&mut nonce)?;
        let until = now.plus_seconds(LIFE_SECONDS).millis().to_be_bytes();
        let tag = self.key(random)?.sign(&[b"sesame challenge", &until, &nonce, account.as_str().as_bytes()]);
        let token = [&until[..], &nonce, tag.as_bytes()].concat();
        Ok(Challenge { nonce: STANDARD.encode(nonce), token: STANDARD.encode(token) })
    }

    fn key(&self, random: &dyn Random) -> Result<&HmacKey> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let mut drawn = SecretBytes::zeroed(32);
        // EXPOSE: filled in place, then taken into the state of the MAC.
        random.fill(drawn.expose_mut())?;
        Ok(self.key.get_or_init(|| HmacKey::new(HmacHash::Sha256, drawn.expose())))
    }
}

impl fmt::Debug for Challenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenges")
    }
}

#[cfg(test)]
mod tests {
    use sesame_crypto::random::SystemRandom;

    use super::*;

    #[test]
    fn a_token_is_the_proof_of_nonce_account_and_end() {
        let challenges = Challenges::default();
        let account: AccountId = "1234567890123456".parse().unwrap();
        let now = Timestamp::from_millis(1_000_000);
        let one = challenges.issue(&SystemRandom, &account, now).unwrap();
        let other = challenges.issue(&SystemRandom, &account, now).unwrap();
        assert_ne!(one.nonce, other.nonce);
        let (nonce, token) = (STANDARD.decode(one.nonce).unwrap(), STANDARD.decode(one.token).unwrap());
        assert_eq!(token[..8], 1_300_000_i64.to_be_bytes());
        assert_eq!(token[8..40], nonce);
        let signed: [&[u8]; 4] = [b"sesame challenge", &token[..8], &nonce, b"1234567890123456"];
        assert!(challenges.key.get().unwrap().verify(&signed, &token[40..]));
    }
}
