//! When access keys last signed a request. Noted beside the calls, at most once in ten seconds for each key, and written
//! to the database by the job that keeps the uses of keys.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;
use sesame_domain::Timestamp;
use sesame_store::{Store, StoreError, access_keys, ram_access_keys};

use crate::error::Result;

/// How long a key is not noted again.
const APART_MILLIS: i64 = 10_000;
/// Rows of one transaction.
const BATCH: usize = 500;

/// When one key was last noted; lives with the key where it is kept ready.
#[derive(Debug)]
pub(crate) struct Noted(AtomicI64);

impl Default for Noted {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

/// Whose access key it is: it decides about the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// An account.
    Root,
    /// A user.
    User,
}

/// What the database does not know yet.
#[derive(Debug, Default)]
pub(crate) struct LastUsed(Mutex<HashMap<(Owner, Box<str>), Timestamp>>);

impl LastUsed {
    /// Notes that a key signed a request. For almost every call this is one comparison.
    pub(crate) fn note(&self, noted: &Noted, owner: Owner, access_key_id: &str, now: Timestamp) {
        let last = noted.0.load(Ordering::Relaxed);
        if now.millis().saturating_sub(last) < APART_MILLIS {
            return;
        }
        // Of calls at the same time, one does it.
        if noted.0.compare_exchange(last, now.millis(), Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.0.lock().insert((owner, access_key_id.into()), now);
        }
    }

    /// Writes what was noted to the database; what cannot be written now is kept.
    pub(crate) async fn flush(&self, store: &Store) -> Result<()> {
        let mut all: Vec<_> = std::mem::take(&mut *self.0.lock()).into_iter().collect();
        while !all.is_empty() {
            let batch = all.split_off(all.len().saturating_sub(BATCH));
            let of = |wanted: Owner| -> Vec<(String, Timestamp)> {
                let rows = batch.iter().filter(|((owner, _), _)| *owner == wanted);
                rows.map(|((_, id), at)| (id.to_string(), *at)).collect()
            };
            let rows = Arc::new((of(Owner::Root), of(Owner::User)));
            let writing = store.write::<_, StoreError, _>(move |tx| {
                let rows = Arc::clone(&rows);
                Box::pin(async move {
                    access_keys::note_used(tx, &rows.0).await?;
                    ram_access_keys::note_used(tx, &rows.1).await
                })
            });
            if let Err(error) = writing.await {
                all.extend(batch);
                let mut noted = self.0.lock();
                for (key, at) in all {
                    // What came meanwhile is newer.
                    noted.entry(key).or_insert(at);
                }
                return Err(error.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_noted_once_in_ten_seconds() {
        let (last_used, noted) = (LastUsed::default(), Noted::default());
        let count_at = |millis: i64| {
            last_used.note(&noted, Owner::User, "LTAI", Timestamp::from_millis(millis));
            last_used.0.lock().drain().count()
        };
        assert_eq!([1_000, 1_001, 10_999, 11_000, 11_001].map(count_at), [1, 0, 0, 1, 0]);
    }
}
