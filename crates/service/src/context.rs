//! What a running operation can reach.

use std::sync::Arc;

use parking_lot::Mutex;
use sesame_crypto::random::Random;
use sesame_domain::{AccountId, RegionId, Timestamp};
use sesame_store::Store;
use smallvec::SmallVec;

use crate::authorize::Granted;
use crate::keys::{Keys, LoadedKey};
use crate::registry::Entry;
use crate::request::{Principal, Source};
use crate::secrets::{LoadedSecret, Secrets};
use crate::service::Service;
use crate::workers::Workers;

/// The surroundings of one call.
#[derive(Debug)]
pub struct Context<'a> {
    pub(crate) service: &'a Service,
    pub(crate) operation: &'static Entry,
    pub(crate) principal: &'a Principal,
    pub(crate) source: Source<'a>,
    pub(crate) request_id: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) touched: Mutex<Touched>,
}

/// What a call acts on, for the audit trail.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    pub(crate) keys: SmallVec<[Arc<LoadedKey>; 2]>,
    pub(crate) secrets: SmallVec<[Arc<LoadedSecret>; 1]>,
    /// Whose resources it acts on besides: their accounts see the event, too.
    pub(crate) accounts: SmallVec<[AccountId; 1]>,
    /// What the operation adds to its event.
    pub(crate) more: Option<serde_json::Value>,
}

impl Context<'_> {
    /// Says what the call acts on, for the audit trail.
    pub(crate) fn touches(&self, granted: &Granted) {
        let mut touched = self.touched.lock();
        touched.keys.extend(granted.keys().iter().cloned());
        touched.secrets.extend(granted.secrets().iter().cloned());
    }

    /// Says that the call acts on something of an account, for its audit trail.
    pub(crate) fn concerns(&self, account: &AccountId) {
        self.touched.lock().accounts.push(account.clone());
    }

    /// Adds something to the event of the call, an object.
    pub(crate) fn remark(&self, more: serde_json::Value) {
        self.touched.lock().more = Some(more);
    }

    /// The moment of the call; every time that it writes is derived from this one.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// The account that acts.
    pub(crate) fn account(&self) -> &AccountId {
        &self.principal.account
    }

    /// The region of this deployment.
    pub(crate) fn region(&self) -> &RegionId {
        &self.service.region
    }

    /// Randomness.
    pub(crate) fn random(&self) -> &dyn Random {
        &*self.service.random
    }

    /// The database.
    pub(crate) fn store(&self) -> &Store {
        &self.service.store
    }

    /// Keys by id, alias or version, through the cache.
    pub(crate) fn keys(&self) -> &Keys {
        &self.service.keys
    }

    /// Secrets by name, through the cache.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.service.secrets
    }

    /// The threads for slow work with keys.
    pub(crate) fn workers(&self) -> &Workers {
        &self.service.workers
    }

    /// The ARN of a resource of an account in this region.
    pub(crate) fn arn(&self, account: &AccountId, resource: impl std::fmt::Display) -> String {
        format!("acs:kms:{}:{account}:{resource}", self.region())
    }
}
