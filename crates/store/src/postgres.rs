//! The server engine: serializable transactions that are run again when asked for, and the feed of changes that other
//! nodes made.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sesame_crypto::random::{Random, uuid_v4};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use tokio::task::JoinHandle;

use crate::barrier::Barrier;
use crate::change::Listeners;
use crate::conn::{Conn, Engine, Sql, Trouble};
use crate::error::{is_connection_loss, is_rerun_code};
use crate::job::caught;
use crate::sql::{Columns as _, args};
use crate::store::{Epilogue, add_to_key_count};
use crate::{BoxFuture, Change, Options, StoreError, Tx};

/// Runs of one write before it gives up.
const RUNS: u32 = 12;

/// Shards of the number of keys of an account.
const SHARDS: u64 = 64;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Time between two looks at the feed.
const POLL: Duration = Duration::from_millis(250);

/// Longest time that one look may take.
const POLL_TIMEOUT: Duration = Duration::from_millis(700);

/// Age of the last successful look from which a node no longer counts as current.
const STALE: Duration = Duration::from_millis(900);

/// How far back each look reads, in milliseconds: a row becomes visible at its commit, later than the time it carries.
const WINDOW_MILLIS: i64 = 3_000;

/// A commit that took longer than this is announced again, so that [`WINDOW_MILLIS`] always holds it.
const SLOW_COMMIT: Duration = Duration::from_millis(1_500);

/// Rows older than this are deleted. A node that did not look for so long may have missed some.
const KEPT_MILLIS: i64 = 120_000;

/// Time between two deletions of old rows.
const PRUNE: Duration = Duration::from_secs(30);

const NOW: &str = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";

pub(crate) fn pool(options: &Options) -> Result<AnyPool, StoreError> {
    let connect: AnyConnectOptions = options.url.parse()?;
    let setup = session_setup(options);
    Ok(AnyPoolOptions::new()
        .max_connections(options.postgres_connections.max(2))
        .acquire_timeout(CONNECT_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                // A connection that rested may have been closed by the server or by something between.
                Ok(meta.idle_for < Duration::from_secs(1) || connection.ping().await.is_ok())
            })
        })
        .after_connect(move |connection, _| {
            let setup = setup.clone();
            Box::pin(async move { connection.execute(AssertSqlSafe(setup)).await.map(|_| ()) })
        })
        .connect_lazy_with(connect.disable_statement_logging()))
}

/// `random_page_cost` fits disks without moving parts and tables that are in memory; with its default of 4, pages out of the
/// middle of long lists are read and sorted as a whole instead of through their index.
fn session_setup(options: &Options) -> String {
    let seconds = options.postgres_statement_seconds;
    format!(
        "SET statement_timeout = '{seconds}s'; SET idle_in_transaction_session_timeout = '{seconds}s'; \
         SET random_page_cost = 1.1"
    )
}

/// This node among those that share a database.
pub(crate) struct Node {
    id: String,
    pool: AnyPool,
    barrier: Arc<Barrier>,
    listeners: Arc<Listeners>,
    random: Arc<dyn Random>,
    feed: Arc<Feed>,
    follower: parking_lot::Mutex<Option<JoinHandle<()>>>,
    next_shard: AtomicU64,
}

impl Node {
    pub(crate) async fn start(
        options: &Options,
        pool: &AnyPool,
        barrier: &Arc<Barrier>,
        listeners: &Arc<Listeners>,
    ) -> Result<Arc<Self>, StoreError> {
        let random = Arc::clone(&options.random);
        let id = uuid_v4(&*random)?;
        let feed = Arc::new(Feed::new());
        let connect: AnyConnectOptions = options.url.parse()?;
        let connect = connect.disable_statement_logging();
        let mut follower = Follower {
            connect,
            setup: session_setup(options),
            node: id.clone(),
            listeners: Arc::clone(listeners),
            feed: Arc::clone(&feed),
            connection: None,
            position: None,
            delivered: HashMap::new(),
            pruned: Instant::now(),
        };
        let first = tokio::time::timeout(CONNECT_TIMEOUT, follower.look()).await;
        first.map_err(|_| StoreError::Unavailable("no answer to the first look at the changes"))??;
        let follower = parking_lot::Mutex::new(Some(tokio::spawn(follower.follow())));
        let (barrier, listeners) = (Arc::clone(barrier), Arc::clone(listeners));
        let mut seed = [0; 8];
        random.fill(&mut seed)?;
        let next_shard = AtomicU64::new(u64::from_be_bytes(seed));
        Ok(Arc::new(Self { id, pool: pool.clone(), barrier, listeners, random, feed, follower, next_shard }))
    }

    pub(crate) fn is_current(&self) -> bool {
        self.feed.is_current()
    }

    pub(crate) fn close(&self) {
        self.feed.closed.store(true, Ordering::Release);
        if let Some(follower) = self.follower.lock().take() {
            follower.abort();
        }
    }

    /// Runs a write in a task of its own: a caller that goes away may not keep a commit from being told.
    pub(crate) async fn write<T, E, F>(self: &Arc<Self>, body: F) -> Result<T, E>
    where
        F: for<'t, 'c> Fn(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, E>> + Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let node = Arc::clone(self);
        let run = tokio::spawn(async move {
            for run in 0..RUNS {
                node.back_off(run).await;
                match node.run_once(&body).await {
                    Run::Done(outcome) => return outcome,
                    Run::Again => {}
                }
            }
            Err(StoreError::Contended.into())
        });
        run.await.map_err(|_| StoreError::Panicked)?
    }

    async fn run_once<T, E, F>(&self, body: &F) -> Run<Result<T, E>>
    where
        F: for<'t, 'c> Fn(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, E>>,
        E: From<StoreError>,
    {
        let mut transaction = match self.pool.begin_with("BEGIN ISOLATION LEVEL SERIALIZABLE").await {
            Ok(transaction) => transaction,
            Err(cause) if is_connection_loss(&cause) => return Run::Again,
            Err(cause) => return Run::Done(Err(StoreError::from(cause).into())),
        };
        let mut epilogue = Epilogue::default();
        let begun;
        let answer = {
            let conn = Conn::borrowed(&mut transaction, Arc::clone(&self.barrier), Engine::Postgres);
            let mut tx = Tx::new(conn);
            let mut outcome = caught(body, &mut tx).await;
            begun = Instant::now();
            if outcome.is_ok() && tx.trouble.is_none() {
                epilogue.absorb(&mut tx);
                if let Err(cause) = self.write_epilogue(&mut tx, &epilogue).await {
                    outcome = Err(cause.into());
                }
            }
            match tx.trouble.take() {
                Some(Trouble::Rerun | Trouble::Lost) => return Run::Again,
                Some(Trouble::Broken(cause)) if outcome.is_ok() => Err(cause.into()),
                _ => outcome,
            }
        };
        if answer.is_err() {
            // When the ROLLBACK fails the connection is gone, and the transaction with it.
            let _ = transaction.rollback().await;
            return Run::Done(answer);
        }
        match transaction.commit().await {
            Ok(()) => {}
            Err(cause) if is_rerun_code(&cause) => return Run::Again,
            // The commit may have happened or not, so nothing can be run again.
            Err(cause) => return Run::Done(Err(StoreError::from(cause).into())),
        }
        self.listeners.tell(&epilogue.changes);
        if begun.elapsed() > SLOW_COMMIT {
            self.announce_again(&epilogue.changes).await;
        }
        Run::Done(answer)
    }

    async fn write_epilogue(&self, tx: &mut Tx<'_>, epilogue: &Epilogue) -> Result<(), StoreError> {
        for (account, by) in &epilogue.key_counts {
            let shard = self.next_shard.fetch_add(1, Ordering::Relaxed) % SHARDS;
            add_to_key_count(tx, account, i64::try_from(shard).unwrap_or(0), *by).await?;
        }
        self.announce(tx, &epilogue.changes).await
    }

    async fn announce(&self, tx: &mut Conn<'_>, changes: &[Change]) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut args = args![&self.id];
        let mut rows = Vec::with_capacity(changes.len());
        for change in changes {
            let (kind, first, second) = change.to_row();
            let id = uuid_v4(&*self.random)?;
            let numbers = [args.push(id), args.push(kind), args.push(first), args.push(second)];
            let [id, kind, first, second] = numbers;
            rows.push(format!("(${id}, $1, ${kind}, ${first}, ${second}, ({NOW}))"));
        }
        let sql = format!("INSERT INTO changes (id, node, kind, first, second, at) VALUES {}", rows.join(", "));
        tx.execute(Sql::joined_few(sql), args).await.map(|_| ())
    }

    async fn announce_again(&self, changes: &[Change]) {
        let outcome = async {
            let connection = self.pool.acquire().await?;
            self.announce(&mut Conn::pooled(connection, Arc::clone(&self.barrier), Engine::Postgres), changes).await
        };
        if let Err(cause) = outcome.await {
            tracing::warn!(%cause, "a slow commit could not be announced again; other nodes may learn of it late");
        }
    }

    /// Waits before another run: a random part of a time that doubles.
    async fn back_off(&self, run: u32) {
        if run == 0 {
            return;
        }
        let mut byte = [0xff];
        let _ = self.random.fill(&mut byte);
        let longest_micros = 2_000_u64 << run.min(7);
        let [part] = byte;
        tokio::time::sleep(Duration::from_micros(longest_micros * u64::from(part) / 255)).await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.id)
    }
}

enum Run<T> {
    Done(T),
    Again,
}

/// What is known about the follower's last success.
struct Feed {
    origin: Instant,
    /// Start of the last successful look, in milliseconds after `origin`; 0 for none.
    seen_millis: AtomicU64,
    closed: AtomicBool,
}

impl Feed {
    fn new() -> Self {
        Self { origin: Instant::now(), seen_millis: AtomicU64::new(0), closed: AtomicBool::new(false) }
    }

    fn is_current(&self) -> bool {
        let seen = Duration::from_millis(self.seen_millis.load(Ordering::Acquire));
        self.origin.elapsed().saturating_sub(seen) < STALE && !self.closed.load(Ordering::Acquire)
    }

    fn saw(&self, start: Instant) {
        let millis = u64::try_from(start.duration_since(self.origin).as_millis()).unwrap_or(u64::MAX);
        self.seen_millis.store(millis, Ordering::Release);
    }
}

/// Reads what other nodes changed, on a connection of its own so that no load on the pool can make it late.
struct Follower {
    connect: AnyConnectOptions,
    setup: String,
    node: String,
    listeners: Arc<Listeners>,
    feed: Arc<Feed>,
    connection: Option<AnyConnection>,
    /// The server's time at the last success.
    position: Option<i64>,
    /// Rows that were delivered and that a look can still meet, with their times.
    delivered: HashMap<String, i64>,
    pruned: Instant,
}

impl Follower {
    async fn follow(mut self) {
        loop {
            tokio::time::sleep(POLL).await;
            match tokio::time::timeout(POLL_TIMEOUT, self.look()).await {
                Ok(Ok(())) => {}
                Ok(Err(cause)) => {
                    tracing::warn!(%cause, "the changes of other nodes cannot be read");
                    self.connection = None;
                }
                Err(_) => {
                    tracing::warn!("the changes of other nodes cannot be read in time");
                    self.connection = None;
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        let start = Instant::now();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let mut connection = self.connect.connect().await?;
                connection.execute(AssertSqlSafe(self.setup.clone())).await?;
                connection
            }
        };
        let now = sqlx::query(NOW).fetch_one(&mut connection).await?.int(0)?;
        let from = self.position.unwrap_or(now).min(now) - WINDOW_MILLIS;
        let values = args![from].into_values();
        let rows = sqlx::query_with("SELECT id, node, kind, first, second, at FROM changes WHERE at >= $1", values)
            .fetch_all(&mut connection)
            .await?;
        let first_look = self.position.is_none();
        let mut changes = HashSet::new();
        if self.position.is_some_and(|position| now - position > KEPT_MILLIS - WINDOW_MILLIS) {
            changes.insert(Change::Everything);
        }
        for row in rows {
            let known = self.delivered.insert(row.text(0)?, row.int(5)?).is_some();
            if known || first_look || row.text(1)? == self.node {
                continue;
            }
            changes.insert(Change::from_row(&row.text(2)?, &row.text(3)?, &row.text(4)?));
        }
        self.listeners.tell(&Vec::from_iter(changes));
        self.delivered.retain(|_, at| *at >= from);
        self.position = Some(now);
        self.feed.saw(start);
        if self.pruned.elapsed() > PRUNE {
            self.pruned = Instant::now();
            let values = args![now - KEPT_MILLIS].into_values();
            sqlx::query_with("DELETE FROM changes WHERE at < $1", values).execute(&mut connection).await?;
        }
        self.connection = Some(connection);
        Ok(())
    }
}
