//! Destroys keys whose deletion window has ended: versions and their material, aliases and tags with them.

use sesame_store::{StoreError, keys};

use crate::audit::{ServerAction, ServerEvent};
use crate::error::Result;
use crate::service::Service;

/// Keys looked at in one step.
const BATCH: u32 = 100;

pub(crate) async fn run(service: &Service) -> Result<()> {
    let now = service.clock.now();
    loop {
        let due = keys::due_for_deletion(&mut service.store.reader().await?, now, BATCH).await?;
        if due.is_empty() {
            return Ok(());
        }
        for id in due {
            // What cannot be recorded is not done.
            service.audit.ready()?;
            let destroyed = {
                let id = id.clone();
                service.store.write(move |tx| {
                    let id = id.clone();
                    Box::pin(async move { keys::destroy(tx, &id, now).await })
                })
            };
            match destroyed.await {
                Ok(account) => {
                    service.metrics.destroyed_keys.inc();
                    let (action, resource) = (ServerAction::DeleteKey, id.as_str());
                    service.record(&ServerEvent { action, account: &account, resource }).await?;
                }
                // Another node destroyed it, or its deletion was cancelled.
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
