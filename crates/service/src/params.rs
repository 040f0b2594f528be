//! Raw parameters of a call, and their decoding into the typed request of an operation.

use std::borrow::Cow;
use std::fmt;

use crate::error::{KmsError, Result};

/// The parameters of a call, query and form together, percent-decoded, in the order sent.
#[derive(Default)]
pub struct Params<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Params<'a> {
    /// Collects decoded pairs.
    pub fn new(pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Self {
        Self { pairs }
    }

    /// The value of a parameter as sent; the first one when it was sent more than once.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// All pairs in the order sent.
    pub fn pairs(&self) -> &[(Cow<'a, str>, Cow<'a, str>)] {
        &self.pairs
    }

    /// Gives the pairs back, so that a gateway can wipe what it decoded.
    pub fn into_pairs(self) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        self.pairs
    }
}

impl fmt::Debug for Params<'_> {
    /// Names only: a value may be a plaintext.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

/// What a parameter looks like on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number in decimal digits.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// Standard Base64.
    Base64,
    /// A JSON text.
    Json,
    /// `Name.1`, `Name.2`, …
    List,
    /// `Name.1.Key`, `Name.1.Value`, `Name.2.Key`, …
    TagList,
}

/// How a value appears in the audit trail (access control reference, 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensitivity {
    /// As it is.
    Clear,
    /// As an HMAC, so that equal values can be told and a known one looked up.
    Hashed,
    /// A JSON object of which the names are clear and the values hashed.
    HashedMembers,
    /// Not at all.
    Dropped,
}

impl Sensitivity {
    /// What a type has that says nothing else: bytes are ciphertexts, digests and signatures.
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Base64 => Self::Hashed,
            _ => Self::Clear,
        }
    }
}

/// One parameter of an operation, for everything that describes operations.
#[derive(Clone, Copy, Debug)]
pub struct ParamSpec {
    /// The name on the wire.
    pub name: &'static str,
    /// The form.
    pub kind: Kind,
    /// Whether a call without it is refused.
    pub required: bool,
    /// How it appears in the audit trail.
    pub sensitivity: Sensitivity,
    /// What it means, in one or two sentences.
    pub summary: &'static str,
}

/// The typed request of an operation; made by `#[derive(Params)]`.
pub trait Request: Sized + Send + Sync + 'static {
    /// The parameters in the order of the struct.
    const SPECS: &'static [ParamSpec];

    /// Decodes a call: first every required parameter must be there, then each must be well formed.
    ///
    /// # Errors
    /// `MissingParameter` or `InvalidParameter`, naming the parameter.
    fn decode(params: &Params<'_>) -> Result<Self>;
}

/// A type that a parameter can have.
pub trait Param: Sized {
    /// The form on the wire.
    const KIND: Kind;
    /// Whether a call without it is refused.
    const REQUIRED: bool = true;
    /// How it appears in the audit trail.
    const SENSITIVITY: Sensitivity = Sensitivity::of(Self::KIND);

    /// Whether the call has it. A text sent empty counts as absent.
    fn is_present(params: &Params<'_>, name: &str) -> bool {
        params.get(name).is_some_and(|value| !value.is_empty())
    }

    /// Reads it; called for required parameters only when they are present.
    ///
    /// # Errors
    /// `InvalidParameter`, naming the parameter.
    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self>;
}

/// A type that is read from the text of one parameter.
pub trait FromText: Sized {
    /// The form on the wire.
    const KIND: Kind;
    /// How it appears in the audit trail.
    const SENSITIVITY: Sensitivity = Sensitivity::of(Self::KIND);

    /// Reads it.
    ///
    /// # Errors
    /// What would be right, as the rest of the sentence "the parameter is not valid: …".
    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>>;
}

impl<T: FromText> Param for T {
    const KIND: Kind = T::KIND;
    const SENSITIVITY: Sensitivity = T::SENSITIVITY;

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        T::from_text(params.get(name).unwrap_or_default()).map_err(|reason| KmsError::invalid(name, reason))
    }
}

impl<T: Param> Param for Option<T> {
    const KIND: Kind = T::KIND;
    const REQUIRED: bool = false;
    const SENSITIVITY: Sensitivity = T::SENSITIVITY;

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        if T::is_present(params, name) { T::decode(params, name).map(Some) } else { Ok(None) }
    }
}

/// A repeat list `Name.1`, `Name.2`, … of 1 to `MAX` items; also read from one JSON array, the notation of the API
/// debugger. `Name.N` counts from 1 without gaps.
#[derive(Debug, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(pub Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: FromText, const MAX: usize> Param for List<T, MAX> {
    const KIND: Kind = Kind::List;
    const SENSITIVITY: Sensitivity = T::SENSITIVITY;

    fn is_present(params: &Params<'_>, name: &str) -> bool {
        params.get(name).is_some_and(|value| !value.is_empty())
            || params.pairs().iter().any(|(key, _)| index_after(key, name).is_some())
    }

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let texts = match params.get(name).filter(|text| !text.is_empty()) {
            Some(text) if text.starts_with('[') => serde_json::from_str::<Vec<String>>(text)
                .map_err(|_| KmsError::invalid(name, "it must be a JSON array of strings, or Name.1, Name.2, …"))?
                .into_iter()
                .map(Cow::Owned)
                .collect(),
            Some(text) => vec![Cow::Borrowed(text)],
            None => numbered(params, name, |rest| rest.is_empty().then_some(()), MAX)?
                .into_iter()
                .map(|(_, (), value)| Cow::Borrowed(value))
                .collect(),
        };
        if texts.is_empty() || texts.len() > MAX {
            return Err(KmsError::invalid(name, format!("it must have 1 to {MAX} items")));
        }
        let items = texts.iter().map(|text| T::from_text(text).map_err(|reason| KmsError::invalid(name, reason)));
        items.collect::<Result<Vec<_>>>().map(Self)
    }
}

/// `Name.N.Key` and `Name.N.Value` as sent, before the rules of tags are applied: their breach has codes of its own.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RawTags<const MAX: usize>(pub Vec<RawTag>);

/// One tag as sent.
#[derive(Debug, PartialEq, Eq)]
pub struct RawTag {
    /// The key.
    pub key: String,
    /// The value, when one was sent.
    pub value: Option<String>,
}

impl<const MAX: usize> Param for RawTags<MAX> {
    const KIND: Kind = Kind::TagList;

    /// The official client of RAM sends an empty array for tags that its caller did not give.
    fn is_present(params: &Params<'_>, name: &str) -> bool {
        params.get(name).is_some_and(|value| !value.is_empty() && value != "[]")
            || params.pairs().iter().any(|(key, _)| index_after(key, name).is_some())
    }

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let tags = match params.get(name).filter(|text| !text.is_empty()) {
            Some(text) => json_tags(name, text, "Key", "Value")?,
            None => numbered_tags(params, name, MAX)?,
        };
        if tags.is_empty() || tags.len() > MAX {
            return Err(KmsError::invalid(name, format!("it must have 1 to {MAX} tags")));
        }
        Ok(Self(tags))
    }
}

/// Reads `[{"<key_name>":"…","<value_name>":"…"}]`.
///
/// # Errors
/// `InvalidParameter` when the text has another form.
pub fn json_tags(name: &'static str, text: &str, key_name: &str, value_name: &str) -> Result<Vec<RawTag>> {
    let wrong = || {
        KmsError::invalid(
            name,
            format!("it must be a JSON array such as [{{\"{key_name}\":\"k\",\"{value_name}\":\"v\"}}]"),
        )
    };
    let items: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(text).map_err(|_| wrong())?;
    let text_of = |value: Option<&serde_json::Value>| match value {
        None | Some(serde_json::Value::Null) => Ok(None),
        Some(serde_json::Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong()),
    };
    items
        .iter()
        .map(|item| {
            let key = text_of(item.get(key_name))?.ok_or_else(wrong)?;
            Ok(RawTag { key, value: text_of(item.get(value_name))? })
        })
        .collect()
}

fn numbered_tags(params: &Params<'_>, name: &'static str, max: usize) -> Result<Vec<RawTag>> {
    enum Part {
        Key,
        Value,
    }
    let parts = numbered(
        params,
        name,
        |rest| match rest {
            ".Key" => Some(Part::Key),
            ".Value" => Some(Part::Value),
            _ => None,
        },
        max * 2,
    )?;
    let mut tags: Vec<(usize, Option<String>, Option<String>)> = Vec::new();
    for (index, part, value) in parts {
        if tags.last().is_none_or(|(last, ..)| *last != index) {
            tags.push((index, None, None));
        }
        if let Some((_, key, tag_value)) = tags.last_mut() {
            match part {
                Part::Key => *key = Some(value.to_owned()),
                Part::Value => *tag_value = Some(value.to_owned()),
            }
        }
    }
    tags.into_iter()
        .map(|(index, key, value)| {
            let key = key.ok_or_else(|| KmsError::missing(&format!("{name}.{index}.Key")))?;
            Ok(RawTag { key, value })
        })
        .collect()
}

/// The parameters `name.N…` sorted by N; `part` reads what follows the number.
fn numbered<'p, P>(
    params: &'p Params<'_>,
    name: &'static str,
    part: impl Fn(&str) -> Option<P>,
    max: usize,
) -> Result<Vec<(usize, P, &'p str)>> {
    let mut found = Vec::new();
    for (key, value) in params.pairs() {
        let Some((index, rest)) = index_after(key, name) else { continue };
        let Some(part) = part(rest) else { continue };
        if found.len() == max || index == 0 {
            return Err(KmsError::invalid(name, format!("items are numbered from 1, and there may be {max} at most")));
        }
        found.push((index, part, value.as_ref()));
    }
    found.sort_by_key(|(index, ..)| *index);
    let mut last = 0;
    for (index, ..) in &found {
        if *index > last + 1 {
            return Err(KmsError::invalid(name, "items are numbered from 1 without gaps"));
        }
        last = *index;
    }
    Ok(found)
}

/// Splits `name.12rest` into 12 and `rest`.
pub(crate) fn index_after<'k>(key: &'k str, name: &str) -> Option<(usize, &'k str)> {
    let rest = key.strip_prefix(name)?.strip_prefix('.')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = rest.split_at_checked(digits)?;
    Some((number.parse().ok()?, rest))
}

/// Refuses a call without a required parameter.
///
/// # Errors
/// `MissingParameter`, naming it.
pub fn require<T: Param>(params: &Params<'_>, name: &str) -> Result<()> {
    if T::REQUIRED && !T::is_present(params, name) { Err(KmsError::missing(name)) } else { Ok(()) }
}

/// Refuses a call without a parameter that may be empty but must be sent.
///
/// # Errors
/// `MissingParameter`, naming it.
pub fn require_given(params: &Params<'_>, name: &str) -> Result<()> {
    if params.get(name).is_none() { Err(KmsError::missing(name)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&'static str, &'static str)]) -> Params<'static> {
        Params::new(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }

    fn list(pairs: &[(&'static str, &'static str)]) -> std::result::Result<Vec<String>, String> {
        List::<String, 3>::decode(&params(pairs), "Id").map(|list| list.0).map_err(|error| error.message.into_owned())
    }

    #[test]
    fn a_list_is_read_in_both_notations() {
        assert_eq!(list(&[("Id.2", "b"), ("Id.1", "a"), ("Idx.1", "z")]).unwrap(), ["a", "b"]);
        assert_eq!(list(&[("Id", r#"["a","b"]"#)]).unwrap(), ["a", "b"]);
        assert_eq!(list(&[("Id", "a")]).unwrap(), ["a"]);
    }

    #[test]
    fn lists_with_gaps_or_too_many_items_are_refused() {
        for wrong in [
            &[("Id.1", "a"), ("Id.3", "b")][..],
            &[("Id.0", "a")],
            &[("Id.1", "a"), ("Id.2", "a"), ("Id.3", "a"), ("Id.4", "a")],
            &[("Id", r#"["a","b","c","d"]"#)],
            &[("Id", r#"[1]"#)],
            &[("Id.99999999999999999999999", "a")],
        ] {
            assert!(list(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn tags_are_read_in_both_notations() {
        let expected = RawTags::<2>(vec![
            RawTag { key: "k".into(), value: Some(String::new()) },
            RawTag { key: "l".into(), value: None },
        ]);
        let flat = params(&[("Tag.1.Key", "k"), ("Tag.1.Value", ""), ("Tag.2.Key", "l")]);
        assert_eq!(RawTags::<2>::decode(&flat, "Tag").unwrap(), expected);
        let json = params(&[("Tag", r#"[{"Key":"k","Value":""},{"Key":"l"}]"#)]);
        assert_eq!(RawTags::<2>::decode(&json, "Tag").unwrap(), expected);
    }

    #[test]
    fn an_empty_array_of_tags_is_none() {
        assert!(Option::<RawTags<2>>::decode(&params(&[("Tag", "[]")]), "Tag").unwrap().is_none());
    }

    #[test]
    fn a_tag_without_a_key_is_refused() {
        let flat = params(&[("Tag.1.Value", "v")]);
        assert_eq!(
            RawTags::<2>::decode(&flat, "Tag").unwrap_err().message,
            "The parameter \"Tag.1.Key\" is needed but not provided."
        );
    }

    #[test]
    fn the_debug_output_of_parameters_has_no_values() {
        assert_eq!(format!("{:?}", params(&[("Plaintext", "secret")])), r#"["Plaintext"]"#);
    }
}
