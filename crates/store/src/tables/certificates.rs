//! Certificates with their sealed private keys.

use sesame_crypto::secret::SecretBytes;
use sesame_domain::certificate::{Certificate, CertificateStatus};
use sesame_domain::tag::ResourceType;
use sesame_domain::{AccountId, Timestamp};

use crate::barrier::Place;
use crate::sql::{Columns as _, args};
use crate::tables::tags;
use crate::{Conn, StoreError, Tx};

/// Adds a certificate.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when the id is taken.
pub async fn insert(tx: &mut Tx<'_>, certificate: &Certificate, private_key: &SecretBytes) -> Result<(), StoreError> {
    let Certificate { id, account, spec, status, subject, exportable, public_key, csr, chain, .. } = certificate;
    // EXPOSE: the barrier seals it.
    let sealed = tx.barrier.seal(place(id, account), private_key.expose())?;
    let sql = "INSERT INTO certificates (id, account, spec, status, subject, alternative_names, exportable, public_key,
        private_key, csr, certificate, chain, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING";
    let args = args![
        id,
        account,
        spec.name(),
        status.name(),
        subject,
        // A domain name has no space in it.
        certificate.alternative_names.join(" "),
        *exportable,
        public_key.clone(),
        sealed,
        csr,
        &certificate.certificate,
        chain,
        certificate.created_at,
        certificate.updated_at,
    ];
    if tx.execute(sql, args).await? == 0 { Err(StoreError::AlreadyExists) } else { Ok(()) }
}

/// A certificate, of whatever account.
///
/// # Errors
/// [`StoreError::Corrupt`] when a column holds what this version does not know.
pub async fn get(conn: &mut Conn<'_>, id: &str) -> Result<Option<Certificate>, StoreError> {
    let sql = "SELECT id, account, spec, status, subject, alternative_names, exportable, public_key, csr, certificate,
        chain, created_at, updated_at FROM certificates WHERE id = $1";
    let Some(row) = conn.row(sql, args![id]).await? else { return Ok(None) };
    Ok(Some(Certificate {
        id: row.text(0)?,
        account: row.parsed(1, "the account of a certificate")?,
        spec: row.parsed(2, "the key spec of a certificate")?,
        status: row.parsed(3, "the status of a certificate")?,
        subject: row.text(4)?,
        alternative_names: row.text(5)?.split_whitespace().map(str::to_owned).collect(),
        exportable: row.flag(6)?,
        public_key: row.blob(7)?,
        csr: row.text(8)?,
        certificate: row.text(9)?,
        chain: row.text(10)?,
        created_at: row.time(11)?,
        updated_at: row.time(12)?,
    }))
}

/// The private key of a certificate.
///
/// # Errors
/// [`StoreError::Corrupt`] when it does not open in its place.
pub async fn private_key(conn: &mut Conn<'_>, id: &str) -> Result<Option<SecretBytes>, StoreError> {
    let row = conn.row("SELECT account, private_key FROM certificates WHERE id = $1", args![id]).await?;
    let Some(row) = row else { return Ok(None) };
    let account = row.parsed(0, "the account of a certificate")?;
    conn.unseal(place(id, &account), &row.blob(1)?).await.map(Some)
}

/// How many certificates an account has.
///
/// # Errors
/// Those of the engine.
pub async fn count(conn: &mut Conn<'_>, account: &AccountId) -> Result<i64, StoreError> {
    conn.one("SELECT count(*) FROM certificates WHERE account = $1", args![account]).await?.int(0)
}

/// Moves a certificate from one status to another.
///
/// # Errors
/// [`StoreError::Conflict`] when it has another status, or is gone.
pub async fn set_status(
    tx: &mut Tx<'_>,
    id: &str,
    from: CertificateStatus,
    to: CertificateStatus,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE certificates SET status = $3, updated_at = $4 WHERE id = $1 AND status = $2";
    tx.change_one(sql, args![id, from.name(), to.name(), now]).await
}

/// Replaces the certificate and what stands above it.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such certificate.
pub async fn set_certificate(
    tx: &mut Tx<'_>,
    id: &str,
    certificate: &str,
    chain: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE certificates SET certificate = $2, chain = $3, updated_at = $4 WHERE id = $1";
    tx.change_one(sql, args![id, certificate, chain, now]).await
}

/// Removes a certificate with its private key and its tags.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such certificate.
pub async fn delete(tx: &mut Tx<'_>, account: &AccountId, id: &str) -> Result<(), StoreError> {
    tags::remove_all(tx, account, ResourceType::Certificate, &[id]).await?;
    tx.change_one("DELETE FROM certificates WHERE id = $1 AND account = $2", args![id, account]).await
}

fn place<'a>(id: &'a str, account: &'a AccountId) -> Place<'a> {
    Place { table: "certificates", row: id, extra: account.as_str(), column: "private_key" }
}
