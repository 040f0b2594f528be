//! A trail with keys that everybody knows.

use std::path::Path;
use std::sync::Arc;

use sesame_audit::{AuditLog, Disk, Durability, Files, Options};
use sesame_crypto::{CryptoError, Ed25519, SecretBytes};
use sesame_domain::Clock;

use super::{AuditOptions, Queried};

/// A trail in a folder of a test.
///
/// # Errors
/// Those of the file system.
pub fn options(folder: &Path, clock: &Arc<dyn Clock>) -> std::io::Result<AuditOptions> {
    with_files(folder, clock, Arc::new(Disk))
}

/// As [`options`], with files that may fail.
///
/// # Errors
/// Those of the file system.
pub fn with_files(folder: &Path, clock: &Arc<dyn Clock>, files: Arc<dyn Files>) -> std::io::Result<AuditOptions> {
    let key = || SecretBytes::new(vec![7; 32]);
    let signer = Ed25519::from_seed(&key()).map_err(|error: CryptoError| std::io::Error::other(error))?;
    let log = AuditLog::open(Options {
        folder: folder.to_owned(),
        fresh_id: folder.display().to_string(),
        node: "test".into(),
        durability: Durability::Process,
        file_bytes: 64 << 20,
        retention_days: 0,
        signer,
        round: sesame_audit::ROUND,
        files,
        clock: Arc::clone(clock),
    })?;
    Ok(AuditOptions { log, mask_key: key(), hash_secrets: false, queried: Queried::Management, query_days: 90 })
}
