//! How keys are used: how often for what, when last, and by whom.

use sesame_domain::{KeyId, Timestamp};

use crate::sql::{Columns as _, args};
use crate::{Conn, StoreError, Tx};

/// Uses of one key by one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub key: KeyId,
    /// The operation.
    pub operation: String,
    /// How often.
    pub uses: u64,
    /// When last.
    pub last_at: Timestamp,
    /// By whom then.
    pub last_by: String,
}

/// Adds uses to those that are known. A key that is gone is passed over.
///
/// # Errors
/// Those of the engine.
pub async fn add(tx: &mut Tx<'_>, uses: &[KeyUse]) -> Result<(), StoreError> {
    let sql = "INSERT INTO key_uses (key_id, operation, uses, last_at, last_by)
        SELECT $1, $2, $3, $4, $5 FROM keys WHERE id = $1
        ON CONFLICT (key_id, operation) DO UPDATE SET
            uses = key_uses.uses + excluded.uses,
            last_by = CASE WHEN excluded.last_at < key_uses.last_at THEN key_uses.last_by ELSE excluded.last_by END,
            last_at = CASE WHEN excluded.last_at < key_uses.last_at THEN key_uses.last_at ELSE excluded.last_at END";
    for KeyUse { key, operation, uses, last_at, last_by } in uses {
        tx.execute(sql, args![key, operation, i64::try_from(*uses).unwrap_or(i64::MAX), *last_at, last_by]).await?;
    }
    Ok(())
}

/// The uses of a key, by operation.
///
/// # Errors
/// Those of the engine.
pub async fn of_key(conn: &mut Conn<'_>, key: &KeyId) -> Result<Vec<KeyUse>, StoreError> {
    let sql = "SELECT operation, uses, last_at, last_by FROM key_uses WHERE key_id = $1 ORDER BY operation";
    let rows = conn.rows(sql, args![key]).await?;
    rows.iter()
        .map(|row| {
            Ok(KeyUse {
                key: key.clone(),
                operation: row.text(0)?,
                uses: u64::try_from(row.int(1)?).unwrap_or_default(),
                last_at: row.time(2)?,
                last_by: row.text(3)?,
            })
        })
        .collect()
}

/// Forgets the uses of a key.
pub(crate) async fn delete_of_key(tx: &mut Tx<'_>, key: &KeyId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM key_uses WHERE key_id = $1", args![key]).await.map(|_| ())
}
