//! Which policy is attached to which user, group or role.

use sesame_domain::ram::{EntityType, IdentityId, PolicyName, PolicyType, PolicyVersionId};
use sesame_domain::{AccountId, Timestamp};

use crate::sql::{Columns as _, args};
use crate::{Change, Conn, StoreError, Tx};

/// A user, group or role that policies are attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// What it is.
    pub kind: EntityType,
    /// Its id.
    pub id: IdentityId,
}

/// A policy that can be attached: one of the service, or one of the account of the entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRef {
    /// Whose it is.
    pub kind: PolicyType,
    /// Its name.
    pub name: PolicyName,
}

/// A policy that is attached to something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The policy.
    pub policy: PolicyRef,
    /// When it was attached.
    pub attached_at: Timestamp,
    /// What it is for; empty for a policy of the service.
    pub description: String,
    /// The version that applies; none for a policy of the service.
    pub default_version: Option<PolicyVersionId>,
}

/// What a policy is attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The user, group or role.
    pub entity: Entity,
    /// Its name.
    pub name: String,
    /// The display name of a user, the comments of a group, the description of a role.
    pub text: String,
    /// When the policy was attached to it.
    pub attached_at: Timestamp,
}

/// Attaches a policy. That there are such an entity and such a policy is for the caller to see to.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when it is attached already.
pub async fn attach(
    tx: &mut Tx<'_>,
    account: &AccountId,
    entity: &Entity,
    policy: &PolicyRef,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO ram_attachments (entity_id, policy_type, policy, account, entity_type, attached_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let args = args![&entity.id, policy.kind.name(), &policy.name, account, entity.kind.name(), now];
    if tx.execute(sql, args).await? == 0 {
        return Err(StoreError::AlreadyExists);
    }
    tx.touch(Change::Identities(account.clone()));
    Ok(())
}

/// Takes a policy off; whether it was attached.
///
/// # Errors
/// Those of the engine.
pub async fn detach(
    tx: &mut Tx<'_>,
    account: &AccountId,
    entity: &Entity,
    policy: &PolicyRef,
) -> Result<bool, StoreError> {
    let sql = "DELETE FROM ram_attachments WHERE entity_id = $1 AND policy_type = $2 AND policy = $3 AND account = $4";
    let args = args![&entity.id, policy.kind.name(), &policy.name, account];
    let detached = tx.execute(sql, args).await? > 0;
    if detached {
        tx.touch(Change::Identities(account.clone()));
    }
    Ok(detached)
}

/// The policies that are attached to a user, group or role itself, by type and name.
///
/// # Errors
/// [`StoreError::Corrupt`] when one cannot be read.
pub async fn of_entity(conn: &mut Conn<'_>, entity: &IdentityId) -> Result<Vec<Attached>, StoreError> {
    let sql =
        "SELECT a.policy_type, a.policy, a.attached_at, coalesce(p.description, ''), coalesce(p.default_version, 0)
        FROM ram_attachments a
        LEFT JOIN ram_policies p ON a.policy_type = 'Custom' AND p.account = a.account AND p.name = a.policy
        WHERE a.entity_id = $1 ORDER BY a.policy_type, a.policy";
    let rows = conn.rows(sql, args![entity]).await?;
    let attached = |row: &sqlx::any::AnyRow| {
        let kind = row.parsed(0, "the type of a policy")?;
        let policy = PolicyRef { kind, name: row.parsed(1, "the name of a policy")? };
        let default_version = PolicyVersionId::from_number(row.int(4)?);
        Ok(Attached { policy, attached_at: row.time(2)?, description: row.text(3)?, default_version })
    };
    rows.iter().map(attached).collect()
}

/// How many policies of a type are attached to a user, group or role.
///
/// # Errors
/// Those of the engine.
pub async fn count_of_entity(conn: &mut Conn<'_>, entity: &IdentityId, kind: PolicyType) -> Result<i64, StoreError> {
    let sql = "SELECT count(*) FROM ram_attachments WHERE entity_id = $1 AND policy_type = $2";
    conn.one(sql, args![entity, kind.name()]).await?.int(0)
}

/// The kinds of what a policy is attached to, with the number of each.
///
/// # Errors
/// [`StoreError::Corrupt`] when one cannot be read.
pub async fn counts_of_policy(
    conn: &mut Conn<'_>,
    account: &AccountId,
    policy: &PolicyRef,
) -> Result<Vec<(EntityType, i64)>, StoreError> {
    let sql = "SELECT entity_type, count(*) FROM ram_attachments
        WHERE account = $1 AND policy_type = $2 AND policy = $3 GROUP BY entity_type ORDER BY entity_type";
    let rows = conn.rows(sql, args![account, policy.kind.name(), &policy.name]).await?;
    rows.iter().map(|row| Ok((row.parsed(0, "what a policy is attached to")?, row.int(1)?))).collect()
}

/// How often each policy of the service is attached in an account; those that are not are left out.
///
/// # Errors
/// Those of the engine.
pub async fn counts_of_system_policies(
    conn: &mut Conn<'_>,
    account: &AccountId,
) -> Result<Vec<(String, i64)>, StoreError> {
    let sql = "SELECT policy, count(*) FROM ram_attachments WHERE account = $1 AND policy_type = 'System'
        GROUP BY policy ORDER BY policy";
    conn.rows(sql, args![account]).await?.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
}

/// The users, groups and roles that a policy is attached to, by kind and name.
///
/// # Errors
/// [`StoreError::Corrupt`] when one cannot be read.
pub async fn holders(conn: &mut Conn<'_>, account: &AccountId, policy: &PolicyRef) -> Result<Vec<Holder>, StoreError> {
    let sql = "SELECT a.entity_type, a.entity_id, u.name, u.display_name, a.attached_at
            FROM ram_attachments a JOIN ram_users u ON u.id = a.entity_id
            WHERE a.account = $1 AND a.policy_type = $2 AND a.policy = $3 AND a.entity_type = 'user'
        UNION ALL SELECT a.entity_type, a.entity_id, g.name, g.comments, a.attached_at
            FROM ram_attachments a JOIN ram_groups g ON g.id = a.entity_id
            WHERE a.account = $1 AND a.policy_type = $2 AND a.policy = $3 AND a.entity_type = 'group'
        UNION ALL SELECT a.entity_type, a.entity_id, r.name, r.description, a.attached_at
            FROM ram_attachments a JOIN ram_roles r ON r.id = a.entity_id
            WHERE a.account = $1 AND a.policy_type = $2 AND a.policy = $3 AND a.entity_type = 'role'
        ORDER BY 1, 3";
    let rows = conn.rows(sql, args![account, policy.kind.name(), &policy.name]).await?;
    let holder = |row: &sqlx::any::AnyRow| {
        let kind = row.parsed(0, "what a policy is attached to")?;
        let entity = Entity { kind, id: row.parsed(1, "the id of what a policy is attached to")? };
        Ok(Holder { entity, name: row.text(2)?, text: row.text(3)?, attached_at: row.time(4)? })
    };
    rows.iter().map(holder).collect()
}
