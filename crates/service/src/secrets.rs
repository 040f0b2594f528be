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
use sesame_crypto::aead::{AeadAlgorithm, AeadKey, IV_LEN};
use sesame_crypto::blob::{BlobRef, CiphertextBlob};
use sesame_crypto::secret::{SecretBytes, SecretText};
use sesame_domain::secret::{Secret, SecretId, SecretName, SecretVersion, Versions};
use sesame_domain::{AccountId, KeyVersionId, RegionId, Tag};
use sesame_policy::{Kind, PolicySet};
use sesame_store::{Change, Store, StoreError, secrets};
use smallvec::SmallVec;
use tokio::sync::OnceCell;

use crate::access::resource_policy;
use crate::cached::{Cached, Remembered};
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::keys::{LoadedKey, LoadedVersion};
use crate::ops::secrets::{Shown, members_without_value};

/// Bytes of sealed values kept in memory.
const VALUE_BYTES: u64 = 32 << 20;
/// Bytes that a value takes beside its content.
const VALUE_OVERHEAD: u64 = 128;
/// The largest envelope that is kept with its secret, in bytes.
const ENVELOPE_AT_HAND: usize = 1_024;
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
    /// The key of its values.
    pub(crate) key: Remembered<LoadedKey>,
    /// What reading the current version takes, once it was read.
    at_hand: OnceLock<VersionAtHand>,
}

/// What reading a version takes, but for its value in clear.
#[derive(Debug)]
struct VersionAtHand {
    number: i64,
    place: Place,
    /// Its envelope, if that is small.
    envelope: Option<Arc<SecretBytes>>,
    /// The answer with its value as JSON, but for the value.
    members: Box<[u8]>,
}

impl LoadedSecret {
    fn new(secret: Secret, versions: Versions, policy: Option<&str>) -> Self {
        let policy = resource_policy(Kind::Secret, secret.name.as_str(), policy);
        let resource = format!("secret/{}", secret.name).into();
        let (shown, at_hand) = (Shown::of(&secret), OnceLock::new());
        let current = versions.select(None, None).ok().cloned();
        Self {
            shown,
            resource,
            tags: OnceCell::new(),
            secret,
            versions,
            policy,
            current,
            key: Remembered::default(),
            at_hand,
        }
    }

    fn at_hand(&self, number: i64) -> Option<&VersionAtHand> {
        self.at_hand.get().filter(|at_hand| at_hand.number == number)
    }

    /// The answer with the value of a version as JSON, but for the value, if that is at hand.
    pub(crate) fn members_at_hand(&self, number: i64) -> Option<&[u8]> {
        self.at_hand(number).map(|at_hand| &*at_hand.members)
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

/// As [`open`], for a secret that is kept in memory, with which what reading the current version takes then stays.
pub(crate) async fn open_kept(
    cx: &Context<'_>,
    key: &LoadedKey,
    from: &LoadedSecret,
    version: &SecretVersion,
) -> Result<Option<SecretText>> {
    if let (Some(at_hand), Some(under)) = (from.at_hand(version.number), key.primary_at_hand())
        && let Some(envelope) = &at_hand.envelope
    {
        // EXPOSE: as above.
        let envelope = Envelope::parse(envelope.expose())?;
        if envelope.data_key.version_id == under.version.id.as_str() {
            return envelope.open(under, &at_hand.place).map(Some);
        }
    }
    Box::pin(async {
        let Some(envelope) = cx.secrets().envelope(&from.secret, version.number).await? else { return Ok(None) };
        // EXPOSE: as above.
        let value = open_envelope(cx, key, &from.secret, version, envelope.expose()).await?;
        let is_current = from.current.as_ref().is_some_and(|current| current.number == version.number);
        if is_current && from.at_hand.get().is_none() {
            let members = members_without_value(from, version)?;
            from.at_hand.get_or_init(|| VersionAtHand {
                number: version.number,
                place: place(cx.region(), &from.secret, version),
                envelope: (envelope.len() <= ENVELOPE_AT_HAND).then_some(envelope),
                members,
            });
        }
        Ok(Some(value))
    })
    .await
}

/// Opens an envelope.
pub(crate) async fn open_envelope(
    cx: &Context<'_>,
    key: &LoadedKey,
    secret: &Secret,
    version: &SecretVersion,
    envelope: &[u8],
) -> Result<SecretText> {
    let envelope = Envelope::parse(envelope)?;
    let under: KeyVersionId = envelope.data_key.version_id.parse().map_err(|_| damaged())?;
    let under = cx.keys().version(key, &under).await?.ok_or(Code::KeyNotFound)?;
    envelope.open(&under, &place(cx.region(), secret, version))
}

/// The parts of an envelope, borrowed from it.
struct Envelope<'a> {
    data_key: BlobRef<'a>,
    iv: &'a [u8; IV_LEN],
    /// Ciphertext and tag.
    sealed: &'a [u8],
}

impl<'a> Envelope<'a> {
    fn parse(envelope: &'a [u8]) -> Result<Self> {
        let (format, rest) = envelope.split_first().ok_or_else(damaged)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(damaged)?;
        let (blob, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or_else(damaged)?;
        let (iv, sealed) = rest.split_first_chunk().ok_or_else(damaged)?;
        if *format != FORMAT {
            return Err(damaged());
        }
        Ok(Self { data_key: CiphertextBlob::parse(blob)?, iv, sealed })
    }

    /// The value, given the version of the key that the data key is encrypted under.
    fn open(&self, under: &LoadedVersion, place: &[u8]) -> Result<SecretText> {
        let data_key = under.unlocked.open(self.data_key.iv, place, self.data_key.sealed)?;
        let value = AeadKey::new(AeadAlgorithm::Aes256Gcm, &data_key)?.open(self.iv, place, self.sealed)?;
        Ok(SecretText::from_utf8(value)?)
    }
}

fn damaged() -> KmsError {
    KmsError::internal("an envelope of a secret value is damaged")
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

/// The place of a value, which its ciphers authenticate: each text after its length.
type Place = SmallVec<[u8; 192]>;

fn place(region: &RegionId, secret: &Secret, version: &SecretVersion) -> Place {
    let mut out = Place::new();
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
