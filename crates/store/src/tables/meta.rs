//! Small values of the deployment, by name. They are stored in clear.

use crate::sql::{Columns as _, args};
use crate::{Conn, StoreError, Tx};

/// The name under which the id of the first account's first access key is kept, so that a configuration can replace it.
pub const FIRST_ACCESS_KEY: &str = "first_access_key";

/// The value of a name.
///
/// # Errors
/// Those of the engine.
pub async fn get(conn: &mut Conn<'_>, name: &str) -> Result<Option<String>, StoreError> {
    let row = conn.row("SELECT value FROM meta WHERE name = $1", args![name]).await?;
    row.map(|row| row.text(0)).transpose()
}

/// Sets the value of a name.
///
/// # Errors
/// Those of the engine.
pub async fn put(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    tx.execute(sql, args![name, value]).await.map(|_| ())
}
