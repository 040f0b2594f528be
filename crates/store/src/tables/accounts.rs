//! Accounts.

use sesame_domain::{AccountId, AccountName, Timestamp};
use sqlx::any::AnyRow;

use crate::conn::Sql;
use crate::sql::{Columns as _, args};
use crate::{Change, Conn, StoreError, Tx};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The id.
    pub id: AccountId,
    /// What operators call it.
    pub name: AccountName,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it may not be used; `None` while it may.
    pub disabled_at: Option<Timestamp>,
}

/// An account, and how much there is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The account.
    pub account: Account,
    /// Access keys of the account itself.
    pub root_keys: i64,
    /// Users.
    pub users: i64,
    /// Keys.
    pub keys: i64,
    /// Secrets, those in their recovery window included.
    pub secrets: i64,
}

const SUMMARY: &str = "SELECT a.id, a.name, a.created_at, a.disabled_at,
        (SELECT count(*) FROM access_keys k WHERE k.account = a.id),
        (SELECT count(*) FROM ram_users u WHERE u.account = a.id),
        (SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM key_counts k WHERE k.account = a.id),
        (SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM secret_counts s WHERE s.account = a.id)
    FROM accounts a";

/// Adds an account.
///
/// # Errors
/// [`StoreError::AlreadyExists`].
pub async fn insert(tx: &mut Tx<'_>, account: &AccountId, created_at: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO accounts (id, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    if tx.execute(sql, args![account, created_at]).await? == 0 { Err(StoreError::AlreadyExists) } else { Ok(()) }
}

/// The account of an id.
///
/// # Errors
/// Those of the engine.
pub async fn get(conn: &mut Conn<'_>, account: &AccountId) -> Result<Option<Account>, StoreError> {
    let sql = "SELECT id, name, created_at, disabled_at FROM accounts WHERE id = $1";
    conn.row(sql, args![account]).await?.map(|row| read(&row)).transpose()
}

/// Up to `limit` accounts by id, those after `after`. Nothing is counted by looking at it: keys and secrets have
/// counters, users and access keys an index each.
///
/// # Errors
/// Those of the engine.
pub async fn page(conn: &mut Conn<'_>, after: Option<&AccountId>, limit: u32) -> Result<Vec<Summary>, StoreError> {
    let sql = format!("{SUMMARY} WHERE a.id > $1 ORDER BY a.id LIMIT $2");
    let after = after.map_or("", AccountId::as_str);
    let rows = conn.rows(Sql::joined_few(sql), args![after, i64::from(limit)]).await?;
    rows.iter().map(read_summary).collect()
}

/// One account, and how much there is in it.
///
/// # Errors
/// Those of the engine.
pub async fn summary(conn: &mut Conn<'_>, account: &AccountId) -> Result<Option<Summary>, StoreError> {
    let sql = format!("{SUMMARY} WHERE a.id = $1");
    conn.row(Sql::joined_few(sql), args![account]).await?.map(|row| read_summary(&row)).transpose()
}

/// Gives an account another name.
///
/// # Errors
/// [`StoreError::Conflict`] when there is none of this id.
pub async fn set_name(tx: &mut Tx<'_>, account: &AccountId, name: &AccountName) -> Result<(), StoreError> {
    tx.change_one("UPDATE accounts SET name = $2 WHERE id = $1", args![account, name]).await
}

/// Says since when an account may not be used, or with `None` that it may.
///
/// # Errors
/// [`StoreError::Conflict`] when there is none of this id.
pub async fn set_disabled_at(
    tx: &mut Tx<'_>,
    account: &AccountId,
    disabled_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.change_one("UPDATE accounts SET disabled_at = $2 WHERE id = $1", args![account, disabled_at]).await?;
    tx.touch(Change::Account(account.clone()));
    Ok(())
}

/// Whether there is such an account.
///
/// # Errors
/// Those of the engine.
pub async fn exists(conn: &mut Conn<'_>, account: &AccountId) -> Result<bool, StoreError> {
    Ok(conn.row("SELECT 1 FROM accounts WHERE id = $1", args![account]).await?.is_some())
}

/// Whether an account may be used; `None` when there is none of this id.
///
/// # Errors
/// Those of the engine.
pub async fn is_enabled(conn: &mut Conn<'_>, account: &AccountId) -> Result<Option<bool>, StoreError> {
    let row = conn.row("SELECT disabled_at FROM accounts WHERE id = $1", args![account]).await?;
    row.map(|row| row.int(0).map(|at| at == 0)).transpose()
}

/// The account that was made first.
///
/// # Errors
/// Those of the engine.
pub async fn first(conn: &mut Conn<'_>) -> Result<Option<AccountId>, StoreError> {
    let row = conn.row("SELECT id FROM accounts ORDER BY created_at, id LIMIT 1", args![]).await?;
    row.map(|row| row.parsed(0, "an account id")).transpose()
}

fn read(row: &AnyRow) -> Result<Account, StoreError> {
    Ok(Account {
        id: row.parsed(0, "an account id")?,
        name: row.parsed(1, "the name of an account")?,
        created_at: row.time(2)?,
        disabled_at: row.optional_time(3)?,
    })
}

fn read_summary(row: &AnyRow) -> Result<Summary, StoreError> {
    Ok(Summary {
        account: read(row)?,
        root_keys: row.int(4)?,
        users: row.int(5)?,
        keys: row.int(6)?,
        secrets: row.int(7)?,
    })
}
