//! `EncryptionContext`: the caller's associated data, and its canonical form.
//!
//! The canonical form is the one the official transfer clients compute: members sorted by name, joined as
//! `name=value` with `&` and without escaping, hashed with SHA-256. Joining is ambiguous when names or values hold
//! `=` or `&`; it stays so for compatibility.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};

use crate::digest::sha256;

/// The greatest length of the JSON text, in characters.
pub const MAX_CHARACTERS: usize = 8192;

/// SHA-256 of the empty string: what clients send as associated data for `{}`.
const EMPTY_OBJECT: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae, 0x41,
    0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// A parsed context. Not secret: it is shown in audit records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionContext {
    aad: Aad,
    /// Sorted by name; names are unique.
    members: Vec<(String, String)>,
}

/// The associated data a context stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aad {
    /// No context was given.
    #[default]
    None,
    /// The raw SHA-256 of the canonical form.
    Sha256([u8; 32]),
}

/// Why a text is not an encryption context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// More than [`MAX_CHARACTERS`].
    #[error("the encryption context is longer than {MAX_CHARACTERS} characters")]
    TooLong,
    /// Not JSON, not an object, or a value that is not a string.
    #[error("the encryption context is not a JSON object of strings")]
    Malformed,
    /// A name occurs twice.
    #[error("the encryption context has a name twice")]
    DuplicateName,
}

impl EncryptionContext {
    /// Reads the request parameter. The empty string is the same as no context, and costs no allocation.
    pub fn parse(text: &str) -> Result<Self, ContextError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        if text.len() > MAX_CHARACTERS && text.chars().count() > MAX_CHARACTERS {
            return Err(ContextError::TooLong);
        }
        let mut members = parse_members(text)?;
        members.sort_unstable();
        if members.windows(2).any(|pair| matches!(pair, [(one, _), (next, _)] if one == next)) {
            return Err(ContextError::DuplicateName);
        }
        Ok(Self { aad: Aad::Sha256(sha256(canonical(&members).as_bytes())), members })
    }

    /// What to seal with.
    pub fn aad(&self) -> Aad {
        self.aad
    }

    /// What to try on opening, in this order. A blob made without context and one made with `{}` have different
    /// associated data, and a caller that gives either may mean both.
    pub fn opening_aads(&self) -> &[Aad] {
        if self.members.is_empty() {
            return &[Aad::None, Aad::Sha256(EMPTY_OBJECT)];
        }
        std::slice::from_ref(&self.aad)
    }

    /// Whether no context was given.
    pub fn is_absent(&self) -> bool {
        self.aad == Aad::None
    }

    /// Whether the context was given as `{}`.
    pub fn is_empty_object(&self) -> bool {
        self.members.is_empty() && !self.is_absent()
    }

    /// Names and values, sorted by name.
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl Aad {
    /// The bytes for the cipher: none, or 32.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::None => &[],
            Self::Sha256(digest) => digest,
        }
    }
}

impl AsRef<[u8]> for Aad {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

fn canonical(members: &[(String, String)]) -> String {
    let mut text = String::with_capacity(members.iter().map(|(name, value)| name.len() + value.len() + 2).sum());
    for (name, value) in members {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
    text
}

fn parse_members(text: &str) -> Result<Vec<(String, String)>, ContextError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let members = json.deserialize_map(Members).map_err(|_| ContextError::Malformed)?;
    json.end().map_err(|_| ContextError::Malformed)?;
    Ok(members)
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<Cow<'de, str>, serde_json::Value>()? {
            let serde_json::Value::String(value) = value else {
                return Err(A::Error::custom("not a string"));
            };
            members.push((name.into_owned(), value));
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn members_are_sorted_and_joined() {
        let context = EncryptionContext::parse(r#" { "b" : "2", "a":"1" } "#).unwrap();
        assert_eq!(context.aad(), Aad::Sha256(sha256(b"a=1&b=2")));
        assert_eq!(context.opening_aads(), [context.aad()]);
        assert_eq!(context.members().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
    }

    #[test]
    fn absent_and_the_empty_object_open_each_other() {
        let (absent, empty) = (EncryptionContext::parse("").unwrap(), EncryptionContext::parse("{}").unwrap());
        assert!(absent.is_absent() && !absent.is_empty_object() && empty.is_empty_object() && !empty.is_absent());
        assert_eq!(absent.aad().as_bytes(), b"");
        assert_eq!(empty.aad().as_bytes(), sha256(b""));
        assert_eq!(absent.opening_aads(), empty.opening_aads());
        assert_eq!(absent.opening_aads(), [absent.aad(), empty.aad()]);
    }

    #[test]
    fn only_an_object_of_strings_is_a_context() {
        for text in ["[]", "\"a\"", "null", r#"{"a":1}"#, r#"{"a":null}"#, r#"{"a":{}}"#, r#"{"a":["b"]}"#, "{", "{} x"]
        {
            assert_eq!(EncryptionContext::parse(text), Err(ContextError::Malformed), "{text}");
        }
        assert_eq!(EncryptionContext::parse(r#"{"a":"1","\u0061":"1"}"#), Err(ContextError::DuplicateName));
    }

    #[test]
    fn the_limit_counts_characters() {
        let of_length = |n: usize| format!(r#"{{"a":"{}"}}"#, "密".repeat(n - 8));
        assert!(EncryptionContext::parse(&of_length(MAX_CHARACTERS)).is_ok());
        assert_eq!(EncryptionContext::parse(&of_length(MAX_CHARACTERS + 1)), Err(ContextError::TooLong));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _outcome = EncryptionContext::parse(&text);
        }

        #[test]
        fn the_order_of_members_does_not_matter(mut members in proptest::collection::btree_map(".*", ".*", 1..6)) {
            let object = serde_json::to_string(&members).unwrap();
            let last = members.pop_last().unwrap();
            let rest: String = members
                .iter()
                .map(|(name, value)| format!(",{}:{}", serde_json::json!(name), serde_json::json!(value)))
                .collect();
            let other = format!("{{{}:{}{rest}}}", serde_json::json!(last.0), serde_json::json!(last.1));
            prop_assert_eq!(EncryptionContext::parse(&object), EncryptionContext::parse(&other));
        }
    }
}
