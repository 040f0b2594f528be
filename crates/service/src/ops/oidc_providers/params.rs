//! Parameters that only OIDC providers have.

use std::borrow::Cow;

use sesame_domain::ram::limits;

use crate::error::{Fault, KmsError, Result};
use crate::ops::ram::params::Ranged;
use crate::params::{FromText, Kind, Param, Params};

/// The issuer, as it stands in its tokens: an `https` URL of at most 255 characters, without user, query and fragment.
#[derive(Clone, Debug)]
pub(super) struct IssuerUrl(pub(super) String);

impl Param for IssuerUrl {
    const KIND: Kind = Kind::Text;

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let text = params.get(name).unwrap_or_default();
        if text.chars().count() > limits::ISSUER_CHARS {
            return Err(KmsError::faulty(
                name,
                Fault::Length,
                format_args!("it may have {} characters", limits::ISSUER_CHARS),
            ));
        }
        if !is_issuer(text) {
            let right = "it must be an https URL without user, query and fragment";
            return Err(KmsError::faulty(name, Fault::Format, right));
        }
        Ok(Self(text.to_owned()))
    }
}

fn is_issuer(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://") else { return false };
    let plain = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@\\\"<>^`{|}".contains(&byte));
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = match authority.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_name = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_address = address.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    plain && (is_name || is_address) && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// An audience that tokens may have: 1 to 128 letters, digits and `. - _ : /`, the first a letter or a digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClientId(pub(super) String);

impl FromText for ClientId {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        let right = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:/".contains(&byte);
        if text.len() > limits::CLIENT_ID_CHARS
            || !text.starts_with(|c: char| c.is_ascii_alphanumeric())
            || !text.bytes().all(right)
        {
            return Err(
                "a client ID has 1 to 128 letters, digits and . - _ : /, and begins with a letter or a digit".into()
            );
        }
        Ok(Self(text.to_owned()))
    }
}

/// The digest of a certificate: 1 to 128 letters and digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint(pub(super) String);

impl FromText for Fingerprint {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        if text.is_empty()
            || text.len() > limits::CLIENT_ID_CHARS
            || !text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return Err("a fingerprint has 1 to 128 letters and digits, and no colons".into());
        }
        Ok(Self(text.to_owned()))
    }
}

/// Items joined by commas, each of them once.
#[derive(Clone, Debug)]
pub(super) struct Joined<T>(pub(super) Vec<T>);

impl<T> Default for Joined<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: FromText + PartialEq> FromText for Joined<T> {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        let mut items = Vec::new();
        for item in text.split(',') {
            let item = T::from_text(item.trim())?;
            if !items.contains(&item) {
                items.push(item);
            }
        }
        Ok(Self(items))
    }
}

/// The oldest token that is accepted, in hours since it was issued.
pub(super) type IssuanceHours = Ranged<{ limits::ISSUANCE_HOURS.0 }, { limits::ISSUANCE_HOURS.1 }>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_an_https_url() {
        for right in [
            "https://dev-1.okta.com",
            "https://token.actions.githubusercontent.com",
            "https://login.example:8443/realms/a_b/",
            "https://[::1]:443/x",
            "https://a.example/%7Ex",
        ] {
            assert!(is_issuer(right), "{right}");
        }
        for wrong in [
            "http://a.example",
            "https://",
            "https:///x",
            "https://:443",
            "https://a.example?x=1",
            "https://a.example/#x",
            "https://me@a.example",
            "https://a.example:0",
            "https://a.example:x",
            "https://a example",
            "https://[::x]",
            "a.example",
        ] {
            assert!(!is_issuer(wrong), "{wrong}");
        }
    }

    #[test]
    fn lists_have_each_item_once() {
        let ids = Joined::<ClientId>::from_text("a, b,a").unwrap();
        assert_eq!(ids.0, [ClientId("a".into()), ClientId("b".into())]);
        for wrong in ["a,", "a,,b", "-a", "a b", &"x".repeat(129)] {
            assert!(Joined::<ClientId>::from_text(wrong).is_err(), "{wrong}");
        }
        assert!(Joined::<Fingerprint>::from_text("ab:cd").is_err());
    }
}
