//! Records the rotations of managed secrets that are due, for the rotator to do.

use sesame_crypto::random::uuid_v4;
use sesame_domain::Timestamp;
use sesame_domain::secret::{SecretId, SecretRotation, SecretVersionId};
use sesame_store::{Tx, secret_rotations, secrets};

use crate::error::{KmsError, Result};
use crate::rotator::RotationTarget;
use crate::service::Service;

/// Secrets looked at in one step.
const BATCH: u32 = 100;

pub(crate) async fn run(service: &Service) -> Result<()> {
    let now = service.clock.now();
    loop {
        let due = secrets::due_for_rotation(&mut service.store.reader().await?, now, BATCH).await?;
        if due.is_empty() {
            return Ok(());
        }
        for id in due {
            one(service, id, now).await?;
        }
    }
}

/// Records the rotation, or that it is impossible because no rotator reaches the target.
async fn one(service: &Service, id: SecretId, now: Timestamp) -> Result<()> {
    let secret = secrets::get(&mut service.store.reader().await?, &id).await?;
    let Some(secret) = secret else { return Ok(()) };
    let rotator = RotationTarget::of(&secret).and_then(|target| service.rotator_of(&target).ok());
    if rotator.is_none() {
        tracing::warn!(
            event = "Secret:RotateSecret:Failure",
            account = %secret.account,
            secret = %secret.name,
            "a secret is due for rotation, and this server is not configured to reach what it opens"
        );
    }
    let possible = rotator.is_some();
    let version: SecretVersionId = uuid_v4(&*service.random)?.parse().map_err(KmsError::internal)?;
    service
        .store
        .write(move |tx| {
            let (id, version) = (id.clone(), version.clone());
            Box::pin(async move { record(tx, &id, &version, possible, now).await })
        })
        .await?;
    if let Some(rotator) = rotator {
        rotator.wake();
    }
    Ok(())
}

async fn record(
    tx: &mut Tx<'_>,
    id: &SecretId,
    version: &SecretVersionId,
    possible: bool,
    now: Timestamp,
) -> Result<()> {
    let Some(secret) = secrets::get(tx, id).await?.filter(|secret| secret.delete_at.is_none()) else { return Ok(()) };
    if possible {
        secret_rotations::request(tx, &secret, version, now).await?;
    } else {
        let rotation = secret.rotation.unwrap_or(SecretRotation::OFF).failed(now);
        secrets::set_rotation(tx, &secret, rotation, now).await?;
    }
    Ok(())
}
