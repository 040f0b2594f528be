//! What the rotation of secrets asks of the systems whose credentials they hold.

use std::fmt;

use sesame_crypto::secret::SecretText;
use sesame_domain::Timestamp;
use sesame_domain::secret::{SecretName, SecretVersionId};
use sesame_store::BoxFuture;

use crate::rotator::{FailureReason, RotationFailure, RotationTarget};

/// What a connector answers.
pub type Outcome<T> = Result<T, RotationFailure>;

/// A name and what proves it.
#[derive(Debug)]
pub struct Login {
    /// The account of a database, or the user of a host.
    pub name: String,
    /// What it logs in with.
    pub credential: Credential,
}

/// What a login is proved with.
#[derive(Debug)]
pub enum Credential {
    /// A password.
    Password(SecretText),
    /// An SSH key pair.
    KeyPair {
        /// The line of `authorized_keys`.
        public: String,
        /// The private key, PEM.
        private: SecretText,
    },
    /// The secret of an access key, whose id is the name of the login.
    AccessKey(SecretText),
}

/// A credential to be set at a system.
#[derive(Debug)]
pub struct Change<'a> {
    /// The account and its new credential. The account is made when it does not exist.
    pub login: &'a Login,
    /// The account whose privileges a new account gets.
    pub like: Option<&'a str>,
    /// What the account can still log in with, as far as it is known.
    pub current: Option<&'a Login>,
    /// A credential that was replaced by the current one earlier, and may end with this change.
    pub retired: Option<&'a Login>,
    /// The value of the secret that [`Connector::administrator`] names.
    pub administrator: Option<&'a SecretText>,
}

/// What somebody is told who rotates a generic secret.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The ARN of the secret.
    pub arn: &'a str,
    /// The id of the version that is wanted.
    pub version: &'a SecretVersionId,
    /// Now.
    pub at: Timestamp,
    /// The value of the secret that [`Connector::administrator`] names.
    pub key: Option<&'a SecretText>,
}

/// Reaches the systems that the operator has described. Nothing here knows secrets, versions or stages.
pub trait Connector: Send + Sync + fmt::Debug {
    /// Whether it is described how to reach this system.
    fn reaches(&self, target: &RotationTarget) -> bool;

    /// The secret, of the account that owns the target, that holds the administrator's credential.
    fn administrator(&self, target: &RotationTarget) -> Option<SecretName>;

    /// Makes a new login of the form of the current one, unknown to the system: an SSH key pair or an access key.
    /// Passwords are made by the caller.
    fn make<'a>(&'a self, target: &'a RotationTarget, current: &'a Login) -> BoxFuture<'a, Outcome<Login>>;

    /// Sets a credential. Doing it twice is the same as once.
    fn set<'a>(&'a self, target: &'a RotationTarget, change: &'a Change<'a>) -> BoxFuture<'a, Outcome<()>>;

    /// Logs in, and out again.
    fn prove<'a>(&'a self, target: &'a RotationTarget, login: &'a Login) -> BoxFuture<'a, Outcome<()>>;

    /// Asks whoever rotates a generic secret to do it, and to store the new value under the version that is named. Asking
    /// twice for a version is the same as once.
    fn ask<'a>(&'a self, _: &'a RotationTarget, _: &'a Ask<'a>) -> BoxFuture<'a, Outcome<()>> {
        let nobody = RotationFailure::new(FailureReason::NotConfigured, "nobody is configured to rotate the secret");
        Box::pin(std::future::ready(Err(nobody)))
    }
}
