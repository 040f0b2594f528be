//! Access keys of users. They are not in the table of the access keys of accounts: a server that does not know users
//! yet would take a user for the root of its account.

use sesame_crypto::secret::{SecretBytes, SecretText};
use sesame_domain::ram::{IdentityId, UserName};
use sesame_domain::{AccountId, Timestamp};
use sqlx::any::AnyRow;

use crate::access_keys::AccessKeyFacts;
use crate::barrier::Place;
use crate::sql::{Columns as _, args};
use crate::{Change, Conn, StoreError, Tx};

/// An access key with its secret.
#[derive(Debug)]
pub struct UserAccessKey {
    /// The public half.
    pub id: String,
    /// The user that signs with it.
    pub user: IdentityId,
    /// The account of the user.
    pub account: AccountId,
    /// The private half.
    pub secret: SecretText,
    /// Whether it may be used.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An access key, and the name of its user.
#[derive(Debug)]
pub struct NamedAccessKey {
    /// The access key.
    pub key: UserAccessKey,
    /// The name of its user.
    pub user_name: UserName,
}

/// Adds an access key.
///
/// # Errors
/// [`StoreError::AlreadyExists`].
pub async fn insert(tx: &mut Tx<'_>, key: &UserAccessKey) -> Result<(), StoreError> {
    // EXPOSE: the barrier seals it.
    let secret = tx.barrier.seal(place(&key.id, &key.user), key.secret.expose().as_bytes())?;
    let sql = "INSERT INTO ram_access_keys (id, user_id, account, secret, active, created_at, last_used_at)
        VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT DO NOTHING";
    let args = args![&key.id, &key.user, &key.account, secret, key.active, key.created_at];
    if tx.execute(sql, args).await? == 0 {
        return Err(StoreError::AlreadyExists);
    }
    tx.touch(Change::AccessKey(key.id.clone()));
    Ok(())
}

/// An access key with its secret opened.
///
/// # Errors
/// [`StoreError::Corrupt`] when the secret does not open in its place.
pub async fn get(conn: &mut Conn<'_>, id: &str) -> Result<Option<NamedAccessKey>, StoreError> {
    let sql = "SELECT k.id, k.user_id, k.account, k.secret, k.active, k.created_at, u.name
        FROM ram_access_keys k JOIN ram_users u ON u.id = k.user_id WHERE k.id = $1";
    let Some(row) = conn.row(sql, args![id]).await? else { return Ok(None) };
    let key = record(conn, &row).await?;
    Ok(Some(NamedAccessKey { key, user_name: row.parsed(6, "the name of a user")? }))
}

/// The access keys of a user, the oldest first, without their secrets.
///
/// # Errors
/// Those of the engine.
pub async fn facts(conn: &mut Conn<'_>, user: &IdentityId) -> Result<Vec<AccessKeyFacts>, StoreError> {
    let sql = "SELECT id, active, created_at, last_used_at FROM ram_access_keys WHERE user_id = $1
        ORDER BY created_at, id";
    conn.rows(sql, args![user]).await?.iter().map(AccessKeyFacts::read).collect()
}

/// Notes when access keys last signed a request; ids that are not there, and moments that are not newer than the one that
/// is known, are passed over.
///
/// # Errors
/// Those of the engine.
pub async fn note_used(tx: &mut Tx<'_>, used: &[(String, Timestamp)]) -> Result<(), StoreError> {
    let sql = "UPDATE ram_access_keys SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2";
    for (id, at) in used {
        tx.execute(sql, args![id, *at]).await?;
    }
    Ok(())
}

/// Lets an access key of a user be used, or not.
///
/// # Errors
/// [`StoreError::Conflict`] when the user has none of this id.
pub async fn set_active(tx: &mut Tx<'_>, user: &IdentityId, id: &str, active: bool) -> Result<(), StoreError> {
    let sql = "UPDATE ram_access_keys SET active = $3 WHERE id = $1 AND user_id = $2";
    tx.change_one(sql, args![id, user, active]).await?;
    tx.touch(Change::AccessKey(id.to_owned()));
    Ok(())
}

/// Removes an access key of a user; whether the user had it.
///
/// # Errors
/// Those of the engine.
pub async fn delete(tx: &mut Tx<'_>, user: &IdentityId, id: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM ram_access_keys WHERE id = $1 AND user_id = $2";
    let deleted = tx.execute(sql, args![id, user]).await? > 0;
    if deleted {
        tx.touch(Change::AccessKey(id.to_owned()));
    }
    Ok(deleted)
}

/// Says that the name of a user changed, which caches keep with its access keys.
pub(crate) async fn touch_all(tx: &mut Tx<'_>, user: &IdentityId) -> Result<(), StoreError> {
    for key in facts(tx, user).await? {
        tx.touch(Change::AccessKey(key.id));
    }
    Ok(())
}

async fn record(conn: &mut Conn<'_>, row: &AnyRow) -> Result<UserAccessKey, StoreError> {
    let (id, user) = (row.text(0)?, row.parsed(1, "the user of an access key")?);
    let secret: SecretBytes = conn.unseal(place(&id, &user), &row.blob(3)?).await?;
    Ok(UserAccessKey {
        account: row.parsed(2, "the account of an access key")?,
        secret: SecretText::from_utf8(secret)?,
        active: row.flag(4)?,
        created_at: row.time(5)?,
        id,
        user,
    })
}

fn place<'a>(id: &'a str, user: &'a IdentityId) -> Place<'a> {
    Place { table: "ram_access_keys", row: id, extra: user.as_str(), column: "secret" }
}
