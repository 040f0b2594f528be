//! Principals: who calls, and whom a key, secret or trust policy names.

use std::fmt;

/// Who makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller<'a> {
    /// The account itself.
    Root {
        /// The account.
        account: &'a str,
    },
    /// A RAM user.
    User {
        /// Its account.
        account: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// A session of a RAM role.
    Session {
        /// The account of the role.
        account: &'a str,
        /// The name of the role.
        role: &'a str,
        /// The name of the session.
        session: &'a str,
    },
    /// A service that assumes a role.
    Service {
        /// Its name, `ecs.aliyuncs.com`.
        name: &'a str,
    },
    /// Someone whom an identity provider vouches for.
    Federated {
        /// The ARN of the provider.
        provider: &'a str,
    },
}

impl Caller<'_> {
    /// The account of the caller; none for services and federated identities.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Root { account } | Self::User { account, .. } | Self::Session { account, .. } => Some(account),
            Self::Service { .. } | Self::Federated { .. } => None,
        }
    }
}

/// The ARN of a RAM identity; the name of anything else.
impl fmt::Display for Caller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root { account } => write!(f, "acs:ram::{account}:root"),
            Self::User { account, name } => write!(f, "acs:ram::{account}:user/{name}"),
            Self::Session { account, role, session } => write!(f, "acs:ram::{account}:role/{role}/{session}"),
            Self::Service { name } => f.write_str(name),
            Self::Federated { provider } => f.write_str(provider),
        }
    }
}

/// An entry of `Principal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PrincipalPattern {
    /// `…:root` or `…:*`: everyone in the account.
    Account(Box<str>),
    User {
        account: Box<str>,
        name: Box<str>,
    },
    /// A role: all of its sessions, or one.
    Role {
        account: Box<str>,
        role: Box<str>,
        session: Option<Box<str>>,
    },
    Service(Box<str>),
    Federated(Box<str>),
}

/// How an entry names a caller; the later, the closer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Naming {
    No,
    Account,
    Identity,
}

impl PrincipalPattern {
    /// Reads an entry of kind `RAM`.
    pub(crate) fn parse_ram(text: &str) -> Result<Self, &'static str> {
        const RIGHT: &str = "write `acs:ram::<account>:root`, `acs:ram::<account>:*`, `acs:ram::<account>:user/<name>` \
            or `acs:ram::<account>:role/<name>`";
        let rest = text.strip_prefix("acs:ram::").or_else(|| text.strip_prefix("acs:ram:*:")).ok_or(RIGHT)?;
        let (account, name) = rest.split_once(':').ok_or(RIGHT)?;
        if account.is_empty() || account.len() > 32 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(RIGHT);
        }
        if matches!(name, "root" | "*") {
            return Ok(Self::Account(account.into()));
        }
        if name.contains(['*', '?']) {
            return Err("names of users and roles take no wildcards; name each of them, or the account as a whole");
        }
        let good =
            |name: &str| !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-@".contains(&c));
        match name.split_once('/') {
            Some(("user", name)) if good(name) => Ok(Self::User { account: account.into(), name: name.into() }),
            Some(("role", name)) => {
                let (role, session) = name.split_once('/').map_or((name, None), |(role, name)| (role, Some(name)));
                if good(role) && session.is_none_or(good) {
                    Ok(Self::Role { account: account.into(), role: role.into(), session: session.map(Into::into) })
                } else {
                    Err(RIGHT)
                }
            }
            _ => Err(RIGHT),
        }
    }

    /// How this entry names the caller.
    pub(crate) fn names(&self, caller: &Caller<'_>) -> Naming {
        let found = match (self, caller) {
            (Self::Account(of), _) => {
                return if caller.account() == Some(of) { Naming::Account } else { Naming::No };
            }
            (Self::User { account: of, name: named }, Caller::User { account, name }) => {
                **of == **account && **named == **name
            }
            (Self::Role { account: of, role: named, session: one }, Caller::Session { account, role, session }) => {
                **of == **account && **named == **role && one.as_ref().is_none_or(|one| **one == **session)
            }
            (Self::Service(named), Caller::Service { name }) => **named == **name,
            (Self::Federated(named), Caller::Federated { provider }) => **named == **provider,
            _ => false,
        };
        if found { Naming::Identity } else { Naming::No }
    }
}
