//! What a write changed, so that caches know what to forget.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sesame_domain::secret::SecretName;
use sesame_domain::{AccountId, AliasName, KeyId};

/// One thing that a committed write changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Change {
    /// A key, its versions, its policy or its tags.
    Key(KeyId),
    /// What an alias stands for.
    Alias(AccountId, AliasName),
    /// An access key.
    AccessKey(String),
    /// Which keys an account has, or a property that a list of keys can be filtered by.
    KeyList(AccountId),
    /// A secret, its versions, its labels, its policy or its tags.
    Secret(AccountId, SecretName),
    /// Which secrets an account has, or a property that a list of secrets shows or can be filtered by.
    SecretList(AccountId),
    /// The users, groups, roles and policies of an account, or who of them has what.
    Identities(AccountId),
    /// Whether an account may be used.
    Account(AccountId),
    /// Anything: this node cannot know what it missed, or another node speaks of a change that this one does not know.
    Everything,
}

/// Called with what was committed.
pub type Listener = Arc<dyn Fn(&[Change]) + Send + Sync>;

/// The listeners of a store.
#[derive(Default)]
pub(crate) struct Listeners(parking_lot::RwLock<Vec<Listener>>);

impl Listeners {
    pub(crate) fn add(&self, listener: Listener) {
        self.0.write().push(listener);
    }

    pub(crate) fn tell(&self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        for listener in &*self.0.read() {
            // A listener that panics may not end the task that commits.
            if catch_unwind(AssertUnwindSafe(|| listener(changes))).is_err() {
                tracing::error!("a listener of changes panicked");
            }
        }
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Listeners({})", self.0.read().len())
    }
}

impl Change {
    /// Kind, first and second name: the form of the table `changes`.
    pub(crate) fn to_row(&self) -> (&'static str, &str, &str) {
        match self {
            Self::Key(id) => ("key", id.as_str(), ""),
            Self::Alias(account, name) => ("alias", account.as_str(), name.as_str()),
            Self::AccessKey(id) => ("access_key", id, ""),
            Self::KeyList(account) => ("key_list", account.as_str(), ""),
            Self::Secret(account, name) => ("secret", account.as_str(), name.as_str()),
            Self::SecretList(account) => ("secret_list", account.as_str(), ""),
            Self::Identities(account) => ("identities", account.as_str(), ""),
            Self::Account(account) => ("account", account.as_str(), ""),
            Self::Everything => ("everything", "", ""),
        }
    }

    /// A row that this version of Sesame does not know means that anything may have changed.
    pub(crate) fn from_row(kind: &str, first: &str, second: &str) -> Self {
        let known = match kind {
            "key" => first.parse().ok().map(Self::Key),
            "alias" => first.parse().ok().zip(second.parse().ok()).map(|(account, name)| Self::Alias(account, name)),
            "access_key" => Some(Self::AccessKey(first.to_owned())),
            "key_list" => first.parse().ok().map(Self::KeyList),
            "secret" => first.parse().ok().zip(second.parse().ok()).map(|(account, name)| Self::Secret(account, name)),
            "secret_list" => first.parse().ok().map(Self::SecretList),
            "identities" => first.parse().ok().map(Self::Identities),
            "account" => first.parse().ok().map(Self::Account),
            _ => None,
        };
        known.unwrap_or(Self::Everything)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_survives_its_row() {
        let account: AccountId = "1234567890123456".parse().unwrap();
        let changes = [
            Change::Key("key-hzz0123456789abcdefgh".parse().unwrap()),
            Change::Alias(account.clone(), "alias/app".parse().unwrap()),
            Change::AccessKey("LTAI".into()),
            Change::KeyList(account.clone()),
            Change::Secret(account.clone(), "a/b".parse().unwrap()),
            Change::SecretList(account.clone()),
            Change::Identities(account.clone()),
            Change::Account(account),
            Change::Everything,
        ];
        for change in changes {
            let (kind, first, second) = change.to_row();
            assert_eq!(Change::from_row(kind, first, second), change);
        }
        assert_eq!(Change::from_row("of a later version", "x", ""), Change::Everything);
    }
}
