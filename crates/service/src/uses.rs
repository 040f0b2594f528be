//! How keys are used: how often for what, when last, and by whom. Counted in memory beside the calls, and added to the
//! database every ten seconds.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sesame_domain::{KeyId, Timestamp};
use sesame_store::key_uses::{self, KeyUse};
use sesame_store::{Store, StoreError};
use smallvec::SmallVec;
use tokio::sync::Notify;

use crate::error::Result;
use crate::registry::Entry;

/// How often uses are added to the database.
const ROUND: Duration = Duration::from_secs(10);
/// Threads count apart from each other.
const SHARDS: usize = 16;
/// Keys of one shard that are enough to be added at once.
const FULL: usize = 4_096;
/// Rows of one transaction.
const BATCH: usize = 500;
/// For how long a last use is news to whoever takes a key out of use.
const RECENT_SECONDS: i64 = 30 * 86_400;

/// Uses of keys that the database does not know yet.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    shards: [Mutex<HashMap<KeyId, SmallVec<[Counted; 2]>>>; SHARDS],
    full: Notify,
}

/// Uses of one key by one operation.
#[derive(Clone, Debug)]
struct Counted {
    operation: &'static str,
    uses: u64,
    last_at: Timestamp,
    last_by: Box<str>,
}

thread_local! {
    static SHARD: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS
    };
}

impl Uses {
    /// Counts a use.
    pub(crate) fn note(&self, key: &KeyId, operation: &Entry, user: &str, now: Timestamp) {
        let Some(shard) = self.shards.get(SHARD.with(|shard| *shard)) else { return };
        let mut shard = shard.lock();
        let of_key = match shard.get_mut(key) {
            Some(of_key) => of_key,
            None => {
                if shard.len() == FULL {
                    self.full.notify_one();
                }
                shard.entry(key.clone()).or_default()
            }
        };
        match of_key.iter_mut().find(|counted| counted.operation == operation.name) {
            Some(counted) => {
                counted.uses += 1;
                counted.last_at = now;
                if *counted.last_by != *user {
                    counted.last_by = user.into();
                }
            }
            None => {
                of_key.push(Counted { operation: operation.name, uses: 1, last_at: now, last_by: user.into() });
            }
        }
    }

    /// Returns when it is time to add what was counted to the database.
    pub(crate) async fn is_due(&self) {
        let _ = tokio::time::timeout(ROUND, self.full.notified()).await;
    }

    /// Adds what was counted to the database; what cannot be added now is kept.
    pub(crate) async fn flush(&self, store: &Store) -> Result<()> {
        let mut counted = self.take();
        while !counted.is_empty() {
            let batch = counted.split_off(counted.len().saturating_sub(BATCH));
            let rows: Arc<Vec<KeyUse>> = Arc::new(batch.iter().map(|(key, of)| of.row(key)).collect());
            let adding = store.write::<_, StoreError, _>(move |tx| {
                let rows = Arc::clone(&rows);
                Box::pin(async move { key_uses::add(tx, &rows).await })
            });
            if let Err(error) = adding.await {
                counted.extend(batch);
                self.put_back(counted);
                return Err(error.into());
            }
        }
        Ok(())
    }

    fn take(&self) -> Vec<(KeyId, Counted)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            for (key, of_key) in std::mem::take(&mut *shard.lock()) {
                all.extend(of_key.into_iter().map(|counted| (key.clone(), counted)));
            }
        }
        all
    }

    fn put_back(&self, counted: Vec<(KeyId, Counted)>) {
        let Some(shard) = self.shards.first() else { return };
        let mut shard = shard.lock();
        for (key, of) in counted {
            let of_key = shard.entry(key).or_default();
            match of_key.iter_mut().find(|newer| newer.operation == of.operation) {
                // Last used is what came meanwhile.
                Some(newer) => newer.uses += of.uses,
                None => of_key.push(of),
            }
        }
    }

    /// The last use of a key, when it is not long ago. Other nodes may know of one that is newer by ten seconds.
    pub(crate) async fn recent(&self, store: &Store, key: &KeyId, now: Timestamp) -> Result<Option<KeyUse>> {
        self.flush(store).await?;
        let uses = key_uses::of_key(&mut store.reader().await?, key).await?;
        let last = uses.into_iter().max_by_key(|of| of.last_at);
        Ok(last.filter(|last| last.last_at.plus_seconds(RECENT_SECONDS) > now))
    }
}

impl Counted {
    fn row(&self, key: &KeyId) -> KeyUse {
        let Self { operation, uses, last_at, last_by } = self;
        KeyUse {
            key: key.clone(),
            operation: (*operation).to_owned(),
            uses: *uses,
            last_at: *last_at,
            last_by: last_by.to_string(),
        }
    }
}
