//! `CreateAlias`: gives a key a name.

use sesame_derive::Params;
use sesame_domain::alias::Alias;
use sesame_domain::{AliasName, KeyRef, Page};
use sesame_store::{StoreError, aliases};

use super::{not_reserved, own_key};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::ops::key_for_write;
use crate::quotas::Resource;

pub(crate) struct CreateAlias;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The new name: `alias/` and 1 to 255 letters, digits, `_`, `-` or `/`.
    alias_name: AliasName,
    /// The id of the key.
    key_id: KeyRef,
}

impl Operation for CreateAlias {
    const NAME: &'static str = "CreateAlias";
    const SUMMARY: &'static str = "Gives a key a name that calls can use in place of its id.";
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
        let (account, alias, now) = (cx.account().clone(), request.alias_name, cx.now());
        let limits = cx.service.limits;
        cx.store()
            .write(move |tx| {
                let (account, alias, key) = (account.clone(), alias.clone(), key.clone());
                Box::pin(async move {
                    key_for_write(tx, &key, Self::NAME).await?;
                    let first = Page { number: 1, size: 1 };
                    if let Some(quota) = limits.quota(Resource::Aliases) {
                        quota.admit_beside(aliases::list(tx, &account, first).await?.1)?;
                    }
                    if let Some(quota) = limits.quota(Resource::AliasesOfKey) {
                        quota.admit_beside(aliases::list_by_key(tx, &key, first).await?.1)?;
                    }
                    match aliases::insert(tx, &account, &Alias { name: alias, key }, now).await {
                        Err(StoreError::AlreadyExists) => Err(Code::AliasAlreadyExists.into()),
                        other => other.map_err(KmsError::from),
                    }
                })
            })
            .await?;
        Ok(Empty {})
    }
}
