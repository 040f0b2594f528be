//! Erases imported material that has expired, and forgets import tokens that have.

use sesame_domain::{KeyId, Timestamp};
use sesame_store::{StoreError, import_tokens, keys};

use crate::audit::{ServerAction, ServerEvent};
use crate::error::{KmsError, Result};
use crate::ops::material::erase;
use crate::service::Service;

/// Keys looked at in one step.
const BATCH: u32 = 100;

pub(crate) async fn run(service: &Service) -> Result<()> {
    let now = service.clock.now();
    forget_tokens(service, now).await?;
    loop {
        let due = keys::due_for_expiry(&mut service.store.reader().await?, now, BATCH).await?;
        if due.is_empty() {
            return Ok(());
        }
        for id in due {
            expire(service, id, now).await?;
        }
    }
}

async fn expire(service: &Service, id: KeyId, now: Timestamp) -> Result<()> {
    service.audit.ready()?;
    let expired = service.store.write(move |tx| {
        let id = id.clone();
        Box::pin(async move {
            match keys::get(tx, &id).await? {
                Some(key) if key.material_expires_at.is_some_and(|at| at <= now) => {
                    erase(tx, &key).await?;
                    Ok::<_, KmsError>(Some(key))
                }
                // Another node was first, or the material was imported again.
                _ => Ok(None),
            }
        })
    });
    if let Some(key) = expired.await? {
        service.metrics.expired_materials.inc();
        let (action, resource) = (ServerAction::DeleteKeyMaterial, key.id.as_str());
        service.record(&ServerEvent { action, account: &key.account, resource }).await?;
    }
    Ok(())
}

async fn forget_tokens(service: &Service, now: Timestamp) -> Result<()> {
    if import_tokens::any_expired(&mut service.store.reader().await?, now).await? {
        let forgotten = service
            .store
            .write::<_, StoreError, _>(move |tx| Box::pin(async move { import_tokens::delete_expired(tx, now).await }));
        forgotten.await?;
    }
    Ok(())
}
