//! What changes the credentials of managed secrets on the systems that they open.

use std::fmt;

use sesame_crypto::secret::SecretText;
use sesame_domain::AccountId;
use sesame_domain::secret::{ManagedConfig, Secret, SecretName, SecretType};
use sesame_store::BoxFuture;

use crate::error::{Code, KmsError, Result};

/// The system that the credential of a managed secret opens.
#[derive(Clone, Debug)]
pub struct RotationTarget {
    /// The account that owns the secret.
    pub account: AccountId,
    /// The name of the secret.
    pub name: SecretName,
    /// The type of the secret.
    pub kind: SecretType,
    /// Its extended configuration; [`ManagedConfig::target`] is the id of the instance.
    pub config: ManagedConfig,
}

/// Why a rotator did not do what it was asked; the text is for the caller and for the audit, and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RotationFailure(pub String);

/// Changes credentials. The service records that a rotation is wanted (table `secret_rotations`, one row per secret)
/// and wakes the rotator, which claims rows and ends each of them.
pub trait Rotator: Send + Sync + fmt::Debug {
    /// Whether the operator has said how to reach this system.
    fn reaches(&self, target: &RotationTarget) -> bool;

    /// Makes the accounts of a new Redis or PolarDB secret, whose passwords the service chose: `values` are the values
    /// of the current and of the previous version. Making an account that is there already sets its password.
    fn make_accounts<'a>(
        &'a self,
        target: &'a RotationTarget,
        values: [&'a SecretText; 2],
    ) -> BoxFuture<'a, std::result::Result<(), RotationFailure>>;

    /// A rotation was recorded and committed. Returns at once.
    fn wake(&self);
}

impl RotationTarget {
    /// The target of a managed secret; `None` for a generic one.
    pub fn of(secret: &Secret) -> Option<Self> {
        let config = ManagedConfig::parse(secret.kind, &secret.extended_config).ok()?;
        let managed = secret.kind.is_managed();
        managed.then(|| Self { account: secret.account.clone(), name: secret.name.clone(), kind: secret.kind, config })
    }

    /// What a caller is told when no rotator reaches the target.
    pub(crate) fn unreachable(&self) -> KmsError {
        KmsError::new(
            Code::ResourceNotFound,
            format!(
                "Resource not found: this server is not configured to reach {} {}.",
                self.kind.name(),
                self.config.target()
            ),
        )
    }
}

impl crate::Service {
    /// Sets what rotates managed secrets; the first one stays. Without one, managed secrets cannot be rotated.
    pub fn set_rotator(&self, rotator: std::sync::Arc<dyn Rotator>) {
        let _ = self.rotator.set(rotator);
    }

    /// The rotator that reaches this target.
    pub(crate) fn rotator_of(&self, target: &RotationTarget) -> Result<&dyn Rotator> {
        let rotator = self.rotator.get().filter(|rotator| rotator.reaches(target));
        rotator.map(|rotator| &**rotator).ok_or_else(|| target.unreachable())
    }
}
