//! Answers of list operations, kept until something that they list changes.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use sesame_domain::{AccountId, KeyId, Page};
use sesame_store::Change;

/// Pages kept; a page of 100 ids takes about 6 KB.
const PAGES: usize = 1_024;
/// Longest filter text whose pages are kept, in bytes.
const FILTER_BYTES: usize = 1_024;
const GENERATIONS: usize = 1_024;

/// A page of key ids and the number of keys on all pages.
pub(crate) type KeyPage = Arc<(Vec<KeyId>, i64)>;

type PageKey = (AccountId, Box<str>, Page);

/// Pages of a list with the generation of the account that they were read in.
pub(crate) struct Lists<P> {
    pages: Cache<PageKey, (u64, P)>,
    /// The account whose list a change replaces.
    changed: fn(&Change) -> Option<&AccountId>,
    /// Counts changes per account; accounts may share a counter, which costs only a needless read.
    generations: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl<P: Clone> Lists<P> {
    pub(crate) fn new(changed: fn(&Change) -> Option<&AccountId>) -> Self {
        Self {
            changed,
            pages: Cache::new(PAGES),
            generations: (0..GENERATIONS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    /// The generation to hand in with a page; to be taken before the database is read.
    pub(crate) fn generation(&self, account: &AccountId) -> u64 {
        self.counter(account).map_or(0, |counter| counter.load(Ordering::Acquire))
    }

    pub(crate) fn get(&self, account: &AccountId, filters: &str, page: Page) -> Option<P> {
        let (generation, ids) = self.pages.get(&(account.clone(), filters.into(), page))?;
        (generation == self.generation(account)).then_some(ids)
    }

    pub(crate) fn keep(&self, generation: u64, account: &AccountId, filters: &str, page: Page, ids: P) {
        if filters.len() <= FILTER_BYTES {
            self.pages.insert((account.clone(), filters.into(), page), (generation, ids));
        }
    }

    /// Forgets what a committed change has replaced.
    pub(crate) fn forget(&self, change: &Change) {
        if *change == Change::Everything {
            for counter in &self.generations {
                counter.fetch_add(1, Ordering::AcqRel);
            }
        }
        if let Some(counter) = (self.changed)(change).and_then(|account| self.counter(account)) {
            counter.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn counter(&self, account: &AccountId) -> Option<&AtomicU64> {
        self.generations.get(usize::try_from(self.hasher.hash_one(account)).unwrap_or_default() % GENERATIONS)
    }
}

impl<P> std::fmt::Debug for Lists<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lists")
    }
}
