//! Policies that accounts made, and their versions.

use sesame_domain::ram::{Policy, PolicyName, PolicyVersion, PolicyVersionId};
use sesame_domain::tag::ResourceType;
use sesame_domain::{AccountId, TagKey, TagValue, Timestamp};
use sqlx::any::AnyRow;

use crate::conn::Sql;
use crate::sql::{Columns as _, args};
use crate::tables::tags;
use crate::{Change, Conn, StoreError, Tx};

/// Adds a policy with its first version.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when the account has one of this name.
pub async fn insert(tx: &mut Tx<'_>, policy: &Policy, document: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO ram_policies
        (account, name, description, default_version, last_version, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $4, $5, $6) ON CONFLICT DO NOTHING";
    let args = args![
        &policy.account,
        &policy.name,
        &policy.description,
        policy.default_version,
        policy.created_at,
        policy.updated_at
    ];
    if tx.execute(sql, args).await? == 0 {
        return Err(StoreError::AlreadyExists);
    }
    insert_version(tx, &policy.account, &policy.name, policy.default_version, document, policy.created_at).await
}

/// The policy of a name.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be read.
pub async fn get(conn: &mut Conn<'_>, account: &AccountId, name: &PolicyName) -> Result<Option<Policy>, StoreError> {
    let sql = "SELECT account, name, description, default_version, created_at, updated_at
        FROM ram_policies WHERE account = $1 AND name = $2";
    conn.row(sql, args![account, name]).await?.map(|row| policy(&row)).transpose()
}

/// How many policies an account has.
///
/// # Errors
/// Those of the engine.
pub async fn count(conn: &mut Conn<'_>, account: &AccountId) -> Result<i64, StoreError> {
    conn.one("SELECT count(*) FROM ram_policies WHERE account = $1", args![account]).await?.int(0)
}

/// Policies by name, from after a name, each with the number of identities that it is attached to: those that carry all
/// of `tags`, where a tag without a value stands for any value.
///
/// # Errors
/// [`StoreError::Corrupt`] when one cannot be read.
pub async fn page(
    conn: &mut Conn<'_>,
    account: &AccountId,
    tags: &[(TagKey, Option<TagValue>)],
    after: &str,
    limit: u32,
) -> Result<Vec<(Policy, i64)>, StoreError> {
    let mut args = args![account, after, i64::from(limit)];
    let tagged = tags::carrying(&mut args, "p.name", ResourceType::Policy, tags);
    let sql = format!(
        "SELECT p.account, p.name, p.description, p.default_version, p.created_at, p.updated_at,
            (SELECT count(*) FROM ram_attachments a
                WHERE a.account = p.account AND a.policy_type = 'Custom' AND a.policy = p.name)
        FROM ram_policies p WHERE p.account = $1 AND p.name > $2{tagged} ORDER BY p.name LIMIT $3"
    );
    let rows = conn.rows(Sql::joined(sql), args).await?;
    rows.iter().map(|row| Ok((policy(row)?, row.int(6)?))).collect()
}

/// Says what a policy is for.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such policy.
pub async fn set_description(
    tx: &mut Tx<'_>,
    account: &AccountId,
    name: &PolicyName,
    description: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE ram_policies SET description = $3, updated_at = $4 WHERE account = $1 AND name = $2";
    tx.change_one(sql, args![account, name, description, now]).await?;
    touch(tx, account);
    Ok(())
}

/// Makes a version the one that applies.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such policy or version.
pub async fn set_default_version(
    tx: &mut Tx<'_>,
    account: &AccountId,
    name: &PolicyName,
    version: PolicyVersionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE ram_policies SET default_version = $3, updated_at = $4 WHERE account = $1 AND name = $2
        AND EXISTS (SELECT 1 FROM ram_policy_versions WHERE account = $1 AND policy = $2 AND version = $3)";
    tx.change_one(sql, args![account, name, version, now]).await?;
    touch(tx, account);
    Ok(())
}

/// Removes a policy with its versions and tags. That it is attached nowhere is for the caller to see to.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such policy.
pub async fn delete(tx: &mut Tx<'_>, account: &AccountId, name: &PolicyName) -> Result<(), StoreError> {
    tx.change_one("DELETE FROM ram_policies WHERE account = $1 AND name = $2", args![account, name]).await?;
    let versions = "DELETE FROM ram_policy_versions WHERE account = $1 AND policy = $2";
    tx.execute(versions, args![account, name]).await?;
    tags::remove_all(tx, account, ResourceType::Policy, &[name.as_str()]).await?;
    touch(tx, account);
    Ok(())
}

/// The versions of a policy, the oldest first.
///
/// # Errors
/// [`StoreError::Corrupt`] when one cannot be read.
pub async fn versions(
    conn: &mut Conn<'_>,
    account: &AccountId,
    name: &PolicyName,
) -> Result<Vec<PolicyVersion>, StoreError> {
    let sql = "SELECT version, document, created_at FROM ram_policy_versions
        WHERE account = $1 AND policy = $2 ORDER BY version";
    conn.rows(sql, args![account, name]).await?.iter().map(version_row).collect()
}

/// A version of a policy.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be read.
pub async fn version(
    conn: &mut Conn<'_>,
    account: &AccountId,
    name: &PolicyName,
    version: PolicyVersionId,
) -> Result<Option<PolicyVersion>, StoreError> {
    let sql = "SELECT version, document, created_at FROM ram_policy_versions
        WHERE account = $1 AND policy = $2 AND version = $3";
    conn.row(sql, args![account, name, version]).await?.map(|row| version_row(&row)).transpose()
}

/// Adds a version to a policy, under the number after the highest that it ever had. It does not apply yet.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such policy.
pub async fn add_version(
    tx: &mut Tx<'_>,
    account: &AccountId,
    name: &PolicyName,
    document: &str,
    now: Timestamp,
) -> Result<PolicyVersionId, StoreError> {
    let sql = "UPDATE ram_policies SET last_version = last_version + 1, updated_at = $3
        WHERE account = $1 AND name = $2 RETURNING last_version";
    let rows = tx.returning(sql, args![account, name, now]).await?;
    let id = id(rows.first().ok_or(StoreError::Conflict)?, 0)?;
    insert_version(tx, account, name, id, document, now).await?;
    Ok(id)
}

/// Removes a version that does not apply; whether there was one.
///
/// # Errors
/// Those of the engine.
pub async fn remove_version(
    tx: &mut Tx<'_>,
    account: &AccountId,
    name: &PolicyName,
    version: PolicyVersionId,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM ram_policy_versions WHERE account = $1 AND policy = $2 AND version = $3 AND version <>
        (SELECT default_version FROM ram_policies WHERE account = $1 AND name = $2)";
    Ok(tx.execute(sql, args![account, name, version]).await? > 0)
}

async fn insert_version(
    tx: &mut Tx<'_>,
    account: &AccountId,
    policy: &PolicyName,
    version: PolicyVersionId,
    document: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO ram_policy_versions (account, policy, version, document, created_at)
        VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, args![account, policy, version, document, now]).await?;
    touch(tx, account);
    Ok(())
}

fn touch(tx: &mut Tx<'_>, account: &AccountId) {
    tx.touch(Change::Identities(account.clone()));
}

fn policy(row: &AnyRow) -> Result<Policy, StoreError> {
    Ok(Policy {
        account: row.parsed(0, "the account of a policy")?,
        name: row.parsed(1, "the name of a policy")?,
        description: row.text(2)?,
        default_version: id(row, 3)?,
        created_at: row.time(4)?,
        updated_at: row.time(5)?,
    })
}

fn version_row(row: &AnyRow) -> Result<PolicyVersion, StoreError> {
    Ok(PolicyVersion { id: id(row, 0)?, document: row.text(1)?, created_at: row.time(2)? })
}

fn id(row: &AnyRow, column: usize) -> Result<PolicyVersionId, StoreError> {
    PolicyVersionId::from_number(row.int(column)?).ok_or(StoreError::Corrupt("the version of a policy"))
}
