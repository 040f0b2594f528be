//! Nonces that were used, so that a recorded request cannot be sent again (gateway reference, section 3).

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use sesame_domain::Timestamp;

use crate::error::{Code, KmsError, Result};

const SHARDS: usize = 64;
/// Nonces are kept by the time stamp of their request in buckets of this many seconds.
const BUCKET_SECONDS: i64 = 8;
/// However full the memory is, requests that are at most this old are told apart.
const YOUNGEST_SECONDS: i64 = 32;

/// The nonces of every request whose time stamp is still valid, as keyed 64-bit hashes.
///
/// Memory is bounded: when `capacity` nonces are held, the oldest are dropped and requests as old as those are refused
/// from then on, as if the clock window were narrower. So a replay is never accepted, whatever the load.
#[derive(Debug)]
pub(crate) struct Nonces {
    window_seconds: i64,
    capacity: usize,
    hasher: RandomState,
    shards: Box<[Mutex<BTreeMap<i64, Bucket>>]>,
    held: AtomicUsize,
    /// Requests with a time stamp in a bucket before this one are refused.
    floor: AtomicI64,
}

type Bucket = HashSet<u64, BuildHasherDefault<Identity>>;

impl Nonces {
    pub(crate) fn new(window_seconds: i64, capacity: usize) -> Self {
        Self {
            window_seconds,
            capacity,
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            held: AtomicUsize::new(0),
            floor: AtomicI64::new(i64::MIN),
        }
    }

    /// Records the nonce of an access key's request.
    ///
    /// # Errors
    /// `SignatureNonceUsed` when it was recorded before, `InvalidTimeStamp.Expired` when the request is older than
    /// the nonces still held.
    pub(crate) fn record(&self, access_key: &str, nonce: &str, stamp: Timestamp, now: Timestamp) -> Result<()> {
        let hash = self.hasher.hash_one((access_key, nonce));
        let bucket = stamp.seconds().div_euclid(BUCKET_SECONDS);
        let shard = usize::try_from(hash >> 32).unwrap_or_default() % SHARDS;
        let Some(shard) = self.shards.get(shard) else { return Err(KmsError::internal("no such shard")) };
        {
            let mut buckets = shard.lock();
            // Looked at under the lock: `evict` raises the floor before it takes any lock.
            if bucket < self.floor.load(Ordering::Acquire) {
                return Err(Code::InvalidTimeStampExpired.into());
            }
            self.drop_before(&mut buckets, self.oldest_valid(now));
            if !buckets.entry(bucket).or_default().insert(hash) {
                return Err(Code::SignatureNonceUsed.into());
            }
        }
        if self.held.fetch_add(1, Ordering::Relaxed) >= self.capacity {
            self.evict(now);
        }
        Ok(())
    }

    /// How many nonces are held.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Forgets nonces whose time stamps have left the window.
    pub(crate) fn purge(&self, now: Timestamp) {
        let oldest = self.oldest_valid(now);
        for shard in &self.shards {
            self.drop_before(&mut shard.lock(), oldest);
        }
    }

    fn oldest_valid(&self, now: Timestamp) -> i64 {
        (now.seconds() - self.window_seconds).div_euclid(BUCKET_SECONDS)
    }

    /// Drops the oldest buckets until three quarters of the capacity are held, and refuses their age from now on.
    fn evict(&self, now: Timestamp) {
        let youngest = (now.seconds() - YOUNGEST_SECONDS).div_euclid(BUCKET_SECONDS);
        while self.held() > self.capacity / 4 * 3 {
            let oldest = self.shards.iter().filter_map(|shard| shard.lock().keys().next().copied()).min();
            let Some(oldest) = oldest.filter(|oldest| *oldest < youngest) else { return };
            self.floor.fetch_max(oldest + 1, Ordering::AcqRel);
            for shard in &self.shards {
                self.drop_before(&mut shard.lock(), oldest + 1);
            }
        }
    }

    fn drop_before(&self, buckets: &mut BTreeMap<i64, Bucket>, oldest_kept: i64) {
        while let Some(first) = buckets.first_entry() {
            if *first.key() >= oldest_kept {
                break;
            }
            self.held.fetch_sub(first.remove().len(), Ordering::Relaxed);
        }
    }
}

/// The values are hashes already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn code(result: Result<()>) -> Option<Code> {
        result.err().map(|error| error.code)
    }

    #[test]
    fn a_nonce_can_be_used_once_per_access_key() {
        let nonces = Nonces::new(900, 1_000);
        assert_eq!(code(nonces.record("a", "n", NOW, NOW)), None);
        assert_eq!(code(nonces.record("a", "n", NOW, NOW)), Some(Code::SignatureNonceUsed));
        assert_eq!(code(nonces.record("b", "n", NOW, NOW)), None);
        assert_eq!(code(nonces.record("a", "m", NOW, NOW)), None);
    }

    #[test]
    fn a_nonce_is_held_as_long_as_its_time_stamp_is_valid() {
        let nonces = Nonces::new(900, 1_000);
        let early = NOW.plus_seconds(900);
        nonces.record("a", "n", early, NOW).unwrap();
        assert_eq!(code(nonces.record("a", "n", early, NOW.plus_seconds(1_799))), Some(Code::SignatureNonceUsed));
        nonces.purge(NOW.plus_seconds(1_900));
        assert_eq!(nonces.held(), 0);
    }

    #[test]
    fn when_memory_is_full_old_requests_are_refused_instead_of_replayed() {
        let nonces = Nonces::new(900, 100);
        let old = NOW.plus_seconds(-600);
        nonces.record("a", "old", old, NOW).unwrap();
        for nonce in 0..200 {
            nonces.record("a", &nonce.to_string(), NOW, NOW).unwrap();
        }
        assert_eq!(code(nonces.record("a", "old", old, NOW)), Some(Code::InvalidTimeStampExpired));
        assert_eq!(code(nonces.record("a", "7", NOW, NOW)), Some(Code::SignatureNonceUsed));
        assert_eq!(nonces.held(), 200);
    }
}
