//! The barrier: everything secret is sealed before it is stored.
//!
//! The root key wraps barrier keys (table `barrier_keys`, one row per term); barrier keys seal secret columns. What is
//! sealed opens only in its place: table, row, an extra name (such as the owner), column and term are associated data.
//!
//! Format 1 of both: `01`, term (4 bytes, big endian), nonce (12), ciphertext, tag (16).
//!
//! With random nonces one AES-256-GCM key may seal 2³² messages (NIST SP 800-38D, section 8.3). Uses are therefore
//! counted in blocks reserved in the database before they are used up, and a new term begins at 2³⁰.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use parking_lot::RwLock;
use sesame_crypto::aead::{AeadAlgorithm, AeadKey};
use sesame_crypto::error::CryptoError;
use sesame_crypto::random::Random;
use sesame_crypto::secret::SecretBytes;
use sesame_seal::RootKey;

use crate::conn::Conn;
use crate::sql::{Columns as _, args};
use crate::{StoreError, Tx};

const FORMAT: u8 = 1;
const IV_LEN: usize = 12;

/// Uses that are reserved at a time.
pub(crate) const BLOCK: i64 = 1 << 20;

/// Reserved uses of a term after which the next term begins.
const LAST_USE: i64 = 1 << 30;

/// The place of a sealed value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) table: &'static str,
    pub(crate) row: &'a str,
    pub(crate) extra: &'a str,
    pub(crate) column: &'static str,
}

/// The barrier keys of a store.
pub(crate) struct Barrier {
    root: AeadKey,
    random: Arc<dyn Random>,
    keys: RwLock<BTreeMap<u32, Arc<AeadKey>>>,
    current: AtomicU32,
    /// Uses of the current term that are reserved and not used; negative while a reservation is late.
    left: AtomicI64,
}

impl Barrier {
    pub(crate) fn new(root_key: &RootKey, random: Arc<dyn Random>) -> Result<Self, StoreError> {
        let root = AeadKey::new(AeadAlgorithm::Aes256Gcm, root_key.secret())?;
        let (current, left) = (AtomicU32::new(0), AtomicI64::new(0));
        Ok(Self { root, random, keys: RwLock::default(), current, left })
    }

    /// Seals a value; an empty one stays empty, which says "none".
    pub(crate) fn seal(&self, place: Place<'_>, plaintext: &[u8]) -> Result<Vec<u8>, StoreError> {
        if plaintext.is_empty() {
            return Ok(Vec::new());
        }
        let term = self.current.load(Ordering::Acquire);
        let key = self.keys.read().get(&term).cloned().ok_or(StoreError::Corrupt("no barrier key"))?;
        self.left.fetch_sub(1, Ordering::Relaxed);
        seal(&key, &*self.random, term, &place.associated_data(term), plaintext)
    }

    /// The term that a sealed value names, when this barrier does not have its key yet.
    pub(crate) fn misses(&self, sealed: &[u8]) -> bool {
        Sealed::parse(sealed).is_some_and(|sealed| !self.keys.read().contains_key(&sealed.term))
    }

    pub(crate) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<SecretBytes, StoreError> {
        const DAMAGED: StoreError = StoreError::Corrupt("a sealed column does not open");
        if sealed.is_empty() {
            return Ok(SecretBytes::default());
        }
        let sealed = Sealed::parse(sealed).ok_or(DAMAGED)?;
        let key = self.keys.read().get(&sealed.term).cloned().ok_or(StoreError::Corrupt("a barrier key is missing"))?;
        key.open(sealed.iv, &place.associated_data(sealed.term), sealed.ciphertext).map_err(|_| DAMAGED)
    }

    /// Whether half of the reserved uses are gone.
    pub(crate) fn wants_reservation(&self) -> bool {
        self.left.load(Ordering::Relaxed) < BLOCK / 2
    }

    /// The term new values are sealed with.
    pub(crate) fn term(&self) -> u32 {
        self.current.load(Ordering::Acquire)
    }

    fn wrap(&self, term: u32, key: &SecretBytes) -> Result<Vec<u8>, StoreError> {
        // EXPOSE: the cipher reads the key that it wraps.
        seal(&self.root, &*self.random, term, &wrapping_data(term), key.expose())
    }

    fn unwrap(&self, term: u32, wrapped: &[u8]) -> Result<AeadKey, StoreError> {
        let sealed = Sealed::parse(wrapped).ok_or(StoreError::Corrupt("a wrapped barrier key"))?;
        let key = self.root.open(sealed.iv, &wrapping_data(term), sealed.ciphertext).map_err(|cause| match cause {
            CryptoError::Integrity => StoreError::WrongRootKey,
            cause => StoreError::Barrier(cause),
        })?;
        Ok(AeadKey::new(AeadAlgorithm::Aes256Gcm, &key)?)
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Barrier(term {})", self.term())
    }
}

impl Conn<'_> {
    /// Opens a sealed column. A term that another node began is looked up first.
    pub(crate) async fn unseal(&mut self, place: Place<'_>, sealed: &[u8]) -> Result<SecretBytes, StoreError> {
        if self.barrier.misses(sealed) {
            load(self).await?;
        }
        self.barrier.open(place, sealed)
    }
}

/// Reads the barrier keys that are not known yet and makes the newest term the current one.
pub(crate) async fn load(conn: &mut Conn<'_>) -> Result<(), StoreError> {
    let barrier = Arc::clone(&conn.barrier);
    let rows = conn.rows("SELECT term, wrapped FROM barrier_keys ORDER BY term", args![]).await?;
    for row in rows {
        let term = u32::try_from(row.int(0)?).map_err(|_| StoreError::Corrupt("a barrier term"))?;
        if !barrier.keys.read().contains_key(&term) {
            let key = barrier.unwrap(term, &row.blob(1)?)?;
            barrier.keys.write().insert(term, Arc::new(key));
            barrier.current.fetch_max(term, Ordering::AcqRel);
        }
    }
    Ok(())
}

/// Makes the first barrier key where there is none, and reserves uses. Begins a new term where the old one is used up.
pub(crate) async fn reserve(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let row = tx.row("SELECT term, uses FROM barrier_keys ORDER BY term DESC LIMIT 1", args![]).await?;
    let newest = row.map(|row| Ok::<_, StoreError>((row.int(0)?, row.int(1)?))).transpose()?;
    let overdrawn = tx.barrier.left.load(Ordering::Relaxed).min(0).abs();
    match newest {
        Some((term, uses)) if uses + BLOCK + overdrawn < LAST_USE => {
            let sql = "UPDATE barrier_keys SET uses = uses + $2 WHERE term = $1";
            tx.change_one(sql, args![term, BLOCK + overdrawn]).await?;
            Ok(BLOCK + overdrawn)
        }
        newest => add_term(tx, newest.map_or(0, |(term, _)| term) + 1).await,
    }
}

/// Begins a new term.
pub(crate) async fn rotate(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let row = tx.one("SELECT coalesce(max(term), 0) FROM barrier_keys", args![]).await?;
    add_term(tx, row.int(0)? + 1).await
}

/// Takes what [`reserve`] or [`rotate`] committed into use.
pub(crate) fn take(barrier: &Barrier, granted: i64) {
    barrier.left.fetch_add(granted, Ordering::Relaxed);
}

async fn add_term(tx: &mut Tx<'_>, number: i64) -> Result<i64, StoreError> {
    let term = u32::try_from(number).map_err(|_| StoreError::Corrupt("a barrier term"))?;
    let mut key = SecretBytes::zeroed(AeadAlgorithm::Aes256Gcm.key_len());
    // EXPOSE: the generator writes the new key here.
    tx.barrier.random.fill(key.expose_mut())?;
    let wrapped = tx.barrier.wrap(term, &key)?;
    let sql = "INSERT INTO barrier_keys (term, wrapped, uses) VALUES ($1, $2, $3)";
    tx.execute(sql, args![number, wrapped, BLOCK]).await?;
    Ok(BLOCK)
}

struct Sealed<'a> {
    term: u32,
    iv: &'a [u8; IV_LEN],
    ciphertext: &'a [u8],
}

impl<'a> Sealed<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (format, rest) = bytes.split_first()?;
        let (term, rest) = rest.split_first_chunk::<4>()?;
        let (iv, ciphertext) = rest.split_first_chunk::<IV_LEN>()?;
        (*format == FORMAT).then_some(Self { term: u32::from_be_bytes(*term), iv, ciphertext })
    }
}

impl Place<'_> {
    fn associated_data(&self, term: u32) -> Vec<u8> {
        length_prefixed(&["sesame column", self.table, self.row, self.extra, self.column], term)
    }
}

fn wrapping_data(term: u32) -> Vec<u8> {
    length_prefixed(&["sesame barrier key"], term)
}

/// Each text after its length, then the term: no two lists of texts give the same bytes.
fn length_prefixed(texts: &[&str], term: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(160);
    for text in texts {
        out.extend_from_slice(&(text.len() as u64).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    out.extend_from_slice(&term.to_be_bytes());
    out
}

fn seal(key: &AeadKey, random: &dyn Random, term: u32, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::with_capacity(1 + 4 + IV_LEN + plaintext.len() + 16);
    out.push(FORMAT);
    out.extend_from_slice(&term.to_be_bytes());
    key.seal(random, aad, plaintext, &mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nonces of 42.
    #[derive(Debug)]
    struct Fixed;

    impl Random for Fixed {
        fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
            out.fill(42);
            Ok(())
        }
    }

    const PLACE: Place<'static> = Place { table: "t", row: "r", extra: "e", column: "c" };

    fn key() -> AeadKey {
        AeadKey::new(AeadAlgorithm::Aes256Gcm, &SecretBytes::new(vec![9; 32])).unwrap()
    }

    fn barrier() -> Barrier {
        let root = RootKey::from_secret(SecretBytes::new(vec![7; 32])).unwrap();
        let barrier = Barrier::new(&root, Arc::new(Fixed)).unwrap();
        barrier.keys.write().insert(3, Arc::new(key()));
        barrier.current.store(3, Ordering::Release);
        barrier
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Locked: these bytes are in databases. A change of the form is a new format number beside this one.
    #[test]
    fn format_1_of_a_column_stays() {
        let sealed = barrier().seal(PLACE, b"secret").unwrap();
        assert_eq!(hex(&sealed), COLUMN_1);
        assert_eq!(barrier().open(PLACE, &sealed).unwrap().expose(), b"secret");
    }

    /// Locked, as above.
    #[test]
    fn format_1_of_a_barrier_key_stays() {
        let wrapped = barrier().wrap(3, &SecretBytes::new(vec![9; 32])).unwrap();
        assert_eq!(hex(&wrapped), BARRIER_KEY_1);
        assert!(barrier().unwrap(3, &wrapped).is_ok());
        assert!(matches!(barrier().unwrap(4, &wrapped), Err(StoreError::WrongRootKey)));
    }

    const COLUMN_1: &str = "01000000032a2a2a2a2a2a2a2a2a2a2a2a583d97cb74937903d6ecb18d5630b0f717ffffc0d6d8";
    const BARRIER_KEY_1: &str = "01000000032a2a2a2a2a2a2a2a2a2a2a2a1b9c69eff406c18f5f34e40c1c32174d423de208c6c85da14f5f89f1d983e15724116e\
        c176e589834894f46cfba65b37";

    #[test]
    fn a_value_opens_only_in_its_place() {
        let sealed = barrier().seal(PLACE, b"secret").unwrap();
        let elsewhere = [
            Place { table: "T", ..PLACE },
            Place { row: "R", ..PLACE },
            Place { extra: "E", ..PLACE },
            Place { column: "C", ..PLACE },
            Place { table: "tr", row: "", ..PLACE },
        ];
        for place in elsewhere {
            assert!(barrier().open(place, &sealed).is_err(), "{place:?}");
        }
        for position in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[position] ^= 1;
            assert!(barrier().open(PLACE, &damaged).is_err(), "{position}");
            assert!(barrier().open(PLACE, &sealed[..position]).is_err() || position == 0);
        }
    }

    #[test]
    fn nothing_stays_nothing() {
        assert!(barrier().seal(PLACE, b"").unwrap().is_empty());
        assert!(barrier().open(PLACE, b"").unwrap().is_empty());
    }
}
