//! Secrets, their versions with sealed values, their stage labels and policies.

use std::collections::BTreeMap;

use sesame_crypto::secret::SecretBytes;
use sesame_domain::secret::{
    AutomaticRotation, Secret, SecretId, SecretName, SecretRotation, SecretRotationInterval, SecretVersion, StageLabel,
    Versions,
};
use sesame_domain::tag::ResourceType;
use sesame_domain::{AccountId, Timestamp};
use sqlx::any::AnyRow;

use crate::barrier::{Barrier, Place};
use crate::sql::{Columns as _, args};
use crate::tables::tags;
use crate::{Change, Conn, StoreError, Tx};

pub use crate::tables::secret_list::{Listed, SecretFilter, list};

/// One more than the characters of a description that can be sought.
const SOUGHT_CHARS: usize = 257;

/// Secrets are counted in so many rows, so that transactions that make some at the same time seldom meet in one. The
/// triggers of migration 0010 choose a row as [`count_one`] does.
const SHARDS: u8 = 8;

/// A version to be stored with its value, which is sealed under the secret's encryption key already.
#[derive(Debug)]
pub struct NewSecretVersion<'a> {
    /// The version.
    pub version: &'a SecretVersion,
    /// Its value.
    pub value: &'a SecretBytes,
}

macro_rules! columns {
    () => {
        "id, account, name, kind, description, key_id, instance_id, extended_config, rotation, rotation_seconds, \
         last_rotated_at, next_rotation_at, created_at, updated_at, delete_at, owing_service, creator"
    };
}

/// Adds a secret with its first versions and their labels.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when the account has a secret of this name.
pub async fn insert(
    tx: &mut Tx<'_>,
    secret: &Secret,
    values: &[NewSecretVersion<'_>],
    versions: &Versions,
) -> Result<(), StoreError> {
    let rotation = RotationColumns::of(secret.rotation);
    let args = args![
        &secret.id,
        &secret.account,
        &secret.name,
        secret.kind.name(),
        &secret.description,
        &secret.key,
        &secret.instance_id,
        &secret.extended_config,
        rotation.name,
        rotation.seconds,
        rotation.last,
        rotation.next,
        secret.created_at,
        secret.updated_at,
        secret.delete_at,
        &secret.owing_service,
        &secret.creator,
        sought_description(&secret.description),
    ];
    // ON CONFLICT instead of a failed statement, which would end a transaction of PostgreSQL.
    let sql = concat!(
        "INSERT INTO secrets (",
        columns!(),
        ", sought_description) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) \
         ON CONFLICT (account, name) DO NOTHING"
    );
    if tx.execute(sql, args).await? == 0 {
        return Err(StoreError::AlreadyExists);
    }
    for value in values {
        add(tx, &secret.id, value).await?;
    }
    set_stages(tx, secret, versions).await?;
    count_one(tx, secret, 1).await
}

/// The secret of this name.
///
/// # Errors
/// [`StoreError::Corrupt`] when a column holds what this version does not know.
pub async fn by_name(
    conn: &mut Conn<'_>,
    account: &AccountId,
    name: &SecretName,
) -> Result<Option<Secret>, StoreError> {
    let sql = concat!("SELECT ", columns!(), " FROM secrets WHERE account = $1 AND name = $2");
    conn.row(sql, args![account, name]).await?.map(|row| secret(&row)).transpose()
}

/// The secret of this internal id.
///
/// # Errors
/// As [`by_name`].
pub async fn get(conn: &mut Conn<'_>, id: &SecretId) -> Result<Option<Secret>, StoreError> {
    let sql = concat!("SELECT ", columns!(), " FROM secrets WHERE id = $1");
    conn.row(sql, args![id]).await?.map(|row| secret(&row)).transpose()
}

/// The versions of a secret and what its labels mark.
///
/// # Errors
/// As [`by_name`].
pub async fn versions(conn: &mut Conn<'_>, id: &SecretId) -> Result<Versions, StoreError> {
    let sql = "SELECT version_id, number, created_at, data_type FROM secret_versions WHERE secret_id = $1";
    let list = conn.rows(sql, args![id]).await?.iter().map(version).collect::<Result<_, _>>()?;
    let rows = conn.rows("SELECT label, version_id FROM secret_stages WHERE secret_id = $1", args![id]).await?;
    let stage = |row: &AnyRow| Ok((row.parsed(0, "a stage label")?, row.parsed(1, "the version of a stage label")?));
    let stages = rows.iter().map(stage).collect::<Result<BTreeMap<StageLabel, _>, StoreError>>()?;
    Ok(Versions::new(list, stages))
}

/// The value of a version, still sealed under the secret's encryption key.
///
/// # Errors
/// [`StoreError::Corrupt`] when the value does not open in its place.
pub async fn value(conn: &mut Conn<'_>, id: &SecretId, number: i64) -> Result<Option<SecretBytes>, StoreError> {
    let sql = "SELECT value FROM secret_versions WHERE secret_id = $1 AND number = $2";
    let Some(row) = conn.row(sql, args![id, number]).await? else { return Ok(None) };
    let number = number.to_string();
    conn.unseal(place(id, &number), &row.blob(0)?).await.map(Some)
}

/// Adds a version; `versions` says what labels mark after it, and `gone` are the versions that make room.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when the secret has a version of this id.
pub async fn add_version(
    tx: &mut Tx<'_>,
    secret: &Secret,
    new: &NewSecretVersion<'_>,
    versions: &Versions,
    gone: &[SecretVersion],
    now: Timestamp,
) -> Result<(), StoreError> {
    add(tx, &secret.id, new).await?;
    remove_versions(tx, secret, versions, gone, now).await
}

/// Removes versions; `versions` says what labels mark after it.
///
/// # Errors
/// [`StoreError::Conflict`] when one of them is gone.
pub async fn remove_versions(
    tx: &mut Tx<'_>,
    secret: &Secret,
    versions: &Versions,
    gone: &[SecretVersion],
    now: Timestamp,
) -> Result<(), StoreError> {
    for version in gone {
        let sql = "DELETE FROM secret_versions WHERE secret_id = $1 AND number = $2";
        tx.change_one(sql, args![&secret.id, version.number]).await?;
    }
    set_stages(tx, secret, versions).await?;
    updated(tx, secret, now).await
}

/// Replaces the labels of all versions.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such secret.
pub async fn replace_stages(
    tx: &mut Tx<'_>,
    secret: &Secret,
    versions: &Versions,
    now: Timestamp,
) -> Result<(), StoreError> {
    set_stages(tx, secret, versions).await?;
    updated(tx, secret, now).await
}

/// Replaces the description and the extended configuration.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such secret.
pub async fn set_description_and_config(
    tx: &mut Tx<'_>,
    secret: &Secret,
    description: &str,
    extended_config: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE secrets SET description = $2, extended_config = $3, sought_description = $4 WHERE id = $1";
    let sought = sought_description(description);
    tx.change_one(sql, args![&secret.id, description, extended_config, sought]).await?;
    updated(tx, secret, now).await
}

/// Replaces the rotation policy and what became of it.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such secret.
pub async fn set_rotation(
    tx: &mut Tx<'_>,
    secret: &Secret,
    rotation: SecretRotation,
    now: Timestamp,
) -> Result<(), StoreError> {
    let columns = RotationColumns::of(Some(rotation));
    let sql = "UPDATE secrets SET rotation = $2, rotation_seconds = $3, last_rotated_at = $4, next_rotation_at = $5
        WHERE id = $1";
    tx.change_one(sql, args![&secret.id, columns.name, columns.seconds, columns.last, columns.next]).await?;
    updated(tx, secret, now).await
}

/// Begins or ends the recovery window, if it is still as it was.
///
/// # Errors
/// [`StoreError::Conflict`] when it is not, or there is no such secret.
pub async fn set_delete_at(tx: &mut Tx<'_>, secret: &Secret, delete_at: Option<Timestamp>) -> Result<(), StoreError> {
    let sql = "UPDATE secrets SET delete_at = $3 WHERE id = $1 AND delete_at = $2";
    tx.change_one(sql, args![&secret.id, secret.delete_at, delete_at]).await?;
    touch(tx, secret);
    Ok(())
}

/// Removes a secret with everything that belongs to it.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such secret.
pub async fn remove(tx: &mut Tx<'_>, secret: &Secret) -> Result<(), StoreError> {
    tags::remove_all(tx, &secret.account, ResourceType::Secret, &[secret.name.as_str()]).await?;
    for sql in [
        "DELETE FROM secret_policies WHERE secret_id = $1",
        "DELETE FROM secret_rotations WHERE secret_id = $1",
        "DELETE FROM secret_stages WHERE secret_id = $1",
        "DELETE FROM secret_versions WHERE secret_id = $1",
    ] {
        tx.execute(sql, args![&secret.id]).await?;
    }
    tx.change_one("DELETE FROM secrets WHERE id = $1", args![&secret.id]).await?;
    count_one(tx, secret, -1).await
}

/// Secrets whose recovery window has ended, the longest overdue first.
///
/// # Errors
/// Those of the engine.
pub async fn due_for_purge(conn: &mut Conn<'_>, now: Timestamp, limit: u32) -> Result<Vec<SecretId>, StoreError> {
    let sql = "SELECT id FROM secrets WHERE delete_at > 0 AND delete_at <= $1 ORDER BY delete_at LIMIT $2";
    ids(conn, sql, now, limit).await
}

/// Live secrets whose next automatic rotation is due and not recorded yet, the longest overdue first.
///
/// # Errors
/// Those of the engine.
pub async fn due_for_rotation(conn: &mut Conn<'_>, now: Timestamp, limit: u32) -> Result<Vec<SecretId>, StoreError> {
    let sql = "SELECT id FROM secrets WHERE next_rotation_at > 0 AND next_rotation_at <= $1 AND delete_at = 0
        AND NOT EXISTS (SELECT 1 FROM secret_rotations WHERE secret_id = secrets.id)
        ORDER BY next_rotation_at LIMIT $2";
    ids(conn, sql, now, limit).await
}

/// Secrets with an access key that was replaced before a moment and is still kept as the previous version.
///
/// # Errors
/// Those of the engine.
pub async fn with_replaced_access_key(
    conn: &mut Conn<'_>,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<SecretId>, StoreError> {
    let sql = "SELECT id FROM secrets WHERE kind = 'RAMCredentials' AND last_rotated_at > 0 AND last_rotated_at <= $1
        AND EXISTS (SELECT 1 FROM secret_stages WHERE secret_id = secrets.id AND label = 'ACSPrevious')
        AND NOT EXISTS (SELECT 1 FROM secret_rotations WHERE secret_id = secrets.id)
        ORDER BY last_rotated_at LIMIT $2";
    ids(conn, sql, before, limit).await
}

/// How many rotations are due and not recorded yet, and how many of them since before `late`.
///
/// # Errors
/// Those of the engine.
pub async fn count_due_for_rotation(
    conn: &mut Conn<'_>,
    now: Timestamp,
    late: Timestamp,
) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT count(*), CAST(coalesce(sum(CASE WHEN next_rotation_at < $2 THEN 1 ELSE 0 END), 0) AS BIGINT)
        FROM secrets WHERE next_rotation_at > 0 AND next_rotation_at <= $1 AND delete_at = 0
        AND NOT EXISTS (SELECT 1 FROM secret_rotations WHERE secret_id = secrets.id)";
    let row = conn.one(sql, args![now, late]).await?;
    Ok((row.int(0)?, row.int(1)?))
}

async fn ids(conn: &mut Conn<'_>, sql: &'static str, now: Timestamp, limit: u32) -> Result<Vec<SecretId>, StoreError> {
    let rows = conn.rows(sql, args![now, i64::from(limit)]).await?;
    rows.iter().map(|row| row.parsed(0, "a secret id")).collect()
}

/// The number of secrets of an account, those in their recovery window included.
///
/// # Errors
/// Those of the engine.
pub async fn count(conn: &mut Conn<'_>, account: &AccountId) -> Result<i64, StoreError> {
    let sql = "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM secret_counts WHERE account = $1";
    conn.one(sql, args![account]).await?.int(0)
}

/// The policy of a secret, when one was set.
///
/// # Errors
/// Those of the engine.
pub async fn policy(conn: &mut Conn<'_>, id: &SecretId) -> Result<Option<String>, StoreError> {
    let row = conn.row("SELECT policy FROM secret_policies WHERE secret_id = $1", args![id]).await?;
    row.map(|row| row.text(0)).transpose()
}

/// Sets the policy of a secret.
///
/// # Errors
/// Those of the engine, also when there is no such secret.
pub async fn set_policy(tx: &mut Tx<'_>, secret: &Secret, policy: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO secret_policies (secret_id, policy) VALUES ($1, $2)
        ON CONFLICT (secret_id) DO UPDATE SET policy = excluded.policy";
    tx.execute(sql, args![&secret.id, policy]).await?;
    touch(tx, secret);
    Ok(())
}

/// What a description is sought by: filters are shorter than this, so its beginning says whether it is equal to one, and
/// an index can hold it.
fn sought_description(description: &str) -> &str {
    let end = description.char_indices().nth(SOUGHT_CHARS).map_or(description.len(), |(at, _)| at);
    description.get(..end).unwrap_or(description)
}

async fn add(tx: &mut Tx<'_>, secret: &SecretId, new: &NewSecretVersion<'_>) -> Result<(), StoreError> {
    let sealed = seal(&tx.barrier, secret, new)?;
    let version = new.version;
    let sql = "INSERT INTO secret_versions (secret_id, number, version_id, created_at, data_type, value)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (secret_id, version_id) DO NOTHING";
    let args = args![secret, version.number, &version.id, version.created_at, version.data_type.name(), sealed];
    if tx.execute(sql, args).await? == 0 { Err(StoreError::AlreadyExists) } else { Ok(()) }
}

async fn set_stages(tx: &mut Tx<'_>, secret: &Secret, versions: &Versions) -> Result<(), StoreError> {
    tx.execute("DELETE FROM secret_stages WHERE secret_id = $1", args![&secret.id]).await?;
    for (label, version) in versions.stages() {
        let sql = "INSERT INTO secret_stages (secret_id, label, version_id) VALUES ($1, $2, $3)";
        tx.execute(sql, args![&secret.id, label, version]).await?;
    }
    touch(tx, secret);
    Ok(())
}

async fn updated(tx: &mut Tx<'_>, secret: &Secret, now: Timestamp) -> Result<(), StoreError> {
    tx.change_one("UPDATE secrets SET updated_at = $2 WHERE id = $1", args![&secret.id, now]).await?;
    touch(tx, secret);
    Ok(())
}

async fn count_one(tx: &mut Tx<'_>, secret: &Secret, by: i64) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO secret_counts (account, kind, creator, instance_id, shard, n) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (account, kind, creator, instance_id, shard) DO UPDATE SET n = secret_counts.n + excluded.n";
    let last = secret.id.as_str().bytes().next_back().unwrap_or_default();
    let shard = i64::from(last % SHARDS);
    let args = args![&secret.account, secret.kind.name(), &secret.creator, &secret.instance_id, shard, by];
    tx.execute(sql, args).await?;
    touch(tx, secret);
    Ok(())
}

fn touch(tx: &mut Tx<'_>, secret: &Secret) {
    tx.touch(Change::Secret(secret.account.clone(), secret.name.clone()));
    tx.touch(Change::SecretList(secret.account.clone()));
}

fn seal(barrier: &Barrier, secret: &SecretId, new: &NewSecretVersion<'_>) -> Result<Vec<u8>, StoreError> {
    let number = new.version.number.to_string();
    // EXPOSE: the barrier seals it.
    barrier.seal(place(secret, &number), new.value.expose())
}

fn place<'a>(secret: &'a SecretId, number: &'a str) -> Place<'a> {
    Place { table: "secret_versions", row: secret.as_str(), extra: number, column: "value" }
}

/// A rotation as columns: the empty text and 0 say "none".
struct RotationColumns {
    name: &'static str,
    seconds: i64,
    last: Option<Timestamp>,
    next: Option<Timestamp>,
}

impl RotationColumns {
    fn of(rotation: Option<SecretRotation>) -> Self {
        Self {
            name: rotation.map_or("", |rotation| rotation.automatic.name()),
            seconds: rotation.and_then(|rotation| rotation.interval).map_or(0, SecretRotationInterval::seconds),
            last: rotation.and_then(|rotation| rotation.last),
            next: rotation.and_then(|rotation| rotation.next),
        }
    }
}

fn version(row: &AnyRow) -> Result<SecretVersion, StoreError> {
    Ok(SecretVersion {
        id: row.parsed(0, "a secret version id")?,
        number: row.int(1)?,
        created_at: row.time(2)?,
        data_type: row.parsed(3, "the type of a secret value")?,
    })
}

fn secret(row: &AnyRow) -> Result<Secret, StoreError> {
    let rotation = match row.text(8)?.as_str() {
        "" => None,
        name => {
            let automatic: AutomaticRotation = name.parse().map_err(|_| StoreError::Corrupt("a rotation state"))?;
            let interval = match row.int(9)? {
                0 => None,
                seconds => {
                    let interval = SecretRotationInterval::from_seconds(seconds);
                    Some(interval.map_err(|_| StoreError::Corrupt("a rotation interval of a secret"))?)
                }
            };
            Some(SecretRotation { automatic, interval, last: row.optional_time(10)?, next: row.optional_time(11)? })
        }
    };
    Ok(Secret {
        id: row.parsed(0, "a secret id")?,
        account: row.parsed(1, "the account of a secret")?,
        name: row.parsed(2, "a secret name")?,
        kind: row.parsed(3, "a secret type")?,
        description: row.text(4)?,
        key: row.parsed(5, "the key of a secret")?,
        instance_id: row.text(6)?,
        extended_config: row.text(7)?,
        rotation,
        created_at: row.time(12)?,
        updated_at: row.time(13)?,
        delete_at: row.optional_time(14)?,
        owing_service: row.text(15)?,
        creator: row.text(16)?,
    })
}
