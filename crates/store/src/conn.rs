use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sesame_domain::AccountId;
use sqlx::any::AnyRow;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AssertSqlSafe, SqlSafeStr as _, SqlStr};

use crate::barrier::Barrier;
use crate::error::{is_connection_loss, is_constraint, is_rerun_code};
use crate::sql::Args;
use crate::{Change, StoreError};

/// The engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The embedded database.
    Sqlite,
    /// A server that speaks PostgreSQL's protocol.
    Postgres,
}

/// A connection with the barrier: what the table modules read with.
pub struct Conn<'c> {
    handle: Handle<'c>,
    pub(crate) barrier: Arc<Barrier>,
    pub(crate) engine: Engine,
    /// Rows that statements changed since the count was last reset.
    pub(crate) changed_rows: u64,
    /// The worst that happened to a statement since the last reset.
    pub(crate) trouble: Option<Trouble>,
    /// By how much this transaction changes the number of keys of an account.
    pub(crate) key_counts: BTreeMap<AccountId, i64>,
}

/// A transaction that writes.
pub struct Tx<'c> {
    conn: Conn<'c>,
    pub(crate) changes: Vec<Change>,
}

enum Handle<'c> {
    Borrowed(&'c mut AnyConnection),
    Pooled(PoolConnection<Any>),
}

/// A failure of a statement that decides what becomes of its transaction.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// The engine asks for another run.
    Rerun,
    /// The connection is gone.
    Lost,
    /// Anything else that may have ended the transaction.
    Broken(StoreError),
}

impl<'c> Conn<'c> {
    pub(crate) fn borrowed(connection: &'c mut AnyConnection, barrier: Arc<Barrier>, engine: Engine) -> Self {
        Self::new(Handle::Borrowed(connection), barrier, engine)
    }

    pub(crate) fn pooled(connection: PoolConnection<Any>, barrier: Arc<Barrier>, engine: Engine) -> Self {
        Self::new(Handle::Pooled(connection), barrier, engine)
    }

    fn new(handle: Handle<'c>, barrier: Arc<Barrier>, engine: Engine) -> Self {
        Self { handle, barrier, engine, changed_rows: 0, trouble: None, key_counts: BTreeMap::new() }
    }

    /// Runs a statement and returns the number of rows that it changed.
    pub(crate) async fn execute(&mut self, sql: impl Into<Sql>, args: Args) -> Result<u64, StoreError> {
        let sql = sql.into();
        let query = sqlx::query_with(sql.text, args.into_values()).persistent(sql.keep);
        let outcome = query.execute(self.raw()).await;
        let rows = self.note(outcome)?.rows_affected();
        self.changed_rows += rows;
        Ok(rows)
    }

    /// Runs a statement and returns its first row.
    pub(crate) async fn row(&mut self, sql: impl Into<Sql>, args: Args) -> Result<Option<AnyRow>, StoreError> {
        let sql = sql.into();
        let query = sqlx::query_with(sql.text, args.into_values()).persistent(sql.keep);
        let outcome = query.fetch_optional(self.raw()).await;
        self.note(outcome)
    }

    /// Runs a statement that answers one row whatever is stored.
    pub(crate) async fn one(&mut self, sql: impl Into<Sql>, args: Args) -> Result<AnyRow, StoreError> {
        self.row(sql, args).await?.ok_or(StoreError::Corrupt("an aggregate without a row"))
    }

    /// Runs a statement and returns all its rows.
    pub(crate) async fn rows(&mut self, sql: impl Into<Sql>, args: Args) -> Result<Vec<AnyRow>, StoreError> {
        let sql = sql.into();
        let query = sqlx::query_with(sql.text, args.into_values()).persistent(sql.keep);
        let outcome = query.fetch_all(self.raw()).await;
        self.note(outcome)
    }

    /// Runs a writing statement with RETURNING and returns its rows.
    pub(crate) async fn returning(&mut self, sql: impl Into<Sql>, args: Args) -> Result<Vec<AnyRow>, StoreError> {
        let rows = self.rows(sql, args).await?;
        self.changed_rows += rows.len() as u64;
        Ok(rows)
    }

    /// Takes what may have ended the transaction, as an error.
    pub(crate) fn take_trouble(&mut self) -> Option<StoreError> {
        self.trouble.take().map(|trouble| match trouble {
            Trouble::Rerun => StoreError::Contended,
            Trouble::Lost => StoreError::Unavailable("the connection is gone"),
            Trouble::Broken(cause) => cause,
        })
    }

    pub(crate) fn raw(&mut self) -> &mut AnyConnection {
        match &mut self.handle {
            Handle::Borrowed(connection) => connection,
            Handle::Pooled(connection) => connection,
        }
    }

    fn note<T>(&mut self, outcome: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        outcome.map_err(|cause| {
            let (rerun, lost, harmless) = (is_rerun_code(&cause), is_connection_loss(&cause), is_constraint(&cause));
            let error = StoreError::from(cause);
            if rerun {
                self.trouble = Some(Trouble::Rerun);
            } else if lost {
                self.trouble = Some(Trouble::Lost);
            } else if !harmless || self.engine == Engine::Postgres {
                self.trouble = Some(Trouble::Broken(error.clone()));
            }
            error
        })
    }
}

impl<'c> Tx<'c> {
    pub(crate) fn new(conn: Conn<'c>) -> Self {
        Self { conn, changes: Vec::new() }
    }

    /// Says that the transaction changes something that caches may hold. The functions of the table modules say it
    /// themselves.
    pub fn touch(&mut self, change: Change) {
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    /// Runs a statement that is to change one row.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is no such row.
    pub(crate) async fn change_one(&mut self, sql: &'static str, args: Args) -> Result<(), StoreError> {
        if self.execute(sql, args).await? == 0 { Err(StoreError::Conflict) } else { Ok(()) }
    }
}

impl<'c> Deref for Tx<'c> {
    type Target = Conn<'c>;

    fn deref(&self) -> &Conn<'c> {
        &self.conn
    }
}

impl<'c> DerefMut for Tx<'c> {
    fn deref_mut(&mut self) -> &mut Conn<'c> {
        &mut self.conn
    }
}

impl fmt::Debug for Conn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Conn({:?})", self.engine)
    }
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tx({:?}, {} changes)", self.conn.engine, self.changes.len())
    }
}

/// The text of a statement: a constant, or made of constants.
pub(crate) struct Sql {
    text: SqlStr,
    keep: bool,
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self { text: text.into_sql_str(), keep: true }
    }
}

impl Sql {
    /// A text joined at run time. Only constant fragments and parameter numbers may go into it: every value is bound.
    /// It is not kept prepared, since there are too many of its kind.
    pub(crate) fn joined(text: String) -> Self {
        Self { text: AssertSqlSafe(text).into_sql_str(), keep: false }
    }

    /// As [`Sql::joined`], for texts of which there are only a few.
    pub(crate) fn joined_few(text: String) -> Self {
        Self { text: AssertSqlSafe(text).into_sql_str(), keep: true }
    }
}
