//! Removes secrets whose recovery window has ended, with everything that belongs to them.

use sesame_domain::Timestamp;
use sesame_domain::secret::{Secret, SecretId};
use sesame_store::{StoreError, Tx, secrets};

use crate::audit::{ServerAction, ServerEvent};
use crate::error::Result;
use crate::service::Service;

/// Secrets looked at in one step.
const BATCH: u32 = 100;

pub(crate) async fn run(service: &Service) -> Result<()> {
    let now = service.clock.now();
    loop {
        let due = secrets::due_for_purge(&mut service.store.reader().await?, now, BATCH).await?;
        if due.is_empty() {
            return Ok(());
        }
        for id in due {
            service.audit.ready()?;
            let removed = service.store.write(move |tx| {
                let id = id.clone();
                Box::pin(async move { purge(tx, &id, now).await })
            });
            if let Some(secret) = removed.await? {
                let (action, resource) = (ServerAction::DeleteSecret, secret.name.as_str());
                service.record(&ServerEvent { action, account: &secret.account, resource }).await?;
            }
        }
    }
}

/// Another node may have removed the secret, or its deletion may have been taken back.
async fn purge(tx: &mut Tx<'_>, id: &SecretId, now: Timestamp) -> std::result::Result<Option<Secret>, StoreError> {
    match secrets::get(tx, id).await? {
        Some(secret) if secret.delete_at.is_some_and(|at| at <= now) => {
            secrets::remove(tx, &secret).await?;
            Ok(Some(secret))
        }
        _ => Ok(None),
    }
}
