//! How the types of parameters are read from text.

use std::borrow::Cow;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};
use sesame_crypto::algorithm::{
    EncryptionAlgorithm, MacAlgorithm, SignatureAlgorithm, WrappingAlgorithm, WrappingKeySpec,
};
use sesame_crypto::encryption_context::EncryptionContext;
use sesame_crypto::public_key::PublicKey;
use sesame_crypto::secret::{SecretBytes, SecretText};
use sesame_crypto::spec::{KeySpec, KeyUsage};
use sesame_domain::rotation::RotationInterval;
use sesame_domain::tag::ResourceType;
use sesame_domain::{AliasName, KeyRef, KeyVersionId, Origin, Page, ProtectionLevel, RegionId};

use crate::error::KmsError;
use crate::params::{FromText, Kind, Sensitivity};

type Reason = Cow<'static, str>;

/// A text of at most `MAX` characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text<const MAX: usize>(pub(crate) String);

impl<const MAX: usize> FromText for Text<MAX> {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> Result<Self, Reason> {
        // Counting is needed only for what could be too long.
        if text.len() > MAX && text.chars().count() > MAX {
            return Err(format!("it may have {MAX} characters at most").into());
        }
        Ok(Self(text.to_owned()))
    }
}

/// A JSON text of at most `MAX` bytes; what it must contain is the operation's business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JsonText<const MAX: usize>(pub(crate) String);

impl<const MAX: usize> FromText for JsonText<MAX> {
    const KIND: Kind = Kind::Json;

    fn from_text(text: &str) -> Result<Self, Reason> {
        if text.len() > MAX {
            Err(format!("it may have {MAX} bytes at most").into())
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

/// Says why a text is not Base64; the usual reason is a `+` that was not percent-encoded.
pub(crate) fn not_base64(text: &str) -> Reason {
    if text.contains(' ') {
        "it must be Base64; a plus sign in it must be sent percent-encoded, as %2B".into()
    } else {
        "it must be standard Base64 with padding".into()
    }
}

impl FromText for String {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> Result<Self, Reason> {
        Ok(text.to_owned())
    }
}

impl FromText for SecretText {
    const KIND: Kind = Kind::Text;
    const SENSITIVITY: Sensitivity = Sensitivity::Dropped;

    fn from_text(text: &str) -> Result<Self, Reason> {
        Ok(Self::new(text.to_owned()))
    }
}

/// Bytes in Base64 that are no secret: ciphertexts, signatures.
#[derive(Debug)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl FromText for Bytes {
    const KIND: Kind = Kind::Base64;

    fn from_text(text: &str) -> Result<Self, Reason> {
        STANDARD.decode(text).map(Self).map_err(|_| not_base64(text))
    }
}

/// Secret bytes in Base64.
#[derive(Debug)]
pub(crate) struct SecretBase64(pub(crate) SecretBytes);

impl FromText for SecretBase64 {
    const KIND: Kind = Kind::Base64;
    const SENSITIVITY: Sensitivity = Sensitivity::Dropped;

    fn from_text(text: &str) -> Result<Self, Reason> {
        decode_secret(text.as_bytes()).map(Self).ok_or_else(|| not_base64(text))
    }
}

/// Decodes Base64 without leaving a copy behind.
pub(crate) fn decode_secret(text: &[u8]) -> Option<SecretBytes> {
    let mut room = SecretBytes::zeroed(text.len() / 4 * 3 + 3);
    // EXPOSE: decoded in place, then copied to a buffer of the right size; both are wiped.
    let length = STANDARD.decode_slice(text, room.expose_mut()).ok()?;
    room.expose().get(..length).map(SecretBytes::from_slice)
}

/// Encodes as Base64 without leaving a copy behind.
pub(crate) fn encode_secret(bytes: &SecretBytes) -> crate::error::Result<SecretText> {
    let mut text = SecretBytes::zeroed(bytes.len().div_ceil(3) * 4);
    // EXPOSE: encoded into a buffer of exactly its size.
    STANDARD.encode_slice(bytes.expose(), text.expose_mut()).map_err(KmsError::internal)?;
    Ok(SecretText::from_utf8(text)?)
}

/// A digest to be signed: Base64 of 32 bytes, whatever the algorithm. What it is a digest of may be guessable, so it
/// is not shown.
pub(crate) struct Digest([u8; 32]);

impl Digest {
    /// The digest, for the signature that is asked for.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digest(32 bytes)")
    }
}

impl FromText for Digest {
    const KIND: Kind = Kind::Base64;

    fn from_text(text: &str) -> Result<Self, Reason> {
        let bytes = STANDARD.decode(text).map_err(|_| not_base64(text))?;
        bytes.try_into().map(Self).map_err(|_| "it must be Base64 of 32 bytes".into())
    }
}

/// `KeyVersionId`. A text that is no version id is the id of no version.
#[derive(Debug)]
pub(crate) struct VersionId(Option<KeyVersionId>);

impl VersionId {
    pub(crate) fn get(&self) -> Option<&KeyVersionId> {
        self.0.as_ref()
    }
}

impl FromText for VersionId {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> Result<Self, Reason> {
        Ok(Self(text.parse().ok()))
    }
}

/// A public key from outside: Base64 of a SubjectPublicKeyInfo in DER.
impl FromText for PublicKey {
    const KIND: Kind = Kind::Base64;

    fn from_text(text: &str) -> Result<Self, Reason> {
        let der = STANDARD.decode(text).map_err(|_| not_base64(text))?;
        Self::from_spki_der(&der).map_err(|_| {
            "it must be Base64 of a SubjectPublicKeyInfo in DER, of RSA or of EC with an uncompressed point".into()
        })
    }
}

impl FromText for bool {
    const KIND: Kind = Kind::Boolean;

    fn from_text(text: &str) -> Result<Self, Reason> {
        if text.eq_ignore_ascii_case("true") {
            Ok(true)
        } else if text.eq_ignore_ascii_case("false") {
            Ok(false)
        } else {
            Err("it must be true or false".into())
        }
    }
}

impl FromText for u32 {
    const KIND: Kind = Kind::Integer;

    fn from_text(text: &str) -> Result<Self, Reason> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten().ok_or_else(|| "it must be a whole number".into())
    }
}

/// A moment in seconds since 1970, up to the end of the year 9999.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnixSeconds(pub(crate) i64);

impl FromText for UnixSeconds {
    const KIND: Kind = Kind::Integer;

    fn from_text(text: &str) -> Result<Self, Reason> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let seconds = digits.then(|| text.parse().ok()).flatten().filter(|seconds| *seconds <= 253_402_300_799);
        seconds.map(Self).ok_or_else(|| "it must be a time in seconds since 1970".into())
    }
}

/// `PageNumber`: 1 or more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageNumber(u32);

impl FromText for PageNumber {
    const KIND: Kind = Kind::Integer;

    fn from_text(text: &str) -> Result<Self, Reason> {
        u32::from_text(text).ok().filter(|number| *number >= 1).map(Self).ok_or_else(|| "it must be 1 or more".into())
    }
}

/// `PageSize`: 1 to 100; 0 means the default and 101 is accepted, as older pages of the API say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageSize(u32);

impl PageSize {
    /// Whether a size was asked for.
    pub(crate) fn is_set(self) -> bool {
        self.0 != 0
    }
}

impl FromText for PageSize {
    const KIND: Kind = Kind::Integer;

    fn from_text(text: &str) -> Result<Self, Reason> {
        let size = u32::from_text(text).ok().filter(|size| *size <= Page::MAX_SIZE);
        size.map(Self).ok_or_else(|| "it must be 1 to 100".into())
    }
}

/// The page that a list operation was asked for.
pub(crate) fn page(number: Option<PageNumber>, size: Option<PageSize>) -> Page {
    // INVARIANT: both types hold only what `Page` accepts, so the first page is never a surprise.
    Page::new(number.map(|PageNumber(number)| number), size.map(|PageSize(size)| size))
        .unwrap_or(Page { number: 1, size: Page::DEFAULT_SIZE })
}

/// A secret that leaves in a response: the one type of secret that can be serialised.
#[derive(Debug)]
pub(crate) struct Reveal(pub(crate) SecretText);

impl Reveal {
    /// Secret bytes, to be answered in Base64.
    pub(crate) fn base64(bytes: &SecretBytes) -> crate::error::Result<Self> {
        encode_secret(bytes).map(Self)
    }
}

impl Serialize for Reveal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // EXPOSE: the caller asked for it; operations that answer with it are marked SENSITIVE, so that the rendered
        // response is wiped.
        serializer.serialize_str(self.0.expose())
    }
}

impl FromText for EncryptionContext {
    const KIND: Kind = Kind::Json;
    const SENSITIVITY: Sensitivity = Sensitivity::HashedMembers;

    fn from_text(text: &str) -> Result<Self, Reason> {
        Self::parse(text).map_err(|error| error.to_string().into())
    }
}

impl FromText for KeyRef {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> Result<Self, Reason> {
        text.parse().map_err(|_| "it must be the id, the ARN or an alias (alias/…) of a key".into())
    }
}

impl FromText for AliasName {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> Result<Self, Reason> {
        text.parse().map_err(|_| "it must be alias/ and 1 to 255 letters, digits, _, - or /".into())
    }
}

impl FromText for RegionId {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> Result<Self, Reason> {
        text.parse().map_err(|_| "it must be a region id such as cn-hangzhou".into())
    }
}

impl FromText for RotationInterval {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> Result<Self, Reason> {
        text.parse().map_err(|error: sesame_domain::rotation::InvalidRotationInterval| error.to_string().into())
    }
}

/// Reads one of a fixed set of names.
fn one_of<T: FromStr>(text: &str, names: impl Iterator<Item = &'static str>) -> Result<T, Reason> {
    text.parse().map_err(|_| format!("it must be one of {}", names.collect::<Vec<_>>().join(", ")).into())
}

macro_rules! named {
    ($($type:ty),+) => {
        $(impl FromText for $type {
            const KIND: Kind = Kind::Text;

            fn from_text(text: &str) -> Result<Self, Reason> {
                one_of(text, Self::ALL.iter().map(|value| value.name()))
            }
        })+
    };
}

named!(
    KeySpec,
    KeyUsage,
    Origin,
    ProtectionLevel,
    SignatureAlgorithm,
    EncryptionAlgorithm,
    MacAlgorithm,
    WrappingAlgorithm,
    WrappingKeySpec
);

/// `ResourceType` of the multi-resource tag operations: `key` or `secret`.
impl FromText for ResourceType {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> Result<Self, Reason> {
        [Self::Key, Self::Secret]
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| "it must be key or secret".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_read_in_any_letter_case() {
        for (text, value) in [("true", true), ("True", true), ("FALSE", false)] {
            assert_eq!(bool::from_text(text), Ok(value));
        }
        assert!(bool::from_text("1").is_err());
    }

    #[test]
    fn numbers_are_plain_digits() {
        assert_eq!(u32::from_text("12"), Ok(12));
        for wrong in ["-1", "+1", "1.0", " 1", "4294967296", "x"] {
            assert!(u32::from_text(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_plus_sign_that_became_a_space_is_explained() {
        let reason = not_base64("ab cd");
        assert!(reason.contains("%2B"), "{reason}");
    }

    #[test]
    fn texts_are_limited_in_characters_not_bytes() {
        assert!(Text::<2>::from_text("环境").is_ok());
        assert!(Text::<2>::from_text("abc").is_err());
    }
}
