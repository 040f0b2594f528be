//! Hash functions, and their usual text form.

use aws_lc_rs::digest as lc;
use sm3::Digest as _;

/// SHA-256 (FIPS 180-4) of `message`.
pub fn sha256(message: &[u8]) -> [u8; 32] {
    exact(&lc::digest(&lc::SHA256, message))
}

/// SHA-1 of `message`, for the formats that still ask for it; never for anything new.
pub fn sha1(message: &[u8]) -> [u8; 20] {
    exact(&lc::digest(&lc::SHA1_FOR_LEGACY_USE_ONLY, message))
}

/// SM3 (GB/T 32905-2016) of `message`.
pub fn sm3(message: &[u8]) -> [u8; 32] {
    sm3::Sm3::digest(message).into()
}

/// SHA-256 of a message that arrives in parts.
#[derive(Clone)]
pub struct Sha256(lc::Context);

impl Sha256 {
    /// The state before any part.
    pub fn new() -> Self {
        Self(lc::Context::new(&lc::SHA256))
    }

    /// Appends one part.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// The digest of all parts.
    pub fn finish(self) -> [u8; 32] {
        exact(&self.0.finish())
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sha256")
    }
}

/// Appends `bytes` to `out` as lower-case hexadecimal digits, two for each byte.
pub fn hex_lower(bytes: &[u8], out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().map_or('0', char::from);
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.push(digit(byte >> 4));
        out.push(digit(byte & 0xf));
    }
}

/// `bytes` as lower-case hexadecimal text.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    hex_lower(bytes, &mut text);
    text
}

fn exact<const N: usize>(digest: &lc::Digest) -> [u8; N] {
    let mut out = [0; N];
    // INVARIANT: N is the output length of the algorithm, so both sides are equally long.
    out.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_examples_hold() {
        // FIPS 180-4 examples and GB/T 32905-2016 appendix A.
        assert_eq!(to_hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(to_hex(&sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(to_hex(&sm3(b"abc")), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
        assert_eq!(
            to_hex(&sm3(&b"abcd".repeat(16))),
            "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
        );
    }

    #[test]
    fn parts_make_the_same_digest_as_the_whole() {
        let mut parts = Sha256::new();
        parts.update(b"a");
        parts.update(b"bc");
        assert_eq!(parts.finish(), sha256(b"abc"));
    }
}
