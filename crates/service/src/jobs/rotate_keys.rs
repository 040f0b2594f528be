//! Rotates keys whose rotation interval has passed.
//!
//! Whether a rotation is due is decided in the transaction that makes the version, so several nodes, or a node that
//! was stopped half-way, rotate once. A clock that jumps ahead rotates once, too, however many intervals it skipped.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sesame_domain::{KeyId, Timestamp};
use sesame_store::{StoreError, keys};

use crate::audit::{ServerAction, ServerEvent};
use crate::error::Result;
use crate::rotation::{self, CLOCK_TOLERANCE_SECONDS};
use crate::service::Service;

/// Keys looked at in one step.
const BATCH: u32 = 100;

pub(crate) async fn run(service: &Service) -> Result<()> {
    let now = service.clock.now();
    pull_back(service, now).await?;
    loop {
        let due = keys::due_for_rotation(&mut service.store.reader().await?, now, BATCH).await?;
        let full = due.len() == BATCH as usize;
        let mut rotated = 0_usize;
        for id in due {
            rotated += usize::from(rotate(service, &id, now).await?);
        }
        // What is listed but not rotated comes again in the next round, so a batch without any is the end of this one.
        if !full || rotated == 0 {
            return Ok(());
        }
    }
}

async fn rotate(service: &Service, id: &KeyId, now: Timestamp) -> Result<bool> {
    let Some(key) = keys::get(&mut service.store.reader().await?, id).await? else { return Ok(false) };
    service.audit.ready()?;
    let fresh = Arc::new(rotation::fresh_version(service, &key, now).await?);
    let rotated = service.store.write(move |tx| {
        let fresh = Arc::clone(&fresh);
        Box::pin(async move { rotation::rotate_if_due(tx, &fresh, now).await })
    });
    let rotated = rotated.await?;
    if rotated {
        service.metrics.rotated_keys.inc();
        let (action, resource) = (ServerAction::RotateKey, id.as_str());
        service.record(&ServerEvent { action, account: &key.account, resource }).await?;
    }
    Ok(rotated)
}

/// A key that was rotated while a clock was far ahead would wait for that far time to come. After a step back, and
/// when a node starts, such a rotation counts as made now.
async fn pull_back(service: &Service, now: Timestamp) -> Result<()> {
    let before = service.rotations_seen_at.load(Ordering::Relaxed);
    if now.millis() >= before {
        service.rotations_seen_at.store(now.millis(), Ordering::Relaxed);
        return Ok(());
    }
    let latest = now.plus_seconds(CLOCK_TOLERANCE_SECONDS);
    let write = service
        .store
        .write::<_, StoreError, _>(move |tx| Box::pin(async move { keys::pull_back_rotations(tx, latest, now).await }));
    let moved = write.await?;
    if moved > 0 {
        tracing::warn!(
            keys = moved,
            "rotations dated more than a day ahead now count as made now; was the clock wrong?"
        );
    }
    // Only now: when the write fails, the next round tries again.
    service.rotations_seen_at.store(now.millis(), Ordering::Relaxed);
    Ok(())
}
