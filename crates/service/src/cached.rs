//! A bounded cache that never keeps what a later write has replaced.

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use quick_cache::Equivalent;
use quick_cache::sync::Cache;

const SHARDS: usize = 64;

/// Values read from the database, by key.
///
/// A reader takes a [`Ticket`] before it asks the database and hands it in with what it read. A value whose key was
/// invalidated in between is not kept, so a slow reader cannot bring a replaced value back.
pub(crate) struct Cached<K, V> {
    cache: Cache<K, V>,
    epochs: Box<[Mutex<u64>]>,
    hasher: RandomState,
}

/// Proof of when a read began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    shard: usize,
    epoch: u64,
}

impl<K: Eq + Hash + Clone, V: Clone> Cached<K, V> {
    /// Holds at most `capacity` values.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            cache: Cache::new(capacity),
            epochs: (0..SHARDS).map(|_| Mutex::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    pub(crate) fn get<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<V> {
        self.cache.get(key)
    }

    /// To be taken before the database is read.
    pub(crate) fn ticket<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Ticket {
        let shard = self.shard(key);
        let epoch = self.epochs.get(shard).map_or(0, |epoch| *epoch.lock());
        Ticket { shard, epoch }
    }

    /// Keeps a value, unless its key was invalidated since the ticket was taken.
    pub(crate) fn keep(&self, ticket: Ticket, key: K, value: V) {
        if let Some(epoch) = self.epochs.get(ticket.shard) {
            let epoch = epoch.lock();
            if *epoch == ticket.epoch {
                self.cache.insert(key, value);
            }
        }
    }

    /// Forgets a value; reads that are under way will not bring it back.
    pub(crate) fn invalidate<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) {
        if let Some(epoch) = self.epochs.get(self.shard(key)) {
            let mut epoch = epoch.lock();
            *epoch = epoch.wrapping_add(1);
            self.cache.remove(key);
        }
    }

    /// Forgets the values that are asked about; no read that is under way will be kept.
    pub(crate) fn invalidate_where(&self, replaced: impl Fn(&V) -> bool) {
        for epoch in &self.epochs {
            let mut epoch = epoch.lock();
            *epoch = epoch.wrapping_add(1);
        }
        self.cache.retain(|_, value| !replaced(value));
    }

    /// Forgets every value.
    pub(crate) fn clear(&self) {
        for epoch in &self.epochs {
            let mut epoch = epoch.lock();
            *epoch = epoch.wrapping_add(1);
        }
        self.cache.clear();
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        usize::try_from(self.hasher.hash_one(key)).unwrap_or_default() % SHARDS
    }
}

impl<K, V> fmt::Debug for Cached<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cached")
    }
}

/// A cached value as something remembers it that is always used with it, so that it is not looked up each time. What the
/// cache has let go of is not held here either: a key's material is wiped then.
#[derive(Debug)]
pub(crate) struct Remembered<V>(Mutex<Option<(u64, Weak<V>)>>);

impl<V> Default for Remembered<V> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<V> Remembered<V> {
    /// The value, if it was found in this generation: since the cache forgot something for the last time.
    pub(crate) fn get(&self, generation: u64) -> Option<Arc<V>> {
        self.0.lock().as_ref().filter(|(of, _)| *of == generation).and_then(|(_, value)| value.upgrade())
    }

    /// Remembers a value; the generation was looked at before the value was.
    pub(crate) fn set(&self, generation: u64, value: &Arc<V>) {
        *self.0.lock() = Some((generation, Arc::downgrade(value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_remembered_before_something_was_forgotten_is_not_used() {
        let (remembered, value) = (Remembered::default(), Arc::new(1));
        assert_eq!(remembered.get(0), None);
        remembered.set(0, &value);
        assert_eq!(remembered.get(0), Some(Arc::clone(&value)));
        assert_eq!(remembered.get(1), None);
        remembered.set(1, &value);
        assert_eq!(remembered.get(1), Some(value));
    }

    #[test]
    fn remembering_a_value_does_not_keep_it() {
        let (remembered, value) = (Remembered::default(), Arc::new(1));
        remembered.set(0, &value);
        drop(value);
        assert_eq!(remembered.get(0), None);
    }

    #[test]
    fn a_read_that_began_before_a_write_is_not_kept() {
        let cached = Cached::<u32, &str>::new(8);
        let before = cached.ticket(&1);
        cached.invalidate(&1);
        cached.keep(before, 1, "old");
        assert_eq!(cached.get(&1), None);
        cached.keep(cached.ticket(&1), 1, "new");
        assert_eq!(cached.get(&1), Some("new"));
    }

    #[test]
    fn an_invalidated_value_is_gone() {
        let cached = Cached::<u32, u32>::new(8);
        cached.keep(cached.ticket(&1), 1, 10);
        cached.invalidate(&1);
        assert_eq!(cached.get(&1), None);
    }
}
