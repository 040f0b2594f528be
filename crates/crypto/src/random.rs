//! The source of randomness, passed in so that tests can decide it.

use std::fmt;

use crate::digest::hex_lower;
use crate::error::CryptoError;
use crate::secret::SecretText;

/// A cryptographically secure source of random bytes.
pub trait Random: Send + Sync + fmt::Debug {
    /// Overwrites all of `out`; on [`CryptoError::Random`] the content of `out` must not be used.
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError>;
}

/// The generator of AWS-LC: one state per thread, seeded from the operating system, safe across `fork` and
/// snapshots where the system reports them.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        aws_lc_rs::rand::fill(out).map_err(|_| CryptoError::Random)
    }
}

/// `length` characters, each drawn uniformly from `0-9a-z`.
pub fn alphanumeric(random: &dyn Random, length: usize) -> Result<String, CryptoError> {
    const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    // Bytes from 252 up are thrown away: 252 is the greatest multiple of 36, so the rest is without bias.
    const FAIR: u8 = 252;
    let mut text = String::with_capacity(length);
    let mut pool = [0; 32];
    while text.len() < length {
        random.fill(&mut pool)?;
        let wanted = length - text.len();
        let fair = pool.iter().filter(|byte| **byte < FAIR);
        text.extend(fair.filter_map(|byte| ALPHABET.get(usize::from(byte % 36))).take(wanted).copied().map(char::from));
    }
    Ok(text)
}

/// `length` characters, each drawn uniformly from `0-9A-Za-z`.
pub fn mixed_alphanumeric(random: &dyn Random, length: usize) -> Result<SecretText, CryptoError> {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // 248 is the greatest multiple of 62 that a byte can count to; what is above would favour the first characters.
    const FAIR: u8 = 248;
    let mut text = String::with_capacity(length);
    let mut byte = [0];
    while text.len() < length {
        random.fill(&mut byte)?;
        let [drawn] = byte;
        if drawn < FAIR
            && let Some(character) = ALPHABET.get(usize::from(drawn) % ALPHABET.len())
        {
            text.push(char::from(*character));
        }
    }
    Ok(SecretText::new(text))
}

/// A random (version 4) UUID in lower case with dashes, 36 characters.
pub fn uuid_v4(random: &dyn Random) -> Result<String, CryptoError> {
    let mut drawn = [0; 16];
    random.fill(&mut drawn)?;
    // Version and variant bits of RFC 9562, section 5.4.
    let bits = (u128::from_be_bytes(drawn) & !(0xf << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62);
    let mut text = String::with_capacity(36);
    for (position, byte) in bits.to_be_bytes().into_iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        hex_lower(&[byte], &mut text);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    #[derive(Debug)]
    struct Counting(AtomicU8);

    impl Random for Counting {
        fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
            out.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
            Ok(())
        }
    }

    #[test]
    fn every_character_is_equally_likely() {
        // Eight passes over all byte values hold each character 7 * 8 times.
        let text = alphanumeric(&Counting(AtomicU8::new(0)), 252 * 8).unwrap();
        for wanted in "0123456789abcdefghijklmnopqrstuvwxyz".chars() {
            assert_eq!(text.chars().filter(|c| *c == wanted).count(), 7 * 8);
        }
        // One pass holds each of the 62 four times.
        let text = mixed_alphanumeric(&Counting(AtomicU8::new(0)), 248).unwrap();
        for wanted in ('0'..='9').chain('A'..='Z').chain('a'..='z') {
            assert_eq!(text.expose().chars().filter(|c| *c == wanted).count(), 4);
        }
    }

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        assert_eq!(uuid_v4(&Counting(AtomicU8::new(0))).unwrap(), "00010203-0405-4607-8809-0a0b0c0d0e0f");
        let one = uuid_v4(&SystemRandom).unwrap();
        assert_eq!((one.len(), one.as_bytes()[14]), (36, b'4'));
        assert_ne!(one, uuid_v4(&SystemRandom).unwrap());
    }

    #[test]
    fn lengths_are_exact() {
        for length in [0, 1, 21, 33, 100] {
            assert_eq!(alphanumeric(&SystemRandom, length).unwrap().len(), length);
            assert_eq!(mixed_alphanumeric(&SystemRandom, length).unwrap().len(), length);
        }
    }
}
