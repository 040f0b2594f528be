//! Keys and their states.

mod cancel_key_deletion;
mod create_key;
mod describe_key;
mod disable_key;
mod enable_key;
mod filters;
mod list_keys;
mod metadata;
mod schedule_key_deletion;
mod set_deletion_protection;
mod update_key_description;

pub(crate) use cancel_key_deletion::CancelKeyDeletion;
pub(crate) use create_key::CreateKey;
pub(crate) use describe_key::DescribeKey;
pub(crate) use disable_key::DisableKey;
pub(crate) use enable_key::EnableKey;
pub(crate) use list_keys::ListKeys;
pub(crate) use schedule_key_deletion::ScheduleKeyDeletion;
pub(crate) use set_deletion_protection::SetDeletionProtection;
pub(crate) use update_key_description::UpdateKeyDescription;

use sesame_domain::{KeyId, KeyState};
use sesame_store::keys;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::ops::key_for_write;

/// Says in the event of the call, and in the metrics, when a key that is taken out of use was used lately.
async fn tell_recent_use(cx: &Context<'_>, key: &KeyId) -> Result<()> {
    if let Some(last) = cx.service.uses.recent(cx.store(), key, cx.now()).await? {
        cx.service.metrics.stopped_in_use(cx.operation);
        cx.remark(serde_json::json!({"KeyLastUsed": {
            "Time": last.last_at.to_string(), "Operation": last.operation, "By": last.last_by, "Uses": last.uses,
        }}));
    }
    Ok(())
}

/// Moves the granted key to another state, whatever allowed state it has now.
async fn move_to(cx: &Context<'_>, operation: &'static str, on: &Granted, to: KeyState) -> Result<()> {
    let id = on.key()?.key.id.clone();
    cx.store()
        .write(move |tx| {
            let id = id.clone();
            Box::pin(async move {
                let key = key_for_write(tx, &id, operation).await?;
                if key.state != to {
                    keys::set_state(tx, &id, key.state, to, None).await?;
                }
                Ok(())
            })
        })
        .await
}
