//! New versions of keys, and when an automatic rotation is due.
//!
//! A rotation is due when the last one is an interval ago *and* no version was made in the last interval, as the clock
//! of this node sees it. The second condition matters only after a clock was wrong: see [`crate::jobs`].

use sesame_crypto::material::UnlockedKey;
use sesame_crypto::random::alphanumeric;
use sesame_crypto::secret::SecretBytes;
use sesame_domain::{AccountId, Key, KeyState, KeyVersion, KeyVersionId, Timestamp};
use sesame_store::keys::NewVersion;
use sesame_store::{Tx, key_versions, keys};

use crate::error::{Code, KmsError, Result};
use crate::service::Service;
use crate::workers::Work;

/// A time that is further ahead than this was written while a clock was wrong; clocks of nodes may differ by less.
pub(crate) const CLOCK_TOLERANCE_SECONDS: i64 = 86_400;

/// A version that is not stored yet.
#[derive(Debug)]
pub(crate) struct FreshVersion {
    pub(crate) version: KeyVersion,
    pub(crate) material: SecretBytes,
}

/// Makes a version for a key, with material of its spec.
pub(crate) async fn fresh_version(service: &Service, key: &Key, now: Timestamp) -> Result<FreshVersion> {
    let random = &*service.random;
    let id = KeyVersionId::new(&key.id, &alphanumeric(random, 10)?).map_err(KmsError::internal)?;
    let (spec, random) = (key.spec, std::sync::Arc::clone(&service.random));
    let generate = move || UnlockedKey::generate(spec, &*random);
    let (_, material) = service.workers.run(Work::Generation, spec, generate).await??;
    Ok(FreshVersion { version: KeyVersion { id, key: key.id.clone(), created_at: now }, material })
}

/// Refuses a version beyond the account's quota. Automatic rotation does not ask: nobody would see the refusal.
pub(crate) async fn within_quota(tx: &mut Tx<'_>, account: &AccountId, quota: u64) -> Result<()> {
    if quota != 0 && key_versions::count_of_account(tx, account, quota).await? >= quota {
        let message = format!("The keys of the account have {quota} versions together, as many as they may have.");
        return Err(KmsError::new(Code::LimitExceeded, message));
    }
    Ok(())
}

/// Makes the fresh version the primary one, if the transaction finds its key due for rotation. Of several nodes that
/// try at the same time, one finds it so.
pub(crate) async fn rotate_if_due(tx: &mut Tx<'_>, fresh: &FreshVersion, now: Timestamp) -> Result<bool> {
    let id = &fresh.version.key;
    let Some(key) = keys::get(tx, id).await? else { return Ok(false) };
    let (Some(interval), KeyState::Enabled) = (key.rotation_interval, key.state) else { return Ok(false) };
    let one_interval_ago = now.plus_seconds(-interval.seconds());
    if key.last_rotated_at > one_interval_ago || key_versions::any_made(tx, id, one_interval_ago, now).await? {
        return Ok(false);
    }
    let new = NewVersion { version: fresh.version.clone(), material: &fresh.material };
    key_versions::insert(tx, &new, true).await?;
    Ok(true)
}
