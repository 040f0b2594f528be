//! Accounts.

use sesame_domain::{AccountId, Timestamp};

use crate::sql::{Columns as _, args};
use crate::{Conn, StoreError, Tx};

/// Adds an account.
///
/// # Errors
/// [`StoreError::AlreadyExists`].
pub async fn insert(tx: &mut Tx<'_>, account: &AccountId, created_at: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO accounts (id, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    if tx.execute(sql, args![account, created_at]).await? == 0 { Err(StoreError::AlreadyExists) } else { Ok(()) }
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
