use std::str::FromStr;

use crate::RegionId;

/// The text is not an id of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid id")]
pub struct InvalidId;

/// A key id: `key-` and 21 characters of `[0-9a-z]`, or the older form, a lower-case UUID (keys reference, 2.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Box<str>);

impl KeyId {
    /// A new id of the given region; `random` holds 18 characters of `[0-9a-z]`.
    ///
    /// # Errors
    /// [`InvalidId`] when `random` is anything else.
    pub fn new(region: &RegionId, random: &str) -> Result<Self, InvalidId> {
        let tag = region.key_tag();
        let tag = std::str::from_utf8(&tag).map_err(|_| InvalidId)?;
        format!("key-{tag}{random}").parse()
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if is_instance_form(text) || is_uuid(text) { Ok(Self(text.into())) } else { Err(InvalidId) }
    }
}

/// A key version id: always 36 ASCII characters, because the ciphertext blob carries it (keys reference, 2.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyVersionId(Box<str>);

impl KeyVersionId {
    /// A new version id of a key of the `key-…` form; `random` holds 10 characters of `[0-9a-z]`.
    ///
    /// # Errors
    /// [`InvalidId`] when the key id has the older form or `random` is anything else.
    pub fn new(key: &KeyId, random: &str) -> Result<Self, InvalidId> {
        format!("{key}-{random}").parse()
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyVersionId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let instance_form = || {
            let (key, version) = text.split_at_checked(25)?;
            let version = version.strip_prefix('-')?;
            (is_instance_form(key) && version.len() == 10 && version.bytes().all(is_base36)).then_some(())
        };
        if is_uuid(text) || instance_form().is_some() { Ok(Self(text.into())) } else { Err(InvalidId) }
    }
}

fn is_base36(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_lowercase()
}

fn is_instance_form(text: &str) -> bool {
    text.strip_prefix("key-").is_some_and(|rest| rest.len() == 21 && rest.bytes().all(is_base36))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

macro_rules! text_id {
    ($name:ident) => {
        crate::shown::shown!($name);

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(KeyId);
text_id!(KeyVersionId);

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "key-hzz0123456789abcdefgh";
    const UUID: &str = "7906979c-8e06-46a2-be2d-68e3ccbc0000";

    #[test]
    fn both_forms_of_a_key_id_are_read() {
        for id in [KEY, UUID] {
            assert_eq!(id.parse::<KeyId>().unwrap().as_str(), id);
        }
        for wrong in ["", "key-", "key-HZZ0123456789abcdefgh", &KEY[..24], "7906979C-8e06-46a2-be2d-68e3ccbc0000"] {
            assert!(wrong.parse::<KeyId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_version_id_has_thirty_six_characters() {
        let key: KeyId = KEY.parse().unwrap();
        let version = KeyVersionId::new(&key, "0123456789").unwrap();
        assert_eq!(version.as_str().len(), 36);
        assert!(KeyVersionId::new(&key, "012345678").is_err());
        assert!(KeyVersionId::new(&UUID.parse().unwrap(), "0123456789").is_err());
    }

    #[test]
    fn a_new_key_id_names_its_region() {
        let region: RegionId = "cn-hangzhou".parse().unwrap();
        assert_eq!(KeyId::new(&region, "0123456789abcdefgh").unwrap().as_str(), "key-hzz0123456789abcdefgh");
    }
}
