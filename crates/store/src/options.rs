use std::path::PathBuf;
use std::sync::Arc;

use sesame_crypto::random::Random;
use sesame_domain::Clock;
use sesame_seal::RootKey;

use crate::{Engine, StoreError};

/// How to open a store.
#[derive(Debug)]
pub struct Options {
    /// `sqlite:///absolute/path/sesame.db` or `postgres://user:password@host/database?sslmode=verify-full`.
    pub url: String,
    /// The key that wraps the barrier keys.
    pub root_key: RootKey,
    /// Where barrier keys and nonces come from.
    pub random: Arc<dyn Random>,
    /// The time of migrations.
    pub clock: Arc<dyn Clock>,
    /// Connections that read on SQLite; one more writes.
    pub sqlite_readers: u32,
    /// Connections to PostgreSQL; one more follows the changes of other nodes.
    pub postgres_connections: u32,
    /// Longest time that one statement may take on PostgreSQL.
    pub postgres_statement_seconds: u32,
}

impl Options {
    /// The defaults for everything but what has none.
    pub fn new(url: impl Into<String>, root_key: RootKey, random: Arc<dyn Random>, clock: Arc<dyn Clock>) -> Self {
        Self {
            url: url.into(),
            root_key,
            random,
            clock,
            sqlite_readers: 4,
            postgres_connections: 16,
            postgres_statement_seconds: 10,
        }
    }

    pub(crate) fn engine(&self) -> Result<Engine, StoreError> {
        match self.url.split_once(':') {
            Some(("sqlite", _)) => Ok(Engine::Sqlite),
            Some(("postgres" | "postgresql", _)) => Ok(Engine::Postgres),
            _ => Err(StoreError::Unusable("its URL begins with neither sqlite:// nor postgres://".into())),
        }
    }

    /// The file of an embedded database.
    pub(crate) fn sqlite_path(&self) -> Result<PathBuf, StoreError> {
        let path = self.url.strip_prefix("sqlite://").unwrap_or_default();
        if path.starts_with('/') {
            Ok(PathBuf::from(path))
        } else {
            Err(StoreError::Unusable("the URL of an SQLite database is sqlite:// and an absolute path".into()))
        }
    }
}
