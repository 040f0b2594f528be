//! Access keys. Their secrets are sealed, not hashed: checking a signature needs them in clear.

use sesame_crypto::secret::{SecretBytes, SecretText};
use sesame_domain::{AccountId, Timestamp};
use sqlx::any::AnyRow;

use crate::barrier::Place;
use crate::sql::{Columns as _, args};
use crate::{Change, Conn, StoreError, Tx};

/// An access key with its secret.
#[derive(Debug)]
pub struct AccessKeyRecord {
    /// The public half.
    pub id: String,
    /// The account that signs with it.
    pub account: AccountId,
    /// The private half.
    pub secret: SecretText,
    /// Whether it may be used.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What can be told about an access key of an account or of a user: everything but its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeyFacts {
    /// The public half.
    pub id: String,
    /// Whether it may be used.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last signed a request, as far as the database knows; `None` when it never did.
    pub last_used_at: Option<Timestamp>,
}

/// Adds an access key.
///
/// # Errors
/// [`StoreError::AlreadyExists`].
pub async fn insert(tx: &mut Tx<'_>, record: &AccessKeyRecord) -> Result<(), StoreError> {
    // EXPOSE: the barrier seals it.
    let secret = tx.barrier.seal(place(&record.id, &record.account), record.secret.expose().as_bytes())?;
    let sql = "INSERT INTO access_keys (id, account, secret, active, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING";
    let args = args![&record.id, &record.account, secret, record.active, record.created_at];
    if tx.execute(sql, args).await? == 0 {
        return Err(StoreError::AlreadyExists);
    }
    tx.touch(Change::AccessKey(record.id.clone()));
    Ok(())
}

/// An access key with its secret opened.
///
/// # Errors
/// [`StoreError::Corrupt`] when the secret does not open in its place.
pub async fn get(conn: &mut Conn<'_>, id: &str) -> Result<Option<AccessKeyRecord>, StoreError> {
    let sql = "SELECT id, account, secret, active, created_at FROM access_keys WHERE id = $1";
    match conn.row(sql, args![id]).await? {
        Some(row) => record(conn, &row).await.map(Some),
        None => Ok(None),
    }
}

/// The access keys of an account, the oldest first.
///
/// # Errors
/// [`StoreError::Corrupt`] when a secret does not open in its place.
pub async fn list(conn: &mut Conn<'_>, account: &AccountId) -> Result<Vec<AccessKeyRecord>, StoreError> {
    let sql = "SELECT id, account, secret, active, created_at FROM access_keys WHERE account = $1
        ORDER BY created_at, id";
    let mut records = Vec::new();
    for row in conn.rows(sql, args![account]).await? {
        records.push(record(conn, &row).await?);
    }
    Ok(records)
}

/// The access keys of an account, the oldest first, without their secrets.
///
/// # Errors
/// Those of the engine.
pub async fn facts(conn: &mut Conn<'_>, account: &AccountId) -> Result<Vec<AccessKeyFacts>, StoreError> {
    let sql = "SELECT id, active, created_at, last_used_at FROM access_keys WHERE account = $1 ORDER BY created_at, id";
    conn.rows(sql, args![account]).await?.iter().map(AccessKeyFacts::read).collect()
}

/// Notes when access keys last signed a request; ids that are not there, and moments that are not newer than the one that
/// is known, are passed over.
///
/// # Errors
/// Those of the engine.
pub async fn note_used(tx: &mut Tx<'_>, used: &[(String, Timestamp)]) -> Result<(), StoreError> {
    let sql = "UPDATE access_keys SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2";
    for (id, at) in used {
        tx.execute(sql, args![id, *at]).await?;
    }
    Ok(())
}

/// Lets an access key be used, or not.
///
/// # Errors
/// [`StoreError::Conflict`] when there is none of this id.
pub async fn set_active(tx: &mut Tx<'_>, id: &str, active: bool) -> Result<(), StoreError> {
    tx.change_one("UPDATE access_keys SET active = $2 WHERE id = $1", args![id, active]).await?;
    tx.touch(Change::AccessKey(id.to_owned()));
    Ok(())
}

/// Removes an access key; whether there was one.
///
/// # Errors
/// Those of the engine.
pub async fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool, StoreError> {
    let deleted = tx.execute("DELETE FROM access_keys WHERE id = $1", args![id]).await? > 0;
    if deleted {
        tx.touch(Change::AccessKey(id.to_owned()));
    }
    Ok(deleted)
}

impl AccessKeyFacts {
    /// Reads id, active, created_at and last_used_at.
    pub(crate) fn read(row: &AnyRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.text(0)?,
            active: row.flag(1)?,
            created_at: row.time(2)?,
            last_used_at: row.optional_time(3)?,
        })
    }
}

async fn record(conn: &mut Conn<'_>, row: &AnyRow) -> Result<AccessKeyRecord, StoreError> {
    let (id, account) = (row.text(0)?, row.parsed(1, "the account of an access key")?);
    let secret: SecretBytes = conn.unseal(place(&id, &account), &row.blob(2)?).await?;
    let secret = SecretText::from_utf8(secret)?;
    Ok(AccessKeyRecord { active: row.flag(3)?, created_at: row.time(4)?, id, account, secret })
}

fn place<'a>(id: &'a str, account: &'a AccountId) -> Place<'a> {
    Place { table: "access_keys", row: id, extra: account.as_str(), column: "secret" }
}
