//! `UpdateKeyDescription`: replaces a key's description.

use sesame_derive::Params;
use sesame_domain::{KeyRef, limits};
use sesame_store::keys;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::ops::key_for_write;
use crate::values::Text;

pub(crate) struct UpdateKeyDescription;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the key.
    key_id: KeyRef,
    /// The new description, up to 8,192 characters; an empty one clears it.
    #[param(given)]
    description: Text<{ limits::DESCRIPTION_CHARS }>,
}

impl Operation for UpdateKeyDescription {
    const NAME: &'static str = "UpdateKeyDescription";
    const SUMMARY: &'static str = "Replaces the description of a key.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::KeyById(&request.key_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Empty> {
        let (id, description) = (on.key()?.key.id.clone(), request.description.0);
        cx.store()
            .write(move |tx| {
                let (id, description) = (id.clone(), description.clone());
                Box::pin(async move {
                    key_for_write(tx, &id, Self::NAME).await?;
                    keys::set_description(tx, &id, &description).await?;
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Empty {})
    }
}
