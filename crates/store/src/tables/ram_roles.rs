//! Roles.

use sesame_domain::AccountId;
use sesame_domain::ram::{IdentityId, Role, RoleName};
use sqlx::any::AnyRow;

use crate::sql::{Columns as _, args};
use crate::{Change, Conn, StoreError, Tx};

/// Adds a role.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when the account has one of this name.
pub async fn insert(tx: &mut Tx<'_>, role: &Role) -> Result<(), StoreError> {
    let sql = "INSERT INTO ram_roles
        (id, account, name, description, trust_policy, max_session_seconds, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let args = args![
        &role.id,
        &role.account,
        &role.name,
        &role.description,
        &role.trust_policy,
        i64::from(role.max_session_seconds),
        role.created_at,
        role.updated_at
    ];
    if tx.execute(sql, args).await? == 0 {
        return Err(StoreError::AlreadyExists);
    }
    tx.touch(Change::Identities(role.account.clone()));
    Ok(())
}

/// The role of a name.
///
/// # Errors
/// Those of the engine.
pub async fn by_name(conn: &mut Conn<'_>, account: &AccountId, name: &RoleName) -> Result<Option<Role>, StoreError> {
    let sql = "SELECT id, account, name, description, trust_policy, max_session_seconds, created_at, updated_at
        FROM ram_roles WHERE account = $1 AND name = $2";
    conn.row(sql, args![account, name]).await?.map(|row| role(&row)).transpose()
}

/// The role of an id, of whatever account.
///
/// # Errors
/// Those of the engine.
pub async fn by_id(conn: &mut Conn<'_>, id: &IdentityId) -> Result<Option<Role>, StoreError> {
    let sql = "SELECT id, account, name, description, trust_policy, max_session_seconds, created_at, updated_at
        FROM ram_roles WHERE id = $1";
    conn.row(sql, args![id]).await?.map(|row| role(&row)).transpose()
}

fn role(row: &AnyRow) -> Result<Role, StoreError> {
    Ok(Role {
        id: row.parsed(0, "the id of a role")?,
        account: row.parsed(1, "the account of a role")?,
        name: row.parsed(2, "the name of a role")?,
        description: row.text(3)?,
        trust_policy: row.text(4)?,
        max_session_seconds: u32::try_from(row.int(5)?)
            .map_err(|_| StoreError::Corrupt("the longest session of a role"))?,
        created_at: row.time(6)?,
        updated_at: row.time(7)?,
    })
}
