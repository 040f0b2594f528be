use std::fmt;
use std::str::FromStr;

use crate::InvalidId;

/// An account id: 16 decimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Box<str>);

impl AccountId {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Who sends requests that nobody signed. No account has this id, since the ids of accounts do not begin with 0.
    pub fn nobody() -> Self {
        Self("0000000000000000".into())
    }

    /// A new id out of eight random bytes. The first digit is never 0, so that no tool drops it.
    pub fn from_random(bytes: [u8; 8]) -> Self {
        let span = 9_000_000_000_000_000_u64;
        Self((1_000_000_000_000_000 + u64::from_be_bytes(bytes) % span).to_string().into())
    }
}

impl FromStr for AccountId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId)
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an operator calls an account: up to 64 characters, none of them a control character; empty for no name. Two
/// accounts may have the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountName(Box<str>);

/// The text can be no name of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of an account has at most 64 characters, on one line")]
pub struct InvalidAccountName;

impl AccountName {
    /// The longest name, in characters.
    pub const LIMIT: usize = 64;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = InvalidAccountName;

    fn from_str(text: &str) -> Result<Self, InvalidAccountName> {
        if text.chars().count() <= Self::LIMIT && !text.chars().any(char::is_control) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidAccountName)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_has_sixteen_digits() {
        assert!("1234567890123456".parse::<AccountId>().is_ok());
        for wrong in ["", "123456789012345", "12345678901234567", "123456789012345x"] {
            assert!(wrong.parse::<AccountId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_is_one_line_of_64_characters_at_most() {
        let longest = "\u{540d}".repeat(64);
        for name in ["", "Team B, staging", &longest] {
            assert_eq!(name.parse::<AccountName>().unwrap().as_str(), name);
        }
        for wrong in ["a\nb", "\u{7f}", &format!("{longest}x")] {
            assert!(wrong.parse::<AccountName>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_random_account_id_is_valid_at_both_ends() {
        for bytes in [[0; 8], [0xff; 8]] {
            let id = AccountId::from_random(bytes);
            assert_eq!(id.as_str().parse::<AccountId>().unwrap(), id);
        }
    }
}
