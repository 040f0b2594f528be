//! HMAC (RFC 2104) with the key's two inner states computed once.

use std::fmt;

use aws_lc_rs::hmac as lc;
use sm3::{Digest as _, Sm3};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// The hash function under an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HmacHash {
    /// SHA-1, which old request signatures use.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SM3.
    Sm3,
}

/// A key ready for any number of tags, from any thread.
pub struct HmacKey {
    hash: HmacHash,
    state: State,
}

enum State {
    Sha(Box<lc::Key>),
    Sm3(Box<Sm3States>),
}

/// The hash after the key block xored with the inner and with the outer pad; both are wiped when dropped.
struct Sm3States {
    inner: Sm3,
    outer: Sm3,
}

/// A tag on the stack: at most 64 bytes. `Debug` shows its length only, since a tag may be the proof of a secret.
#[derive(Clone, Copy)]
pub struct Tag {
    bytes: [u8; 64],
    len: usize,
}

impl HmacHash {
    /// The length of a tag in bytes.
    pub fn tag_len(self) -> usize {
        self.sha().map_or(32, |algorithm| algorithm.digest_algorithm().output_len())
    }

    fn sha(self) -> Option<lc::Algorithm> {
        match self {
            Self::Sha1 => Some(lc::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            Self::Sha224 => Some(lc::HMAC_SHA224),
            Self::Sha256 => Some(lc::HMAC_SHA256),
            Self::Sha384 => Some(lc::HMAC_SHA384),
            Self::Sha512 => Some(lc::HMAC_SHA512),
            Self::Sm3 => None,
        }
    }
}

impl HmacKey {
    /// Prepares a key of any length.
    pub fn new(hash: HmacHash, key: &[u8]) -> Self {
        let state = match hash.sha() {
            Some(algorithm) => State::Sha(Box::new(lc::Key::new(algorithm, key))),
            None => State::Sm3(Box::new(Sm3States::new(key))),
        };
        Self { hash, state }
    }

    /// The hash of this key.
    pub fn hash(&self) -> HmacHash {
        self.hash
    }

    /// The tag of the concatenation of `parts`.
    pub fn sign(&self, parts: &[&[u8]]) -> Tag {
        match &self.state {
            State::Sha(key) => {
                let mut context = lc::Context::with_key(key);
                parts.iter().for_each(|part| context.update(part));
                Tag::new(context.sign().as_ref())
            }
            State::Sm3(states) => {
                let mut inner = states.inner.clone();
                parts.iter().for_each(|part| inner.update(part));
                Tag::new(&states.outer.clone().chain_update(inner.finalize()).finalize())
            }
        }
    }

    /// Whether `tag` is the whole tag of the concatenation of `parts`, in time that does not depend on where they
    /// differ. A truncated tag is refused.
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        self.sign(parts).ct_eq(tag)
    }
}

impl Sm3States {
    fn new(key: &[u8]) -> Self {
        const BLOCK: usize = 64;
        let mut block = Zeroizing::new([0; BLOCK]);
        if key.len() > BLOCK {
            block
                .iter_mut()
                .zip(Zeroizing::new(<[u8; 32]>::from(Sm3::digest(key))).iter())
                .for_each(|(to, from)| *to = *from);
        } else {
            block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        }
        let padded = |pad: u8| Sm3::new_with_prefix(Zeroizing::new(block.map(|byte| byte ^ pad)).as_slice());
        Self { inner: padded(0x36), outer: padded(0x5c) }
    }
}

impl Tag {
    fn new(tag: &[u8]) -> Self {
        let mut bytes = [0; 64];
        bytes.iter_mut().zip(tag).for_each(|(to, from)| *to = *from);
        Self { bytes, len: tag.len() }
    }

    /// The bytes of the tag.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Compares in time that depends on the lengths only.
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.as_bytes().ct_eq(other).into()
    }
}

impl AsRef<[u8]> for Tag {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({} bytes)", self.len)
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HmacKey({:?})", self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{sm3, to_hex};

    /// RFC 4231 test case 2, and RFC 2202 test case 2 for SHA-1.
    #[test]
    fn the_published_examples_hold() {
        let tag = |hash| to_hex(HmacKey::new(hash, b"Jefe").sign(&[b"what do ya want ", b"for nothing?"]).as_bytes());
        assert_eq!(tag(HmacHash::Sha1), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(tag(HmacHash::Sha224), "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44");
        assert_eq!(tag(HmacHash::Sha256), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert!(tag(HmacHash::Sha384).starts_with("af45d2e376484031617f78d2b58a6b1b"));
        assert!(tag(HmacHash::Sha512).starts_with("164b7a7bfcf819e2e395fbe73b56e0a3"));
    }

    #[test]
    fn sm3_follows_the_definition() {
        for key in [&b"k"[..], &[9; 64], &[9; 65], &[]] {
            let mut block = if key.len() > 64 { sm3(key).to_vec() } else { key.to_vec() };
            block.resize(64, 0);
            let pad = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<_>>();
            let expected = sm3(&[pad(0x5c), sm3(&[pad(0x36), b"message".to_vec()].concat()).to_vec()].concat());
            assert_eq!(HmacKey::new(HmacHash::Sm3, key).sign(&[b"mess", b"age"]).as_bytes(), expected);
        }
    }

    #[test]
    fn only_the_whole_tag_is_accepted() {
        for hash in
            [HmacHash::Sha1, HmacHash::Sha224, HmacHash::Sha256, HmacHash::Sha384, HmacHash::Sha512, HmacHash::Sm3]
        {
            let key = HmacKey::new(hash, b"key");
            let tag = key.sign(&[b"m"]);
            assert_eq!(tag.as_bytes().len(), hash.tag_len());
            assert!(key.verify(&[b"m"], tag.as_bytes()));
            assert!(!key.verify(&[b"n"], tag.as_bytes()));
            assert!(!key.verify(&[b"m"], &tag.as_bytes()[1..]));
            assert!(!key.verify(&[b"m"], b""));
        }
    }
}
