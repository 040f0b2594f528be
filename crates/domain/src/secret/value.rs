//! The values of new secrets: what a caller sends, and what is stored as one value per version (secrets reference, 6).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sesame_crypto::error::CryptoError;
use sesame_crypto::random::Random;
use sesame_crypto::secret::{SecretBytes, SecretText};

use super::password::{PasswordRules, random_password};
use super::{ManagedConfig, SecretType};
use crate::Timestamp;

/// Why a value is not the first one of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSecretData {
    /// The form; says what it must be, never what it was.
    #[error("it must be {0}")]
    Form(&'static str),
    /// No randomness for a password.
    #[error("no randomness")]
    Crypto(#[from] CryptoError),
}

/// The values of a new secret.
#[derive(Debug)]
pub struct NewValues {
    /// The value of the version that the caller names, which becomes the current one.
    pub current: SecretText,
    /// The value of a second version, which becomes the previous one: of the second account or key.
    pub previous: Option<SecretText>,
    /// Whether the service chose the values, so that accounts with them have to be made first.
    pub made_here: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Accounts<'a> {
    #[serde(borrow)]
    accounts: Vec<Account<'a>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Account<'a> {
    #[serde(borrow)]
    account_name: Cow<'a, str>,
    #[serde(borrow)]
    account_password: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AccessKeys<'a> {
    #[serde(borrow)]
    access_keys: Vec<AccessKey<'a>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccessKey<'a> {
    #[serde(borrow)]
    access_key_id: Cow<'a, str>,
    #[serde(borrow)]
    access_key_secret: Cow<'a, str>,
    #[serde(skip_deserializing)]
    generate_timestamp: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PasswordLogin<'a> {
    #[serde(borrow)]
    user_name: Cow<'a, str>,
    #[serde(borrow)]
    password: Cow<'a, str>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyLogin<'a> {
    #[serde(borrow)]
    user_name: Cow<'a, str>,
    #[serde(borrow)]
    public_key: Cow<'a, str>,
    #[serde(borrow)]
    private_key: Cow<'a, str>,
}

/// Wipes what the parser had to copy because of an escape.
macro_rules! wiped {
    ($($name:ident: $($field:ident),+;)+) => {$(
        impl Drop for $name<'_> {
            fn drop(&mut self) {
                $(if let Cow::Owned(text) = std::mem::take(&mut self.$field) {
                    drop(SecretText::new(text));
                })+
            }
        }
    )+};
}

wiped! {
    Account: account_password;
    AccessKey: access_key_secret;
    PasswordLogin: password;
    KeyLogin: private_key;
}

const AUTO: &str = "$Auto";

/// Reads the value that CreateSecret was given. `config` is that of a managed secret.
///
/// # Errors
/// [`InvalidSecretData`].
pub fn initial_values(
    kind: SecretType,
    config: &ManagedConfig,
    data: SecretText,
    now: Timestamp,
    random: &dyn Random,
) -> Result<NewValues, InvalidSecretData> {
    // EXPOSE: read here, and written anew in the form of the answers.
    let text = data.expose();
    match kind {
        SecretType::Generic => Ok(NewValues { current: data, previous: None, made_here: false }),
        SecretType::Rds => {
            const FORM: &str =
                r#"{"Accounts":[{"AccountName":"…","AccountPassword":"…"}]}, with one account, or two for DoubleUsers"#;
            let accounts: Accounts<'_> = read(text, FORM)?;
            let most = if config.sub_type() == "SingleUser" { 1 } else { 2 };
            let full = |account: &Account<'_>| !account.account_name.is_empty() && !account.account_password.is_empty();
            let right = accounts.accounts.iter().all(full)
                && match accounts.accounts.as_slice() {
                    [one, two] => one.account_name != two.account_name,
                    _ => true,
                };
            if accounts.accounts.len() > most || !right {
                return Err(InvalidSecretData::Form(FORM));
            }
            one_or_two(&accounts.accounts, FORM)
        }
        SecretType::RamCredentials => {
            const FORM: &str =
                r#"{"AccessKeys":[{"AccessKeyId":"…","AccessKeySecret":"…"}]} with one or two access keys"#;
            let mut keys: AccessKeys<'_> = read(text, FORM)?;
            for key in &mut keys.access_keys {
                if key.access_key_id.is_empty() || key.access_key_secret.is_empty() {
                    return Err(InvalidSecretData::Form(FORM));
                }
                key.generate_timestamp = now.to_string();
            }
            one_or_two(&keys.access_keys, FORM)
        }
        SecretType::Ecs if config.sub_type() == "SSHKey" => {
            const FORM: &str = r#"{"UserName":"…","PublicKey":"…","PrivateKey":"…"}"#;
            let login: KeyLogin<'_> = read(text, FORM)?;
            if login.user_name.is_empty() || login.private_key.is_empty() || login.public_key.is_empty() {
                return Err(InvalidSecretData::Form(FORM));
            }
            one_or_two(std::slice::from_ref(&login), FORM)
        }
        SecretType::Ecs => {
            const FORM: &str = r#"{"UserName":"…","Password":"…"}"#;
            let login: PasswordLogin<'_> = read(text, FORM)?;
            if login.user_name.is_empty() || login.password.is_empty() {
                return Err(InvalidSecretData::Form(FORM));
            }
            one_or_two(std::slice::from_ref(&login), FORM)
        }
        SecretType::Redis | SecretType::PolarDb => {
            let (Some((account, clone)), true) = (config.accounts(), text == AUTO) else {
                return Err(InvalidSecretData::Form(AUTO));
            };
            // Both accounts begin with the same password.
            let rules = PasswordRules { exclude_punctuation: true, require_each: true, ..PasswordRules::default() };
            let password = random_password(&rules, random)?;
            let value = |name: &str| {
                // EXPOSE: written into the value of its account.
                let password = Cow::Borrowed(password.expose());
                written(&Account { account_name: Cow::Borrowed(name), account_password: password })
            };
            Ok(NewValues { current: value(account)?, previous: Some(value(clone)?), made_here: true })
        }
    }
}

/// The value of an account of a database.
///
/// # Errors
/// Only when the text cannot be written, which does not happen.
pub fn account_value(name: &str, password: &SecretText) -> Result<SecretText, InvalidSecretData> {
    // EXPOSE: written into the value.
    written(&Account { account_name: Cow::Borrowed(name), account_password: Cow::Borrowed(password.expose()) })
}

/// The value of a user of a host who logs in with a password.
///
/// # Errors
/// As [`account_value`].
pub fn password_login_value(name: &str, password: &SecretText) -> Result<SecretText, InvalidSecretData> {
    // EXPOSE: written into the value.
    written(&PasswordLogin { user_name: Cow::Borrowed(name), password: Cow::Borrowed(password.expose()) })
}

/// The value of a user of a host who logs in with an SSH key.
///
/// # Errors
/// As [`account_value`].
pub fn key_login_value(name: &str, public: &str, private: &SecretText) -> Result<SecretText, InvalidSecretData> {
    // EXPOSE: written into the value.
    let private_key = Cow::Borrowed(private.expose());
    written(&KeyLogin { user_name: Cow::Borrowed(name), public_key: Cow::Borrowed(public), private_key })
}

/// The value of an access key that was made at a time.
///
/// # Errors
/// As [`account_value`].
pub fn access_key_value(id: &str, secret: &SecretText, made_at: Timestamp) -> Result<SecretText, InvalidSecretData> {
    // EXPOSE: written into the value.
    let access_key_secret = Cow::Borrowed(secret.expose());
    let generate_timestamp = made_at.to_string();
    written(&AccessKey { access_key_id: Cow::Borrowed(id), access_key_secret, generate_timestamp })
}

fn read<'a, T: Deserialize<'a>>(text: &'a str, form: &'static str) -> Result<T, InvalidSecretData> {
    serde_json::from_str(text).map_err(|_| InvalidSecretData::Form(form))
}

fn one_or_two<T: Serialize>(values: &[T], form: &'static str) -> Result<NewValues, InvalidSecretData> {
    let (current, previous) = match values {
        [one] => (written(one)?, None),
        [one, two] => (written(one)?, Some(written(two)?)),
        _ => return Err(InvalidSecretData::Form(form)),
    };
    Ok(NewValues { current, previous, made_here: false })
}

/// Writes a value into a buffer that does not grow, so that no copy is left behind.
fn written<T: Serialize>(value: &T) -> Result<SecretText, InvalidSecretData> {
    const UNWRITABLE: InvalidSecretData = InvalidSecretData::Form("shorter");
    /// Counts what would be written.
    struct Length(usize);
    impl std::io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    serde_json::to_writer(&mut length, value).map_err(|_| UNWRITABLE)?;
    let mut bytes = SecretBytes::zeroed(length.0);
    // EXPOSE: written in place.
    serde_json::to_writer(bytes.expose_mut(), value).map_err(|_| UNWRITABLE)?;
    SecretText::from_utf8(bytes).map_err(|_| UNWRITABLE)
}

#[cfg(test)]
mod tests {
    use sesame_crypto::random::SystemRandom;

    use super::*;

    fn values(kind: SecretType, config: &str, data: &str) -> Result<(String, Option<String>), InvalidSecretData> {
        let config = ManagedConfig::parse(kind, config).unwrap();
        let now = Timestamp::parse("2026-01-02T03:04:05Z").unwrap();
        let new = initial_values(kind, &config, SecretText::new(data.to_owned()), now, &SystemRandom)?;
        Ok((new.current.expose().to_owned(), new.previous.map(|text| text.expose().to_owned())))
    }

    #[test]
    fn one_value_per_account_is_stored() {
        let one = r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}"#;
        let two = r#"{"SecretSubType":"DoubleUsers","DBInstanceId":"rm-1"}"#;
        let alice = r#"{"AccountName":"alice","AccountPassword":"p\"1"}"#;
        let bob = r#"{"AccountName":"bob","AccountPassword":"p2"}"#;
        let both = format!(r#"{{"Accounts":[{alice},{bob}]}}"#);
        let single = format!(r#"{{"Accounts":[{alice}]}}"#);
        assert_eq!(values(SecretType::Rds, one, &single), Ok((alice.to_owned(), None)));
        assert_eq!(values(SecretType::Rds, two, &single), Ok((alice.to_owned(), None)));
        assert_eq!(values(SecretType::Rds, two, &both), Ok((alice.to_owned(), Some(bob.to_owned()))));
        assert!(values(SecretType::Rds, one, &both).is_err());
        for wrong in ["x", "{}", r#"{"Accounts":[]}"#, r#"{"Accounts":[{"AccountName":"","AccountPassword":"x"}]}"#] {
            assert!(values(SecretType::Rds, two, wrong).is_err(), "{wrong}");
        }
        assert!(values(SecretType::Rds, two, &format!(r#"{{"Accounts":[{alice},{alice}]}}"#)).is_err());
    }

    #[test]
    fn access_keys_get_the_time_they_were_stored() {
        let config = r#"{"SecretSubType":"RamUserAccessKey","UserName":"bob"}"#;
        let data = r#"{"AccessKeys":[{"AccessKeyId":"LTAI1","AccessKeySecret":"s"}]}"#;
        let stored = r#"{"AccessKeyId":"LTAI1","AccessKeySecret":"s","GenerateTimestamp":"2026-01-02T03:04:05Z"}"#;
        assert_eq!(values(SecretType::RamCredentials, config, data), Ok((stored.to_owned(), None)));
    }

    #[test]
    fn logins_are_of_their_sub_type() {
        let config = |kind: &str| format!(r#"{{"SecretSubType":"{kind}","RegionId":"cn","InstanceId":"i-1"}}"#);
        let password = r#"{"UserName":"root","Password":"x"}"#;
        let key = r#"{"UserName":"root","PublicKey":"ssh-rsa A","PrivateKey":"-----BEGIN"}"#;
        assert_eq!(values(SecretType::Ecs, &config("Password"), password), Ok((password.to_owned(), None)));
        assert_eq!(values(SecretType::Ecs, &config("SSHKey"), key), Ok((key.to_owned(), None)));
        assert!(values(SecretType::Ecs, &config("SSHKey"), password).is_err());
    }

    #[test]
    fn accounts_made_here_begin_with_one_password() {
        let config = r#"{"SecretSubType":"DoubleUsers","InstanceId":"r-1","RegionId":"cn","AccountName":"u",
            "CloneAccountName":"u_clone","AccountPrivilege":"RoleReadOnly"}"#;
        let (current, previous) = values(SecretType::Redis, config, "$Auto").unwrap();
        assert!(current.starts_with(r#"{"AccountName":"u","AccountPassword":""#));
        assert_eq!(previous.unwrap().replace("u_clone", "u"), current);
        assert!(values(SecretType::Redis, config, "x").is_err());
    }
}
