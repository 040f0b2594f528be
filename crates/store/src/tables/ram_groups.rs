//! Groups of users.

use sesame_domain::AccountId;
use sesame_domain::ram::{Group, GroupName, IdentityId};
use sqlx::any::AnyRow;

use crate::sql::{Columns as _, args};
use crate::{Change, Conn, StoreError, Tx};

/// What keeps a group from being removed: it is to be taken away first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupHas {
    /// It has a member.
    User,
    /// A policy is attached to it.
    Policy,
}

/// Adds a group.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when the account has one of this name.
pub async fn insert(tx: &mut Tx<'_>, group: &Group) -> Result<(), StoreError> {
    let sql = "INSERT INTO ram_groups (id, account, name, comments, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let args = args![&group.id, &group.account, &group.name, &group.comments, group.created_at, group.updated_at];
    if tx.execute(sql, args).await? == 0 {
        return Err(StoreError::AlreadyExists);
    }
    tx.touch(Change::Identities(group.account.clone()));
    Ok(())
}

/// The group of a name.
///
/// # Errors
/// Those of the engine.
pub async fn by_name(conn: &mut Conn<'_>, account: &AccountId, name: &GroupName) -> Result<Option<Group>, StoreError> {
    let sql = "SELECT id, account, name, comments, created_at, updated_at FROM ram_groups
        WHERE account = $1 AND name = $2";
    conn.row(sql, args![account, name]).await?.map(|row| group(&row)).transpose()
}

/// How many groups an account has.
///
/// # Errors
/// Those of the engine.
pub async fn count(conn: &mut Conn<'_>, account: &AccountId) -> Result<i64, StoreError> {
    conn.one("SELECT count(*) FROM ram_groups WHERE account = $1", args![account]).await?.int(0)
}

/// Groups in the order of their names, from the one after `after`.
///
/// # Errors
/// Those of the engine.
pub async fn page(
    conn: &mut Conn<'_>,
    account: &AccountId,
    after: Option<&GroupName>,
    limit: u32,
) -> Result<Vec<Group>, StoreError> {
    let sql = "SELECT id, account, name, comments, created_at, updated_at FROM ram_groups
        WHERE account = $1 AND name > $2 ORDER BY name LIMIT $3";
    let after = after.map_or("", GroupName::as_str);
    conn.rows(sql, args![account, after, i64::from(limit)]).await?.iter().map(group).collect()
}

/// Writes down everything of a group that can change, its name included.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when another group of the account has this name, [`StoreError::Conflict`] when the group
/// is gone.
pub async fn update(tx: &mut Tx<'_>, group: &Group) -> Result<(), StoreError> {
    let namesake = by_name(tx, &group.account, &group.name).await?;
    if namesake.is_some_and(|namesake| namesake.id != group.id) {
        return Err(StoreError::AlreadyExists);
    }
    let sql = "UPDATE ram_groups SET name = $2, comments = $3, updated_at = $4 WHERE id = $1";
    tx.change_one(sql, args![&group.id, &group.name, &group.comments, group.updated_at]).await?;
    tx.touch(Change::Identities(group.account.clone()));
    Ok(())
}

/// What keeps a group from being removed, if anything does.
///
/// # Errors
/// Those of the engine.
pub async fn has(conn: &mut Conn<'_>, id: &IdentityId) -> Result<Option<GroupHas>, StoreError> {
    for (sql, has) in [
        ("SELECT 1 FROM ram_memberships WHERE group_id = $1 LIMIT 1", GroupHas::User),
        ("SELECT 1 FROM ram_attachments WHERE entity_id = $1 LIMIT 1", GroupHas::Policy),
    ] {
        if conn.row(sql, args![id]).await?.is_some() {
            return Ok(Some(has));
        }
    }
    Ok(None)
}

/// Removes a group that has nothing any more ([`has`]).
///
/// # Errors
/// [`StoreError::Conflict`] when it is gone.
pub async fn delete(tx: &mut Tx<'_>, group: &Group) -> Result<(), StoreError> {
    tx.change_one("DELETE FROM ram_groups WHERE id = $1", args![&group.id]).await?;
    tx.touch(Change::Identities(group.account.clone()));
    Ok(())
}

pub(crate) fn group(row: &AnyRow) -> Result<Group, StoreError> {
    Ok(Group {
        id: row.parsed(0, "the id of a group")?,
        account: row.parsed(1, "the account of a group")?,
        name: row.parsed(2, "the name of a group")?,
        comments: row.text(3)?,
        created_at: row.time(4)?,
        updated_at: row.time(5)?,
    })
}
