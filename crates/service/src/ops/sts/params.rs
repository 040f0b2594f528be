//! Parameters of STS. A wrong one has a code of its own, so what is read may be nothing, and `validate` says so.

use std::borrow::Cow;

use sesame_domain::AccountId;
use sesame_domain::ram::{OidcProviderName, RoleName, RoleSessionName};
use sesame_policy::Document;

use crate::error::{Code, KmsError, Result};
use crate::params::{FromText, Kind};

/// The shortest session, in seconds.
pub(super) const SHORTEST_SECONDS: u32 = 900;
/// The longest session that any role can allow, in seconds.
const LONGEST_SECONDS: u32 = 43_200;
/// The longest session policy, in bytes.
const POLICY_BYTES: usize = 2_048;

/// A parameter that was sent; right or not.
#[derive(Debug)]
pub(super) struct Sent<T>(Option<T>);

/// What a [`Sent`] parameter must be.
pub(super) trait Rule: Sized {
    const KIND: Kind = Kind::Text;
    /// The refusal of what it must not be.
    const CODE: Code;

    fn read(text: &str) -> Option<Self>;
}

impl<T: Rule> FromText for Sent<T> {
    const KIND: Kind = T::KIND;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        Ok(Self(T::read(text)))
    }
}

impl<T: Rule> Sent<T> {
    /// The value.
    ///
    /// # Errors
    /// The code of the parameter when it is not what it must be.
    pub(super) fn get(&self) -> Result<&T> {
        self.0.as_ref().ok_or_else(|| T::CODE.into())
    }

    /// The value, or nothing when it is not what it must be.
    pub(super) fn right(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

/// `acs:ram::<account>:role/<name>`.
#[derive(Debug)]
pub(super) struct RoleArn {
    pub(super) account: AccountId,
    pub(super) name: RoleName,
}

/// `acs:ram::<account>:oidc-provider/<name>`.
#[derive(Debug)]
pub(super) struct OidcProviderArn {
    pub(super) account: AccountId,
    pub(super) name: OidcProviderName,
}

fn arn<'a>(text: &'a str, kind: &str) -> Option<(AccountId, &'a str)> {
    // RAM has no regions; some tools write a star for it.
    let rest = text.strip_prefix("acs:ram::").or_else(|| text.strip_prefix("acs:ram:*:"))?;
    let (account, name) = rest.split_once(':')?;
    Some((account.parse().ok()?, name.strip_prefix(kind)?.strip_prefix('/')?))
}

impl Rule for RoleArn {
    const CODE: Code = Code::InvalidRoleArn;

    fn read(text: &str) -> Option<Self> {
        let (account, name) = arn(text, "role")?;
        Some(Self { account, name: name.parse().ok()? })
    }
}

impl Rule for OidcProviderArn {
    const CODE: Code = Code::InvalidOidcProviderArn;

    fn read(text: &str) -> Option<Self> {
        let (account, name) = arn(text, "oidc-provider")?;
        Some(Self { account, name: name.parse().ok()? })
    }
}

/// Two characters at least.
impl Rule for RoleSessionName {
    const CODE: Code = Code::InvalidRoleSessionName;

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|_| text.len() >= 2)
    }
}

/// Seconds of a session: 900 to what any role can allow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seconds(pub(super) u32);

impl Rule for Seconds {
    const KIND: Kind = Kind::Integer;
    const CODE: Code = Code::InvalidDurationSeconds;

    fn read(text: &str) -> Option<Self> {
        let seconds = u32::from_text(text).ok()?;
        (SHORTEST_SECONDS..=LONGEST_SECONDS).contains(&seconds).then_some(Self(seconds))
    }
}

/// 2 to 1,224 of letters, digits and `_ + = , . @ : / -`.
#[derive(Debug)]
pub(super) struct ExternalId(pub(super) String);

impl Rule for ExternalId {
    const CODE: Code = Code::InvalidExternalId;

    fn read(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte);
        ((2..=1_224).contains(&text.len()) && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }
}

/// 2 to 64 of letters, digits and `_ = , . @ -`; no page that was found says it, the neighbours have it so.
#[derive(Debug)]
pub(super) struct SourceIdentity(pub(super) String);

impl Rule for SourceIdentity {
    const CODE: Code = Code::InvalidSourceIdentity;

    fn read(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_=,.@-".contains(&byte);
        ((2..=64).contains(&text.len()) && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }
}

/// A session policy as sent; looked at by [`SessionPolicy::check`].
#[derive(Debug)]
pub(super) struct SessionPolicy(pub(super) String);

impl FromText for SessionPolicy {
    const KIND: Kind = Kind::Json;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        Ok(Self(text.to_owned()))
    }
}

impl SessionPolicy {
    /// Refuses what is no session policy.
    ///
    /// # Errors
    /// `InvalidParameter.PolicySize` and `InvalidParameter.PolicyGrammar`.
    pub(super) fn check(&self) -> Result<()> {
        if self.0.len() > POLICY_BYTES {
            return Err(Code::InvalidPolicySize.into());
        }
        let parsed = Document::parse(sesame_policy::Kind::Session, &self.0);
        parsed.map(|_| ()).map_err(|malformed| {
            let code = Code::InvalidPolicyGrammar;
            KmsError::new(code, format!("{} {malformed}.", code.message()))
        })
    }
}

/// Checks a parameter that need not be sent.
///
/// # Errors
/// The code of the parameter.
pub(super) fn check<T: Rule>(sent: Option<&Sent<T>>) -> Result<()> {
    sent.map_or(Ok(()), |sent| sent.get().map(|_| ()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_name_an_account_and_a_role_or_a_provider() {
        let role = RoleArn::read("acs:ram::1234567890123456:role/app.x").unwrap();
        assert_eq!((role.account.as_str(), role.name.as_str()), ("1234567890123456", "app.x"));
        assert!(RoleArn::read("acs:ram:*:1234567890123456:role/app").is_some());
        for wrong in [
            "",
            "app",
            "acs:ram::1234567890123456:user/app",
            "acs:ram::1234567890123456:role/",
            "acs:ram::1234567890123456:role/a/b",
            "acs:ram::123:role/app",
            "acs:kms::1234567890123456:role/app",
        ] {
            assert!(RoleArn::read(wrong).is_none(), "{wrong}");
        }
        assert!(OidcProviderArn::read("acs:ram::1234567890123456:oidc-provider/k8s").is_some());
        assert!(OidcProviderArn::read("acs:ram::1234567890123456:role/k8s").is_none());
    }

    #[test]
    fn lengths_and_characters_are_held_to() {
        assert!(RoleSessionName::read("ab").is_some() && RoleSessionName::read("a").is_none());
        assert!(ExternalId::read("a:b/c+d=e,f.g@h-i_j").is_some());
        assert!(ExternalId::read("a").is_none() && ExternalId::read("a b").is_none());
        assert!(ExternalId::read(&"x".repeat(1_225)).is_none());
        assert!(SourceIdentity::read("Alice").is_some() && SourceIdentity::read("a\nb").is_none());
        for (seconds, right) in [("899", false), ("900", true), ("43200", true), ("43201", false), ("x", false)] {
            assert_eq!(Seconds::read(seconds).is_some(), right, "{seconds}");
        }
    }
}
