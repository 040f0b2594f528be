//! Names of aliases (keys reference, 2.2).

use std::fmt;
use std::str::FromStr;

use crate::InvalidId;

/// An alias name: `alias/` and 1 to 255 letters, digits, `_`, `-`, `/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AliasName(Box<str>);

impl AliasName {
    /// The name with its `alias/` prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether users may neither make nor delete this alias: names below `alias/acs` belong to service keys.
    pub fn is_reserved(&self) -> bool {
        self.0.strip_prefix("alias/").is_some_and(|name| name.starts_with("acs"))
    }
}

impl FromStr for AliasName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let name = text.strip_prefix("alias/").ok_or(InvalidId)?;
        let valid = (1..=255).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'/'));
        if valid { Ok(Self(text.into())) } else { Err(InvalidId) }
    }
}

impl fmt::Display for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An alias and the key that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The name, unique in its account.
    pub name: AliasName,
    /// The key.
    pub key: crate::KeyId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alias_names_follow_the_rules_of_the_api() {
        for right in ["alias/a", "alias/app-1_x/y", "alias/acs/ecs", &format!("alias/{}", "a".repeat(255))] {
            assert!(right.parse::<AliasName>().is_ok(), "{right}");
        }
        for wrong in ["", "a", "alias/", "alias/a b", "alias/é", "Alias/a", &format!("alias/{}", "a".repeat(256))] {
            assert!(wrong.parse::<AliasName>().is_err(), "{wrong}");
        }
        assert!("alias/acs/ecs".parse::<AliasName>().unwrap().is_reserved());
        assert!(!"alias/app".parse::<AliasName>().unwrap().is_reserved());
    }
}
