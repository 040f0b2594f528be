//! How users log on to the console. Of passwords there are hashes only, which need no barrier: they tell nothing.

use sesame_domain::ram::{IdentityId, LoginProfile};

use crate::sql::{Columns as _, args};
use crate::{Conn, StoreError, Tx};

/// A login profile with the hash of its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The profile.
    pub profile: LoginProfile,
    /// The password as an Argon2id hash in PHC form.
    pub password_hash: String,
}

/// Adds a login profile.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when the user has one.
pub async fn insert(tx: &mut Tx<'_>, login: &Login) -> Result<(), StoreError> {
    let sql = "INSERT INTO ram_logins
        (user_id, password_hash, password_set_at, password_reset_required, mfa_bind_required, created_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let Login { profile, password_hash } = login;
    let args = args![
        &profile.user,
        password_hash,
        profile.password_set_at,
        profile.password_reset_required,
        profile.mfa_bind_required,
        profile.created_at
    ];
    if tx.execute(sql, args).await? == 0 { Err(StoreError::AlreadyExists) } else { Ok(()) }
}

/// The login profile of a user.
///
/// # Errors
/// Those of the engine.
pub async fn get(conn: &mut Conn<'_>, user: &IdentityId) -> Result<Option<Login>, StoreError> {
    let sql = "SELECT password_hash, password_set_at, password_reset_required, mfa_bind_required, created_at
        FROM ram_logins WHERE user_id = $1";
    let Some(row) = conn.row(sql, args![user]).await? else { return Ok(None) };
    let profile = LoginProfile {
        user: user.clone(),
        password_set_at: row.time(1)?,
        password_reset_required: row.flag(2)?,
        mfa_bind_required: row.flag(3)?,
        created_at: row.time(4)?,
    };
    Ok(Some(Login { profile, password_hash: row.text(0)? }))
}

/// Writes down everything of a login profile that can change. A password that was replaced is remembered: the last
/// `remembered` of them.
///
/// # Errors
/// [`StoreError::Conflict`] when the user has no login profile.
pub async fn update(tx: &mut Tx<'_>, login: &Login, remembered: u32) -> Result<(), StoreError> {
    let Login { profile, password_hash } = login;
    let former = get(tx, &profile.user).await?.ok_or(StoreError::Conflict)?.password_hash;
    let sql = "UPDATE ram_logins SET password_hash = $2, password_set_at = $3, password_reset_required = $4,
        mfa_bind_required = $5 WHERE user_id = $1";
    let args = args![
        &profile.user,
        password_hash,
        profile.password_set_at,
        profile.password_reset_required,
        profile.mfa_bind_required
    ];
    tx.change_one(sql, args).await?;
    if former != *password_hash { remember(tx, &profile.user, &former, remembered).await } else { Ok(()) }
}

/// Removes the login profile of a user; its password is remembered as in [`update`]. Whether there was one.
///
/// # Errors
/// Those of the engine.
pub async fn delete(tx: &mut Tx<'_>, user: &IdentityId, remembered: u32) -> Result<bool, StoreError> {
    let Some(login) = get(tx, user).await? else { return Ok(false) };
    remember(tx, user, &login.password_hash, remembered).await?;
    Ok(tx.execute("DELETE FROM ram_logins WHERE user_id = $1", args![user]).await? > 0)
}

/// The hashes of the passwords that a user had before, the newest first.
///
/// # Errors
/// Those of the engine.
pub async fn former_passwords(conn: &mut Conn<'_>, user: &IdentityId, limit: u32) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT password_hash FROM ram_former_passwords WHERE user_id = $1 ORDER BY number DESC LIMIT $2";
    conn.rows(sql, args![user, i64::from(limit)]).await?.iter().map(|row| row.text(0)).collect()
}

async fn remember(tx: &mut Tx<'_>, user: &IdentityId, hash: &str, remembered: u32) -> Result<(), StoreError> {
    let last = "SELECT coalesce(max(number), 0) FROM ram_former_passwords WHERE user_id = $1";
    let number = tx.one(last, args![user]).await?.int(0)? + 1;
    let sql = "INSERT INTO ram_former_passwords (user_id, number, password_hash) VALUES ($1, $2, $3)";
    tx.execute(sql, args![user, number, hash]).await?;
    let old = "DELETE FROM ram_former_passwords WHERE user_id = $1 AND number <= $2";
    tx.execute(old, args![user, number - i64::from(remembered)]).await.map(|_| ())
}
