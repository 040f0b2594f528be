use std::collections::BTreeSet;
use std::fmt;

use sesame_domain::AccountId;
use sesame_domain::secret::SecretName;

/// What an instance speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// PostgreSQL 10 or later.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    /// Redis 6 or later, with its users.
    Redis,
    /// A host with SSH.
    Ssh,
}

/// Whether the connection is encrypted.
#[derive(Clone, PartialEq, Eq)]
pub enum Tls {
    /// TLS with a server whose certificate this CA, in PEM form, vouches for.
    Verify(Vec<u8>),
    /// None. Passwords travel in clear.
    Off,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verify(_) => "Verify",
            Self::Off => "Off",
        })
    }
}

/// A system that the operator has described.
#[derive(Debug)]
pub struct Instance {
    /// The account whose secrets may hold credentials of it.
    pub account: AccountId,
    /// What it speaks.
    pub kind: Kind,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is encrypted; SSH always is.
    pub tls: Tls,
    /// The secret, of the same account, that holds the administrator's login; without one, a user of a host changes
    /// its own key.
    pub administrator: Option<SecretName>,
    /// The only accounts that secrets may change; all but administrators when it is empty.
    pub accounts: BTreeSet<String>,
    /// The database that logins are proved with; PostgreSQL needs one.
    pub database: String,
    /// The host keys of an SSH server, as in `known_hosts` without names: `ssh-ed25519 AAAA…`.
    pub host_keys: Vec<String>,
    /// The file with the public keys of a user, from its home folder.
    pub authorized_keys: String,
    /// Whether the administrator of a host goes through `sudo`.
    pub sudo: bool,
}
