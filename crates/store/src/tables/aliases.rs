//! Aliases: names of keys, unique in their account.

use sesame_domain::alias::Alias;
use sesame_domain::{AccountId, AliasName, KeyId, Page, Timestamp};
use sqlx::any::AnyRow;

use crate::sql::{Args, Columns as _, args};
use crate::{Change, Conn, StoreError, Tx};

/// Adds an alias.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when the account has one of this name.
pub async fn insert(
    tx: &mut Tx<'_>,
    account: &AccountId,
    alias: &Alias,
    created_at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO aliases (account, name, key_id, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    if tx.execute(sql, args![account, &alias.name, &alias.key, created_at]).await? == 0 {
        return Err(StoreError::AlreadyExists);
    }
    touch(tx, account, &alias.name);
    Ok(())
}

/// The key that an alias stands for.
///
/// # Errors
/// Those of the engine.
pub async fn get(conn: &mut Conn<'_>, account: &AccountId, name: &AliasName) -> Result<Option<KeyId>, StoreError> {
    let sql = "SELECT key_id FROM aliases WHERE account = $1 AND name = $2";
    let row = conn.row(sql, args![account, name]).await?;
    row.map(|row| row.parsed(0, "the key of an alias")).transpose()
}

/// Makes an alias stand for another key.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such alias.
pub async fn set_key(tx: &mut Tx<'_>, account: &AccountId, name: &AliasName, key: &KeyId) -> Result<(), StoreError> {
    let sql = "UPDATE aliases SET key_id = $3 WHERE account = $1 AND name = $2";
    tx.change_one(sql, args![account, name, key]).await?;
    touch(tx, account, name);
    Ok(())
}

/// Removes an alias; whether there was one.
///
/// # Errors
/// Those of the engine.
pub async fn delete(tx: &mut Tx<'_>, account: &AccountId, name: &AliasName) -> Result<bool, StoreError> {
    let sql = "DELETE FROM aliases WHERE account = $1 AND name = $2";
    let deleted = tx.execute(sql, args![account, name]).await? > 0;
    if deleted {
        touch(tx, account, name);
    }
    Ok(deleted)
}

/// A page of the aliases of an account, by name, and the number of all.
///
/// # Errors
/// Those of the engine.
pub async fn list(conn: &mut Conn<'_>, account: &AccountId, page: Page) -> Result<(Vec<Alias>, i64), StoreError> {
    let sql = "SELECT name, key_id FROM aliases WHERE account = $1 ORDER BY name LIMIT $2 OFFSET $3";
    let count = "SELECT count(*) FROM aliases WHERE account = $1";
    paged(conn, sql, count, account.as_str(), page).await
}

/// A page of the aliases of a key, by name, and the number of all.
///
/// # Errors
/// Those of the engine.
pub async fn list_by_key(conn: &mut Conn<'_>, key: &KeyId, page: Page) -> Result<(Vec<Alias>, i64), StoreError> {
    let sql = "SELECT name, key_id FROM aliases WHERE key_id = $1 ORDER BY name LIMIT $2 OFFSET $3";
    let count = "SELECT count(*) FROM aliases WHERE key_id = $1";
    paged(conn, sql, count, key.as_str(), page).await
}

async fn paged(
    conn: &mut Conn<'_>,
    sql: &'static str,
    count: &'static str,
    of: &str,
    page: Page,
) -> Result<(Vec<Alias>, i64), StoreError> {
    let rows = conn.rows(sql, args![of, i64::from(page.size), page.offset()]).await?;
    let aliases = rows.iter().map(alias).collect::<Result<Vec<_>, _>>()?;
    // A first page that is not full shows all there is.
    let total = if page.number == 1 && aliases.len() < page.size as usize {
        aliases.len() as i64
    } else {
        conn.one(count, args![of]).await?.int(0)?
    };
    Ok((aliases, total))
}

/// Removes every alias of a key.
pub(crate) async fn delete_of_key(tx: &mut Tx<'_>, key: &KeyId) -> Result<(), StoreError> {
    let args: Args = args![key];
    for row in tx.returning("DELETE FROM aliases WHERE key_id = $1 RETURNING account, name", args).await? {
        let (account, name) = (row.parsed(0, "the account of an alias")?, row.parsed(1, "the name of an alias")?);
        touch(tx, &account, &name);
    }
    Ok(())
}

fn alias(row: &AnyRow) -> Result<Alias, StoreError> {
    Ok(Alias { name: row.parsed(0, "the name of an alias")?, key: row.parsed(1, "the key of an alias")? })
}

fn touch(tx: &mut Tx<'_>, account: &AccountId, name: &AliasName) {
    tx.touch(Change::Alias(account.clone(), name.clone()));
}
