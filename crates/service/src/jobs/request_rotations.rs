//! Records the rotations of managed secrets that are due, for the rotator to do, at the pace that is set.

use sesame_crypto::random::uuid_v4;
use sesame_domain::Timestamp;
use sesame_domain::secret::{SecretId, SecretRotation, SecretVersionId};
use sesame_store::{Tx, secret_rotations, secrets};

use crate::error::{KmsError, Result};
use crate::rotator::{FailureReason, RotationEvent, RotationFailure, RotationOutcome, RotationTarget};
use crate::service::Service;

/// Looks how many rotations are due.
pub(crate) async fn count(service: &Service) -> Result<()> {
    let (pacer, now) = (&service.rotation_pacer, service.clock.now());
    let mut conn = service.store.reader().await?;
    let (due, late) = secrets::count_due_for_rotation(&mut conn, now, pacer.pace.late_before(now)).await?;
    pacer.counted(due);
    service.metrics.rotations(due, late, secret_rotations::count(&mut conn).await?);
    Ok(())
}

/// Records as many as begin now. What cannot be done now stays where it is, so that what is recorded is done at once:
/// the rotations that somebody has asked for, and the second attempts.
pub(crate) async fn run(service: &Service) -> Result<()> {
    let now = service.clock.now();
    let admitted = service.rotation_pacer.admit(now);
    if admitted == 0 || service.rotator.get().is_some_and(|rotator| !rotator.has_room()) {
        return Ok(());
    }
    let mut conn = service.store.reader().await?;
    if secret_rotations::waiting(&mut conn, now, i64::MAX).await? {
        return Ok(());
    }
    let due = secrets::due_for_rotation(&mut conn, now, admitted).await?;
    drop(conn);
    if due.is_empty() {
        service.rotation_pacer.counted(0);
    }
    for id in due {
        one(service, id, now).await?;
    }
    Ok(())
}

/// Records the rotation, or that it is impossible because no rotator reaches the target.
async fn one(service: &Service, id: SecretId, now: Timestamp) -> Result<()> {
    let secret = secrets::get(&mut service.store.reader().await?, &id).await?;
    let Some(secret) = secret else { return Ok(()) };
    let rotator = RotationTarget::of(&secret).and_then(|target| service.rotator_of(&target).ok());
    if rotator.is_none() {
        let unreachable = RotationTarget::of(&secret).map(|target| target.unreachable().message.into_owned());
        let message = unreachable.unwrap_or_else(|| "the extended configuration cannot be read".to_owned());
        let failure = RotationFailure::new(FailureReason::NotConfigured, message);
        let outcome = RotationOutcome::Failed { failure: &failure, attempt: 1, given_up: true };
        service.rotation_ended(&RotationEvent { secret: &secret, version: None, at: now, outcome }).await;
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
