//! Does the rotations that were recorded: one step after the other, each written down before the next.
//!
//! | step in the journal | what is known |
//! |---|---|
//! | none | nothing was touched |
//! | `chosen` | the new credential is in the journal; the system may or may not have it |
//! | `changed` | the system took it |
//!
//! Then the new credential is proved by logging in, and one transaction stores it as a version, moves the stages and
//! ends the rotation. Whoever goes on after a crash finds the same credential in the journal and sets it again, which
//! changes nothing when it was set already. When it cannot be proved, the credential that the secret still holds is set
//! again before the next attempt. A rotation is held by one node for a limited time: each write checks that it is still
//! held, and the hold is renewed before a system is changed, which is given less time than the hold has left.

mod login;
mod ram_users;
mod reach;
mod run;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use sesame_crypto::random::uuid_v4;
use sesame_crypto::secret::SecretText;
use sesame_domain::secret::{Secret, StageLabel};
use sesame_store::secret_rotations::{self, Claim, PendingRotation};
use sesame_store::{BoxFuture, StoreError, secrets};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::connector::{Change, Connector, Login, Outcome};
use crate::error::{KmsError, Result};
use crate::rotations::ram_users::RamUsers;
use crate::rotations::reach::{Reach, principal};
use crate::rotations::run::{Run, Settled};
use crate::rotator::{FailureReason, RotationEvent, RotationFailure, RotationOutcome, RotationTarget, Rotator};
use crate::secrets::open;
use crate::service::Service;

/// How long a rotation is held without a word from its holder.
const HOLD_SECONDS: u32 = 90;
/// How long one step may take.
const STEP_LIMIT: Duration = Duration::from_secs(30);
/// How long before the end of a hold a system is not changed any more: clocks differ, and requests travel.
const MARGIN: Duration = Duration::from_secs(30);
/// Time between two looks for recorded rotations when nobody wakes us: other nodes record them, too.
const ROUND: Duration = Duration::from_secs(5);
/// The longest time between two attempts.
const LONGEST_WAIT_SECONDS: i64 = 3_600;

/// How rotations are done.
#[derive(Clone, Copy, Debug)]
pub struct RotationOptions {
    /// Rotations under way at a time.
    pub concurrency: u32,
    /// Attempts before a rotation is given up.
    pub attempts: u32,
    /// Seconds between the first two attempts; doubled with each further one.
    pub retry_seconds: u32,
}

impl Default for RotationOptions {
    fn default() -> Self {
        Self { concurrency: 4, attempts: 5, retry_seconds: 30 }
    }
}

/// Rotates secrets through connectors.
#[derive(Debug)]
pub struct Rotations {
    service: Weak<Service>,
    /// The first one that reaches a target changes it.
    connectors: Vec<Arc<dyn Connector>>,
    options: RotationOptions,
    /// Names this run of this node.
    holder: String,
    /// Attempts under way.
    attempts: AtomicU32,
    wake: Notify,
}

/// An attempt that is under way.
struct UnderWay(Arc<Rotations>);

impl UnderWay {
    fn new(rotations: &Arc<Rotations>) -> Self {
        rotations.attempts.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(rotations))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.attempts.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The running rotations; dropping it ends them as a crash would, which the journal survives.
#[derive(Debug)]
pub struct RunningRotations {
    _tasks: JoinSet<()>,
}

/// Why an attempt ended early.
#[derive(Debug)]
enum Ended {
    /// The system or the secret did not do.
    Failed(RotationFailure),
    /// Another node holds the rotation now, or the secret is gone.
    Lost,
}

type Step<T> = std::result::Result<T, Ended>;

impl From<KmsError> for Ended {
    fn from(error: KmsError) -> Self {
        let message = match error.cause.as_deref() {
            Some(cause) if matches!(cause.downcast_ref(), Some(StoreError::Conflict)) => return Self::Lost,
            Some(cause) => format!("{error} ({cause})"),
            None => error.to_string(),
        };
        let reason = if error.cause.is_some() { FailureReason::Internal } else { FailureReason::Secret };
        Self::Failed(RotationFailure::new(reason, message))
    }
}

impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        KmsError::from(error).into()
    }
}

impl From<RotationFailure> for Ended {
    fn from(failure: RotationFailure) -> Self {
        Self::Failed(failure)
    }
}

impl Rotations {
    /// Makes what rotates the secrets of a service: through the connectors, and access keys of RAM users by itself.
    ///
    /// # Errors
    /// Without randomness.
    pub fn new(
        service: &Arc<Service>,
        mut connectors: Vec<Arc<dyn Connector>>,
        options: RotationOptions,
    ) -> Result<Arc<Self>> {
        connectors.push(Arc::new(RamUsers(Arc::downgrade(service))));
        let holder = uuid_v4(&*service.random)?;
        let (attempts, wake) = (AtomicU32::new(0), Notify::new());
        Ok(Arc::new(Self { service: Arc::downgrade(service), connectors, options, holder, attempts, wake }))
    }

    /// Has the service ask this one. The work is done by [`Rotations::start`] or [`Rotations::round`].
    pub fn install(self: &Arc<Self>) {
        if let Some(service) = self.service.upgrade() {
            service.set_rotator(Arc::clone(self) as Arc<dyn Rotator>);
        }
    }

    /// Starts the work.
    pub fn start(self: &Arc<Self>) -> RunningRotations {
        let rotations = Arc::clone(self);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut attempts = JoinSet::new();
            loop {
                rotations.begin(&mut attempts).await;
                tokio::select! {
                    Some(_) = attempts.join_next() => {}
                    () = rotations.wake.notified() => {}
                    () = tokio::time::sleep(ROUND) => {}
                }
            }
        });
        RunningRotations { _tasks: tasks }
    }

    /// Does what is recorded and can be tried now.
    pub async fn round(self: &Arc<Self>) {
        let mut attempts = JoinSet::new();
        loop {
            self.begin(&mut attempts).await;
            if attempts.join_next().await.is_none() {
                return;
            }
        }
    }

    /// Begins as many attempts as there is room for. One place is kept for first attempts, which somebody may wait for.
    async fn begin(self: &Arc<Self>, attempts: &mut JoinSet<()>) {
        while attempts.try_join_next().is_some() {}
        let Some(service) = self.service.upgrade() else { return };
        for (room, most_attempts) in [(self.room_for_all(), i64::MAX), (self.room_for_first(), 0)] {
            if room == 0 {
                continue;
            }
            for pending in self.claim(&service, room, most_attempts).await {
                let (under_way, service) = (UnderWay::new(self), Arc::clone(&service));
                attempts.spawn(async move { under_way.0.attempt(&service, pending).await });
            }
        }
    }

    fn room_for_first(&self) -> u32 {
        self.options.concurrency.max(1).saturating_sub(self.attempts.load(Ordering::Relaxed))
    }

    fn room_for_all(&self) -> u32 {
        let kept = u32::from(self.options.concurrency > 1);
        self.room_for_first().saturating_sub(kept)
    }

    async fn claim(&self, service: &Service, limit: u32, most_attempts: i64) -> Vec<PendingRotation> {
        // What cannot be recorded is not done.
        if service.audit.ready().is_err() {
            return Vec::new();
        }
        let now = service.clock.now();
        // Looked for before it is written: most rounds find nothing, and a write costs a transaction.
        let claimed = async {
            if !secret_rotations::waiting(&mut service.store.reader().await?, now, most_attempts).await? {
                return Ok(Vec::new());
            }
            let holder = self.holder.clone();
            let claim = Claim { now, until: now.plus_seconds(HOLD_SECONDS.into()), limit, most_attempts };
            let write = service.store.write::<_, StoreError, _>(move |tx| {
                let holder = holder.clone();
                Box::pin(async move { secret_rotations::claim(tx, &holder, claim).await })
            });
            write.await
        };
        claimed.await.unwrap_or_else(|error: StoreError| {
            tracing::error!(%error, "recorded rotations cannot be read; trying again");
            Vec::new()
        })
    }

    /// One attempt, and what follows from its end.
    async fn attempt(&self, service: &Service, pending: PendingRotation) {
        let found = async { secrets::get(&mut service.store.reader().await?, &pending.secret).await };
        let secret = match found.await {
            Ok(Some(secret)) => secret,
            // A secret takes its rotation with it.
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "a secret to rotate cannot be read; trying again when the hold has ended");
                return;
            }
        };
        let report = async |outcome| {
            let version = Some(&pending.version);
            let event = RotationEvent { secret: &secret, version, at: service.clock.now(), outcome };
            service.rotation_ended(&event).await;
        };
        let lost =
            || tracing::warn!(account = %secret.account, secret = %secret.name, "another node goes on with a rotation");
        let run = Run { reach: Reach { rotations: self, service }, pending: &pending, secret: &secret };
        let failure = match run.advance().await {
            Ok(true) => return report(RotationOutcome::Succeeded).await,
            Ok(false) => return,
            Err(Ended::Lost) => return lost(),
            Err(Ended::Failed(failure)) => failure,
        };
        let attempt = pending.attempts + 1;
        let last = attempt >= i64::from(self.options.attempts.max(1));
        let (recorded, given_up) = match run.settle().await {
            Ok(Settled::Stored) => return report(RotationOutcome::Succeeded).await,
            Ok(Settled::AsBefore) if last => (run.finish(true).await, true),
            Ok(Settled::AsBefore) => (run.try_later().await, false),
            Err(Ended::Lost) => return lost(),
            Err(Ended::Failed(unknown)) => {
                // The journal keeps the credential, and the attempts go on.
                tracing::error!(account = %secret.account, secret = %secret.name, cause = %unknown, "what a system accepts cannot be found out; trying again");
                let marked = if last { run.mark_invalid().await } else { Ok(()) };
                (run.try_later().await.and(marked), false)
            }
        };
        report(RotationOutcome::Failed { failure: &failure, attempt, given_up }).await;
        if let Err(Ended::Failed(cause)) = recorded {
            tracing::error!(account = %secret.account, secret = %secret.name, %cause, "the end of an attempt could not be recorded");
        }
    }

    fn connector(&self, target: &RotationTarget) -> Option<&dyn Connector> {
        self.connectors.iter().map(|connector| &**connector).find(|connector| connector.reaches(target))
    }
}

/// What the previous version of a managed secret holds; none without one, and while the key of the secret cannot be used.
pub(crate) async fn previous_value(service: &Service, secret: &Secret) -> Result<Option<SecretText>> {
    let principal = principal(&secret.account);
    let cx = reach::context(service, &principal).map_err(|_| KmsError::internal("RotateSecret is not registered"))?;
    let id = secret.id.clone();
    let versions = service
        .store
        .read::<_, StoreError, _>(move |conn| Box::pin(async move { secrets::versions(conn, &id).await }))
        .await?;
    let (Some(version), Some(key)) = (versions.marked(&StageLabel::previous()), service.keys.get(&secret.key).await?)
    else {
        return Ok(None);
    };
    if key.key.state.permits("GetSecretValue").is_err() {
        return Ok(None);
    }
    open(&cx, &key, secret, version).await
}

impl Rotator for Rotations {
    fn reaches(&self, target: &RotationTarget) -> bool {
        self.connector(target).is_some()
    }

    fn make_accounts<'a>(
        &'a self,
        target: &'a RotationTarget,
        values: [&'a SecretText; 2],
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let failure = |ended| match ended {
                Ended::Failed(failure) => failure,
                Ended::Lost => RotationFailure::new(FailureReason::Internal, "the accounts could not be made"),
            };
            let ends = || RotationFailure::new(FailureReason::Internal, "the service ends");
            let service = self.service.upgrade().ok_or_else(ends)?;
            let principal = principal(&target.account);
            let reach = Reach { rotations: self, service: &service };
            let cx = reach.context(&principal).map_err(failure)?;
            let system = reach.system(target).map_err(failure)?;
            let administrator = system.administrator(&cx).await.map_err(failure)?;
            let formless = || RotationFailure::new(FailureReason::Internal, "the value has no form");
            let [first, second] = values.map(|value| Login::parse(value).ok_or_else(formless));
            let (first, second) = (first?, second?);
            for (login, like) in [(&first, None), (&second, Some(first.name.as_str()))] {
                let administrator = administrator.as_ref();
                let change = Change { login, like, current: None, retired: None, administrator };
                system.set(&change, STEP_LIMIT).await.map_err(failure)?;
                system.prove(login).await.map_err(failure)?;
            }
            Ok(())
        })
    }

    fn has_room(&self) -> bool {
        self.room_for_all() > 0
    }

    fn wake(&self) {
        self.wake.notify_one();
    }
}
