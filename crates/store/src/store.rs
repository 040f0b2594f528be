use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sesame_domain::{Clock, Timestamp};
use sqlx::{AnyConnection, AnyPool};

use crate::barrier::{self, Barrier};
use crate::change::{Listener, Listeners};
use crate::tables::secret_ranges;
use crate::{BoxFuture, Change, Conn, Engine, Options, StoreError, Tx, migrations, postgres, sqlite};

/// Time between a change of which secrets there are and the fold of all such changes into ranges.
const FOLD_AFTER: Duration = Duration::from_secs(1);

/// An open store. A clone is another handle of the same store.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    pool: AnyPool,
    writer: Writer,
    barrier: Arc<Barrier>,
    listeners: Arc<Listeners>,
    reserving: AtomicBool,
    /// Whether lists of secrets changed since changes were last folded.
    unfolded: Arc<AtomicBool>,
    folding: AtomicBool,
}

#[derive(Debug)]
enum Writer {
    Sqlite(sqlite::Queue),
    Postgres(Arc<postgres::Node>),
}

impl Store {
    /// Opens a store: creates what is missing, brings the tables up to date, opens the barrier.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::WrongRootKey`], [`StoreError::Unusable`], and those of the engine.
    pub async fn open(options: Options) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let engine = options.engine()?;
        let barrier = Arc::new(Barrier::new(&options.root_key, Arc::clone(&options.random))?);
        let listeners = Arc::new(Listeners::default());
        let clock = Arc::clone(&options.clock);
        let (pool, writer) = match engine {
            Engine::Sqlite => {
                let mut database = sqlite::Database::open(&options).await?;
                prepare(&mut database.writer, engine, &barrier, &*clock).await?;
                let pool = database.readers(options.sqlite_readers)?;
                let queue = database.start_writer(Arc::clone(&barrier), Arc::clone(&listeners));
                (pool, Writer::Sqlite(queue))
            }
            Engine::Postgres => {
                let pool = postgres::pool(&options)?;
                prepare(&mut *pool.acquire().await?, engine, &barrier, &*clock).await?;
                let node = postgres::Node::start(&options, &pool, &barrier, &listeners).await?;
                (pool, Writer::Postgres(node))
            }
        };
        let reserving = AtomicBool::new(false);
        // Somebody else may have left changes behind.
        let unfolded = Arc::new(AtomicBool::new(true));
        let note = Arc::clone(&unfolded);
        listeners.add(Arc::new(move |changes| {
            if changes.iter().any(|change| matches!(change, Change::SecretList(_))) {
                note.store(true, Ordering::Release);
            }
        }));
        let folding = AtomicBool::new(false);
        let store = Self(Arc::new(Inner { engine, pool, writer, barrier, listeners, reserving, unfolded, folding }));
        store.reserve().await?;
        store.fold_in_background();
        Ok(store)
    }

    /// The engine.
    pub fn engine(&self) -> Engine {
        self.0.engine
    }

    /// Runs reads over one consistent snapshot.
    ///
    /// # Errors
    /// Those of `body`, and those of the engine.
    pub async fn read<T, E, F>(&self, body: F) -> Result<T, E>
    where
        F: for<'t, 'c> FnOnce(&'t mut Conn<'c>) -> BoxFuture<'t, Result<T, E>> + Send,
        T: Send,
        E: From<StoreError> + Send,
    {
        let begin = match self.0.engine {
            Engine::Sqlite => "BEGIN",
            Engine::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        let mut snapshot = self.0.pool.begin_with(begin).await.map_err(StoreError::from)?;
        let outcome = {
            let mut conn = Conn::borrowed(&mut snapshot, Arc::clone(&self.0.barrier), self.0.engine);
            body(&mut conn).await
        };
        snapshot.rollback().await.map_err(StoreError::from)?;
        outcome
    }

    /// A connection for a single statement, without a transaction around it.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn reader(&self) -> Result<Conn<'static>, StoreError> {
        let connection = self.0.pool.acquire().await?;
        Ok(Conn::pooled(connection, Arc::clone(&self.0.barrier), self.0.engine))
    }

    /// Runs a write. When this returns `Ok`, it is durable and the listeners know; when `body` answers an error, all
    /// that it did is undone. `body` may be run several times; only what its last run did counts. Dropping the
    /// returned future does not stop a write that was begun.
    ///
    /// # Errors
    /// Those of `body`, and those of the engine.
    pub async fn write<T, E, F>(&self, body: F) -> Result<T, E>
    where
        F: for<'t, 'c> Fn(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let outcome = self.run(body).await;
        if self.0.barrier.wants_reservation() {
            self.reserve_in_background();
        }
        if self.0.unfolded.load(Ordering::Acquire) {
            self.fold_in_background();
        }
        outcome
    }

    /// Adds a listener that is told of committed changes: those of this store before their writer gets its answer,
    /// those of other nodes within a second. It runs on the path of every write, so it must be quick and must not
    /// call the store.
    pub fn on_change(&self, listener: Listener) {
        self.0.listeners.add(listener);
    }

    /// Whether this node knows every change that other nodes committed more than a second ago. While it does not,
    /// callers bypass their caches.
    pub fn is_current(&self) -> bool {
        match &self.0.writer {
            Writer::Sqlite(_) => true,
            Writer::Postgres(node) => node.is_current(),
        }
    }

    /// Begins a new barrier term; what is sealed from now on uses its key. What was sealed before stays readable.
    ///
    /// # Errors
    /// Those of the engine.
    pub async fn rotate(&self) -> Result<(), StoreError> {
        let granted = self.run::<_, StoreError, _>(|tx| Box::pin(barrier::rotate(tx))).await?;
        self.adopt(granted).await
    }

    /// The barrier term that new secrets are sealed with.
    pub fn barrier_term(&self) -> u32 {
        self.0.barrier.term()
    }

    /// Ends the store in order: waits for connections that are in use, lets queued writes finish, then closes all. Not
    /// needed for durability.
    pub async fn close(&self) {
        // The writer goes last: it holds the lock of the folder, and the last connection empties SQLite's log.
        self.0.pool.close().await;
        match &self.0.writer {
            Writer::Sqlite(queue) => queue.close().await,
            Writer::Postgres(node) => node.close(),
        }
    }

    async fn run<T, E, F>(&self, body: F) -> Result<T, E>
    where
        F: for<'t, 'c> Fn(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.0.writer {
            Writer::Sqlite(queue) => queue.write(body).await,
            Writer::Postgres(node) => node.write(body).await,
        }
    }

    /// Reserves uses of the barrier key before those at hand are gone.
    async fn reserve(&self) -> Result<(), StoreError> {
        let granted = self.run::<_, StoreError, _>(|tx| Box::pin(barrier::reserve(tx))).await?;
        self.adopt(granted).await
    }

    async fn adopt(&self, granted: i64) -> Result<(), StoreError> {
        barrier::load(&mut self.reader().await?).await?;
        barrier::take(&self.0.barrier, granted);
        Ok(())
    }

    fn reserve_in_background(&self) {
        if self.0.reserving.swap(true, Ordering::AcqRel) {
            return;
        }
        let store = self.clone();
        let reservation: BoxFuture<'static, ()> = Box::pin(async move {
            if let Err(cause) = store.reserve().await {
                tracing::warn!(%cause, "uses of the barrier key could not be reserved; the next write tries again");
            }
            store.0.reserving.store(false, Ordering::Release);
        });
        tokio::spawn(reservation);
    }

    /// Folds changes into ranges of secrets in a moment, and again until there are none. Does not keep the store open.
    fn fold_in_background(&self) {
        if self.0.folding.swap(true, Ordering::AcqRel) {
            return;
        }
        let store = Arc::downgrade(&self.0);
        let fold: BoxFuture<'static, ()> = Box::pin(async move {
            loop {
                tokio::time::sleep(FOLD_AFTER).await;
                let Some(store) = store.upgrade().map(Self).filter(|store| !store.0.pool.is_closed()) else { return };
                store.0.unfolded.store(false, Ordering::Release);
                if let Err(cause) = store.fold().await {
                    tracing::warn!(%cause, "ranges of secrets could not be counted; a later write tries again");
                }
                store.0.folding.store(false, Ordering::Release);
                let more = store.0.unfolded.load(Ordering::Acquire);
                if !more || store.0.folding.swap(true, Ordering::AcqRel) {
                    return;
                }
            }
        });
        tokio::spawn(fold);
    }

    async fn fold(&self) -> Result<(), StoreError> {
        let accounts = secret_ranges::to_fold(&mut self.reader().await?).await?;
        for account in accounts {
            self.run::<_, StoreError, _>(move |tx| {
                let account = account.clone();
                Box::pin(async move { secret_ranges::fold(tx, &account).await })
            })
            .await?;
        }
        Ok(())
    }
}

async fn prepare(
    connection: &mut AnyConnection,
    engine: Engine,
    barrier: &Arc<Barrier>,
    clock: &dyn Clock,
) -> Result<(), StoreError> {
    let now: Timestamp = clock.now();
    migrations::run(connection, engine, now).await?;
    barrier::load(&mut Conn::borrowed(connection, Arc::clone(barrier), engine)).await
}

/// What a group of writes, or one transaction, has to write down before its COMMIT.
#[derive(Debug, Default)]
pub(crate) struct Epilogue {
    pub(crate) changes: Vec<Change>,
    pub(crate) key_counts: std::collections::BTreeMap<sesame_domain::AccountId, i64>,
}

impl Epilogue {
    /// Takes over what one write leaves behind.
    pub(crate) fn absorb(&mut self, tx: &mut Tx<'_>) {
        for change in tx.changes.drain(..) {
            if !self.changes.contains(&change) {
                self.changes.push(change);
            }
        }
        for (account, by) in std::mem::take(&mut tx.key_counts) {
            *self.key_counts.entry(account).or_default() += by;
        }
    }
}

/// Numbers of keys are counted in shards, so that transactions that make keys at the same time do not meet in one row.
pub(crate) async fn add_to_key_count(
    tx: &mut Tx<'_>,
    account: &sesame_domain::AccountId,
    shard: i64,
    by: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO key_counts (account, shard, n) VALUES ($1, $2, $3)
        ON CONFLICT (account, shard) DO UPDATE SET n = key_counts.n + excluded.n";
    tx.execute(sql, crate::sql::args![account, shard, by]).await.map(|_| ())
}
