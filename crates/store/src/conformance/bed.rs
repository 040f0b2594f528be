//! Stores to test, and things to put into them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sesame_crypto::random::{SystemRandom, alphanumeric};
use sesame_crypto::secret::SecretBytes;
use sesame_crypto::spec::{KeySpec, KeyUsage};
use sesame_domain::{
    AccountId, Key, KeyId, KeyState, KeyVersion, KeyVersionId, Origin, ProtectionLevel, SystemClock, Timestamp,
};
use sesame_seal::RootKey;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _};

use crate::keys::NewVersion;
use crate::{BoxFuture, Options, Store, StoreError, Tx, keys};

/// A store over a database of its own.
#[derive(Clone)]
pub(super) struct Bed {
    pub(super) store: Store,
    pub(super) url: String,
}

impl Bed {
    async fn over(url: String) -> Self {
        let store = open(&url).await.unwrap();
        Self { store, url }
    }

    /// Runs a write whose errors are the store's.
    pub(super) async fn write<T, F>(&self, body: F) -> Result<T, StoreError>
    where
        F: for<'t, 'c> Fn(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, StoreError>> + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.store.write(body).await
    }

    /// Stores a key with one version of material.
    pub(super) async fn insert(&self, key: &Key, material: &[u8]) -> Result<(), StoreError> {
        let (key, material) = (key.clone(), material.to_vec());
        self.write(move |tx| {
            let (key, material) = (key.clone(), SecretBytes::from_slice(&material));
            Box::pin(async move { keys::insert(tx, &key, &[first_version(&key, &material)]).await })
        })
        .await
    }

    pub(super) async fn key(&self, id: &KeyId) -> Option<Key> {
        keys::get(&mut self.store.reader().await.unwrap(), id).await.unwrap()
    }

    /// Statements outside the store, as an attacker with access to the database runs them.
    pub(super) async fn tamper(&self, sql: &str) -> u64 {
        let mut connection = sqlx::AnyConnection::connect(&self.url).await.unwrap();
        let changed = connection.execute(AssertSqlSafe(sql)).await.unwrap().rows_affected();
        connection.close().await.unwrap();
        changed
    }

    /// The number that a statement outside the store selects.
    pub(super) async fn number(&self, sql: &str) -> i64 {
        let mut connection = sqlx::AnyConnection::connect(&self.url).await.unwrap();
        let number = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap().try_get(0).unwrap();
        connection.close().await.unwrap();
        number
    }
}

pub(super) async fn open(url: &str) -> Result<Store, StoreError> {
    open_with(url, 7).await
}

/// Opens a store with a root key made of one byte.
pub(super) async fn open_with(url: &str, byte: u8) -> Result<Store, StoreError> {
    let root_key = RootKey::from_secret(SecretBytes::new(vec![byte; 32])).unwrap();
    Store::open(Options::new(url, root_key, Arc::new(SystemRandom), Arc::new(SystemClock))).await
}

pub(super) async fn on_sqlite<F: Future<Output = ()> + Send + 'static>(body: fn(Bed) -> F) {
    let folder = Folder::new();
    let bed = Bed::over(folder.url()).await;
    let store = bed.store.clone();
    body(bed).await;
    store.close().await;
}

pub(super) async fn on_postgres<F: Future<Output = ()> + Send + 'static>(body: fn(Bed) -> F) {
    let Some(server) = server() else { return };
    let name = format!("sesame_test_{}", alphanumeric(&SystemRandom, 12).unwrap());
    sqlx::any::install_default_drivers();
    run_on(&server, &format!("CREATE DATABASE {name}")).await;
    let bed = Bed::over(with_database(&server, &name)).await;
    let store = bed.store.clone();
    let outcome = tokio::spawn(body(bed)).await;
    store.close().await;
    run_on(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    outcome.unwrap();
}

/// The URL of the server to test with.
pub(super) fn server() -> Option<String> {
    let url = std::env::var("SESAME_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty());
    if url.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "SESAME_TEST_POSTGRES_URL is not set");
        eprintln!("SKIPPED: SESAME_TEST_POSTGRES_URL is not set, PostgreSQL is not tested");
    }
    url
}

async fn run_on(server: &str, sql: &str) {
    let mut connection = sqlx::AnyConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
    connection.close().await.unwrap();
}

fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let scheme = base.find("://").unwrap() + 3;
    let authority = base[scheme..].find('/').map_or(base, |slash| &base[..scheme + slash]);
    format!("{authority}/{name}?{query}")
}

/// A temporary folder, removed at the end.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        let name = format!("sesame-store-{}", alphanumeric(&SystemRandom, 12).unwrap());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(super) fn url(&self) -> String {
        format!("sqlite://{}/sesame.db", self.0.display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) fn account() -> AccountId {
    "1234567890123456".parse().unwrap()
}

/// A key that was made at a moment of its own: each call is a second later than the one before.
pub(super) fn new_key() -> Key {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let created_at = Timestamp::from_seconds(1_700_000_000 + NEXT.fetch_add(1, Ordering::Relaxed) as i64);
    let id: KeyId = format!("key-hzz{}", alphanumeric(&SystemRandom, 18).unwrap()).parse().unwrap();
    let primary_version = KeyVersionId::new(&id, &alphanumeric(&SystemRandom, 10).unwrap()).unwrap();
    Key {
        id,
        account: account(),
        spec: KeySpec::Aes256,
        usage: KeyUsage::EncryptDecrypt,
        origin: Origin::AliyunKms,
        protection_level: ProtectionLevel::Software,
        state: KeyState::Enabled,
        description: String::new(),
        creator: account().as_str().to_owned(),
        created_at,
        delete_at: None,
        deletion_protection: false,
        deletion_protection_description: String::new(),
        instance_id: String::new(),
        primary_version,
        rotation_interval: None,
        last_rotated_at: created_at,
        material_expires_at: None,
    }
}

pub(super) fn first_version<'a>(key: &Key, material: &'a SecretBytes) -> NewVersion<'a> {
    let version = KeyVersion { id: key.primary_version.clone(), key: key.id.clone(), created_at: key.created_at };
    NewVersion { version, material }
}
