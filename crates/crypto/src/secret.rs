//! Bytes and text that must not leak by accident.
//!
//! Both types own an exactly sized heap buffer, so that moving them copies only a pointer and growing them is
//! impossible; both overwrite it when dropped. They have neither `Clone`, `Display` nor a serializer.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use crate::error::CryptoError;

/// Secret bytes, wiped on drop; `Debug` shows their number only.
#[derive(Default)]
pub struct SecretBytes(Box<[u8]>);

impl Drop for SecretBytes {
    fn drop(&mut self) {
        // The slice, not the box: only slices of plain integers are wiped in one go.
        self.0.as_mut().zeroize();
    }
}

impl ZeroizeOnDrop for SecretBytes {}

impl SecretBytes {
    /// Takes over `bytes`. A vector with spare capacity is copied to a buffer of the right size and wiped, since
    /// shrinking it in place could leave a copy behind.
    pub fn new(bytes: Vec<u8>) -> Self {
        if bytes.len() == bytes.capacity() {
            return Self(bytes.into_boxed_slice());
        }
        let bytes = Zeroizing::new(bytes);
        Self::from_slice(&bytes)
    }

    /// Copies `bytes`; the caller keeps, and wipes, the original.
    pub fn from_slice(bytes: &[u8]) -> Self {
        Self(Box::from(bytes))
    }

    /// `length` zero bytes, to be filled through [`SecretBytes::expose_mut`].
    pub fn zeroed(length: usize) -> Self {
        Self(vec![0; length].into_boxed_slice())
    }

    /// The bytes. Each use is a place where the secret can escape: keep it short, and say why.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes for writing.
    pub fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in time that depends on the lengths only.
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.0.ct_eq(other).into()
    }
}

/// In time that depends on the lengths only.
impl PartialEq for SecretBytes {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(&other.0)
    }
}

impl Eq for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.0.len())
    }
}

/// Secret UTF-8 text, wiped on drop; `Debug` shows its length in bytes only.
#[derive(Default, ZeroizeOnDrop)]
pub struct SecretText(Box<str>);

impl SecretText {
    /// Takes over `text`, as [`SecretBytes::new`] does.
    pub fn new(text: String) -> Self {
        if text.len() == text.capacity() {
            return Self(text.into_boxed_str());
        }
        let text = Zeroizing::new(text);
        Self(Box::from(text.as_str()))
    }

    /// Reads `bytes` as UTF-8 without copying them; bytes that are not text are wiped and refused as
    /// [`CryptoError::InvalidInput`].
    pub fn from_utf8(mut bytes: SecretBytes) -> Result<Self, CryptoError> {
        String::from_utf8(std::mem::take(&mut bytes.0).into_vec()).map(|text| Self(text.into_boxed_str())).map_err(
            |refused| {
                refused.into_bytes().zeroize();
                CryptoError::InvalidInput("text is not UTF-8")
            },
        )
    }

    /// The text. Each use is a place where the secret can escape: keep it short, and say why.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in time that depends on the lengths only.
    pub fn ct_eq(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

/// In time that depends on the lengths only.
impl PartialEq for SecretText {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(&other.0)
    }
}

impl Eq for SecretText {}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretText({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_length_only() {
        assert_eq!(format!("{:?}", SecretBytes::from_slice(b"canary")), "SecretBytes(6 bytes)");
        assert_eq!(format!("{:?}", SecretText::new("canary".into())), "SecretText(6 bytes)");
    }

    #[test]
    fn spare_capacity_is_given_up() {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(b"abc");
        assert_eq!(SecretBytes::new(bytes).expose(), b"abc");
        let mut text = String::with_capacity(64);
        text.push_str("abc");
        assert_eq!(SecretText::new(text).expose(), "abc");
    }

    #[test]
    fn equality_looks_at_all_bytes_and_the_length() {
        let secret = SecretBytes::from_slice(b"abc");
        assert_eq!(secret, SecretBytes::from_slice(b"abc"));
        assert_ne!(secret, SecretBytes::from_slice(b"abd"));
        assert_ne!(secret, SecretBytes::from_slice(b"abcd"));
        assert!(SecretText::new("x".into()).ct_eq("x"));
    }

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        assert_eq!(SecretText::from_utf8(SecretBytes::from_slice("é".as_bytes())).unwrap().expose(), "é");
        assert!(SecretText::from_utf8(SecretBytes::from_slice(&[0xff])).is_err());
    }

    static_assertions::assert_not_impl_any!(SecretBytes: Clone, fmt::Display, serde::Serialize);
    static_assertions::assert_not_impl_any!(SecretText: Clone, fmt::Display, serde::Serialize);
}
