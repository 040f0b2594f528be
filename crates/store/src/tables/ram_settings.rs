//! What an account demands of its users: one row each, or none for the defaults.

use sesame_domain::AccountId;
use sesame_domain::ram::{PasswordPolicy, SecurityPreference};
use sqlx::any::AnyRow;

use crate::sql::{Columns as _, args};
use crate::{Change, Conn, StoreError, Tx};

/// What passwords must be.
///
/// # Errors
/// Those of the engine.
pub async fn password_policy(conn: &mut Conn<'_>, account: &AccountId) -> Result<PasswordPolicy, StoreError> {
    let sql = "SELECT minimum_length, require_lowercase, require_uppercase, require_numbers, require_symbols,
        hard_expiry, max_age_days, reuse_prevention, max_login_attempts
        FROM ram_password_policies WHERE account = $1";
    let Some(row) = conn.row(sql, args![account]).await? else { return Ok(PasswordPolicy::default()) };
    Ok(PasswordPolicy {
        minimum_length: number(&row, 0)?,
        require_lowercase: row.flag(1)?,
        require_uppercase: row.flag(2)?,
        require_numbers: row.flag(3)?,
        require_symbols: row.flag(4)?,
        hard_expiry: row.flag(5)?,
        max_age_days: number(&row, 6)?,
        reuse_prevention: number(&row, 7)?,
        max_login_attempts: number(&row, 8)?,
    })
}

/// Replaces what passwords must be.
///
/// # Errors
/// Those of the engine.
pub async fn set_password_policy(
    tx: &mut Tx<'_>,
    account: &AccountId,
    policy: &PasswordPolicy,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM ram_password_policies WHERE account = $1", args![account]).await?;
    let sql = "INSERT INTO ram_password_policies (account, minimum_length, require_lowercase, require_uppercase,
        require_numbers, require_symbols, hard_expiry, max_age_days, reuse_prevention, max_login_attempts)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let args = args![
        account,
        i64::from(policy.minimum_length),
        policy.require_lowercase,
        policy.require_uppercase,
        policy.require_numbers,
        policy.require_symbols,
        policy.hard_expiry,
        i64::from(policy.max_age_days),
        i64::from(policy.reuse_prevention),
        i64::from(policy.max_login_attempts)
    ];
    tx.execute(sql, args).await?;
    tx.touch(Change::Identities(account.clone()));
    Ok(())
}

/// What users may do about their own credentials.
///
/// # Errors
/// Those of the engine.
pub async fn security_preference(conn: &mut Conn<'_>, account: &AccountId) -> Result<SecurityPreference, StoreError> {
    let sql = "SELECT enable_save_mfa_ticket, allow_user_to_change_password, allow_user_to_manage_access_keys,
        allow_user_to_manage_mfa_devices, allow_user_to_manage_public_keys, login_session_hours, login_network_masks
        FROM ram_security_preferences WHERE account = $1";
    let Some(row) = conn.row(sql, args![account]).await? else { return Ok(SecurityPreference::default()) };
    Ok(SecurityPreference {
        enable_save_mfa_ticket: row.flag(0)?,
        allow_user_to_change_password: row.flag(1)?,
        allow_user_to_manage_access_keys: row.flag(2)?,
        allow_user_to_manage_mfa_devices: row.flag(3)?,
        allow_user_to_manage_public_keys: row.flag(4)?,
        login_session_hours: number(&row, 5)?,
        login_network_masks: row.text(6)?,
    })
}

/// Replaces what users may do about their own credentials.
///
/// # Errors
/// Those of the engine.
pub async fn set_security_preference(
    tx: &mut Tx<'_>,
    account: &AccountId,
    preference: &SecurityPreference,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM ram_security_preferences WHERE account = $1", args![account]).await?;
    let sql = "INSERT INTO ram_security_preferences (account, enable_save_mfa_ticket, allow_user_to_change_password,
        allow_user_to_manage_access_keys, allow_user_to_manage_mfa_devices, allow_user_to_manage_public_keys,
        login_session_hours, login_network_masks) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let args = args![
        account,
        preference.enable_save_mfa_ticket,
        preference.allow_user_to_change_password,
        preference.allow_user_to_manage_access_keys,
        preference.allow_user_to_manage_mfa_devices,
        preference.allow_user_to_manage_public_keys,
        i64::from(preference.login_session_hours),
        &preference.login_network_masks
    ];
    tx.execute(sql, args).await?;
    tx.touch(Change::Identities(account.clone()));
    Ok(())
}

fn number(row: &AnyRow, column: usize) -> Result<u32, StoreError> {
    u32::try_from(row.int(column)?).map_err(|_| StoreError::Corrupt("a setting of an account"))
}
