//! Import tokens: the private halves of wrapping key pairs, until they expire.

use sesame_crypto::WrappingAlgorithm;
use sesame_crypto::secret::SecretBytes;
use sesame_domain::{KeyId, Timestamp};

use crate::barrier::Place;
use crate::sql::{Columns as _, args};
use crate::{Conn, StoreError, Tx};

/// What a token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportToken {
    /// By what it is found; not the token itself.
    pub id: String,
    /// The key whose material it may bring.
    pub key: KeyId,
    /// How the material must be wrapped.
    pub algorithm: WrappingAlgorithm,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// Keeps a token and the private half of its pair.
///
/// # Errors
/// Those of the engine.
pub async fn insert(tx: &mut Tx<'_>, token: &ImportToken, private_key: &SecretBytes) -> Result<(), StoreError> {
    let ImportToken { id, key, algorithm, expires_at } = token;
    // EXPOSE: the barrier seals it.
    let sealed = tx.barrier.seal(place(id, key), private_key.expose())?;
    let sql = "INSERT INTO import_tokens (id, key_id, algorithm, private_key, expires_at) VALUES ($1, $2, $3, $4, $5)";
    tx.execute(sql, args![id, key, algorithm.name(), sealed, *expires_at]).await.map(|_| ())
}

/// A token and the private half of its pair.
///
/// # Errors
/// [`StoreError::Corrupt`] when the private half does not open in its place.
pub async fn get(conn: &mut Conn<'_>, id: &str) -> Result<Option<(ImportToken, SecretBytes)>, StoreError> {
    let sql = "SELECT id, key_id, algorithm, private_key, expires_at FROM import_tokens WHERE id = $1";
    let Some(row) = conn.row(sql, args![id]).await? else { return Ok(None) };
    let token = ImportToken {
        id: row.text(0)?,
        key: row.parsed(1, "the key of an import token")?,
        algorithm: row.parsed(2, "a wrapping algorithm")?,
        expires_at: row.time(4)?,
    };
    let private_key = conn.unseal(place(&token.id, &token.key), &row.blob(3)?).await?;
    Ok(Some((token, private_key)))
}

/// Whether any token has expired.
///
/// # Errors
/// Those of the engine.
pub async fn any_expired(conn: &mut Conn<'_>, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM import_tokens WHERE expires_at <= $1 LIMIT 1";
    Ok(conn.row(sql, args![now]).await?.is_some())
}

/// Forgets the tokens that have expired; how many that were.
///
/// # Errors
/// Those of the engine.
pub async fn delete_expired(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM import_tokens WHERE expires_at <= $1", args![now]).await
}

/// Forgets the tokens of a key.
pub(crate) async fn delete_of_key(tx: &mut Tx<'_>, key: &KeyId) -> Result<(), StoreError> {
    tx.execute("DELETE FROM import_tokens WHERE key_id = $1", args![key]).await.map(|_| ())
}

fn place<'a>(id: &'a str, key: &'a KeyId) -> Place<'a> {
    Place { table: "import_tokens", row: id, extra: key.as_str(), column: "private_key" }
}
