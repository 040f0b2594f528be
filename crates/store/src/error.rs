use std::path::PathBuf;
use std::sync::Arc;

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the embedded database open.
    #[error("another Sesame server uses this data folder ({} is locked); stop it or choose another folder", .0.display())]
    InUse(PathBuf),
    /// The barrier keys in the database were not wrapped by this root key.
    #[error(
        "the root key does not open this database: it was made with another root key. \
         Bring back the root key file that belongs to the database, or use another database"
    )]
    WrongRootKey,
    /// A conditional write found another state than it was told to expect.
    #[error("the stored state changed in the meantime")]
    Conflict,
    /// What was to be made exists.
    #[error("it exists already")]
    AlreadyExists,
    /// What is stored cannot be read; the text says where.
    #[error("damaged data in the database: {0}")]
    Corrupt(&'static str),
    /// The URL, or a file beside the database, does not do; the text says why.
    #[error("the storage cannot be used: {0}")]
    Unusable(String),
    /// The database did not answer in time, or the store is closed.
    #[error("the database cannot be reached: {0}")]
    Unavailable(&'static str),
    /// A write was run again as often as allowed and met another writer each time.
    #[error("too many concurrent writes to the same rows")]
    Contended,
    /// The write panicked and was rolled back.
    #[error("a write panicked and was rolled back")]
    Panicked,
    /// A cryptographic operation of the barrier failed.
    #[error("the barrier failed: {0}")]
    Barrier(#[from] sesame_crypto::error::CryptoError),
    /// The database engine refused.
    #[error("the database engine failed: {0}")]
    Engine(Arc<sqlx::Error>),
}

impl StoreError {
    /// Whether the same call may succeed a little later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Contended => true,
            Self::Engine(cause) => is_connection_loss(cause) || is_rerun_code(cause) || is_busy(cause),
            _ => false,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(cause: sqlx::Error) -> Self {
        match cause {
            sqlx::Error::PoolTimedOut => Self::Unavailable("no free connection in time"),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Unavailable("the store is closed"),
            cause => Self::Engine(Arc::new(cause)),
        }
    }
}

/// Whether the connection is gone. What it was doing was not committed, unless it was the COMMIT itself.
pub(crate) fn is_connection_loss(cause: &sqlx::Error) -> bool {
    match cause {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        // Class 08: connection exceptions; 57P01 to 57P03: the server is being shut down or started.
        sqlx::Error::Database(refusal) => {
            refusal.code().is_some_and(|code| code.starts_with("08") || matches!(&*code, "57P01" | "57P02" | "57P03"))
        }
        _ => false,
    }
}

/// Whether PostgreSQL asks for the transaction to be run again: serialization failure or deadlock.
pub(crate) fn is_rerun_code(cause: &sqlx::Error) -> bool {
    code_is(cause, &["40001", "40P01"])
}

/// Whether a constraint refused the statement; the transaction is intact on SQLite and aborted on PostgreSQL.
pub(crate) fn is_constraint(cause: &sqlx::Error) -> bool {
    let sqlx::Error::Database(refusal) = cause else { return false };
    !matches!(refusal.kind(), sqlx::error::ErrorKind::Other)
}

/// SQLITE_BUSY and SQLITE_LOCKED.
fn is_busy(cause: &sqlx::Error) -> bool {
    code_is(cause, &["5", "6", "261", "517"])
}

fn code_is(cause: &sqlx::Error, codes: &[&str]) -> bool {
    let sqlx::Error::Database(refusal) = cause else { return false };
    refusal.code().is_some_and(|code| codes.contains(&&*code))
}
