//! The policies that keys and secrets carry (access-control reference, 4).

use std::borrow::Cow;

use sesame_domain::AccountId;
use sesame_policy::{Document, Kind};

use crate::params::{self, FromText};

/// The text of a valid key policy, as it was given: clients compare it with what they sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyPolicy(String);

impl KeyPolicy {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The policy of a key that was given none: its account's identity policies decide alone.
    pub(crate) fn default_of(owner: &AccountId) -> String {
        default_of("key", owner)
    }
}

impl FromText for KeyPolicy {
    const KIND: params::Kind = params::Kind::Json;

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>> {
        parse(Kind::Key, text).map(|_| Self(text.to_owned()))
    }
}

/// The text of a valid secret policy, as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretPolicy(String);

impl SecretPolicy {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The policy of a secret that was given none: its account's identity policies decide alone.
    pub(crate) fn default_of(owner: &AccountId) -> String {
        default_of("secret", owner)
    }
}

impl FromText for SecretPolicy {
    const KIND: params::Kind = params::Kind::Json;

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>> {
        parse(Kind::Secret, text).map(|_| Self(text.to_owned()))
    }
}

fn parse(kind: Kind, text: &str) -> Result<Document, Cow<'static, str>> {
    Document::parse(kind, text).map_err(|malformed| malformed.to_string().into())
}

fn default_of(kind: &str, owner: &AccountId) -> String {
    format!(
        r#"{{"Version":"1","Statement":[{{"Sid":"kms default {kind} policy","Effect":"Allow","Principal":{{"RAM":["acs:ram::{owner}:*"]}},"Action":["kms:*"],"Resource":["*"]}}]}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"Version":"1","Statement":[{"Sid":"use it","Effect":"Allow",
        "Principal":{"RAM":["acs:ram::1234567890123456:user/alice","acs:ram::1234567890123456:role/app"]},
        "Action":["kms:Encrypt","kms:Decrypt"],"Resource":["*"],
        "Condition":{"StringEquals":{"kms:tag/team":["a","b"]},"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}}]}"#;

    #[test]
    fn a_policy_is_kept_as_it_was_given() {
        assert_eq!(KeyPolicy::from_text(GOOD).unwrap().as_str(), GOOD);
        let account = "1234567890123456".parse().unwrap();
        let default = KeyPolicy::default_of(&account);
        assert!(KeyPolicy::from_text(&default).is_ok());
        let single = default.replace(r#"["acs:ram::1234567890123456:*"]"#, r#""acs:ram::1234567890123456:root""#);
        assert!(KeyPolicy::from_text(&single).is_ok());
        assert!(SecretPolicy::from_text(&SecretPolicy::default_of(&account)).is_ok());
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for (from, to) in [
            (GOOD, ""),
            (GOOD, "[]"),
            (r#""Version":"1""#, r#""Version":"2""#),
            (r#""Version":"1","#, ""),
            (r#""Effect":"Allow""#, r#""Effect":"allow""#),
            (r#""Effect":"Allow","#, ""),
            (r#""Effect":"Allow","#, r#""Effect":"Deny","Effect":"Allow","#),
            (r#"["*"]"#, r#"["acs:kms:*"]"#),
            (r#""Action""#, r#""NotAction""#),
            ("\"RAM\"", "\"Service\""),
            ("acs:ram::1234567890123456:user/alice", "alice"),
            ("acs:ram::1234567890123456:user/alice", "acs:ram::1234567890123456:user/"),
            (r#"["kms:Encrypt","kms:Decrypt"]"#, "[]"),
            ("kms:Encrypt", "ecs:TagResources"),
            ("use it", "ünusual"),
            ("StringEquals", "StringEqualsIfExists"),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD);
            assert!(KeyPolicy::from_text(&text).is_err(), "{text}");
            assert!(SecretPolicy::from_text(&text).is_err(), "{text}");
        }
        assert!(KeyPolicy::from_text(r#"{"Version":"1","Statement":[]}"#).is_err());
        let padded = format!("{GOOD}{}", " ".repeat(Kind::Key.limit()));
        assert!(KeyPolicy::from_text(&padded).is_err());
    }
}
