//! Access keys of users. They are not in the table of the access keys of accounts: a server that does not know users
//! yet would take a user for the root of its account.

use sesame_crypto::secret::{SecretBytes, SecretText};
use sesame_domain::ram::{IdentityId, UserName};
use sesame_domain::{AccountId, Timestamp};
use sqlx::any::AnyRow;

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
