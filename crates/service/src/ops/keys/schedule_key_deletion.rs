//! `ScheduleKeyDeletion`: has a key destroyed at the end of a window.

use sesame_derive::Params;
use sesame_domain::{KeyRef, KeyState, limits};
use sesame_store::keys;

use super::tell_recent_use;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::ops::key_for_write;

pub(crate) struct ScheduleKeyDeletion;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the key.
    key_id: KeyRef,
    /// Days until the key is destroyed: 7 to 366.
    pending_window_in_days: u32,
}

impl Operation for ScheduleKeyDeletion {
    const NAME: &'static str = "ScheduleKeyDeletion";
    const SUMMARY: &'static str = "Has a key destroyed at the end of a window, in which the deletion can be cancelled.";
    type Request = Request;
    type Response = Empty;

    fn validate(request: &Request) -> Result<()> {
        if limits::DELETION_WINDOW_DAYS.contains(&request.pending_window_in_days) {
            return Ok(());
        }
        Err(KmsError::invalid("PendingWindowInDays", "it must be 7 to 366"))
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::KeyById(&request.key_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Empty> {
        let id = on.key()?.key.id.clone();
        tell_recent_use(cx, &id).await?;
        let delete_at = cx.now().plus_seconds(i64::from(request.pending_window_in_days) * 86_400);
        cx.store()
            .write(move |tx| {
                let id = id.clone();
                Box::pin(async move {
                    let key = key_for_write(tx, &id, Self::NAME).await?;
                    if key.deletion_protection {
                        return Err(KmsError::new(
                            Code::RejectedUnsupportedOperation,
                            "The key has deletion protection; turn it off with SetDeletionProtection first.",
                        ));
                    }
                    keys::set_state(tx, &id, key.state, KeyState::PendingDeletion, Some(delete_at)).await?;
                    Ok(())
                })
            })
            .await?;
        Ok(Empty {})
    }
}
