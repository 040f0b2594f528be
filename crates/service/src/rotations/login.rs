//! Logins as values of secrets.

use std::borrow::Cow;

use serde::Deserialize;
use sesame_crypto::secret::SecretText;
use sesame_domain::Timestamp;
use sesame_domain::secret::{access_key_value, account_value, key_login_value, password_login_value};

use crate::connector::{Credential, Login};
use crate::error::{KmsError, Result};

/// Every member that a login of some type has.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Members<'a> {
    #[serde(borrow, alias = "AccountName", alias = "AccessKeyId")]
    user_name: Cow<'a, str>,
    #[serde(borrow, alias = "AccountPassword", default)]
    password: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    public_key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    private_key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    access_key_secret: Option<Cow<'a, str>>,
}

impl Login {
    /// Reads a value of a managed secret, or of a secret that holds an administrator's credential: a JSON object with
    /// `AccountName`, `UserName` or `AccessKeyId`, and `AccountPassword`, `Password`, `PrivateKey` or
    /// `AccessKeySecret`. `None` for anything else.
    pub fn parse(value: &SecretText) -> Option<Self> {
        // EXPOSE: what is secret in it goes into a type that wipes it.
        let members: Members<'_> = serde_json::from_str(value.expose()).ok()?;
        let secret = |text: Cow<'_, str>| SecretText::new(text.into_owned());
        let (password, private) = (members.password.map(secret), members.private_key.map(secret));
        let credential = match (password, private, members.access_key_secret.map(secret)) {
            (Some(password), None, None) => Credential::Password(password),
            (None, Some(private), None) => {
                Credential::KeyPair { public: members.public_key.unwrap_or_default().into_owned(), private }
            }
            (None, None, Some(access_key)) => Credential::AccessKey(access_key),
            _ => return None,
        };
        Some(Self { name: members.user_name.into_owned(), credential })
    }

    /// The value in the form of its type: an account of a database, or a user of a host.
    pub(super) fn to_value(&self, of_host: bool, now: Timestamp) -> Result<SecretText> {
        let value = match &self.credential {
            Credential::Password(password) if of_host => password_login_value(&self.name, password),
            Credential::Password(password) => account_value(&self.name, password),
            Credential::KeyPair { public, private } => key_login_value(&self.name, public, private),
            Credential::AccessKey(secret) => access_key_value(&self.name, secret, now),
        };
        value.map_err(KmsError::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_read_from_what_it_is_written_to() {
        let password = || Credential::Password(SecretText::new("p\"w\\".to_owned()));
        let pair = Credential::KeyPair { public: "ssh-rsa A".into(), private: SecretText::new("-----\nB".to_owned()) };
        let access_key = Credential::AccessKey(SecretText::new("s".to_owned()));
        let now = Timestamp::from_seconds(0);
        for (credential, of_host) in [(password(), true), (password(), false), (pair, true), (access_key, false)] {
            let login = Login { name: "app".into(), credential };
            let value = login.to_value(of_host, now).unwrap();
            let read = Login::parse(&value).unwrap();
            assert_eq!(read.to_value(of_host, now).unwrap(), value);
        }
        for other in ["", "[]", "{}", r#"{"AccountName":"x"}"#, r#"{"AccountPassword":"x"}"#] {
            assert!(Login::parse(&SecretText::new(other.to_owned())).is_none(), "{other}");
        }
    }
}
