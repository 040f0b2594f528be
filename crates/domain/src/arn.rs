use std::fmt;
use std::str::FromStr;

use crate::{AccountId, RegionId};

/// The name of a resource: `acs:kms:<region>:<account>:<kind>/<name>` (keys reference, 2.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Arn {
    /// The region of the resource.
    pub region: RegionId,
    /// The account that owns the resource.
    pub account: AccountId,
    /// The part after the account: `key/<id>`, `alias/<name>`, `secret/<name>`, `certificate/<id>`.
    pub resource: Box<str>,
}

/// The text is not an ARN of this product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ARN of the form acs:kms:<region>:<account>:<resource>")]
pub struct InvalidArn;

impl Arn {
    /// The name part of a resource of the given kind: for `key`, the key id.
    pub fn name_of(&self, kind: &str) -> Option<&str> {
        self.resource.strip_prefix(kind)?.strip_prefix('/')
    }
}

impl FromStr for Arn {
    type Err = InvalidArn;

    fn from_str(text: &str) -> Result<Self, InvalidArn> {
        let rest = text.strip_prefix("acs:kms:").ok_or(InvalidArn)?;
        let (region, rest) = rest.split_once(':').ok_or(InvalidArn)?;
        let (account, resource) = rest.split_once(':').ok_or(InvalidArn)?;
        let (_, name) = resource.split_once('/').ok_or(InvalidArn)?;
        if name.is_empty() {
            return Err(InvalidArn);
        }
        Ok(Self {
            region: region.parse().map_err(|_| InvalidArn)?,
            account: account.parse().map_err(|_| InvalidArn)?,
            resource: resource.into(),
        })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "acs:kms:{}:{}:{}", self.region, self.account, self.resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_read_and_written() {
        let text = "acs:kms:cn-hangzhou:1234567890123456:key/key-hzz0123456789abcdefgh";
        let arn: Arn = text.parse().unwrap();
        assert_eq!(arn.name_of("key"), Some("key-hzz0123456789abcdefgh"));
        assert_eq!(arn.name_of("alias"), None);
        assert_eq!(arn.to_string(), text);
    }

    #[test]
    fn what_is_not_an_arn_is_refused() {
        for wrong in [
            "",
            "acs:kms",
            "acs:ram:cn-hangzhou:1234567890123456:key/x",
            "acs:kms:cn-hangzhou:12:key/x",
            "acs:kms:cn-hangzhou:1234567890123456:key",
            "acs:kms:cn-hangzhou:1234567890123456:key/",
        ] {
            assert!(wrong.parse::<Arn>().is_err(), "{wrong}");
        }
    }
}
