//! Managed data keys: keys of 32 bytes that are kept under a name, in versions.

use sesame_crypto::secret::SecretBytes;
use sesame_domain::{AccountId, Page, Timestamp};

use crate::barrier::Place;
use crate::sql::{Columns as _, args};
use crate::{Conn, StoreError, Tx};

/// Which version of a managed data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first that was made.
    First,
    /// The last that was made.
    Latest,
    /// The one of this id.
    Version(String),
}

/// Adds a version, the first one included.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when the name has a version of this id.
pub async fn add(
    tx: &mut Tx<'_>,
    account: &AccountId,
    name: &str,
    version: &str,
    material: &SecretBytes,
    now: Timestamp,
) -> Result<(), StoreError> {
    // EXPOSE: the barrier seals it.
    let sealed = tx.barrier.seal(place(&row(name, version), account), material.expose())?;
    let last = tx
        .one(
            "SELECT coalesce(max(number), 0) FROM managed_data_keys WHERE account = $1 AND name = $2",
            args![account, name],
        )
        .await?;
    let sql = "INSERT INTO managed_data_keys (account, name, version, number, created_at, material)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    match tx.execute(sql, args![account, name, version, last.int(0)? + 1, now, sealed]).await? {
        0 => Err(StoreError::AlreadyExists),
        _ => Ok(()),
    }
}

/// A version's id and the key.
///
/// # Errors
/// [`StoreError::Corrupt`] when the key does not open in its place.
pub async fn get(
    conn: &mut Conn<'_>,
    account: &AccountId,
    name: &str,
    which: &Which,
) -> Result<Option<(String, SecretBytes)>, StoreError> {
    let (sql, args) = match which {
        Which::First => (
            "SELECT version, material FROM managed_data_keys WHERE account = $1 AND name = $2 ORDER BY number LIMIT 1",
            args![account, name],
        ),
        Which::Latest => (
            "SELECT version, material FROM managed_data_keys WHERE account = $1 AND name = $2
                ORDER BY number DESC LIMIT 1",
            args![account, name],
        ),
        Which::Version(version) => (
            "SELECT version, material FROM managed_data_keys WHERE account = $1 AND name = $2 AND version = $3",
            args![account, name, version],
        ),
    };
    let Some(found) = conn.row(sql, args).await? else { return Ok(None) };
    let version = found.text(0)?;
    let material = conn.unseal(place(&row(name, &version), account), &found.blob(1)?).await?;
    Ok(Some((version, material)))
}

/// A page of the version ids of a name, the newest first, and the number of all.
///
/// # Errors
/// Those of the engine.
pub async fn list(
    conn: &mut Conn<'_>,
    account: &AccountId,
    name: &str,
    page: Page,
) -> Result<(Vec<String>, i64), StoreError> {
    let sql = "SELECT version FROM managed_data_keys WHERE account = $1 AND name = $2
        ORDER BY number DESC LIMIT $3 OFFSET $4";
    let rows = conn.rows(sql, args![account, name, i64::from(page.size), page.offset()]).await?;
    let versions = rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
    let count = "SELECT count(*) FROM managed_data_keys WHERE account = $1 AND name = $2";
    Ok((versions, conn.one(count, args![account, name]).await?.int(0)?))
}

/// The name a version goes by in the API.
fn row(name: &str, version: &str) -> String {
    format!("{name}!{version}")
}

fn place<'a>(row: &'a str, account: &'a AccountId) -> Place<'a> {
    Place { table: "managed_data_keys", row, extra: account.as_str(), column: "material" }
}
