//! The service: what the gateways call.

use std::net::IpAddr;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use sesame_crypto::random::{Random, uuid_v4};
use sesame_domain::{Clock, RegionId, Timestamp, limits, ram, secret};
use sesame_store::{Change, Store};

use crate::access::Access;
use crate::audit::{Audit, AuditOptions, Recorded, ServerEvent};
use crate::authentication::Authenticator;
use crate::challenges::Challenges;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::guard::guarded;
use crate::handles::Handles;
use crate::issuers::IssuerKeys;
use crate::jobs::{self, Jobs};
use crate::keys::Keys;
use crate::last_used::LastUsed;
use crate::lists::{KeyPage, Lists};
use crate::metrics::Metrics;
use crate::ops::secrets::SecretPage;
use crate::quotas::{Brake, CallQuotas, Rate, Throttle};
use crate::registry::Answer;
use crate::request::{Attempt, Call, Identity, Principal, SignedRequest};
use crate::rotation_pace::{Pacer, RotationPace};
use crate::rotations_asked::RotationsAsked;
use crate::rotator::{RotationListener, Rotator};
use crate::secrets::Secrets;
use crate::tokens::Tokens;
use crate::uses::Uses;
use crate::workers::Workers;

/// What a service is made of.
#[derive(Debug)]
pub struct ServiceOptions {
    /// The open database.
    pub store: Store,
    /// The region of this deployment.
    pub region: RegionId,
    /// Other regions that DescribeRegions lists.
    pub sister_regions: Vec<RegionId>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub random: Arc<dyn Random>,
    /// How far a time stamp may be from the clock, in seconds, in either direction.
    pub clock_window_seconds: i64,
    /// Whether a request without a signature nonce is refused.
    pub require_nonce: bool,
    /// Limits of memory and of resources.
    pub limits: Limits,
    /// Calls that accounts may make.
    pub call_quotas: CallQuotas,
    /// How fast rotations of secrets that are due begin.
    pub rotation_pace: RotationPace,
    /// The open audit trail.
    pub audit: AuditOptions,
}

/// Limits of memory and of resources; 0 means no limit where a quota is meant.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Keys, with their unlocked versions, and aliases kept in memory.
    pub cached_keys: usize,
    /// Signature nonces kept in memory, about 16 bytes each.
    pub nonces: usize,
    /// Failed authentications of one address, whatever the access key; `None` for no brake.
    pub failures_per_address: Option<Rate>,
    /// Failed authentications of one address with one access key; `None` for no brake.
    pub failures_per_access_key: Option<Rate>,
    /// Keys of one account; 0 for no quota.
    pub keys_per_account: u64,
    /// Aliases of one account; 0 for no quota.
    pub aliases_per_account: u64,
    /// Aliases of one key; 0 for no quota.
    pub aliases_per_key: u64,
    /// Versions of all keys of one account; 0 for no quota. Automatic rotation goes on beyond it.
    pub key_versions_per_account: u64,
    /// Secrets of one account; 0 for no quota.
    pub secrets_per_account: u64,
    /// Certificates of one account; 0 for no quota.
    pub certificates_per_account: u64,
    /// Users of one account; 0 for no quota.
    pub users_per_account: u64,
    /// Groups of one account; 0 for no quota.
    pub groups_per_account: u64,
    /// Groups that one user can be in; 0 for any number.
    pub groups_per_user: u64,
    /// Access keys of one user; 0 for any number.
    pub access_keys_per_user: u64,
    /// Rotations of secrets that an account may ask for in an hour; 0 for any number.
    pub secret_rotations_per_hour: u64,
    /// Versions of one asymmetric key; 0 for no limit.
    pub asymmetric_versions: u32,
    /// Seconds that must pass between two versions of an asymmetric key; 0 for none.
    pub asymmetric_version_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cached_keys: 16_384,
            nonces: 4_000_000,
            failures_per_address: Rate::per_minute(600),
            failures_per_access_key: Rate::per_minute(120),
            keys_per_account: 0,
            aliases_per_account: 0,
            aliases_per_key: 0,
            key_versions_per_account: 0,
            secrets_per_account: 0,
            certificates_per_account: 0,
            users_per_account: 0,
            groups_per_account: 0,
            groups_per_user: ram::limits::GROUPS_PER_USER,
            access_keys_per_user: ram::limits::ACCESS_KEYS_PER_USER,
            secret_rotations_per_hour: secret::ROTATIONS_PER_HOUR,
            asymmetric_versions: limits::ASYMMETRIC_KEY_VERSIONS,
            asymmetric_version_seconds: limits::ASYMMETRIC_VERSION_SECONDS,
        }
    }
}

/// Authenticates requests and runs calls; shared by all gateways.
#[derive(Debug)]
pub struct Service {
    pub(crate) store: Store,
    pub(crate) region: RegionId,
    pub(crate) sister_regions: Vec<RegionId>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) limits: Limits,
    pub(crate) keys: Arc<Keys>,
    pub(crate) lists: Arc<Lists<KeyPage>>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) secret_lists: Arc<Lists<Arc<SecretPage>>>,
    pub(crate) rotations_asked: RotationsAsked,
    pub(crate) rotation_pacer: Pacer,
    pub(crate) rotator: OnceLock<Arc<dyn Rotator>>,
    pub(crate) rotation_listener: OnceLock<Arc<dyn RotationListener>>,
    pub(crate) metrics: Metrics,
    /// When the job of rotations last ran, in milliseconds; a time that is never reached before its first run.
    pub(crate) rotations_seen_at: AtomicI64,
    pub(crate) workers: Arc<Workers>,
    pub(crate) challenges: Challenges,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) issuers: IssuerKeys,
    pub(crate) handles: Handles,
    pub(crate) audit: Audit,
    pub(crate) uses: Uses,
    pub(crate) access: Arc<Access>,
    authenticator: Arc<Authenticator>,
    pub(crate) brake: Brake,
    throttle: Option<Throttle>,
}

impl Service {
    /// Makes a service over an open database.
    pub fn new(options: ServiceOptions) -> Arc<Self> {
        let ServiceOptions { store, region, sister_regions, clock, random, limits, .. } = options;
        let workers = Arc::new(Workers::new());
        let keys = Arc::new(Keys::new(store.clone(), limits.cached_keys, Arc::clone(&workers)));
        let lists = Arc::new(Lists::new(|change| match change {
            Change::KeyList(account) => Some(account),
            _ => None,
        }));
        let secrets = Arc::new(Secrets::new(store.clone(), limits.cached_keys));
        let secret_lists = Arc::new(Lists::new(|change| match change {
            Change::SecretList(account) => Some(account),
            _ => None,
        }));
        let tokens = Arc::new(Tokens::new(store.clone(), Arc::clone(&clock), Arc::clone(&random)));
        let authenticator = Arc::new(Authenticator::new(
            store.clone(),
            Arc::clone(&tokens),
            options.clock_window_seconds,
            options.require_nonce,
            limits.nonces,
        ));
        let access = Arc::new(Access::new(store.clone()));
        tell(&store, &keys, Keys::forget);
        tell(&store, &lists, Lists::forget);
        tell(&store, &secrets, Secrets::forget);
        tell(&store, &secret_lists, Lists::forget);
        tell(&store, &access, Access::forget);
        tell(&store, &authenticator, Authenticator::forget);
        let brake = Brake::new(limits.failures_per_address, limits.failures_per_access_key);
        let throttle = Throttle::new(options.call_quotas);
        let metrics = Metrics::new();
        let audit = Audit::new(options.audit, &region);
        let rotations_seen_at = AtomicI64::new(i64::MAX);
        let challenges = Challenges::default();
        Arc::new(Self {
            store,
            region,
            sister_regions,
            clock,
            random,
            limits,
            keys,
            lists,
            secrets,
            secret_lists,
            rotations_asked: RotationsAsked::new(limits.secret_rotations_per_hour),
            rotation_pacer: Pacer::new(options.rotation_pace),
            rotator: OnceLock::new(),
            rotation_listener: OnceLock::new(),
            metrics,
            rotations_seen_at,
            workers,
            challenges,
            tokens,
            issuers: IssuerKeys::default(),
            handles: Handles::default(),
            audit,
            uses: Uses::default(),
            access,
            authenticator,
            brake,
            throttle,
        })
    }

    /// Starts the jobs that act without a request; they stop when the handle is dropped.
    pub fn start_jobs(self: &Arc<Self>) -> Jobs {
        jobs::start(self)
    }

    /// Runs one round of every job now; tests move the clock and call it.
    pub async fn run_jobs_once(&self) {
        jobs::round(self).await;
    }

    /// Checks who sent a request: access key, time stamp, signature, nonce.
    ///
    /// # Errors
    /// The codes of the gateway reference, 2.7; `Rejected.Throttling` when too many requests before it failed.
    pub async fn authenticate(&self, signed: &SignedRequest<'_>) -> Result<Principal> {
        let now = self.clock.now();
        let (address, access_key) = (signed.address, signed.access_key_id);
        if let Err(braked) = self.brake.check(address, access_key, now, || self.authenticator.knows(access_key)) {
            self.metrics.braked(braked.by);
            return Err(braked.into());
        }
        let authenticated = self.authenticator.authenticate(signed, now).await;
        if let Err(error) = &authenticated {
            self.brake.failed(address, access_key, now, error.code);
        }
        authenticated
    }

    /// Who sends a request without a signature, for the operations that can be called so.
    ///
    /// # Errors
    /// `Rejected.Throttling` when too many such requests from the address failed.
    pub fn anonymous(&self, address: IpAddr) -> Result<Principal> {
        if let Err(braked) = self.brake.check(address, "", self.clock.now(), || false) {
            self.metrics.braked(braked.by);
            return Err(braked.into());
        }
        Ok(Principal::nobody())
    }

    /// Decodes, authorizes and executes a call.
    ///
    /// # Errors
    /// The codes of the operation.
    pub async fn call(&self, call: Call<'_>) -> Result<Answer> {
        // Before anything is done: what cannot be recorded is not done.
        self.audit.ready()?;
        let began = Instant::now();
        let cx = Context {
            service: self,
            operation: call.operation,
            principal: call.principal,
            source: call.source,
            request_id: call.request_id,
            now: self.clock.now(),
            touched: parking_lot::Mutex::default(),
        };
        let result = match self.admit(&call, cx.now) {
            Ok(()) => guarded((call.operation.call)(&cx, call.params))
                .await
                .unwrap_or_else(|panic| Err(KmsError::internal(panic))),
            Err(error) => Err(error),
        };
        // Before anything is answered: a call whose record is not kept did not succeed for its caller.
        let touched = std::mem::take(&mut *cx.touched.lock());
        let recorded = Recorded::of_call(&call, cx.now, Some(&touched), &result);
        let result = self.audit.record(recorded).await.and(result);
        match &result {
            Ok(_) => {
                if self.audit.is_data(call.operation) {
                    for key in &touched.keys {
                        self.uses.note(&key.key.id, call.operation, &call.principal.access_key_id, cx.now);
                    }
                }
                self.metrics.succeeded(call.operation, began.elapsed());
            }
            Err(error) => {
                if matches!(call.principal.identity, Identity::Anonymous) {
                    // What such a call brings instead of a signature was wrong.
                    self.brake.failed(call.source.address, "", cx.now, error.code);
                }
                self.metrics.failed(call.operation, error.code.name());
                if let Some(cause) = &error.cause {
                    tracing::error!(request_id = call.request_id, operation = call.operation.name, cause = %chain(&**cause), "call failed");
                }
            }
        }
        result
    }

    /// Counts a call against the quotas of its account, when there are any.
    fn admit(&self, call: &Call<'_>, now: Timestamp) -> Result<()> {
        let Some(throttle) = &self.throttle else { return Ok(()) };
        throttle.admit(call.operation, &call.principal.account, now).inspect_err(|_| {
            self.metrics.throttled(call.operation.group);
        })
    }

    /// Records a request that names an operation and was refused before a call was made of it, and says what to
    /// answer: the refusal, unless it cannot be recorded.
    pub async fn refuse(&self, attempt: &Attempt<'_>, error: KmsError) -> KmsError {
        if let Err(unavailable) = self.audit.ready() {
            return unavailable;
        }
        let recorded = Recorded::of_attempt(attempt, self.clock.now(), &error);
        self.audit.record(recorded).await.err().unwrap_or(error)
    }

    /// Records something that the server did of its own accord.
    ///
    /// # Errors
    /// `ServiceUnavailableTemporary`; the record is kept and written when the trail takes records again.
    pub(crate) async fn record(&self, event: &ServerEvent<'_>) -> Result<()> {
        self.audit.record_event(event, &self.new_request_id(), self.clock.now()).await
    }

    /// Writes down what is only in memory; before an orderly stop.
    pub async fn settle(&self) {
        jobs::keep_uses(self).await;
    }

    /// The region of this deployment.
    pub fn region(&self) -> &RegionId {
        &self.region
    }

    /// The clock of this deployment.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// What the service counts.
    pub fn metrics(&self) -> &Metrics {
        self.metrics.audit(&self.audit);
        self.metrics.nonces.set(i64::try_from(self.authenticator.nonces.held()).unwrap_or(i64::MAX));
        &self.metrics
    }

    /// A new request id: an upper-case UUID.
    pub fn new_request_id(&self) -> String {
        // A request id need not be secret, only unique: when the generator fails, calls fail anyway.
        let mut id = uuid_v4(&*self.random).unwrap_or_else(|_| "00000000-0000-4000-8000-000000000000".to_owned());
        id.make_ascii_uppercase();
        id
    }

    /// Whether the service can answer calls now.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub async fn ready(&self) -> std::result::Result<(), String> {
        let checked = match self.store.reader().await {
            Ok(mut conn) => sesame_store::accounts::first(&mut conn).await,
            Err(error) => Err(error),
        };
        match checked {
            Ok(_) if !self.audit.is_up() => Err("the audit trail cannot be written".to_owned()),
            Ok(_) if self.store.is_current() => Ok(()),
            Ok(_) => Err("the database has not been heard of for a second".to_owned()),
            Err(error) => Err(chain(&error)),
        }
    }

    /// When access keys last signed a request.
    pub(crate) fn last_used(&self) -> &LastUsed {
        &self.authenticator.last_used
    }

    pub(crate) fn purge_nonces(&self) {
        self.authenticator.nonces.purge(self.clock.now());
    }
}

/// Tells a cache what a committed change has replaced. The cache holds the store; the store must not hold the cache, or
/// neither would ever be closed.
fn tell<C: Send + Sync + 'static>(store: &Store, cache: &Arc<C>, forget: fn(&C, &Change)) {
    let cache = Arc::downgrade(cache);
    store.on_change(Arc::new(move |changes| {
        if let Some(cache) = cache.upgrade() {
            changes.iter().for_each(|change| forget(&cache, change));
        }
    }));
}

/// An error and its causes on one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
