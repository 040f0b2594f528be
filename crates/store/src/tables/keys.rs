//! Keys.

use sesame_crypto::digest::to_hex;
use sesame_crypto::secret::SecretBytes;
use sesame_domain::rotation::RotationInterval;
use sesame_domain::{AccountId, Key, KeyId, KeyState, KeyVersion, Timestamp};
use sqlx::any::AnyRow;

use crate::barrier::Place;
use crate::conn::{Engine, Sql};
use crate::sql::{Args, Columns as _, args};
use crate::tables::{aliases, import_tokens, key_uses, key_versions, tags};
use crate::{Change, Conn, StoreError, Tx};

pub use crate::tables::key_list::{CreatorType, KeyFilter, list};

/// A version to be stored with its material.
#[derive(Debug)]
pub struct NewVersion<'a> {
    /// The version.
    pub version: KeyVersion,
    /// Its material, as `sesame_crypto` serialises it; empty for a key that waits for imported material.
    pub material: &'a SecretBytes,
}

macro_rules! columns {
    () => {
        "id, account, spec, usage, origin, protection_level, state, description, creator, created_at, delete_at, \
         deletion_protection, deletion_protection_description, instance_id, primary_version, rotation_seconds, \
         last_rotated_at, material_expires_at"
    };
}

macro_rules! insert_key {
    () => {
        concat!(
            "INSERT INTO keys (",
            columns!(),
            ", next_rotation_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
             $18, $19)"
        )
    };
}

macro_rules! insert_version {
    () => {
        "INSERT INTO key_versions (id, key_id, created_at, material) VALUES ($20, $1, $21, $22)"
    };
}

/// Adds a key with its versions; there is at least one.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when the id is taken.
pub async fn insert(tx: &mut Tx<'_>, key: &Key, versions: &[NewVersion<'_>]) -> Result<(), StoreError> {
    let (first, others) = versions.split_first().ok_or(StoreError::Corrupt("a key without a version"))?;
    let mut args = key_args(key);
    args.push(&first.version.id);
    args.push(first.version.created_at);
    args.push(key_versions::seal(&tx.barrier, &first.version, first.material)?);
    // Two rows in one round trip: SQLite takes several statements, PostgreSQL a statement that modifies in WITH.
    let sql = match tx.engine {
        Engine::Sqlite => concat!(insert_key!(), "; ", insert_version!()),
        Engine::Postgres => concat!("WITH inserted AS (", insert_key!(), ") ", insert_version!()),
    };
    tx.execute(sql, args).await.map_err(unique_to_exists)?;
    for other in others {
        key_versions::add(tx, other).await?;
    }
    count_keys(tx, &key.account, 1);
    tx.touch(Change::KeyList(key.account.clone()));
    Ok(())
}

fn key_args(key: &Key) -> Args {
    args![
        &key.id,
        &key.account,
        key.spec.name(),
        key.usage.name(),
        key.origin.name(),
        key.protection_level.name(),
        key.state.name(),
        &key.description,
        &key.creator,
        key.created_at,
        key.delete_at,
        key.deletion_protection,
        &key.deletion_protection_description,
        &key.instance_id,
        &key.primary_version,
        seconds(key.rotation_interval),
        key.last_rotated_at,
        key.material_expires_at,
        key.next_rotation_at(),
    ]
}

/// A key.
///
/// # Errors
/// [`StoreError::Corrupt`] when a column holds what this version does not know.
pub async fn get(conn: &mut Conn<'_>, id: &KeyId) -> Result<Option<Key>, StoreError> {
    let row = conn.row(concat!("SELECT ", columns!(), " FROM keys WHERE id = $1"), args![id]).await?;
    row.map(|row| key(&row)).transpose()
}

/// A key, and its policy when one was set.
///
/// # Errors
/// As [`get`].
pub async fn with_policy(conn: &mut Conn<'_>, id: &KeyId) -> Result<Option<(Key, Option<String>)>, StoreError> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        ", coalesce(policy, '') FROM keys LEFT JOIN key_policies ON key_id = id WHERE id = $1"
    );
    let Some(row) = conn.row(sql, args![id]).await? else { return Ok(None) };
    let policy = row.text(18)?;
    Ok(Some((key(&row)?, (!policy.is_empty()).then_some(policy))))
}

/// The keys that there are among the named ones, in no order.
///
/// # Errors
/// As [`get`].
pub async fn get_many(conn: &mut Conn<'_>, ids: &[KeyId]) -> Result<Vec<Key>, StoreError> {
    if let [id] = ids {
        return Ok(get(conn, id).await?.into_iter().collect());
    }
    let mut args = args![];
    let names: Vec<_> = ids.iter().map(|id| format!("${}", args.push(id))).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT {} FROM keys WHERE id IN ({})", columns!(), names.join(", "));
    conn.rows(Sql::joined_few(sql), args).await?.iter().map(key).collect()
}

/// Moves a key from one state to another. `delete_at` is kept with it: the end of the window for PendingDeletion,
/// `None` otherwise.
///
/// # Errors
/// [`StoreError::Conflict`] when the key is in another state, or gone.
pub async fn set_state(
    tx: &mut Tx<'_>,
    id: &KeyId,
    from: KeyState,
    to: KeyState,
    delete_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let sql = "UPDATE keys SET state = $3, delete_at = $4 WHERE id = $1 AND state = $2 RETURNING account";
    let rows = tx.returning(sql, args![id, from.name(), to.name(), delete_at]).await?;
    let account = rows.first().ok_or(StoreError::Conflict)?.parsed(0, ACCOUNT)?;
    tx.touch(Change::Key(id.clone()));
    tx.touch(Change::KeyList(account));
    Ok(())
}

/// Replaces the description.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such key.
pub async fn set_description(tx: &mut Tx<'_>, id: &KeyId, description: &str) -> Result<(), StoreError> {
    update(tx, id, "UPDATE keys SET description = $2 WHERE id = $1", args![id, description]).await
}

/// Switches deletion protection; its description is empty when it is off.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such key.
pub async fn set_deletion_protection(
    tx: &mut Tx<'_>,
    id: &KeyId,
    protected: bool,
    description: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE keys SET deletion_protection = $2, deletion_protection_description = $3 WHERE id = $1";
    update(tx, id, sql, args![id, protected, description]).await
}

/// Sets the rotation policy; the next rotation is due one interval after the last one.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such key.
pub async fn set_rotation(tx: &mut Tx<'_>, id: &KeyId, interval: Option<RotationInterval>) -> Result<(), StoreError> {
    let sql = "UPDATE keys SET rotation_seconds = $2,
        next_rotation_at = CASE WHEN $2 = 0 THEN 0 ELSE last_rotated_at + $2 * 1000 END WHERE id = $1";
    update(tx, id, sql, args![id, seconds(interval)]).await
}

/// Sets when imported material expires.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such key.
pub async fn set_material_expiry(tx: &mut Tx<'_>, id: &KeyId, at: Option<Timestamp>) -> Result<(), StoreError> {
    update(tx, id, "UPDATE keys SET material_expires_at = $2 WHERE id = $1", args![id, at]).await
}

/// What was recorded about the first imported material; empty when nothing was.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open in its place.
pub async fn material_fingerprint(conn: &mut Conn<'_>, id: &KeyId) -> Result<String, StoreError> {
    const DAMAGED: StoreError = StoreError::Corrupt("the fingerprint of imported material");
    let row = conn.row("SELECT material_fingerprint FROM keys WHERE id = $1", args![id]).await?;
    let Some(row) = row else { return Ok(String::new()) };
    let sealed = from_hex(&row.text(0)?).ok_or(DAMAGED)?;
    let opened = conn.unseal(fingerprint_place(id), &sealed).await?;
    // EXPOSE: compared with what comes next; it is a digest.
    String::from_utf8(opened.expose().to_vec()).map_err(|_| DAMAGED)
}

/// Records something by which the same material can be recognised. It is sealed, in hexadecimal, since whoever reads
/// it can check guesses.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such key.
pub async fn set_material_fingerprint(tx: &mut Tx<'_>, id: &KeyId, fingerprint: &str) -> Result<(), StoreError> {
    let sealed = to_hex(&tx.barrier.seal(fingerprint_place(id), fingerprint.as_bytes())?);
    update(tx, id, "UPDATE keys SET material_fingerprint = $2 WHERE id = $1", args![id, sealed]).await
}

fn fingerprint_place(id: &KeyId) -> Place<'_> {
    Place { table: "keys", row: id.as_str(), extra: "", column: "material_fingerprint" }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// Keys whose deletion window has ended, the longest overdue first.
///
/// # Errors
/// Those of the engine.
pub async fn due_for_deletion(conn: &mut Conn<'_>, now: Timestamp, limit: u32) -> Result<Vec<KeyId>, StoreError> {
    let sql = "SELECT id FROM keys WHERE delete_at > 0 AND delete_at <= $1 AND state = 'PendingDeletion'
        ORDER BY delete_at LIMIT $2";
    due(conn, sql, now, limit).await
}

/// Enabled keys whose next automatic rotation is due, the longest overdue first.
///
/// # Errors
/// Those of the engine.
pub async fn due_for_rotation(conn: &mut Conn<'_>, now: Timestamp, limit: u32) -> Result<Vec<KeyId>, StoreError> {
    let sql = "SELECT id FROM keys WHERE next_rotation_at > 0 AND next_rotation_at <= $1 AND state = 'Enabled'
        ORDER BY next_rotation_at LIMIT $2";
    due(conn, sql, now, limit).await
}

/// Lets rotations that are dated after `latest` count as made at `now`; how many keys that were.
///
/// # Errors
/// Those of the engine.
pub async fn pull_back_rotations(tx: &mut Tx<'_>, latest: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
    let sql = "UPDATE keys SET last_rotated_at = $2, next_rotation_at = $2 + rotation_seconds * 1000
        WHERE next_rotation_at > $1 AND last_rotated_at > $1 RETURNING id";
    let rows = tx.returning(sql, args![latest, now]).await?;
    for row in &rows {
        tx.touch(Change::Key(row.parsed(0, "a key id")?));
    }
    Ok(rows.len() as u64)
}

/// Keys whose imported material has expired, the longest expired first.
///
/// # Errors
/// Those of the engine.
pub async fn due_for_expiry(conn: &mut Conn<'_>, now: Timestamp, limit: u32) -> Result<Vec<KeyId>, StoreError> {
    let sql = "SELECT id FROM keys WHERE material_expires_at > 0 AND material_expires_at <= $1
        ORDER BY material_expires_at LIMIT $2";
    due(conn, sql, now, limit).await
}

/// Destroys a key whose deletion window has ended: its versions with their material, aliases, tags, policy and counted
/// uses. Says whose it was.
///
/// # Errors
/// [`StoreError::Conflict`] when the key is not PendingDeletion, its window has not ended, or it is gone.
pub async fn destroy(tx: &mut Tx<'_>, id: &KeyId, now: Timestamp) -> Result<AccountId, StoreError> {
    let sql = "SELECT account FROM keys
        WHERE id = $1 AND state = 'PendingDeletion' AND delete_at > 0 AND delete_at <= $2";
    let row = tx.row(sql, args![id, now]).await?.ok_or(StoreError::Conflict)?;
    let account: AccountId = row.parsed(0, ACCOUNT)?;
    aliases::delete_of_key(tx, id).await?;
    tags::remove_all(tx, &account, sesame_domain::tag::ResourceType::Key, &[id.as_str()]).await?;
    import_tokens::delete_of_key(tx, id).await?;
    key_uses::delete_of_key(tx, id).await?;
    tx.execute("DELETE FROM key_policies WHERE key_id = $1", args![id]).await?;
    tx.execute("DELETE FROM key_versions WHERE key_id = $1", args![id]).await?;
    tx.change_one("DELETE FROM keys WHERE id = $1", args![id]).await?;
    count_keys(tx, &account, -1);
    tx.touch(Change::Key(id.clone()));
    tx.touch(Change::KeyList(account.clone()));
    Ok(account)
}

/// The number of keys of an account.
///
/// # Errors
/// Those of the engine.
pub async fn count(conn: &mut Conn<'_>, account: &AccountId) -> Result<i64, StoreError> {
    let sql = "SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM key_counts WHERE account = $1";
    let stored = conn.one(sql, args![account]).await?.int(0)?;
    Ok(stored + conn.key_counts.get(account).copied().unwrap_or(0))
}

const ACCOUNT: &str = "the account of a key";

async fn due(conn: &mut Conn<'_>, sql: &'static str, now: Timestamp, limit: u32) -> Result<Vec<KeyId>, StoreError> {
    let rows = conn.rows(sql, args![now, i64::from(limit)]).await?;
    rows.iter().map(|row| row.parsed(0, "a key id")).collect()
}

async fn update(tx: &mut Tx<'_>, id: &KeyId, sql: &'static str, args: Args) -> Result<(), StoreError> {
    tx.change_one(sql, args).await?;
    tx.touch(Change::Key(id.clone()));
    Ok(())
}

fn count_keys(tx: &mut Tx<'_>, account: &AccountId, by: i64) {
    *tx.key_counts.entry(account.clone()).or_default() += by;
}

fn seconds(interval: Option<RotationInterval>) -> i64 {
    interval.map_or(0, RotationInterval::seconds)
}

fn unique_to_exists(error: StoreError) -> StoreError {
    match error {
        StoreError::Engine(cause) if cause.as_database_error().is_some_and(|error| error.is_unique_violation()) => {
            StoreError::AlreadyExists
        }
        error => error,
    }
}

fn key(row: &AnyRow) -> Result<Key, StoreError> {
    let rotation_seconds = u64::try_from(row.int(15)?).unwrap_or(0);
    let rotation_interval = match rotation_seconds {
        0 => None,
        seconds => {
            Some(RotationInterval::from_seconds(seconds).map_err(|_| StoreError::Corrupt("a rotation interval"))?)
        }
    };
    Ok(Key {
        id: row.parsed(0, "a key id")?,
        account: row.parsed(1, ACCOUNT)?,
        spec: row.parsed(2, "a key spec")?,
        usage: row.parsed(3, "a key usage")?,
        origin: row.parsed(4, "an origin")?,
        protection_level: row.parsed(5, "a protection level")?,
        state: row.parsed(6, "a key state")?,
        description: row.text(7)?,
        creator: row.text(8)?,
        created_at: row.time(9)?,
        delete_at: row.optional_time(10)?,
        deletion_protection: row.flag(11)?,
        deletion_protection_description: row.text(12)?,
        instance_id: row.text(13)?,
        primary_version: row.parsed(14, "a primary key version")?,
        rotation_interval,
        last_rotated_at: row.time(16)?,
        material_expires_at: row.optional_time(17)?,
    })
}
