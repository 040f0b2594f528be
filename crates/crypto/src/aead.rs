//! Authenticated encryption: AES-GCM and SM4-GCM with 12-byte nonces and 16-byte tags.
//!
//! AES runs in AWS-LC, in constant time. SM4 runs in RustCrypto's table-driven implementation: on a machine shared
//! with an attacker its memory accesses may leak.
//!
//! A nonce comes from the [`Random`] passed in. Drawing 12 bytes from [`SystemRandom`](crate::random::SystemRandom)
//! costs about 0.3 µs, four fifths of sealing 64 bytes. A buffer of random bytes in front of it would save most of
//! that, and is not offered: bytes already drawn survive `fork` and the cloning of a virtual machine, and a nonce used
//! twice gives the key away, where the generator underneath notices both and reseeds.
//!
//! With random nonces one key should seal at most 2³² messages (NIST SP 800-38D, section 8.3); counting is the
//! caller's task. GCM does not commit to a key: never try several keys on one ciphertext.

use std::fmt;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut as _, KeyInit as _, consts::U12};
use aws_lc_rs::aead as lc;

use crate::error::CryptoError;
use crate::random::Random;
use crate::secret::SecretBytes;

/// Length of a nonce in bytes.
pub const IV_LEN: usize = 12;

/// Length of a tag in bytes.
pub const TAG_LEN: usize = 16;

type Sm4Gcm = aes_gcm::AesGcm<sm4::Sm4, U12>;

/// A cipher with its key size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AeadAlgorithm {
    /// AES-128-GCM.
    Aes128Gcm,
    /// AES-192-GCM.
    Aes192Gcm,
    /// AES-256-GCM.
    Aes256Gcm,
    /// SM4-GCM (RFC 8998).
    Sm4Gcm,
}

/// A key with its schedule computed, ready for any number of operations from any thread.
pub struct AeadKey {
    algorithm: AeadAlgorithm,
    state: State,
}

/// Boxed, so that moving a key leaves no copy of its schedule behind.
enum State {
    Aes(Box<lc::LessSafeKey>),
    Sm4(Box<Sm4Gcm>),
}

/// A nonce that a caller of a raw operation chose. Using one twice with the same key breaks both messages.
#[derive(Clone, Copy, Debug)]
pub struct CallerIv(pub [u8; IV_LEN]);

impl AeadAlgorithm {
    /// The length of a key in bytes.
    pub fn key_len(self) -> usize {
        self.aes().map_or(16, lc::Algorithm::key_len)
    }

    fn aes(self) -> Option<&'static lc::Algorithm> {
        match self {
            Self::Aes128Gcm => Some(&lc::AES_128_GCM),
            Self::Aes192Gcm => Some(&lc::AES_192_GCM),
            Self::Aes256Gcm => Some(&lc::AES_256_GCM),
            Self::Sm4Gcm => None,
        }
    }
}

impl AeadKey {
    /// Computes the key schedule. A key of the wrong length is [`CryptoError::InvalidInput`].
    pub fn new(algorithm: AeadAlgorithm, key: &SecretBytes) -> Result<Self, CryptoError> {
        const WRONG_LENGTH: CryptoError = CryptoError::InvalidInput("key length");
        // EXPOSE: both libraries read the key to derive their schedule.
        let state = match algorithm.aes() {
            Some(aes) => {
                let key = lc::UnboundKey::new(aes, key.expose()).map_err(|_| WRONG_LENGTH)?;
                State::Aes(Box::new(lc::LessSafeKey::new(key)))
            }
            None => State::Sm4(Box::new(Sm4Gcm::new_from_slice(key.expose()).map_err(|_| WRONG_LENGTH)?)),
        };
        Ok(Self { algorithm, state })
    }

    /// The cipher of this key.
    pub fn algorithm(&self) -> AeadAlgorithm {
        self.algorithm
    }

    /// Encrypts `plaintext` under a fresh nonce and appends nonce ‖ ciphertext ‖ tag to `out`. On an error `out` is as
    /// it was.
    pub fn seal(
        &self,
        random: &dyn Random,
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let mut iv = [0; IV_LEN];
        random.fill(&mut iv)?;
        self.seal_with_chosen_iv(CallerIv(iv), aad, plaintext, out)
    }

    /// As [`AeadKey::seal`], under a nonce chosen by the caller of a raw operation.
    pub fn seal_with_chosen_iv(
        &self,
        iv: CallerIv,
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let start = out.len();
        out.reserve(IV_LEN + plaintext.len() + TAG_LEN);
        out.extend_from_slice(&iv.0);
        out.resize(start + IV_LEN + plaintext.len() + TAG_LEN, 0);
        let sealed = out.get_mut(start + IV_LEN..).and_then(|room| room.split_last_chunk_mut::<TAG_LEN>());
        let outcome = match sealed {
            Some((ciphertext, tag)) => self.seal_into(iv, aad, plaintext, ciphertext, tag),
            None => Err(CryptoError::Internal),
        };
        if outcome.is_err() {
            out.truncate(start);
        }
        outcome
    }

    /// Decrypts ciphertext ‖ tag. Anything that is not what [`AeadKey::seal`] made with the same key and associated
    /// data is [`CryptoError::Integrity`].
    pub fn open(&self, iv: &[u8; IV_LEN], aad: &[u8], sealed: &[u8]) -> Result<SecretBytes, CryptoError> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or(CryptoError::Integrity)?;
        let mut plaintext = SecretBytes::zeroed(ciphertext.len());
        // EXPOSE: the cipher writes the plaintext here and keeps no copy.
        let opened = match &self.state {
            State::Aes(key) => {
                let nonce = lc::Nonce::assume_unique_for_key(*iv);
                key.open_separate_gather(nonce, lc::Aad::from(aad), ciphertext, tag, plaintext.expose_mut()).is_ok()
            }
            State::Sm4(key) => InOutBuf::new(ciphertext, plaintext.expose_mut())
                .is_ok_and(|buffer| key.decrypt_inout_detached(iv.into(), aad, buffer, tag.into()).is_ok()),
        };
        if opened { Ok(plaintext) } else { Err(CryptoError::Integrity) }
    }

    fn seal_into(
        &self,
        iv: CallerIv,
        aad: &[u8],
        plaintext: &[u8],
        ciphertext: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        match &self.state {
            State::Aes(key) => {
                let nonce = lc::Nonce::assume_unique_for_key(iv.0);
                key.seal_out_of_place_scatter(nonce, lc::Aad::from(aad), plaintext, ciphertext, &[], tag)
                    .map_err(|_| CryptoError::Internal)
            }
            State::Sm4(key) => {
                let buffer = InOutBuf::new(plaintext, ciphertext).map_err(|_| CryptoError::Internal)?;
                let made = key.encrypt_inout_detached(&iv.0.into(), aad, buffer).map_err(|_| CryptoError::Internal)?;
                *tag = made.into();
                Ok(())
            }
        }
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AeadKey({:?})", self.algorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::to_hex;
    use crate::random::SystemRandom;

    const ALL: [AeadAlgorithm; 4] =
        [AeadAlgorithm::Aes128Gcm, AeadAlgorithm::Aes192Gcm, AeadAlgorithm::Aes256Gcm, AeadAlgorithm::Sm4Gcm];

    fn key(algorithm: AeadAlgorithm) -> AeadKey {
        AeadKey::new(algorithm, &SecretBytes::new(vec![7; algorithm.key_len()])).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_and_only_so() {
        for algorithm in ALL {
            for length in [0, 1, 15, 16, 17, 64, 4096] {
                let (key, plaintext) = (key(algorithm), vec![3; length]);
                let mut out = b"before".to_vec();
                key.seal(&SystemRandom, b"aad", &plaintext, &mut out).unwrap();
                let (iv, sealed) = out.strip_prefix(b"before").unwrap().split_first_chunk::<IV_LEN>().unwrap();
                assert_eq!(sealed.len(), length + TAG_LEN);
                assert_eq!(key.open(iv, b"aad", sealed).unwrap().expose(), plaintext);
                assert_eq!(key.open(iv, b"", sealed), Err(CryptoError::Integrity));
                assert_eq!(key.open(iv, b"aad", &sealed[1..]), Err(CryptoError::Integrity));
                let mut altered = sealed.to_vec();
                altered[length / 2] ^= 1;
                assert_eq!(key.open(iv, b"aad", &altered), Err(CryptoError::Integrity));
            }
        }
    }

    #[derive(Debug)]
    struct Broken;

    impl Random for Broken {
        fn fill(&self, _out: &mut [u8]) -> Result<(), CryptoError> {
            Err(CryptoError::Random)
        }
    }

    #[test]
    fn without_randomness_nothing_is_sealed() {
        let mut out = b"before".to_vec();
        assert_eq!(key(AeadAlgorithm::Sm4Gcm).seal(&Broken, b"", b"x", &mut out), Err(CryptoError::Random));
        assert_eq!(out, b"before");
    }

    #[test]
    fn nonces_differ() {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        key(AeadAlgorithm::Aes256Gcm).seal(&SystemRandom, b"", b"x", &mut one).unwrap();
        key(AeadAlgorithm::Aes256Gcm).seal(&SystemRandom, b"", b"x", &mut other).unwrap();
        assert_ne!(one[..IV_LEN], other[..IV_LEN]);
    }

    #[test]
    fn a_key_of_the_wrong_length_is_refused() {
        for algorithm in ALL {
            assert!(AeadKey::new(algorithm, &SecretBytes::new(vec![0; algorithm.key_len() + 1])).is_err());
        }
    }

    /// RFC 8998, appendix A.1.
    #[test]
    fn the_sm4_gcm_example_holds() {
        let unhex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let key = SecretBytes::new(unhex("0123456789abcdeffedcba9876543210"));
        let key = AeadKey::new(AeadAlgorithm::Sm4Gcm, &key).unwrap();
        let iv = CallerIv(unhex("00001234567800000000abcd").try_into().unwrap());
        let plaintext = unhex(
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd\
             eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
        );
        let mut out = Vec::new();
        key.seal_with_chosen_iv(iv, &unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"), &plaintext, &mut out).unwrap();
        assert_eq!(
            to_hex(&out[IV_LEN..]),
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735\
             d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d\
             83de3541e4c2b58177e065a9bf7b62ec"
        );
    }
}
