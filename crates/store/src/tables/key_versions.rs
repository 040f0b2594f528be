//! Key versions with their sealed material.

use sesame_crypto::secret::SecretBytes;
use sesame_domain::{AccountId, KeyId, KeyVersion, KeyVersionId, Page, Timestamp};
use sqlx::any::AnyRow;

use crate::barrier::{Barrier, Place};
use crate::sql::{Columns as _, args};
use crate::tables::keys::NewVersion;
use crate::{Change, Conn, StoreError, Tx};

/// Adds a version to a key and records its time as that of the last rotation.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such key.
pub async fn insert(tx: &mut Tx<'_>, new: &NewVersion<'_>, make_primary: bool) -> Result<(), StoreError> {
    let KeyVersion { id, key, created_at } = &new.version;
    let sql = "UPDATE keys SET last_rotated_at = $2,
        next_rotation_at = CASE WHEN rotation_seconds = 0 THEN 0 ELSE $2 + rotation_seconds * 1000 END,
        primary_version = CASE WHEN $3 = 1 THEN $4 ELSE primary_version END WHERE id = $1";
    tx.change_one(sql, args![key, *created_at, make_primary, id]).await?;
    add(tx, new).await?;
    tx.touch(Change::Key(key.clone()));
    Ok(())
}

/// A version with its material; the material is empty while there is none.
///
/// # Errors
/// [`StoreError::Corrupt`] when the material does not open in its place.
pub async fn get(conn: &mut Conn<'_>, id: &KeyVersionId) -> Result<Option<(KeyVersion, SecretBytes)>, StoreError> {
    let sql = "SELECT id, key_id, created_at, material FROM key_versions WHERE id = $1";
    let Some(row) = conn.row(sql, args![id]).await? else { return Ok(None) };
    let version = version(&row)?;
    let material = conn.unseal(place(&version.id, &version.key), &row.blob(3)?).await?;
    Ok(Some((version, material)))
}

/// A version without its material.
///
/// # Errors
/// Those of the engine.
pub async fn describe(conn: &mut Conn<'_>, id: &KeyVersionId) -> Result<Option<KeyVersion>, StoreError> {
    let sql = "SELECT id, key_id, created_at FROM key_versions WHERE id = $1";
    conn.row(sql, args![id]).await?.map(|row| version(&row)).transpose()
}

/// Whether a version of the key was made after one moment and not after another.
///
/// # Errors
/// Those of the engine.
pub async fn any_made(
    conn: &mut Conn<'_>,
    key: &KeyId,
    after: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM key_versions WHERE key_id = $1 AND created_at > $2 AND created_at <= $3 LIMIT 1";
    Ok(conn.row(sql, args![key, after, until]).await?.is_some())
}

/// A page of the versions of a key, the newest first, and the number of all.
///
/// # Errors
/// Those of the engine.
pub async fn list(conn: &mut Conn<'_>, key: &KeyId, page: Page) -> Result<(Vec<KeyVersion>, i64), StoreError> {
    let sql = "SELECT id, key_id, created_at FROM key_versions WHERE key_id = $1
        ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3";
    let rows = conn.rows(sql, args![key, i64::from(page.size), page.offset()]).await?;
    let versions = rows.iter().map(version).collect::<Result<_, _>>()?;
    Ok((versions, count(conn, key).await?))
}

/// The number of versions of a key.
///
/// # Errors
/// Those of the engine.
pub async fn count(conn: &mut Conn<'_>, key: &KeyId) -> Result<i64, StoreError> {
    conn.one("SELECT count(*) FROM key_versions WHERE key_id = $1", args![key]).await?.int(0)
}

/// The number of versions of all keys of an account, counted no further than to `most`, so that an account with many
/// more costs no more.
///
/// # Errors
/// Those of the engine.
pub async fn count_of_account(conn: &mut Conn<'_>, account: &AccountId, most: u64) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM keys JOIN key_versions ON key_versions.key_id = keys.id
        WHERE keys.account = $1 LIMIT $2) AS counted";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    Ok(conn.one(sql, args![account, most]).await?.int(0)?.unsigned_abs())
}

/// The newest version of a key.
///
/// # Errors
/// Those of the engine.
pub async fn latest(conn: &mut Conn<'_>, key: &KeyId) -> Result<Option<KeyVersion>, StoreError> {
    let sql = "SELECT id, key_id, created_at FROM key_versions WHERE key_id = $1
        ORDER BY created_at DESC, id DESC LIMIT 1";
    conn.row(sql, args![key]).await?.map(|row| version(&row)).transpose()
}

/// Stores imported material.
///
/// # Errors
/// [`StoreError::Conflict`] when the key has no such version.
pub async fn set_material(
    tx: &mut Tx<'_>,
    key: &KeyId,
    id: &KeyVersionId,
    material: &SecretBytes,
) -> Result<(), StoreError> {
    // EXPOSE: the barrier seals it.
    let sealed = tx.barrier.seal(place(id, key), material.expose())?;
    replace(tx, key, id, sealed).await
}

/// Erases imported material.
///
/// # Errors
/// [`StoreError::Conflict`] when the key has no such version.
pub async fn clear_material(tx: &mut Tx<'_>, key: &KeyId, id: &KeyVersionId) -> Result<(), StoreError> {
    replace(tx, key, id, Vec::new()).await
}

async fn replace(tx: &mut Tx<'_>, key: &KeyId, id: &KeyVersionId, sealed: Vec<u8>) -> Result<(), StoreError> {
    let sql = "UPDATE key_versions SET material = $3 WHERE id = $1 AND key_id = $2";
    tx.change_one(sql, args![id, key, sealed]).await?;
    tx.touch(Change::Key(key.clone()));
    Ok(())
}

pub(crate) async fn add(tx: &mut Tx<'_>, new: &NewVersion<'_>) -> Result<(), StoreError> {
    let sealed = seal(&tx.barrier, &new.version, new.material)?;
    let sql = "INSERT INTO key_versions (id, key_id, created_at, material) VALUES ($1, $2, $3, $4)";
    tx.execute(sql, args![&new.version.id, &new.version.key, new.version.created_at, sealed]).await.map(|_| ())
}

pub(crate) fn seal(barrier: &Barrier, version: &KeyVersion, material: &SecretBytes) -> Result<Vec<u8>, StoreError> {
    // EXPOSE: the barrier seals it.
    barrier.seal(place(&version.id, &version.key), material.expose())
}

fn place<'a>(id: &'a KeyVersionId, key: &'a KeyId) -> Place<'a> {
    Place { table: "key_versions", row: id.as_str(), extra: key.as_str(), column: "material" }
}

fn version(row: &AnyRow) -> Result<KeyVersion, StoreError> {
    let (id, key) = (row.parsed(0, "a key version id")?, row.parsed(1, "the key of a version")?);
    Ok(KeyVersion { id, key, created_at: row.time(2)? })
}
