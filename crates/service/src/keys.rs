//! Keys, aliases and unlocked key versions, read through a cache.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use quick_cache::Equivalent;
use sesame_crypto::UnlockedKey;
use sesame_domain::{AccountId, AliasName, Key, KeyId, KeyVersion, KeyVersionId, Tag};
use sesame_policy::{Kind, PolicySet};
use sesame_store::{Change, Store, key_versions};
use tokio::sync::OnceCell;

use crate::access::resource_policy;
use crate::cached::{Cached, Remembered};
use crate::error::{Code, KmsError, Result};
use crate::workers::{Work, Workers};

/// Old versions of one key that stay unlocked; beyond them the map is emptied and filled anew.
const UNLOCKED_VERSIONS: usize = 64;

/// A key and those of its versions that are unlocked. Dropped as a whole when anything about the key changes.
#[derive(Debug)]
pub(crate) struct LoadedKey {
    pub(crate) key: Key,
    /// Its name in an ARN, `key/<id>`.
    pub(crate) resource: Box<str>,
    /// Its own policy, when it has one.
    pub(crate) policy: Option<PolicySet>,
    /// Its tags, once a condition has asked for them.
    pub(crate) tags: OnceCell<Vec<Tag>>,
    primary: OnceCell<Arc<LoadedVersion>>,
    others: RwLock<BTreeMap<KeyVersionId, Arc<LoadedVersion>>>,
}

impl LoadedKey {
    /// The primary version, if it has been unlocked.
    pub(crate) fn primary_at_hand(&self) -> Option<&LoadedVersion> {
        self.primary.get().map(|version| &**version)
    }
}

/// A version and its unlocked material.
#[derive(Debug)]
pub(crate) struct LoadedVersion {
    pub(crate) version: KeyVersion,
    pub(crate) unlocked: UnlockedKey,
}

/// Reads keys through a bounded cache.
///
/// What finds nothing in memory runs in a future of its own on the heap, so that the future of a call stays small
/// (`pipeline.rs`).
#[derive(Debug)]
pub(crate) struct Keys {
    store: Store,
    workers: Arc<Workers>,
    keys: Cached<KeyId, Arc<LoadedKey>>,
    aliases: Cached<AliasKey, KeyId>,
    /// Grows whenever a key is forgotten.
    generation: AtomicU64,
}

impl Keys {
    /// Keeps at most `capacity` keys and as many aliases.
    pub(crate) fn new(store: Store, capacity: usize, workers: Arc<Workers>) -> Self {
        let (keys, aliases) = (Cached::new(capacity), Cached::new(capacity));
        Self { store, workers, keys, aliases, generation: AtomicU64::new(0) }
    }

    /// The key of this id, of whatever account.
    pub(crate) async fn get(&self, id: &KeyId) -> Result<Option<Arc<LoadedKey>>> {
        if self.store.is_current()
            && let Some(key) = self.keys.get(id)
        {
            return Ok(Some(key));
        }
        Box::pin(self.read(id)).await
    }

    async fn read(&self, id: &KeyId) -> Result<Option<Arc<LoadedKey>>> {
        let current = self.store.is_current();
        let ticket = self.keys.ticket(id);
        let found = sesame_store::keys::with_policy(&mut self.store.reader().await?, id).await?;
        let Some((key, policy)) = found else { return Ok(None) };
        let policy = resource_policy(Kind::Key, key.id.as_str(), policy.as_deref());
        let loaded = Arc::new(LoadedKey {
            resource: format!("key/{}", key.id).into(),
            key,
            policy,
            tags: OnceCell::new(),
            primary: OnceCell::new(),
            others: RwLock::default(),
        });
        if current {
            self.keys.keep(ticket, id.clone(), Arc::clone(&loaded));
        }
        Ok(Some(loaded))
    }

    /// As [`Keys::get`], for whoever remembers the key from the last time.
    pub(crate) async fn get_again(
        &self,
        id: &KeyId,
        remembered: &Remembered<LoadedKey>,
    ) -> Result<Option<Arc<LoadedKey>>> {
        // Looked at before the key is: whatever is forgotten after that makes it old.
        let generation = self.generation.load(Ordering::Acquire);
        let current = self.store.is_current();
        if current && let Some(key) = remembered.get(generation) {
            return Ok(Some(key));
        }
        let found = self.get(id).await?;
        if let (true, Some(key)) = (current, &found) {
            remembered.set(generation, key);
        }
        Ok(found)
    }

    /// The id of the key that an alias of the account stands for.
    pub(crate) async fn by_alias(&self, account: &AccountId, alias: &AliasName) -> Result<Option<KeyId>> {
        if self.store.is_current()
            && let Some(key) = self.aliases.get(&AliasRef(account, alias))
        {
            return Ok(Some(key));
        }
        Box::pin(self.read_alias(account, alias)).await
    }

    async fn read_alias(&self, account: &AccountId, alias: &AliasName) -> Result<Option<KeyId>> {
        let current = self.store.is_current();
        let name = AliasRef(account, alias);
        let ticket = self.aliases.ticket(&name);
        let found = sesame_store::aliases::get(&mut self.store.reader().await?, account, alias).await?;
        if let (true, Some(key)) = (current, &found) {
            self.aliases.keep(ticket, AliasKey(account.clone(), alias.clone()), key.clone());
        }
        Ok(found)
    }

    /// The key of a version. The newer form of version ids begins with the key's id; the older is looked up.
    pub(crate) async fn of_version(&self, version: &KeyVersionId) -> Result<Option<Arc<LoadedKey>>> {
        if let Some(id) = version.as_str().get(..25).and_then(|id| id.parse::<KeyId>().ok()) {
            return self.get(&id).await;
        }
        match Box::pin(self.read_version(version)).await? {
            Some(loaded) => self.get(&loaded.version.key).await,
            None => Ok(None),
        }
    }

    /// The primary version, unlocked.
    pub(crate) async fn primary<'k>(&self, key: &'k LoadedKey) -> Result<&'k Arc<LoadedVersion>> {
        if let Some(version) = key.primary.get() {
            return Ok(version);
        }
        let load = || async {
            let version = self.read_version(&key.key.primary_version).await?;
            version.ok_or_else(|| KmsError::internal("the primary version of a key is missing"))
        };
        Box::pin(key.primary.get_or_try_init(load)).await
    }

    /// A version of this key, unlocked; `None` when the key has no such version.
    pub(crate) async fn version(&self, key: &LoadedKey, id: &KeyVersionId) -> Result<Option<Arc<LoadedVersion>>> {
        if *id == key.key.primary_version {
            return self.primary(key).await.map(|version| Some(Arc::clone(version)));
        }
        if let Some(version) = key.others.read().get(id) {
            return Ok(Some(Arc::clone(version)));
        }
        let read = Box::pin(self.read_version(id)).await?;
        let Some(version) = read.filter(|loaded| loaded.version.key == key.key.id) else { return Ok(None) };
        let mut others = key.others.write();
        if others.len() >= UNLOCKED_VERSIONS {
            others.clear();
        }
        others.insert(id.clone(), Arc::clone(&version));
        Ok(Some(version))
    }

    async fn read_version(&self, id: &KeyVersionId) -> Result<Option<Arc<LoadedVersion>>> {
        let mut conn = self.store.reader().await?;
        let Some((version, material)) = key_versions::get(&mut conn, id).await? else { return Ok(None) };
        let Some(key) = sesame_store::keys::get(&mut conn, &version.key).await? else { return Ok(None) };
        drop(conn);
        if material.is_empty() {
            // Erased after the key was found usable.
            return Err(Code::PendingImport.into());
        }
        let restore = move || UnlockedKey::from_material(key.spec, &material);
        let unlocked = self.workers.run(Work::Private, key.spec, restore).await??;
        Ok(Some(Arc::new(LoadedVersion { version, unlocked })))
    }

    /// Forgets what a committed change has replaced.
    pub(crate) fn forget(&self, change: &Change) {
        match change {
            Change::Key(id) => self.keys.invalidate(id),
            Change::Alias(account, alias) => return self.aliases.invalidate(&AliasRef(account, alias)),
            Change::Everything => {
                self.keys.clear();
                self.aliases.clear();
            }
            _ => return,
        }
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct AliasKey(AccountId, AliasName);

impl Hash for AliasKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        AliasRef(&self.0, &self.1).hash(state);
    }
}

#[derive(Debug, Hash)]
struct AliasRef<'a>(&'a AccountId, &'a AliasName);

impl Equivalent<AliasKey> for AliasRef<'_> {
    fn equivalent(&self, key: &AliasKey) -> bool {
        *self.0 == key.0 && *self.1 == key.1
    }
}
