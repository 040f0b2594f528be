//! Rotations that were asked for and have not ended: at most one per secret.

use sesame_crypto::secret::SecretBytes;
use sesame_domain::Timestamp;
use sesame_domain::secret::{Secret, SecretId, SecretVersionId};
use sqlx::any::AnyRow;

use crate::barrier::Place;
use crate::sql::{Columns as _, args};
use crate::{Conn, StoreError, Tx};

/// A rotation that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRotation {
    /// The secret.
    pub secret: SecretId,
    /// The id that the new version will have.
    pub version: SecretVersionId,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// How far it has come; the empty text when nothing was done yet.
    pub step: String,
    /// Failed attempts.
    pub attempts: i64,
}

/// Records a rotation; whether it is new. While one is under way, another has no effect.
///
/// # Errors
/// Those of the engine.
pub async fn request(
    tx: &mut Tx<'_>,
    secret: &Secret,
    version: &SecretVersionId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let sql =
        "INSERT INTO secret_rotations (secret_id, version_id, requested_at, step, value, attempts, holder, held_until)
        VALUES ($1, $2, $3, '', $4, 0, '', 0) ON CONFLICT (secret_id) DO NOTHING";
    Ok(tx.execute(sql, args![&secret.id, version, now, Vec::new()]).await? > 0)
}

/// The rotation of a secret that is under way.
///
/// # Errors
/// Those of the engine.
pub async fn of(conn: &mut Conn<'_>, secret: &SecretId) -> Result<Option<PendingRotation>, StoreError> {
    let sql = "SELECT secret_id, version_id, requested_at, step, attempts FROM secret_rotations WHERE secret_id = $1";
    conn.row(sql, args![secret]).await?.map(|row| pending(&row)).transpose()
}

/// How many have not ended, whoever holds them.
///
/// # Errors
/// Those of the engine.
pub async fn count(conn: &mut Conn<'_>) -> Result<i64, StoreError> {
    conn.one("SELECT count(*) FROM secret_rotations", args![]).await?.int(0)
}

/// Whether there are rotations that nobody holds, with no more failed attempts than `most_attempts`.
///
/// # Errors
/// Those of the engine.
pub async fn waiting(conn: &mut Conn<'_>, now: Timestamp, most_attempts: i64) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM secret_rotations WHERE held_until <= $1 AND attempts <= $2 LIMIT 1";
    Ok(conn.row(sql, args![now, most_attempts]).await?.is_some())
}

/// Which rotations are taken.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// Those that nobody holds at this time.
    pub now: Timestamp,
    /// They are held until then.
    pub until: Timestamp,
    /// As many.
    pub limit: u32,
    /// Those with no more failed attempts.
    pub most_attempts: i64,
}

/// Takes rotations that nobody holds for `holder`: first those that have failed the least, of them the oldest. Each is
/// given to one node only.
///
/// # Errors
/// Those of the engine.
pub async fn claim(tx: &mut Tx<'_>, holder: &str, claim: Claim) -> Result<Vec<PendingRotation>, StoreError> {
    let sql = "UPDATE secret_rotations SET holder = $1, held_until = $3 WHERE secret_id IN
        (SELECT secret_id FROM secret_rotations WHERE held_until <= $2 AND attempts <= $5
         ORDER BY attempts, requested_at, secret_id LIMIT $4)
        RETURNING secret_id, version_id, requested_at, step, attempts";
    let Claim { now, until, limit, most_attempts } = claim;
    let claimed = tx.returning(sql, args![holder, now, until, i64::from(limit), most_attempts]).await?;
    claimed.iter().map(pending).collect()
}

/// Records how far a claimed rotation has come, with what is needed to go on from there, and holds it until `until`.
///
/// # Errors
/// [`StoreError::Conflict`] when it is not held by `holder` any more.
pub async fn set_step(
    tx: &mut Tx<'_>,
    secret: &SecretId,
    holder: &str,
    step: &str,
    value: &SecretBytes,
    until: Timestamp,
) -> Result<(), StoreError> {
    // EXPOSE: the barrier seals it.
    let sealed = tx.barrier.seal(place(secret), value.expose())?;
    let sql = "UPDATE secret_rotations SET step = $3, value = $4, held_until = $5 WHERE secret_id = $1 AND holder = $2";
    tx.change_one(sql, args![secret, holder, step, sealed, until]).await
}

/// Holds a claimed rotation until `until`.
///
/// # Errors
/// [`StoreError::Conflict`] when it is not held by `holder` any more.
pub async fn hold(tx: &mut Tx<'_>, secret: &SecretId, holder: &str, until: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE secret_rotations SET held_until = $3 WHERE secret_id = $1 AND holder = $2";
    tx.change_one(sql, args![secret, holder, until]).await
}

/// What was recorded with the step.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open in its place.
pub async fn value(conn: &mut Conn<'_>, secret: &SecretId) -> Result<Option<SecretBytes>, StoreError> {
    let Some(row) = conn.row("SELECT value FROM secret_rotations WHERE secret_id = $1", args![secret]).await? else {
        return Ok(None);
    };
    conn.unseal(place(secret), &row.blob(0)?).await.map(Some)
}

/// Counts a failed attempt of a claimed rotation; it may be claimed again from `retry_at` on.
///
/// # Errors
/// [`StoreError::Conflict`] when it is not held by `holder` any more.
pub async fn failed(tx: &mut Tx<'_>, secret: &SecretId, holder: &str, retry_at: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE secret_rotations SET attempts = attempts + 1, holder = '', held_until = $3
        WHERE secret_id = $1 AND holder = $2";
    tx.change_one(sql, args![secret, holder, retry_at]).await
}

/// Ends a claimed rotation, whatever became of it.
///
/// # Errors
/// [`StoreError::Conflict`] when it is not held by `holder` any more.
pub async fn finish(tx: &mut Tx<'_>, secret: &SecretId, holder: &str) -> Result<(), StoreError> {
    tx.change_one("DELETE FROM secret_rotations WHERE secret_id = $1 AND holder = $2", args![secret, holder]).await
}

fn place(secret: &SecretId) -> Place<'_> {
    Place { table: "secret_rotations", row: secret.as_str(), extra: "", column: "value" }
}

fn pending(row: &AnyRow) -> Result<PendingRotation, StoreError> {
    Ok(PendingRotation {
        secret: row.parsed(0, "a secret id")?,
        version: row.parsed(1, "a secret version id")?,
        requested_at: row.time(2)?,
        step: row.text(3)?,
        attempts: row.int(4)?,
    })
}
