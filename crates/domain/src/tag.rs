//! Tags (keys reference, 10).

use std::fmt;
use std::str::FromStr;

/// Longest tag key and tag value, in characters.
const TAG_CHARS: usize = 128;

/// Prefixes of tag keys that users may neither set nor remove; compared without regard to case.
const RESERVED_PREFIXES: [&str; 2] = ["aliyun", "acs:"];

/// A tag key that a user may set or remove: 1 to 128 letters, digits, spaces and `/ \ _ - . + = : @`, not beginning
/// with `aliyun` or `acs:`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagKey(Box<str>);

/// The text is not a tag key that a user may set or remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tag key has 1 to 128 letters, digits, spaces or / \\ _ - . + = : @ and does not begin with aliyun or acs:")]
pub struct InvalidTagKey;

/// A tag value: 0 to 128 of the characters allowed in a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagValue(Box<str>);

/// The text is not a tag value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tag value has at most 128 letters, digits, spaces or / \\ _ - . + = : @")]
pub struct InvalidTagValue;

/// A tag on a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// The key, unique on its resource, case-sensitive.
    pub key: TagKey,
    /// The value; may be empty.
    pub value: TagValue,
}

/// The kinds of resources that carry tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceType {
    /// A key, named by its id.
    Key,
    /// A secret, named by its name.
    Secret,
    /// A certificate, named by its id.
    Certificate,
    /// A role, named by its name.
    Role,
    /// A policy that an account made, named by its name.
    Policy,
}

impl ResourceType {
    /// The name on the wire and in storage.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Secret => "secret",
            Self::Certificate => "certificate",
            Self::Role => "role",
            Self::Policy => "policy",
        }
    }
}

/// One row of ListTagResources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRow {
    /// The resource's id or name.
    pub resource: String,
    /// The tag.
    pub tag: Tag,
}

impl TagKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TagValue {
    /// The value as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TagKey {
    type Err = InvalidTagKey;

    fn from_str(text: &str) -> Result<Self, InvalidTagKey> {
        let reserved = RESERVED_PREFIXES
            .iter()
            .any(|prefix| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)));
        if reserved || text.is_empty() || !is_tag_text(text) { Err(InvalidTagKey) } else { Ok(Self(text.into())) }
    }
}

impl FromStr for TagValue {
    type Err = InvalidTagValue;

    fn from_str(text: &str) -> Result<Self, InvalidTagValue> {
        if is_tag_text(text) { Ok(Self(text.into())) } else { Err(InvalidTagValue) }
    }
}

impl fmt::Display for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Letters and digits of any script, space, and the punctuation that the tag pages list.
fn is_tag_text(text: &str) -> bool {
    text.chars().count() <= TAG_CHARS
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '/' | '\\' | '_' | '-' | '.' | '+' | '=' | ':' | '@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_keys_of_any_script_are_accepted() {
        for right in ["a", "环境", "cost center", "a/b\\c_d-e.f+g=h:i@j", &"x".repeat(128), "acs", "my-aliyun"] {
            assert!(right.parse::<TagKey>().is_ok(), "{right}");
        }
    }

    #[test]
    fn reserved_empty_and_overlong_tag_keys_are_refused() {
        for wrong in ["", "aliyun", "aliyunX", "ALIYUN-x", "acs:x", "ACS:", &"x".repeat(129), "a\nb", "a*"] {
            assert!(wrong.parse::<TagKey>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_tag_value_may_be_empty_and_may_begin_with_a_reserved_word() {
        for right in ["", "aliyun", "值", &"x".repeat(128)] {
            assert!(right.parse::<TagValue>().is_ok(), "{right}");
        }
        assert!("x".repeat(129).parse::<TagValue>().is_err());
    }
}
