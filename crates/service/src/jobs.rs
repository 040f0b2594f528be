//! Work that no request starts.

mod destroy_keys;
mod expire_material;
mod purge_secrets;
mod request_rotations;
mod retire_access_keys;
mod rotate_keys;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::service::Service;

/// Time between two rounds.
const ROUND: Duration = Duration::from_secs(5);
/// Rotations that begin within this time are recorded together.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);
/// How long recorded events wait until they can be queried.
const QUERIES: Duration = Duration::from_millis(500);

/// The running jobs; dropping it stops them between two steps, never inside a transaction.
#[derive(Debug)]
pub struct Jobs(Vec<JoinHandle<()>>);

impl Drop for Jobs {
    fn drop(&mut self) {
        for job in &self.0 {
            job.abort();
        }
    }
}

pub(crate) fn start(service: &Arc<Service>) -> Jobs {
    let service = Arc::clone(service);
    let (queries, uses, rotations) = (Arc::clone(&service), Arc::clone(&service), Arc::clone(&service));
    let rounds = tokio::spawn(async move {
        let mut rounds = tokio::time::interval(ROUND);
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            round(&service).await;
        }
    });
    let queries = tokio::spawn(async move {
        loop {
            tokio::time::sleep(QUERIES).await;
            copy_events(&queries).await;
        }
    });
    let uses = tokio::spawn(async move {
        loop {
            uses.uses.is_due().await;
            keep_uses(&uses).await;
        }
    });
    let rotations = tokio::spawn(async move {
        loop {
            let wait = rotations.rotation_pacer.wait(rotations.clock.now());
            let wait = wait.map_or(ROUND, |millis| Duration::from_millis(millis.unsigned_abs()));
            tokio::time::sleep(wait.clamp(SHORTEST_WAIT, ROUND)).await;
            request_rotations(&rotations).await;
        }
    });
    Jobs(vec![rounds, queries, uses, rotations])
}

async fn request_rotations(service: &Service) {
    if let Err(error) = request_rotations::run(service).await {
        tracing::error!(%error, cause = ?error.cause, "rotations of secrets could not be recorded; trying again");
    }
}

/// Copies recorded events to where they can be queried.
async fn copy_events(service: &Service) {
    if let Err(error) = service.audit.index.catch_up(&service.store, service.clock.now()).await {
        tracing::error!(%error, cause = ?error.cause, "audit events could not be made ready for queries; trying again");
    }
}

/// Adds counted uses of keys to the database, and when access keys last signed.
pub(crate) async fn keep_uses(service: &Service) {
    if let Err(error) = service.last_used().flush(&service.store).await {
        tracing::error!(%error, cause = ?error.cause, "last uses of access keys could not be kept in the database; trying again");
    }
    if let Err(error) = service.uses.flush(&service.store).await {
        tracing::error!(%error, cause = ?error.cause, "uses of keys could not be counted in the database; trying again");
    }
}

/// One round of every job.
pub(crate) async fn round(service: &Service) {
    service.purge_nonces();
    if let Err(error) = destroy_keys::run(service).await {
        tracing::error!(%error, cause = ?error.cause, "keys whose deletion window has ended could not be destroyed; trying again");
    }
    if let Err(error) = purge_secrets::run(service).await {
        tracing::error!(%error, cause = ?error.cause, "secrets whose recovery window has ended could not be removed; trying again");
    }
    if let Err(error) = request_rotations::count(service).await {
        tracing::error!(%error, cause = ?error.cause, "rotations that are due could not be counted; trying again");
    }
    if let Err(error) = retire_access_keys::run(service).await {
        tracing::error!(%error, cause = ?error.cause, "replaced access keys of users could not be removed; trying again");
    }
    request_rotations(service).await;
    if let Err(error) = rotate_keys::run(service).await {
        tracing::error!(%error, cause = ?error.cause, "keys could not be rotated; trying again");
    }
    if let Err(error) = expire_material::run(service).await {
        tracing::error!(%error, cause = ?error.cause, "expired key material could not be erased; trying again");
    }
    keep_uses(service).await;
    copy_events(service).await;
    if let Err(error) = service.audit.index.remove_old(&service.store, service.clock.now()).await {
        tracing::error!(%error, cause = ?error.cause, "old audit events could not be removed; trying again");
    }
}
