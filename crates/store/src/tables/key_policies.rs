//! Key policies, as text.

use sesame_domain::KeyId;

use crate::sql::{Columns as _, args};
use crate::{Change, Conn, StoreError, Tx};

/// The policy of a key, when one was set.
///
/// # Errors
/// Those of the engine.
pub async fn get(conn: &mut Conn<'_>, key: &KeyId) -> Result<Option<String>, StoreError> {
    let row = conn.row("SELECT policy FROM key_policies WHERE key_id = $1", args![key]).await?;
    row.map(|row| row.text(0)).transpose()
}

/// Sets the policy of a key.
///
/// # Errors
/// Those of the engine, also when there is no such key.
pub async fn set(tx: &mut Tx<'_>, key: &KeyId, policy: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO key_policies (key_id, policy) VALUES ($1, $2)
        ON CONFLICT (key_id) DO UPDATE SET policy = excluded.policy";
    tx.execute(sql, args![key, policy]).await?;
    tx.touch(Change::Key(key.clone()));
    Ok(())
}
