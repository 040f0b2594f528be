//! `CancelKeyDeletion`: keeps a key whose deletion is pending.

use sesame_derive::Params;
use sesame_domain::{KeyRef, KeyState, Origin};
use sesame_store::{key_versions, keys};

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::ops::key_for_write;

pub(crate) struct CancelKeyDeletion;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the key.
    key_id: KeyRef,
}

impl Operation for CancelKeyDeletion {
    const NAME: &'static str = "CancelKeyDeletion";
    const SUMMARY: &'static str = "Keeps a key whose deletion is pending; it is enabled afterwards.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::KeyById(&request.key_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, _: Request) -> Result<Empty> {
        let id = on.key()?.key.id.clone();
        cx.store()
            .write(move |tx| {
                let id = id.clone();
                Box::pin(async move {
                    let key = key_for_write(tx, &id, Self::NAME).await?;
                    // A key for imported material goes back to waiting for it when it has none.
                    let has_material = key.origin == Origin::AliyunKms
                        || key_versions::get(tx, &key.primary_version)
                            .await?
                            .is_some_and(|(_, material)| !material.is_empty());
                    let to = if has_material { KeyState::Enabled } else { KeyState::PendingImport };
                    keys::set_state(tx, &id, key.state, to, None).await?;
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Empty {})
    }
}
