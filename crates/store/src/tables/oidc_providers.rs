//! OIDC providers.

use sesame_domain::AccountId;
use sesame_domain::ram::{OidcProvider, OidcProviderName};
use sqlx::any::AnyRow;

use crate::sql::{Columns as _, args};
use crate::{Change, Conn, StoreError, Tx};

/// Between the client ids and between the fingerprints of a row; neither has it.
const SEPARATOR: &str = ",";

/// Adds a provider.
///
/// # Errors
/// [`StoreError::AlreadyExists`] when the account has one of this name, or one of this issuer.
pub async fn insert(tx: &mut Tx<'_>, provider: &OidcProvider) -> Result<(), StoreError> {
    let sql = "INSERT INTO oidc_providers (account, name, description, issuer_url, client_ids, fingerprints,
            issuance_limit_hours, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
    let args = args![
        &provider.account,
        &provider.name,
        &provider.description,
        &provider.issuer_url,
        provider.client_ids.join(SEPARATOR),
        provider.fingerprints.join(SEPARATOR),
        i64::from(provider.issuance_limit_hours),
        provider.created_at,
        provider.updated_at
    ];
    if tx.execute(sql, args).await? == 0 {
        return Err(StoreError::AlreadyExists);
    }
    touch(tx, &provider.account);
    Ok(())
}

/// The provider of a name.
///
/// # Errors
/// [`StoreError::Corrupt`] when it cannot be read.
pub async fn by_name(
    conn: &mut Conn<'_>,
    account: &AccountId,
    name: &OidcProviderName,
) -> Result<Option<OidcProvider>, StoreError> {
    let sql =
        "SELECT account, name, description, issuer_url, client_ids, fingerprints, issuance_limit_hours, created_at,
            updated_at FROM oidc_providers WHERE account = $1 AND name = $2";
    conn.row(sql, args![account, name]).await?.map(|row| provider(&row)).transpose()
}

/// How many providers an account has.
///
/// # Errors
/// Those of the engine.
pub async fn count(conn: &mut Conn<'_>, account: &AccountId) -> Result<i64, StoreError> {
    conn.one("SELECT count(*) FROM oidc_providers WHERE account = $1", args![account]).await?.int(0)
}

/// Providers by name, from after a name.
///
/// # Errors
/// [`StoreError::Corrupt`] when one cannot be read.
pub async fn page(
    conn: &mut Conn<'_>,
    account: &AccountId,
    after: Option<&OidcProviderName>,
    limit: u32,
) -> Result<Vec<OidcProvider>, StoreError> {
    let sql =
        "SELECT account, name, description, issuer_url, client_ids, fingerprints, issuance_limit_hours, created_at,
            updated_at FROM oidc_providers WHERE account = $1 AND name > $2 ORDER BY name LIMIT $3";
    conn.rows(sql, args![account, after.map_or("", OidcProviderName::as_str), i64::from(limit)])
        .await?
        .iter()
        .map(provider)
        .collect()
}

/// Writes what can change of a provider: all but its name, its issuer and when it was made.
///
/// # Errors
/// [`StoreError::Conflict`] when there is no such provider.
pub async fn update(tx: &mut Tx<'_>, provider: &OidcProvider) -> Result<(), StoreError> {
    let sql = "UPDATE oidc_providers SET description = $3, client_ids = $4, fingerprints = $5,
            issuance_limit_hours = $6, updated_at = $7 WHERE account = $1 AND name = $2";
    let args = args![
        &provider.account,
        &provider.name,
        &provider.description,
        provider.client_ids.join(SEPARATOR),
        provider.fingerprints.join(SEPARATOR),
        i64::from(provider.issuance_limit_hours),
        provider.updated_at
    ];
    tx.change_one(sql, args).await?;
    touch(tx, &provider.account);
    Ok(())
}

/// Removes a provider; whether there was one.
///
/// # Errors
/// Those of the engine.
pub async fn delete(tx: &mut Tx<'_>, account: &AccountId, name: &OidcProviderName) -> Result<bool, StoreError> {
    let sql = "DELETE FROM oidc_providers WHERE account = $1 AND name = $2";
    let deleted = tx.execute(sql, args![account, name]).await? > 0;
    if deleted {
        touch(tx, account);
    }
    Ok(deleted)
}

fn touch(tx: &mut Tx<'_>, account: &AccountId) {
    tx.touch(Change::Identities(account.clone()));
}

fn provider(row: &AnyRow) -> Result<OidcProvider, StoreError> {
    Ok(OidcProvider {
        account: row.parsed(0, "the account of an OIDC provider")?,
        name: row.parsed(1, "the name of an OIDC provider")?,
        description: row.text(2)?,
        issuer_url: row.text(3)?,
        client_ids: list(&row.text(4)?),
        fingerprints: list(&row.text(5)?),
        issuance_limit_hours: u32::try_from(row.int(6)?)
            .map_err(|_| StoreError::Corrupt("the oldest token that an OIDC provider may bring"))?,
        created_at: row.time(7)?,
        updated_at: row.time(8)?,
    })
}

fn list(text: &str) -> Vec<String> {
    text.split(SEPARATOR).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
