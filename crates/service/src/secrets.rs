//! Secrets and their sealed values, read through caches; sealing and opening values.
//!
//! A value is sealed twice. Inside, by an envelope: a data key of its own encrypts it, and the secret's encryption key
//! encrypts the data key. Outside, by the barrier. What stays in memory is the envelope: a value is in clear only while
//! it is answered, and a key that is disabled closes every value at once.
//!
//! Envelope, format 1: `01`, length of the data key's blob (2 bytes, big endian), the blob (version id, IV, ciphertext,
//! tag), IV (12), ciphertext, tag (16). Both ciphers authenticate region, account, name, version id and type of the
//! secret value, so that an envelope opens in its place only.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};
use sesame_crypto::aead::{AeadAlgorithm, AeadKey};
use sesame_crypto::blob::{BlobRef, CiphertextBlob};
use sesame_crypto::secret::{SecretBytes, SecretText};
use sesame_domain::secret::{Secret, SecretId, SecretName, SecretVersion, Versions};
use sesame_domain::{AccountId, KeyVersionId, RegionId, Tag};
use sesame_policy::{Kind, PolicySet};
use sesame_store::{Change, Store, StoreError, secrets};
use smallvec::SmallVec;
use tokio::sync::OnceCell;

use crate::access::resource_policy;
use crate::cached::Cached;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::keys::LoadedKey;
use crate::ops::secrets::Shown;

/// Bytes of sealed values kept in memory.
const VALUE_BYTES: u64 = 32 << 20;
/// Bytes that a value takes beside its content.
const VALUE_OVERHEAD: u64 = 128;
/// The largest envelope that is kept with its secret, in bytes.
const NEAR_BYTES: usize = 1_024;
const FORMAT: u8 = 1;

/// A secret, its versions and their labels. Dropped as a whole when anything about it changes.
#[derive(Debug)]
pub(crate) struct LoadedSecret {
    pub(crate) secret: Secret,
    /// Its name in an ARN, `secret/<name>`.
    pub(crate) resource: Box<str>,
    pub(crate) versions: Versions,
    /// Its own policy, when it has one.
    pub(crate) policy: Option<PolicySet>,
    /// Its tags, once a condition has asked for them.
    pub(crate) tags: OnceCell<Vec<Tag>>,
    /// What every answer with a value says of it, written once.
    pub(crate) shown: Shown,
    /// The version that is marked `ACSCurrent`, which nearly everybody asks for.
    pub(crate) current: Option<SecretVersion>,
    /// The number of the version that was read first, and its envelope if that is small: most secrets have one version
    /// that everybody reads.
    near: OnceLock<(i64, Arc<SecretBytes>)>,
}

impl LoadedSecret {
    fn new(secret: Secret, versions: Versions, policy: Option<&str>) -> Self {
        let policy = resource_policy(Kind::Secret, secret.name.as_str(), policy);
        let resource = format!("secret/{}", secret.name).into();
        let (shown, near) = (Shown::of(&secret), OnceLock::new());
        let current = versions.select(None, None).ok().cloned();
        Self { shown, resource, tags: OnceCell::new(), secret, versions, policy, current, near }
    }

    /// The envelope of a version, if it is at hand.
    fn near(&self, version: &SecretVersion) -> Option<&SecretBytes> {
        self.near.get().filter(|(number, _)| *number == version.number).map(|(_, envelope)| &**envelope)
    }

    /// Refuses a secret in its recovery window.
    pub(crate) fn live(&self) -> Result<()> {
        live(&self.secret)
    }
}

/// Refuses a secret in its recovery window.
pub(crate) fn live(secret: &Secret) -> Result<()> {
    if secret.delete_at.is_some() { Err(Code::ResourceInDeleteWindow.into()) } else { Ok(()) }
}

/// A version of a secret. A number is never used again, so what is kept under it never changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ValueKey(SecretId, i64);

#[derive(Debug, Hash)]
struct ValueRef<'a>(&'a SecretId, i64);

impl Equivalent<ValueKey> for ValueRef<'_> {
    fn equivalent(&self, key: &ValueKey) -> bool {
        *self.0 == key.0 && self.1 == key.1
    }
}

#[derive(Clone, Debug)]
struct Length;

impl Weighter<ValueKey, Arc<SecretBytes>> for Length {
    fn weight(&self, _: &ValueKey, value: &Arc<SecretBytes>) -> u64 {
        value.len() as u64 + VALUE_OVERHEAD
    }
}

/// Reads secrets through bounded caches; what is not in them is read as [`Keys`](crate::keys::Keys) does.
pub(crate) struct Secrets {
    store: Store,
    secrets: Cached<NameKey, Arc<LoadedSecret>>,
    values: Cache<ValueKey, Arc<SecretBytes>, Length>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// Keeps at most `capacity` secrets, and their values up to a number of bytes.
    pub(crate) fn new(store: Store, capacity: usize) -> Self {
        Self { store, secrets: Cached::new(capacity), values: Cache::with_weighter(capacity, VALUE_BYTES, Length) }
    }

    /// The secret of this name.
    pub(crate) async fn get(&self, account: &AccountId, name: &SecretName) -> Result<Option<Arc<LoadedSecret>>> {
        if self.store.is_current()
            && let Some(secret) = self.secrets.get(&NameRef(account, name))
        {
            return Ok(Some(secret));
        }
        Box::pin(self.read(account, name)).await
    }

    async fn read(&self, account: &AccountId, name: &SecretName) -> Result<Option<Arc<LoadedSecret>>> {
        let current = self.store.is_current();
        let ticket = self.secrets.ticket(&NameRef(account, name));
        let names = (account.clone(), name.clone());
        let read = self.store.read(move |conn| {
            Box::pin(async move {
                let Some(secret) = secrets::by_name(conn, &names.0, &names.1).await? else { return Ok(None) };
                let versions = secrets::versions(conn, &secret.id).await?;
                let policy = secrets::policy(conn, &secret.id).await?;
                Ok::<_, StoreError>(Some(LoadedSecret::new(secret, versions, policy.as_deref())))
            })
        });
        let Some(loaded) = read.await? else { return Ok(None) };
        let loaded = Arc::new(loaded);
        if current {
            self.secrets.keep(ticket, NameKey(account.clone(), name.clone()), Arc::clone(&loaded));
        }
        Ok(Some(loaded))
    }

    /// The envelope of a version.
    async fn envelope(&self, secret: &Secret, number: i64) -> Result<Option<Arc<SecretBytes>>> {
        if let Some(value) = self.values.get(&ValueRef(&secret.id, number)) {
            return Ok(Some(value));
        }
        Box::pin(self.read_envelope(secret, number)).await
    }

    async fn read_envelope(&self, secret: &Secret, number: i64) -> Result<Option<Arc<SecretBytes>>> {
        let read = secrets::value(&mut self.store.reader().await?, &secret.id, number).await?;
        let Some(value) = read.map(Arc::new) else { return Ok(None) };
        self.values.insert(ValueKey(secret.id.clone(), number), Arc::clone(&value));
        Ok(Some(value))
    }

    /// Forgets what a committed change has replaced.
    pub(crate) fn forget(&self, change: &Change) {
        match change {
            Change::Secret(account, name) => self.secrets.invalidate(&NameRef(account, name)),
            Change::Everything => self.secrets.clear(),
            _ => {}
        }
    }
}

/// The value of a version in clear; `None` when the version was removed in the meantime.
pub(crate) async fn open(
    cx: &Context<'_>,
    key: &LoadedKey,
    secret: &Secret,
    version: &SecretVersion,
) -> Result<Option<SecretText>> {
    let Some(envelope) = cx.secrets().envelope(secret, version.number).await? else { return Ok(None) };
    // EXPOSE: an envelope is no secret; it is in the type that the barrier gives.
    open_envelope(cx, key, secret, version, envelope.expose()).await.map(Some)
}

/// As [`open`], for a secret that is kept in memory: a small envelope then stays with it.
pub(crate) async fn open_kept(
    cx: &Context<'_>,
    key: &LoadedKey,
    from: &LoadedSecret,
    version: &SecretVersion,
) -> Result<Option<SecretText>> {
    let secret = &from.secret;
    if let Some(near) = from.near(version) {
        // EXPOSE: as above.
        return open_envelope(cx, key, secret, version, near.expose()).await.map(Some);
    }
    let Some(envelope) = cx.secrets().envelope(secret, version.number).await? else { return Ok(None) };
    if envelope.len() <= NEAR_BYTES {
        from.near.get_or_init(|| (version.number, Arc::clone(&envelope)));
    }
    // EXPOSE: as above.
    open_envelope(cx, key, secret, version, envelope.expose()).await.map(Some)
}

/// Opens an envelope.
pub(crate) async fn open_envelope(
    cx: &Context<'_>,
    key: &LoadedKey,
    secret: &Secret,
    version: &SecretVersion,
    envelope: &[u8],
) -> Result<SecretText> {
    const DAMAGED: &str = "an envelope of a secret value is damaged";
    let damaged = || KmsError::internal(DAMAGED);
    let (format, rest) = envelope.split_first().ok_or_else(damaged)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(damaged)?;
    let (blob, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or_else(damaged)?;
    let (iv, sealed) = rest.split_first_chunk::<12>().ok_or_else(damaged)?;
    if *format != FORMAT {
        return Err(damaged());
    }
    let place = place(cx.region(), secret, version);
    let BlobRef { version_id, iv: key_iv, sealed: sealed_key } = CiphertextBlob::parse(blob)?;
    let version_id: KeyVersionId = version_id.parse().map_err(|_| damaged())?;
    let under = cx.keys().version(key, &version_id).await?.ok_or(Code::KeyNotFound)?;
    let data_key = under.unlocked.open(key_iv, &place, sealed_key)?;
    let value = AeadKey::new(AeadAlgorithm::Aes256Gcm, &data_key)?.open(iv, &place, sealed)?;
    Ok(SecretText::from_utf8(value)?)
}

/// Puts a value into an envelope.
pub(crate) async fn seal(
    cx: &Context<'_>,
    key: &LoadedKey,
    secret: &Secret,
    version: &SecretVersion,
    value: &SecretText,
) -> Result<SecretBytes> {
    let place = place(cx.region(), secret, version);
    let under = cx.keys().primary(key).await?;
    let mut data_key = SecretBytes::zeroed(AeadAlgorithm::Aes256Gcm.key_len());
    // EXPOSE: the generator writes the data key here, and the cipher reads it.
    cx.random().fill(data_key.expose_mut())?;
    let mut blob = CiphertextBlob::begin(under.version.id.as_str(), data_key.len())?;
    under.unlocked.seal(cx.random(), &place, data_key.expose(), &mut blob)?;
    let length = u16::try_from(blob.len()).map_err(KmsError::internal)?;
    let mut envelope = Vec::with_capacity(1 + 2 + blob.len() + 12 + value.len() + 16);
    envelope.push(FORMAT);
    envelope.extend_from_slice(&length.to_be_bytes());
    envelope.extend_from_slice(&blob);
    // EXPOSE: the cipher reads the value.
    let value = value.expose().as_bytes();
    AeadKey::new(AeadAlgorithm::Aes256Gcm, &data_key)?.seal(cx.random(), &place, value, &mut envelope)?;
    Ok(SecretBytes::new(envelope))
}

/// The place of a value: each text after its length.
fn place(region: &RegionId, secret: &Secret, version: &SecretVersion) -> SmallVec<[u8; 256]> {
    let mut out = SmallVec::new();
    for text in [
        "sesame secret value",
        region.as_str(),
        secret.account.as_str(),
        secret.name.as_str(),
        version.id.as_str(),
        version.data_type.name(),
    ] {
        out.extend_from_slice(&(text.len() as u64).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    out
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct NameKey(AccountId, SecretName);

impl Hash for NameKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        NameRef(&self.0, &self.1).hash(state);
    }
}

#[derive(Debug, Hash)]
struct NameRef<'a>(&'a AccountId, &'a SecretName);

impl Equivalent<NameKey> for NameRef<'_> {
    fn equivalent(&self, key: &NameKey) -> bool {
        *self.0 == key.0 && *self.1 == key.1
    }
}
