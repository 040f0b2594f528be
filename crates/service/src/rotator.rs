//! What changes the credentials of managed secrets on the systems that they open.

use std::fmt;

use sesame_crypto::secret::SecretText;
use sesame_domain::secret::{ManagedConfig, Secret, SecretName, SecretType, SecretVersionId};
use sesame_domain::{AccountId, Timestamp};
use sesame_store::BoxFuture;

use crate::error::{Code, KmsError, Result};

/// The system that the credential of a managed secret opens, or a generic secret that somebody else rotates.
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

/// Why a rotation failed, in the words of the metrics and of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureReason {
    /// It is not configured how to reach the system.
    NotConfigured,
    /// The system does not answer, or TLS with it fails.
    Unreachable,
    /// The administrator's credential is missing, or the system refuses it.
    Administrator,
    /// The account is not one that secrets may change.
    Account,
    /// The system refused the change.
    Refused,
    /// The new credential does not log in.
    Login,
    /// A step took too long.
    Timeout,
    /// The secret or its key cannot be used.
    Secret,
    /// A fault of this server.
    Internal,
}

impl FailureReason {
    /// The name in metrics and events.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::Unreachable => "unreachable",
            Self::Administrator => "administrator",
            Self::Account => "account",
            Self::Refused => "refused",
            Self::Login => "login",
            Self::Timeout => "timeout",
            Self::Secret => "secret",
            Self::Internal => "internal",
        }
    }
}

/// Why a rotator did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RotationFailure {
    /// The kind of failure.
    pub reason: FailureReason,
    /// For the caller, the log and the audit; holds no secret.
    pub message: String,
}

impl RotationFailure {
    /// A failure of this kind.
    pub fn new(reason: FailureReason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// The end of an attempt to rotate a secret.
#[derive(Debug)]
pub struct RotationEvent<'a> {
    /// The secret.
    pub secret: &'a Secret,
    /// The id that the new version has or would have had; `None` when the attempt did not come so far.
    pub version: Option<&'a SecretVersionId>,
    /// When it ended.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: RotationOutcome<'a>,
}

/// How an attempt to rotate a secret ended.
#[derive(Debug)]
pub enum RotationOutcome<'a> {
    /// The new value is the current one.
    Succeeded,
    /// It failed; the value that was current still is.
    Failed {
        /// Why.
        failure: &'a RotationFailure,
        /// The number of the attempt, from 1 on.
        attempt: i64,
        /// Whether there will be no further attempt of this rotation.
        given_up: bool,
    },
}

/// Is told of the end of every attempt.
pub trait RotationListener: Send + Sync + fmt::Debug {
    /// An attempt has ended. Returns at once.
    fn ended(&self, event: &RotationEvent<'_>);
}

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

    /// Whether it would begin a rotation at once for which nobody waits.
    fn has_room(&self) -> bool;

    /// A rotation was recorded and committed. Returns at once.
    fn wake(&self);
}

impl RotationTarget {
    /// The target of a secret; of a generic one, it is the secret itself. `None` when its configuration cannot be read.
    pub fn of(secret: &Secret) -> Option<Self> {
        let config = if secret.kind.is_managed() { &secret.extended_config } else { "{}" };
        let config = ManagedConfig::parse(secret.kind, config).ok()?;
        Some(Self { account: secret.account.clone(), name: secret.name.clone(), kind: secret.kind, config })
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

    /// Sets who is told of the end of every attempt to rotate a secret, beside log, metrics and audit trail; the first one
    /// stays.
    pub fn on_rotation(&self, listener: std::sync::Arc<dyn RotationListener>) {
        let _ = self.rotation_listener.set(listener);
    }

    /// Records, counts, logs and passes on the end of an attempt.
    pub(crate) async fn rotation_ended(&self, event: &RotationEvent<'_>) {
        let Secret { account, name, kind, .. } = event.secret;
        let (result, reason) = match &event.outcome {
            RotationOutcome::Succeeded => ("succeeded", ""),
            RotationOutcome::Failed { failure, given_up: false, .. } => ("failed", failure.reason.name()),
            RotationOutcome::Failed { failure, given_up: true, .. } => ("given_up", failure.reason.name()),
        };
        let labels = vec![("type", kind.name()), ("result", result), ("reason", reason)];
        self.metrics.secret_rotations.get_or_create(&labels).inc();
        let version = event.version.map(tracing::field::display);
        match &event.outcome {
            RotationOutcome::Succeeded => tracing::info!(
                event = "Secret:RotateSecret:Success", %account, secret = %name, version, "a secret was rotated"
            ),
            RotationOutcome::Failed { failure, attempt, given_up } => tracing::error!(
                event = "Secret:RotateSecret:Failure", %account, secret = %name, version, reason, cause = %failure, attempt,
                given_up, "a secret could not be rotated"
            ),
        }
        if let Some(listener) = self.rotation_listener.get() {
            listener.ended(event);
        }
        if let Err(error) = self.audit.record_rotation(event).await {
            tracing::error!(%error, cause = ?error.cause, "the end of a rotation could not be recorded in the audit trail");
        }
    }

    /// The rotator that reaches this target.
    pub(crate) fn rotator_of(&self, target: &RotationTarget) -> Result<&dyn Rotator> {
        let rotator = self.rotator.get().filter(|rotator| rotator.reaches(target));
        rotator.map(|rotator| &**rotator).ok_or_else(|| target.unreachable())
    }
}
