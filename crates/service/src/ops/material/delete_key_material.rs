//! `DeleteKeyMaterial`: erases imported material; the key stays.

use sesame_derive::Params;
use sesame_domain::KeyRef;
use sesame_store::keys;

use super::{erase, is_external};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, Target};

pub(crate) struct DeleteKeyMaterial;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of a key with the origin EXTERNAL.
    key_id: KeyRef,
}

impl Operation for DeleteKeyMaterial {
    const NAME: &'static str = "DeleteKeyMaterial";
    const SUMMARY: &'static str = "Erases imported key material; the key waits for the same material again.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::KeyById(&request.key_id)]
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        is_external(on)
    }

    async fn run(cx: &Context<'_>, on: Granted, _: Request) -> Result<Empty> {
        let id = on.key()?.key.id.clone();
        cx.store()
            .write(move |tx| {
                let id = id.clone();
                Box::pin(async move {
                    let key = keys::get(tx, &id).await?.ok_or(Code::KeyNotFound)?;
                    erase(tx, &key).await?;
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Empty {})
    }
}
