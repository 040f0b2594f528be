//! Connectors: how the credentials of secrets are changed on the systems that they open.
//!
//! | kind | set | proved by |
//! |---|---|---|
//! | [`Kind::Postgres`] | `CREATE ROLE`, `ALTER ROLE … PASSWORD` with a SCRAM verifier | logging in |
//! | [`Kind::MySql`] (MariaDB too) | `CREATE USER`, `ALTER USER … IDENTIFIED …` with a hash | logging in |
//! | [`Kind::Redis`] | `ACL SETUSER` with a hash, and saving | `AUTH` |
//! | [`Kind::Ssh`] | `chpasswd`, or a line of `authorized_keys` | logging in |
//!
//! Generic secrets are rotated by others, whom [`Webhooks`] ask.
//!
//! A password goes to a system as what the system keeps of it, wherever the system takes that, and otherwise in the
//! place that its protocol has for it; never on a command line. No error repeats it: errors are made of words of our
//! own and of the code that the system answered.

mod aside;
mod instance;
mod mysql;
mod postgres;
mod redis;
mod ssh;
mod tls;
mod webhook;

pub use instance::{Instance, Kind, Tls};
pub use webhook::{Webhook, Webhooks};

use std::collections::BTreeMap;

use sesame_crypto::secret::SecretText;
use sesame_domain::secret::{SecretName, SecretType};
use sesame_service::connector::{Change, Connector, Credential, Login, Outcome};
use sesame_service::rotator::{FailureReason, RotationFailure, RotationTarget};

type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The systems that the operator has described, by the id of the instance.
#[derive(Debug, Default)]
pub struct Systems(BTreeMap<String, Instance>);

impl Systems {
    /// From the configuration.
    pub fn new(instances: BTreeMap<String, Instance>) -> Self {
        Self(instances)
    }

    /// The instance of a target: of its id, of a kind that suits its type, and of its account.
    fn of(&self, target: &RotationTarget) -> Option<&Instance> {
        let instance = self.0.get(target.config.target())?;
        let suits = match (target.kind, instance.kind) {
            (SecretType::Rds, Kind::Postgres | Kind::MySql)
            | (SecretType::Redis, Kind::Redis)
            | (SecretType::Ecs, Kind::Ssh) => true,
            (SecretType::PolarDb, Kind::Postgres) => target.config.text("DBType") == Some("PostgreSQL"),
            (SecretType::PolarDb, Kind::MySql) => target.config.text("DBType") == Some("MySQL"),
            _ => false,
        };
        (suits && instance.account == target.account).then_some(instance)
    }

    fn found(&self, target: &RotationTarget) -> Outcome<&Instance> {
        let unknown = "this server is not configured to reach the instance";
        self.of(target).ok_or_else(|| RotationFailure::new(FailureReason::NotConfigured, unknown))
    }
}

impl Connector for Systems {
    fn reaches(&self, target: &RotationTarget) -> bool {
        self.of(target).is_some()
    }

    fn administrator(&self, target: &RotationTarget) -> Option<SecretName> {
        self.of(target)?.administrator.clone()
    }

    fn make<'a>(&'a self, _: &'a RotationTarget, current: &'a Login) -> BoxFuture<'a, Outcome<Login>> {
        Box::pin(async move { Ok(Login { name: current.name.clone(), credential: ssh::key_pair().await? }) })
    }

    fn set<'a>(&'a self, target: &'a RotationTarget, change: &'a Change<'a>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let instance = self.found(target)?;
            let name = &change.login.name;
            if !instance.accounts.is_empty() && !instance.accounts.contains(name) {
                return Err(account("the account is not among those that the configuration names for the instance"));
            }
            let formless = || administrator_failure("the administrator's secret holds no login");
            let administrator = change.administrator.map(|value| Login::parse(value).ok_or_else(formless));
            let administrator = administrator.transpose()?;
            // A secret of the instance must not become a way to be its administrator.
            if administrator.as_ref().is_some_and(|administrator| administrator.name == *name) {
                return Err(account("the account is the administrator's own"));
            }
            let none = || administrator_failure("the instance is configured without an administrator");
            let needed = || administrator.as_ref().ok_or_else(none);
            match instance.kind {
                Kind::Postgres => postgres::set(instance, needed()?, change).await,
                Kind::MySql => mysql::set(instance, needed()?, target, change).await,
                Kind::Redis => redis::set(instance, needed()?, target, change).await,
                Kind::Ssh => ssh::set(instance, administrator.as_ref(), change).await,
            }
        })
    }

    fn prove<'a>(&'a self, target: &'a RotationTarget, login: &'a Login) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let instance = self.found(target)?;
            match instance.kind {
                Kind::Postgres => postgres::prove(instance, login).await,
                Kind::MySql => mysql::prove(instance, login).await,
                Kind::Redis => redis::prove(instance, login).await,
                Kind::Ssh => ssh::prove(instance, login).await,
            }
        })
    }
}

/// As who a system is logged in to.
#[derive(Clone, Copy)]
enum As {
    Administrator,
    /// With the credential that is to be proved.
    New,
    /// With the credential that the secret holds, to change it.
    Current,
    /// Not at all: a webhook is asked.
    Webhook,
}

impl As {
    fn doing(self) -> &'static str {
        match self {
            Self::Administrator => "logging in as the administrator",
            Self::New => "logging in with the credential",
            Self::Current => "logging in with the current credential",
            Self::Webhook => "asking the webhook",
        }
    }

    /// A login that the system refused.
    fn refused(self, how: impl std::fmt::Display) -> RotationFailure {
        let reason = match self {
            Self::Administrator | Self::Current => FailureReason::Administrator,
            Self::New => FailureReason::Login,
            Self::Webhook => FailureReason::Refused,
        };
        RotationFailure::new(reason, format!("{}: {how}", self.doing()))
    }

    /// A system that does not answer as it should.
    fn unreachable(self, how: impl std::fmt::Display) -> RotationFailure {
        RotationFailure::new(FailureReason::Unreachable, format!("{}: {how}", self.doing()))
    }

    /// Logs in to an SQL server.
    async fn log_in<C: sqlx::Connection + 'static>(self, options: <C as sqlx::Connection>::Options) -> Outcome<C> {
        let connected = aside::run(async move { C::connect_with(&options).await }).await;
        connected.ok_or_else(|| self.unreachable("the client broke off"))?.map_err(|error| self.sql_failure(&error))
    }

    fn sql_failure(self, error: &sqlx::Error) -> RotationFailure {
        match error {
            sqlx::Error::Database(_) => self.refused(sql_words(error)),
            _ => self.unreachable(sql_words(error)),
        }
    }
}

/// The account is not for secrets to change.
fn account(text: &str) -> RotationFailure {
    RotationFailure::new(FailureReason::Account, text)
}

fn administrator_failure(text: &str) -> RotationFailure {
    RotationFailure::new(FailureReason::Administrator, text)
}

/// The system did not take the change.
fn refused(text: impl Into<String>) -> RotationFailure {
    RotationFailure::new(FailureReason::Refused, text)
}

fn password(login: &Login) -> Outcome<&SecretText> {
    match &login.credential {
        Credential::Password(password) => Ok(password),
        Credential::KeyPair { .. } | Credential::AccessKey(_) => {
            Err(RotationFailure::new(FailureReason::Secret, "a password is needed, and the login has a key"))
        }
    }
}

/// Refuses what no system takes in a name or a password, and what would end a line or a statement early.
fn plain(text: &str) -> Outcome<&str> {
    let problem = "a name or a password has control characters";
    if text.chars().any(char::is_control) {
        Err(RotationFailure::new(FailureReason::Secret, problem))
    } else {
        Ok(text)
    }
}

/// A text between quotation marks of SQL, those inside doubled. It is safe where a backslash has no meaning, which each
/// session makes sure of first.
fn quoted(text: &str, mark: char) -> Outcome<String> {
    let text = plain(text)?;
    let mut out = String::with_capacity(text.len() * 2 + 2);
    out.push(mark);
    for character in text.chars() {
        if character == mark {
            out.push(mark);
        }
        out.push(character);
    }
    out.push(mark);
    Ok(out)
}

/// What an SQL server answered, in words that hold nothing of the statement.
fn sql_words(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(database) => {
            format!("the server answered {}", database.code().as_deref().unwrap_or("an error without a code"))
        }
        sqlx::Error::Io(io) => io.kind().to_string(),
        sqlx::Error::Tls(_) => "TLS failed".to_owned(),
        sqlx::Error::Protocol(_) => "the server does not speak the protocol that was expected".to_owned(),
        _ => "the connection failed".to_owned(),
    }
}

/// What is wrong with a statement of the administrator.
fn sql_refused(doing: &str, error: &sqlx::Error) -> RotationFailure {
    let reason = match error {
        sqlx::Error::Database(_) => FailureReason::Refused,
        _ => FailureReason::Unreachable,
    };
    RotationFailure::new(reason, format!("{doing}: {}", sql_words(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_texts_end_where_they_should() {
        assert_eq!(quoted("a", '\'').unwrap(), "'a'");
        assert_eq!(quoted("'; DROP TABLE x; --", '\'').unwrap(), "'''; DROP TABLE x; --'");
        assert_eq!(quoted("a\"b'c\\", '"').unwrap(), "\"a\"\"b'c\\\"");
        assert!(quoted("a\0b", '"').is_err());
        assert!(quoted("a\nb", '\'').is_err());
    }
}
