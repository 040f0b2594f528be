//! Removes access keys of users that a rotation has replaced, once every application has had time to fetch the new one.

use std::sync::Arc;

use sesame_domain::Timestamp;
use sesame_domain::secret::{ManagedConfig, Secret, SecretId, StageLabel};
use sesame_store::{Tx, ram_access_keys, ram_users, secrets};

use crate::audit::{ServerAction, ServerEvent};
use crate::connector::Login;
use crate::error::{KmsError, Result};
use crate::rotations;
use crate::service::Service;

/// How long an access key works beside its successor: two days (secrets reference, 6.3).
const OVERLAP_SECONDS: i64 = 172_800;
/// Secrets looked at in one round.
const BATCH: u32 = 100;

pub(crate) async fn run(service: &Service) -> Result<()> {
    let before = service.clock.now().plus_seconds(-OVERLAP_SECONDS);
    for id in secrets::with_replaced_access_key(&mut service.store.reader().await?, before, BATCH).await? {
        service.audit.ready()?;
        let (secret, replaced) = match held(service, &id).await {
            Ok(Some(held)) => held,
            Ok(None) => continue,
            // One that cannot be read keeps no other one from its end.
            Err(error) => {
                tracing::error!(%error, cause = ?error.cause, "a replaced access key cannot be read; trying again");
                continue;
            }
        };
        let key = Arc::new(replaced.name);
        let name = Arc::clone(&key);
        let now = service.clock.now();
        let removed = service.store.write(move |tx| {
            let (id, key) = (id.clone(), Arc::clone(&name));
            Box::pin(async move { remove(tx, &id, &key, before, now).await })
        });
        if removed.await? {
            let (action, resource) = (ServerAction::DeleteAccessKey, key.as_str());
            service.record(&ServerEvent { action, account: &secret.account, resource }).await?;
        }
    }
    Ok(())
}

/// The secret, and the access key that its previous version holds. None when its key cannot be used now.
async fn held(service: &Service, id: &SecretId) -> Result<Option<(Secret, Login)>> {
    let Some(secret) = secrets::get(&mut service.store.reader().await?, id).await? else { return Ok(None) };
    let value = rotations::previous_value(service, &secret).await?;
    Ok(value.as_ref().and_then(Login::parse).map(|login| (secret, login)))
}

/// The secret may have been rotated once more meanwhile.
async fn remove(tx: &mut Tx<'_>, id: &SecretId, key: &str, before: Timestamp, now: Timestamp) -> Result<bool> {
    let Some(secret) = secrets::get(tx, id).await? else { return Ok(false) };
    let mut versions = secrets::versions(tx, id).await?;
    let rotated = secret.rotation.and_then(|rotation| rotation.last);
    if rotated.is_none_or(|at| at > before) || versions.marked(&StageLabel::previous()).is_none() {
        return Ok(false);
    }
    let config = ManagedConfig::parse(secret.kind, &secret.extended_config).map_err(KmsError::internal)?;
    if let Ok(name) = config.target().parse()
        && let Some(user) = ram_users::by_name(tx, &secret.account, &name).await?
    {
        ram_access_keys::delete(tx, &user.id, key).await?;
    }
    let gone = versions.retire_previous();
    secrets::remove_versions(tx, &secret, &versions, &gone, now).await?;
    Ok(true)
}
