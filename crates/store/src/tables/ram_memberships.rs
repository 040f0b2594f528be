//! Who is in which group.

use sesame_domain::Timestamp;
use sesame_domain::ram::{Group, IdentityId, User, UserName};

use crate::sql::{Columns as _, args};
use crate::{Change, Conn, StoreError, Tx, ram_groups};

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The id of the user.
    pub id: IdentityId,
    /// Its name.
    pub name: UserName,
    /// The name that people read.
    pub display_name: String,
    /// Since when it is in the group.
    pub joined_at: Timestamp,
}

/// Puts a user into a group of the same account.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when it is in it.
pub async fn insert(tx: &mut Tx<'_>, user: &User, group: &Group, at: Timestamp) -> Result<(), StoreError> {
    let sql = "INSERT INTO ram_memberships (user_id, group_id, joined_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    if tx.execute(sql, args![&user.id, &group.id, at]).await? == 0 {
        return Err(StoreError::AlreadyExists);
    }
    tx.touch(Change::Identities(user.account.clone()));
    Ok(())
}

/// Takes a user out of a group; whether it was in it.
///
/// # Errors
/// Those of the engine.
pub async fn delete(tx: &mut Tx<'_>, user: &User, group: &Group) -> Result<bool, StoreError> {
    let sql = "DELETE FROM ram_memberships WHERE user_id = $1 AND group_id = $2";
    let deleted = tx.execute(sql, args![&user.id, &group.id]).await? > 0;
    if deleted {
        tx.touch(Change::Identities(user.account.clone()));
    }
    Ok(deleted)
}

/// How many groups a user is in.
///
/// # Errors
/// Those of the engine.
pub async fn count_of_user(conn: &mut Conn<'_>, user: &IdentityId) -> Result<i64, StoreError> {
    conn.one("SELECT count(*) FROM ram_memberships WHERE user_id = $1", args![user]).await?.int(0)
}

/// The groups of a user in the order of their names, and since when it is in each.
///
/// # Errors
/// Those of the engine.
pub async fn of_user(conn: &mut Conn<'_>, user: &IdentityId) -> Result<Vec<(Group, Timestamp)>, StoreError> {
    let sql = "SELECT g.id, g.account, g.name, g.comments, g.created_at, g.updated_at, m.joined_at
        FROM ram_memberships m JOIN ram_groups g ON g.id = m.group_id WHERE m.user_id = $1 ORDER BY g.name";
    let rows = conn.rows(sql, args![user]).await?;
    rows.iter().map(|row| Ok((ram_groups::group(row)?, row.time(6)?))).collect()
}

/// Members of a group in the order of their ids, from the one after `after`.
///
/// # Errors
/// Those of the engine.
pub async fn of_group(
    conn: &mut Conn<'_>,
    group: &IdentityId,
    after: Option<&IdentityId>,
    limit: u32,
) -> Result<Vec<Member>, StoreError> {
    let sql = "SELECT u.id, u.name, u.display_name, m.joined_at
        FROM ram_memberships m JOIN ram_users u ON u.id = m.user_id
        WHERE m.group_id = $1 AND m.user_id > $2 ORDER BY m.user_id LIMIT $3";
    let after = after.map_or("", IdentityId::as_str);
    let rows = conn.rows(sql, args![group, after, i64::from(limit)]).await?;
    let member = |row: &sqlx::any::AnyRow| {
        Ok(Member {
            id: row.parsed(0, "the id of a user")?,
            name: row.parsed(1, "the name of a user")?,
            display_name: row.text(2)?,
            joined_at: row.time(3)?,
        })
    };
    rows.iter().map(member).collect()
}
