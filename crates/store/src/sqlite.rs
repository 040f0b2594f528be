//! The embedded engine: one writer that commits in groups, several readers.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::barrier::Barrier;
use crate::change::Listeners;
use crate::conn::{Conn, Engine};
use crate::job::{Job, Write};
use crate::sql::args;
use crate::store::Epilogue;
use crate::{BoxFuture, Change, Options, StoreError, Tx};

/// Writes that wait for the writer at most; more callers wait before they may queue.
const QUEUE: usize = 1_024;

/// Writes in one commit at most.
const GROUP: usize = 256;

/// `synchronous = FULL` fsyncs the log at each commit. `secure_delete` overwrites what is deleted.
const WRITER_PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
    PRAGMA busy_timeout = 5000; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;
    PRAGMA wal_autocheckpoint = 4000";
const READER_PRAGMAS: &str = "PRAGMA query_only = ON; PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY";

/// An opened database file before its writer runs.
pub(crate) struct Database {
    pub(crate) writer: AnyConnection,
    options: AnyConnectOptions,
    lock: File,
}

impl Database {
    pub(crate) async fn open(options: &Options) -> Result<Self, StoreError> {
        let path = options.sqlite_path()?;
        let lock = lock(&path)?;
        let unusable = |cause| StoreError::Unusable(format!("{}: {cause}", path.display()));
        private().open(&path).map_err(unusable)?;
        let options: AnyConnectOptions = url_of(&path)?.parse()?;
        let options = options.disable_statement_logging();
        let mut writer = options.connect().await?;
        writer.execute(WRITER_PRAGMAS).await?;
        Ok(Self { writer, options, lock })
    }

    pub(crate) fn readers(&self, count: u32) -> Result<AnyPool, StoreError> {
        Ok(AnyPoolOptions::new()
            .max_connections(count.max(1))
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(READER_PRAGMAS).await.map(|_| ()) })
            })
            .connect_lazy_with(self.options.clone()))
    }

    pub(crate) fn start_writer(self, barrier: Arc<Barrier>, listeners: Arc<Listeners>) -> Queue {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let writer = Writer { connection: self.writer, barrier, listeners, _lock: self.lock };
        let task = tokio::spawn(writer.serve(receiver));
        Queue { sender: Mutex::new(Some(sender)), task: Mutex::new(Some(task)) }
    }
}

/// The way to the writer.
#[derive(Debug)]
pub(crate) struct Queue {
    sender: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Queue {
    pub(crate) async fn write<T, E, F>(&self, body: F) -> Result<T, E>
    where
        F: for<'t, 'c> Fn(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        const CLOSED: StoreError = StoreError::Unavailable("the store is closed");
        let sender = self.sender.lock().clone().ok_or(CLOSED)?;
        let (job, answer) = Write::new(body);
        sender.send(Box::new(job)).await.map_err(|_| CLOSED)?;
        drop(sender);
        answer.await.map_err(|_| CLOSED)?
    }

    /// Lets the writer finish what is queued.
    pub(crate) async fn close(&self) {
        self.sender.lock().take();
        let task = self.task.lock().take();
        if let Some(task) = task {
            // A writer that panicked has nothing left to finish.
            let _ = task.await;
        }
    }
}

struct Writer {
    connection: AnyConnection,
    barrier: Arc<Barrier>,
    listeners: Arc<Listeners>,
    /// Held as long as anything can write.
    _lock: File,
}

/// What became of a group.
enum Attempt {
    Committed(Vec<Change>),
    /// A member failed after it had changed something: nothing is committed, run all again with savepoints.
    Spoilt,
}

impl Writer {
    async fn serve(mut self, mut queue: mpsc::Receiver<Box<dyn Job>>) {
        let mut group = Vec::with_capacity(GROUP);
        while queue.recv_many(&mut group, GROUP).await > 0 {
            // The callers that the last commit answered are about to run: let them queue their next writes first.
            tokio::task::yield_now().await;
            while group.len() < GROUP
                && let Ok(job) = queue.try_recv()
            {
                group.push(job);
            }
            self.commit(&mut group).await;
        }
        if let Err(cause) = self.connection.close().await {
            tracing::warn!(%cause, "the database was not closed in order");
        }
    }

    async fn commit(&mut self, group: &mut Vec<Box<dyn Job>>) {
        let outcome = match self.attempt(group, false).await {
            Ok(Attempt::Spoilt) => self.attempt(group, true).await,
            outcome => outcome,
        };
        let committed = match outcome {
            Ok(Attempt::Committed(changes)) => {
                self.listeners.tell(&changes);
                Ok(())
            }
            Ok(Attempt::Spoilt) => Err(StoreError::Unavailable("the group of writes cannot be undone in part")),
            Err(cause) => Err(cause),
        };
        for job in group.drain(..) {
            job.answer(committed.clone());
        }
    }

    /// Runs the group in one transaction. Without savepoints, which cost two statements each, one member that fails
    /// after it changed something spoils the group; with them it is undone alone.
    async fn attempt(&mut self, group: &mut [Box<dyn Job>], savepoints: bool) -> Result<Attempt, StoreError> {
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        let mut epilogue = Epilogue::default();
        let alone = group.len() == 1;
        {
            let conn = Conn::borrowed(&mut transaction, Arc::clone(&self.barrier), Engine::Sqlite);
            let mut tx = Tx::new(conn);
            for job in group {
                if savepoints {
                    tx.execute("SAVEPOINT job", args![]).await?;
                }
                tx.changed_rows = 0;
                tx.trouble = None;
                let good = job.run(&mut tx).await;
                // Some failures end the transaction, after which a statement would commit by itself.
                let broken = tx.trouble.is_some();
                let to_undo = broken || (!good && tx.changed_rows > 0);
                match (good && !broken, to_undo) {
                    (true, _) => epilogue.absorb(&mut tx),
                    (false, false) => forget(&mut tx),
                    (false, true) if savepoints && !broken => {
                        forget(&mut tx);
                        tx.execute("ROLLBACK TO job", args![]).await?;
                    }
                    (false, true) => {
                        let trouble = tx.take_trouble();
                        drop(tx);
                        transaction.rollback().await?;
                        return match trouble {
                            Some(cause) if savepoints || alone => Err(cause),
                            None if alone => Ok(Attempt::Committed(Vec::new())),
                            _ => Ok(Attempt::Spoilt),
                        };
                    }
                }
                if savepoints {
                    tx.execute("RELEASE job", args![]).await?;
                }
            }
            for (account, by) in epilogue.key_counts {
                crate::store::add_to_key_count(&mut tx, &account, 0, by).await?;
            }
        }
        transaction.commit().await?;
        Ok(Attempt::Committed(epilogue.changes))
    }
}

fn forget(tx: &mut Tx<'_>) {
    tx.changes.clear();
    tx.key_counts.clear();
}

/// Takes the lock of a database. It is a file of its own, since SQLite's locks are for statements, not for servers.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let unusable = |cause| StoreError::Unusable(format!("{}: {cause}", name.display()));
    let file = private().open(&name).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(name)),
        Err(TryLockError::Error(cause)) => Err(unusable(cause)),
    }
}

/// Makes a file that only its owner can read; SQLite gives the files beside a database the same mode.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options
}

/// The path as a URL: every byte that could mean something there is escaped.
fn url_of(path: &Path) -> Result<String, StoreError> {
    let path = path.to_str().ok_or_else(|| StoreError::Unusable("the path of the database is not UTF-8".into()))?;
    let mut url = String::from("sqlite://");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.') {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(url)
}
