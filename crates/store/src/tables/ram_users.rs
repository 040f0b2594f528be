//! Users.

use sesame_domain::AccountId;
use sesame_domain::ram::{IdentityId, User, UserName};
use sqlx::any::AnyRow;

use crate::sql::{Columns as _, args};
use crate::{Change, Conn, StoreError, Tx, ram_access_keys};

/// What keeps a user from being removed: it is to be taken away first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserHas {
    /// It is in a group.
    Group,
    /// It has an access key.
    AccessKey,
    /// It can log on to the console.
    LoginProfile,
    /// A policy is attached to it.
    Policy,
}

/// Adds a user.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when the account has one of this name.
pub async fn insert(tx: &mut Tx<'_>, user: &User) -> Result<(), StoreError> {
    let sql = "INSERT INTO ram_users
        (id, account, name, display_name, mobile_phone, email, comments, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    let args = args![
        &user.id,
        &user.account,
        &user.name,
        &user.display_name,
        &user.mobile_phone,
        &user.email,
        &user.comments,
        user.created_at,
        user.updated_at
    ];
    if tx.execute(sql, args).await? == 0 {
        return Err(StoreError::AlreadyExists);
    }
    tx.touch(Change::Identities(user.account.clone()));
    Ok(())
}

/// The user of a name.
///
/// # Errors
/// Those of the engine.
pub async fn by_name(conn: &mut Conn<'_>, account: &AccountId, name: &UserName) -> Result<Option<User>, StoreError> {
    let sql = "SELECT id, account, name, display_name, mobile_phone, email, comments, created_at, updated_at
        FROM ram_users WHERE account = $1 AND name = $2";
    conn.row(sql, args![account, name]).await?.map(|row| user(&row)).transpose()
}

/// The user of an id, of whatever account.
///
/// # Errors
/// Those of the engine.
pub async fn by_id(conn: &mut Conn<'_>, id: &IdentityId) -> Result<Option<User>, StoreError> {
    let sql = "SELECT id, account, name, display_name, mobile_phone, email, comments, created_at, updated_at
        FROM ram_users WHERE id = $1";
    conn.row(sql, args![id]).await?.map(|row| user(&row)).transpose()
}

/// How many users an account has.
///
/// # Errors
/// Those of the engine.
pub async fn count(conn: &mut Conn<'_>, account: &AccountId) -> Result<i64, StoreError> {
    conn.one("SELECT count(*) FROM ram_users WHERE account = $1", args![account]).await?.int(0)
}

/// Users in the order of their names, from the one after `after`.
///
/// # Errors
/// Those of the engine.
pub async fn page(
    conn: &mut Conn<'_>,
    account: &AccountId,
    after: Option<&UserName>,
    limit: u32,
) -> Result<Vec<User>, StoreError> {
    let sql = "SELECT id, account, name, display_name, mobile_phone, email, comments, created_at, updated_at
        FROM ram_users WHERE account = $1 AND name > $2 ORDER BY name LIMIT $3";
    let after = after.map_or("", UserName::as_str);
    conn.rows(sql, args![account, after, i64::from(limit)]).await?.iter().map(user).collect()
}

/// Writes down everything of a user that can change, its name included.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when another user of the account has this name, [`StoreError::Conflict`] when the user
/// is gone.
pub async fn update(tx: &mut Tx<'_>, user: &User) -> Result<(), StoreError> {
    let namesake = by_name(tx, &user.account, &user.name).await?;
    if namesake.as_ref().is_some_and(|namesake| namesake.id != user.id) {
        return Err(StoreError::AlreadyExists);
    }
    let sql = "UPDATE ram_users SET name = $2, display_name = $3, mobile_phone = $4, email = $5, comments = $6,
        updated_at = $7 WHERE id = $1";
    let args = args![
        &user.id,
        &user.name,
        &user.display_name,
        &user.mobile_phone,
        &user.email,
        &user.comments,
        user.updated_at
    ];
    tx.change_one(sql, args).await?;
    if namesake.is_none() {
        ram_access_keys::touch_all(tx, &user.id).await?;
    }
    tx.touch(Change::Identities(user.account.clone()));
    Ok(())
}

/// What keeps a user from being removed, if anything does.
///
/// # Errors
/// Those of the engine.
pub async fn has(conn: &mut Conn<'_>, id: &IdentityId) -> Result<Option<UserHas>, StoreError> {
    for (sql, has) in [
        ("SELECT 1 FROM ram_memberships WHERE user_id = $1 LIMIT 1", UserHas::Group),
        ("SELECT 1 FROM ram_access_keys WHERE user_id = $1 LIMIT 1", UserHas::AccessKey),
        ("SELECT 1 FROM ram_logins WHERE user_id = $1 LIMIT 1", UserHas::LoginProfile),
        ("SELECT 1 FROM ram_attachments WHERE entity_id = $1 LIMIT 1", UserHas::Policy),
    ] {
        if conn.row(sql, args![id]).await?.is_some() {
            return Ok(Some(has));
        }
    }
    Ok(None)
}

/// Removes a user that has nothing any more ([`has`]).
///
/// # Errors
/// [`StoreError::Conflict`] when it is gone.
pub async fn delete(tx: &mut Tx<'_>, user: &User) -> Result<(), StoreError> {
    tx.execute("DELETE FROM ram_former_passwords WHERE user_id = $1", args![&user.id]).await?;
    tx.change_one("DELETE FROM ram_users WHERE id = $1", args![&user.id]).await?;
    tx.touch(Change::Identities(user.account.clone()));
    Ok(())
}

fn user(row: &AnyRow) -> Result<User, StoreError> {
    Ok(User {
        id: row.parsed(0, "the id of a user")?,
        account: row.parsed(1, "the account of a user")?,
        name: row.parsed(2, "the name of a user")?,
        display_name: row.text(3)?,
        mobile_phone: row.text(4)?,
        email: row.text(5)?,
        comments: row.text(6)?,
        created_at: row.time(7)?,
        updated_at: row.time(8)?,
    })
}
