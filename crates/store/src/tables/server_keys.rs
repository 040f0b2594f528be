//! Keys that the servers made for themselves, sealed: one signs the audit trail, one masks values in it, one seals
//! tokens. All nodes share them. The table still has the name of its first use.

use std::sync::Arc;

use sesame_crypto::SecretBytes;
use sesame_domain::Timestamp;

use crate::barrier::Place;
use crate::sql::{Columns as _, args};
use crate::{Conn, Store, StoreError, Tx};

/// The key of a name; `fresh` becomes that key when there is none yet.
///
/// # Errors
/// [`StoreError::Corrupt`] when the key does not open in its place.
pub async fn get_or_put(
    store: &Store,
    name: &'static str,
    fresh: SecretBytes,
    now: Timestamp,
) -> Result<SecretBytes, StoreError> {
    if let Some(secret) = get(&mut store.reader().await?, name).await? {
        return Ok(secret);
    }
    let fresh = Arc::new(fresh);
    store
        .write::<_, StoreError, _>(move |tx| {
            let fresh = Arc::clone(&fresh);
            Box::pin(async move { put(tx, name, &fresh, now).await })
        })
        .await?;
    // Another node may have been first.
    get(&mut store.reader().await?, name).await?.ok_or(StoreError::Corrupt("a key of the servers is missing"))
}

/// The key of a name.
///
/// # Errors
/// [`StoreError::Corrupt`] when the key does not open in its place.
pub async fn get(conn: &mut Conn<'_>, name: &str) -> Result<Option<SecretBytes>, StoreError> {
    match conn.row("SELECT secret FROM audit_keys WHERE name = $1", args![name]).await? {
        Some(row) => conn.unseal(place(name), &row.blob(0)?).await.map(Some),
        None => Ok(None),
    }
}

async fn put(tx: &mut Tx<'_>, name: &str, secret: &SecretBytes, now: Timestamp) -> Result<(), StoreError> {
    // EXPOSE: the barrier seals it.
    let sealed = tx.barrier.seal(place(name), secret.expose())?;
    let sql = "INSERT INTO audit_keys (name, secret, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    tx.execute(sql, args![name, sealed, now]).await.map(|_| ())
}

fn place(name: &str) -> Place<'_> {
    Place { table: "audit_keys", row: name, extra: "", column: "secret" }
}
