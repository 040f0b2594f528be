//! The identities of RAM: users, groups, roles, the policies that are attached to them, and OIDC providers
//! (access-control reference, 1.1, 1.2 and 1.9).

pub mod access_key;
pub mod limits;
mod login;
mod password_policy;
mod security_preference;

use std::fmt;
use std::str::FromStr;

use crate::{AccountId, Timestamp};

pub use login::LoginProfile;
pub use password_policy::{PasswordPolicy, WeakPassword};
pub use security_preference::SecurityPreference;

/// Why a text is no name of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// It is empty or too long.
    #[error("it has the wrong length")]
    Length,
    /// It has a character that the kind does not allow.
    #[error("it has a character that is not allowed")]
    Characters,
}

macro_rules! names {
    ($($(#[doc = $doc:literal])+ $name:ident: $limit:literal, $others:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The longest name, in characters.
            pub const LIMIT: usize = $limit;
            /// The characters that it may have besides letters and digits of ASCII.
            pub const OTHERS: &'static str = $others;

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                let allowed = |c: char| c.is_ascii_alphanumeric() || Self::OTHERS.contains(c);
                if text.is_empty() || text.chars().count() > Self::LIMIT {
                    return Err(InvalidName::Length);
                }
                if !text.chars().all(allowed) {
                    return Err(InvalidName::Characters);
                }
                Ok(Self(text.into()))
            }
        }

        crate::shown::shown!($name);
    )+};
}

names! {
    /// The name of a user, unique in its account.
    UserName: 64, "._-";
    /// The name of a group, unique in its account.
    GroupName: 64, ".-";
    /// The name of a role, unique in its account.
    RoleName: 64, ".-";
    /// The name of a policy, unique among the custom policies of its account, or among the system policies.
    PolicyName: 128, "-";
    /// The name of an OIDC provider, unique in its account.
    OidcProviderName: 128, "._-";
    /// The name of a session of a role; of more than one character.
    RoleSessionName: 64, ".@_-";
}

/// The id of a user, a role or a group: never used again, so that what refers to it cannot come to mean another one.
/// Users and roles have about 18 digits, groups `g-` and 16 letters and digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityId(Box<str>);

impl IdentityId {
    /// The id of a new user or role, out of eight random bytes: 18 digits, the first of them not 0.
    pub fn from_random(bytes: [u8; 8]) -> Self {
        let span = 900_000_000_000_000_000_u64;
        Self((100_000_000_000_000_000 + u64::from_be_bytes(bytes) % span).to_string().into())
    }

    /// The id of a new group; `random` holds 16 characters of `[0-9A-Za-z]`.
    pub fn of_group(random: &str) -> Self {
        Self(format!("g-{random}").into())
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdentityId {
    type Err = crate::InvalidId;

    fn from_str(text: &str) -> Result<Self, crate::InvalidId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let right = !text.is_empty() && text.len() <= 64 && text.bytes().all(allowed);
        if right { Ok(Self(text.into())) } else { Err(crate::InvalidId) }
    }
}

crate::shown::shown!(IdentityId);

/// A RAM user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: IdentityId,
    /// The account that it belongs to.
    pub account: AccountId,
    /// The name.
    pub name: UserName,
    /// The name that people read.
    pub display_name: String,
    /// The telephone number.
    pub mobile_phone: String,
    /// The address for mail.
    pub email: String,
    /// What it is for.
    pub comments: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A group of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The id.
    pub id: IdentityId,
    /// The account that it belongs to.
    pub account: AccountId,
    /// The name.
    pub name: GroupName,
    /// What it is for.
    pub comments: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A role: an identity that others assume for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The id.
    pub id: IdentityId,
    /// The account that it belongs to.
    pub account: AccountId,
    /// The name.
    pub name: RoleName,
    /// What it is for.
    pub description: String,
    /// Who may assume it: a policy document (`AssumeRolePolicyDocument`).
    pub trust_policy: String,
    /// The longest session, in seconds.
    pub max_session_seconds: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Role {
    /// The ARN, `acs:ram::<account>:role/<name>`.
    pub fn arn(&self) -> String {
        format!("acs:ram::{}:role/{}", self.account, self.name)
    }
}

/// A policy that an account made. Its documents are in its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The account that it belongs to.
    pub account: AccountId,
    /// The name.
    pub name: PolicyName,
    /// What it is for.
    pub description: String,
    /// The version that applies.
    pub default_version: PolicyVersionId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A version of a policy; its document never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// The id.
    pub id: PolicyVersionId,
    /// The document, as it was given.
    pub document: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The id of a version of a policy: `v1`, `v2`, and so on. A policy never uses one again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyVersionId(u32);

impl PolicyVersionId {
    /// The first version of every policy.
    pub const FIRST: Self = Self(1);

    /// The version of a number, from 1.
    pub fn from_number(number: i64) -> Option<Self> {
        u32::try_from(number).ok().filter(|number| *number > 0).map(Self)
    }

    /// The number, without the `v`.
    pub fn number(self) -> i64 {
        i64::from(self.0)
    }
}

impl FromStr for PolicyVersionId {
    type Err = crate::InvalidId;

    fn from_str(text: &str) -> Result<Self, crate::InvalidId> {
        let id = text.strip_prefix('v').and_then(|digits| digits.parse().ok()).and_then(Self::from_number);
        // One version has one id: not `v01`, not `v+1`.
        id.filter(|id| id.to_string() == text).ok_or(crate::InvalidId)
    }
}

impl fmt::Display for PolicyVersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl fmt::Debug for PolicyVersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who vouches for identities from outside: an issuer of OpenID Connect tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcProvider {
    /// The account that trusts it.
    pub account: AccountId,
    /// The name.
    pub name: OidcProviderName,
    /// What it is for.
    pub description: String,
    /// The issuer, an `https` URL, as it stands in the tokens.
    pub issuer_url: String,
    /// The audiences of which a token must have one.
    pub client_ids: Vec<String>,
    /// SHA-1 or SHA-256 of the certificates of the CA that the issuer's server is trusted by, as hex digits.
    pub fingerprints: Vec<String>,
    /// The oldest token that is accepted, in hours since it was issued.
    pub issuance_limit_hours: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl OidcProvider {
    /// The ARN, `acs:ram::<account>:oidc-provider/<name>`.
    pub fn arn(&self) -> String {
        format!("acs:ram::{}:oidc-provider/{}", self.account, self.name)
    }
}

macro_rules! words {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $word:literal])+ $variant:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[doc = $word])+ $variant),+ }

        impl $name {
            /// The word in the API and in the database.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl FromStr for $name {
            type Err = crate::InvalidId;

            fn from_str(text: &str) -> Result<Self, crate::InvalidId> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(crate::InvalidId),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    )+};
}

words! {
    /// Whose a policy is.
    PolicyType {
        /// It comes with the service and cannot be changed.
        System = "System",
        /// The account made it.
        Custom = "Custom",
    }
    /// What a policy is attached to.
    EntityType {
        /// A user.
        User = "user",
        /// A group of users.
        Group = "group",
        /// A role.
        Role = "role",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_characters_and_the_length_of_their_kind() {
        assert!("Alice_1.x-y".parse::<UserName>().is_ok());
        assert_eq!("a_b".parse::<GroupName>(), Err(InvalidName::Characters));
        assert_eq!("".parse::<RoleName>(), Err(InvalidName::Length));
        assert_eq!("x".repeat(65).parse::<UserName>(), Err(InvalidName::Length));
        assert!("x".repeat(128).parse::<PolicyName>().is_ok());
        assert_eq!("a.b".parse::<PolicyName>(), Err(InvalidName::Characters));
        assert!("me@host".parse::<RoleSessionName>().is_ok());
    }

    #[test]
    fn a_version_has_one_id() {
        assert_eq!("v12".parse(), Ok(PolicyVersionId(12)));
        assert_eq!(PolicyVersionId::FIRST.to_string(), "v1");
        for wrong in ["", "v", "v0", "v01", "v+1", "1", "V1", "v4294967296", "v-1"] {
            assert!(wrong.parse::<PolicyVersionId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn ids_of_users_have_eighteen_digits() {
        for bytes in [[0; 8], [255; 8], *b"sesame!!"] {
            let id = IdentityId::from_random(bytes);
            assert_eq!(id.as_str().len(), 18);
            assert!(id.as_str().bytes().all(|byte| byte.is_ascii_digit()));
            assert_eq!(id.as_str().parse::<IdentityId>().as_ref(), Ok(&id));
        }
        assert!("".parse::<IdentityId>().is_err());
    }
}
