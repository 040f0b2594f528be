use std::str::FromStr;

use super::SecretType;
use crate::shown::shown;
use crate::{AccountId, Arn};

const NAME_CHARS: usize = 192;

/// The text is not a secret name, or not one that a secret of its type can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecretName {
    /// Length or characters.
    #[error("a secret name has 1 to 192 letters, digits or _ / + = . @ -")]
    Form,
    /// The prefix belongs to other types.
    #[error("names that begin with acs/ belong to the service")]
    Reserved,
    /// An ECS secret under another name.
    #[error("the name of an ECS secret begins with acs/ecs/")]
    NotEcs,
}

/// A secret name: 1 to 192 of `A-Z a-z 0-9 _ / + = . @ -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(Box<str>);

impl SecretName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Refuses a name that a caller may not give to a new secret of this type.
    ///
    /// # Errors
    /// [`InvalidSecretName::Reserved`], [`InvalidSecretName::NotEcs`].
    pub fn allowed_for(&self, kind: SecretType) -> Result<(), InvalidSecretName> {
        match kind {
            SecretType::Ecs if self.0.strip_prefix("acs/ecs/").is_none_or(str::is_empty) => {
                Err(InvalidSecretName::NotEcs)
            }
            SecretType::Ecs | SecretType::RamCredentials => Ok(()),
            _ if self.0.starts_with("acs/") => Err(InvalidSecretName::Reserved),
            _ => Ok(()),
        }
    }
}

impl FromStr for SecretName {
    type Err = InvalidSecretName;

    fn from_str(text: &str) -> Result<Self, InvalidSecretName> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_/+=.@-".contains(&b);
        if (1..=NAME_CHARS).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidSecretName::Form)
        }
    }
}

/// The internal id of a secret: it ties rows and sealed values to one secret, even when its name is used again.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretId(Box<str>);

impl SecretId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretId {
    type Err = crate::InvalidId;

    fn from_str(text: &str) -> Result<Self, crate::InvalidId> {
        let valid = text.len() == 24 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
        if valid { Ok(Self(text.into())) } else { Err(crate::InvalidId) }
    }
}

/// The way a caller names a secret: by name, or by ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRef {
    /// The name.
    pub name: SecretName,
    /// The ARN, when one was given.
    pub arn: Option<Arn>,
}

impl SecretRef {
    /// The account whose secret is meant.
    pub fn account<'a>(&'a self, caller: &'a AccountId) -> &'a AccountId {
        self.arn.as_ref().map_or(caller, |arn| &arn.account)
    }
}

impl FromStr for SecretRef {
    type Err = InvalidSecretName;

    fn from_str(text: &str) -> Result<Self, InvalidSecretName> {
        // A colon is no character of a name.
        if !text.starts_with("acs:") {
            return Ok(Self { name: text.parse()?, arn: None });
        }
        let arn: Arn = text.parse().map_err(|_| InvalidSecretName::Form)?;
        let name = arn.name_of("secret").ok_or(InvalidSecretName::Form)?.parse()?;
        Ok(Self { name, arn: Some(arn) })
    }
}

shown!(SecretName, SecretId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_the_api() {
        for right in ["a", "db/prod_1+x=y.z@w-v", &"x".repeat(192), "acs/ecs/i-1"] {
            assert_eq!(right.parse::<SecretName>().unwrap().as_str(), right);
        }
        for wrong in ["", "a b", "a:b", "é", "a*", "a\n", &"x".repeat(193)] {
            assert!(wrong.parse::<SecretName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn prefixes_belong_to_types() {
        let name = |text: &str| text.parse::<SecretName>().unwrap();
        for kind in [SecretType::Generic, SecretType::Rds, SecretType::Redis, SecretType::PolarDb] {
            assert_eq!(name("acs/x").allowed_for(kind), Err(InvalidSecretName::Reserved));
            assert_eq!(name("acs").allowed_for(kind), Ok(()));
        }
        assert_eq!(name("acs/ecs/x").allowed_for(SecretType::Ecs), Ok(()));
        assert_eq!(name("acs/ecs/").allowed_for(SecretType::Ecs), Err(InvalidSecretName::NotEcs));
        assert_eq!(name("x").allowed_for(SecretType::Ecs), Err(InvalidSecretName::NotEcs));
    }

    #[test]
    fn a_secret_is_named_by_name_or_arn() {
        let by_name: SecretRef = "a/b".parse().unwrap();
        assert_eq!((by_name.name.as_str(), by_name.arn), ("a/b", None));
        let by_arn: SecretRef = "acs:kms:cn-hangzhou:1234567890123456:secret/a/b".parse().unwrap();
        assert_eq!(by_arn.name.as_str(), "a/b");
        assert_eq!(by_arn.arn.unwrap().account.as_str(), "1234567890123456");
        for wrong in ["acs:x", "acs:kms:cn-hangzhou:1234567890123456:key/x", "acs:kms:cn-hangzhou:1:secret/a", "a b"] {
            assert!(wrong.parse::<SecretRef>().is_err(), "{wrong}");
        }
    }
}
