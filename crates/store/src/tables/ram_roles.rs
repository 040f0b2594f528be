//! Roles.

use sesame_domain::ram::{IdentityId, Role, RoleName};
use sesame_domain::tag::ResourceType;
use sesame_domain::{AccountId, TagKey, TagValue};
use sqlx::any::AnyRow;

use crate::conn::Sql;
use crate::sql::{Columns as _, args};
use crate::tables::tags;
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

/// How many roles an account has.
///
/// # Errors
/// Those of the engine.
pub async fn count(conn: &mut Conn<'_>, account: &AccountId) -> Result<i64, StoreError> {
    conn.one("SELECT count(*) FROM ram_roles WHERE account = $1", args![account]).await?.int(0)
}

/// Roles by name, from after a name: those that carry all of `tags`, where a tag without a value stands for any value.
///
/// # Errors
/// [`StoreError::Corrupt`] when one cannot be read.
pub async fn page(
    conn: &mut Conn<'_>,
    account: &AccountId,
    tags: &[(TagKey, Option<TagValue>)],
    after: Option<&RoleName>,
    limit: u32,
) -> Result<Vec<Role>, StoreError> {
    let mut args = args![account, after.map_or("", RoleName::as_str), i64::from(limit)];
    let tagged = tags::carrying(&mut args, "name", ResourceType::Role, tags);
    let sql = format!(
        "SELECT id, account, name, description, trust_policy, max_session_seconds, created_at, updated_at
        FROM ram_roles WHERE account = $1 AND name > $2{tagged} ORDER BY name LIMIT $3"
    );
    conn.rows(Sql::joined(sql), args).await?.iter().map(role).collect()
}

/// Writes what can change of a role: what it is for, who may assume it, and for how long.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such role.
pub async fn update(tx: &mut Tx<'_>, role: &Role) -> Result<(), StoreError> {
    let sql = "UPDATE ram_roles SET description = $2, trust_policy = $3, max_session_seconds = $4, updated_at = $5
        WHERE id = $1";
    let args =
        args![&role.id, &role.description, &role.trust_policy, i64::from(role.max_session_seconds), role.updated_at];
    tx.change_one(sql, args).await?;
    tx.touch(Change::Identities(role.account.clone()));
    Ok(())
}

/// Removes a role with its tags. That no policy is attached to it is for the caller to see to.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such role.
pub async fn delete(tx: &mut Tx<'_>, role: &Role) -> Result<(), StoreError> {
    tx.change_one("DELETE FROM ram_roles WHERE id = $1", args![&role.id]).await?;
    tags::remove_all(tx, &role.account, ResourceType::Role, &[role.name.as_str()]).await?;
    tx.touch(Change::Identities(role.account.clone()));
    Ok(())
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
