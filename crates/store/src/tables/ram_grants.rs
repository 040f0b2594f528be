//! What is granted to an identity: the policies that are attached to it, and to its groups.

use sesame_domain::AccountId;
use sesame_domain::ram::{EntityType, IdentityId, PolicyType, UserName};

use crate::sql::{Columns as _, args};
use crate::{Conn, StoreError};

/// A policy that applies to an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Whether it hangs on the identity itself or on a group of it.
    pub entity_type: EntityType,
    /// The name of the identity or of the group.
    pub entity_name: String,
    /// Whose the policy is.
    pub policy_type: PolicyType,
    /// Its name.
    pub policy: String,
    /// The number of its default version; 0 for a system policy.
    pub version: i64,
    /// The document of that version; empty for a system policy.
    pub document: String,
}

const COLUMNS: &str = "coalesce(p.default_version, 0), coalesce(v.document, '')";
const DOCUMENTS: &str = "LEFT JOIN ram_policies p ON a.policy_type = 'Custom' AND p.account = a.account AND p.name = a.policy
        LEFT JOIN ram_policy_versions v ON v.account = p.account AND v.policy = p.name AND v.version = p.default_version";

/// The id of the user of a name.
///
/// # Errors
/// Those of the engine.
pub async fn user_id(
    conn: &mut Conn<'_>,
    account: &AccountId,
    name: &UserName,
) -> Result<Option<IdentityId>, StoreError> {
    let row = conn.row("SELECT id FROM ram_users WHERE account = $1 AND name = $2", args![account, name]).await?;
    row.map(|row| row.parsed(0, "the id of a user")).transpose()
}

/// The policies of a user and of its groups.
///
/// # Errors
/// [`StoreError::Corrupt`] when an attachment cannot be read.
pub async fn of_user(conn: &mut Conn<'_>, account: &AccountId, user: &IdentityId) -> Result<Vec<Grant>, StoreError> {
    let sql = format!(
        "SELECT 'user', u.name, a.policy_type, a.policy, {COLUMNS}
            FROM ram_users u JOIN ram_attachments a ON a.entity_id = u.id {DOCUMENTS}
            WHERE u.id = $1 AND u.account = $2
        UNION ALL SELECT 'group', g.name, a.policy_type, a.policy, {COLUMNS}
            FROM ram_memberships m JOIN ram_groups g ON g.id = m.group_id
            JOIN ram_attachments a ON a.entity_id = g.id {DOCUMENTS}
            WHERE m.user_id = $1 AND g.account = $2"
    );
    grants(conn, sql, account, user).await
}

/// The policies of a role.
///
/// # Errors
/// [`StoreError::Corrupt`] when an attachment cannot be read.
pub async fn of_role(conn: &mut Conn<'_>, account: &AccountId, role: &IdentityId) -> Result<Vec<Grant>, StoreError> {
    let sql = format!(
        "SELECT 'role', r.name, a.policy_type, a.policy, {COLUMNS}
            FROM ram_roles r JOIN ram_attachments a ON a.entity_id = r.id {DOCUMENTS}
            WHERE r.id = $1 AND r.account = $2"
    );
    grants(conn, sql, account, role).await
}

async fn grants(
    conn: &mut Conn<'_>,
    sql: String,
    account: &AccountId,
    entity: &IdentityId,
) -> Result<Vec<Grant>, StoreError> {
    let rows = conn.rows(crate::conn::Sql::joined_few(sql), args![entity, account]).await?;
    let grant = |row: &sqlx::any::AnyRow| {
        Ok(Grant {
            entity_type: row.parsed(0, "what a policy is attached to")?,
            entity_name: row.text(1)?,
            policy_type: row.parsed(2, "the type of a policy")?,
            policy: row.text(3)?,
            version: row.int(4)?,
            document: row.text(5)?,
        })
    };
    rows.iter().map(grant).collect()
}
