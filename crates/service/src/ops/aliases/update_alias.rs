//! `UpdateAlias`: moves an alias to another key.

use sesame_derive::Params;
use sesame_domain::{AliasName, KeyRef};
use sesame_store::{StoreError, aliases};

use super::{not_reserved, own_key};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::ops::key_for_write;

pub(crate) struct UpdateAlias;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The alias, with its `alias/` prefix.
    alias_name: AliasName,
    /// The id of the key that the alias shall stand for.
    key_id: KeyRef,
}

impl Operation for UpdateAlias {
    const NAME: &'static str = "UpdateAlias";
    const SUMMARY: &'static str = "Moves an alias to another key.";
    const SUPPLIES_KEY_TAGS: bool = false;
    type Request = Request;
    type Response = Empty;

    fn validate(request: &Request) -> Result<()> {
        not_reserved(&request.alias_name)
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Alias(&request.alias_name), Target::KeyById(&request.key_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Empty> {
        own_key(cx, &on)?;
        let key = on.key()?.key.id.clone();
        let (account, alias) = (cx.account().clone(), request.alias_name);
        cx.store()
            .write(move |tx| {
                let (account, alias, key) = (account.clone(), alias.clone(), key.clone());
                Box::pin(async move {
                    key_for_write(tx, &key, Self::NAME).await?;
                    match aliases::set_key(tx, &account, &alias, &key).await {
                        Err(StoreError::Conflict) => Err(KmsError::from(Code::AliasNotFound)),
                        other => Ok(other?),
                    }
                })
            })
            .await?;
        Ok(Empty {})
    }
}
