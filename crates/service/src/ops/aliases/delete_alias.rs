//! `DeleteAlias`: takes a name from a key; the key itself is not touched.

use sesame_derive::Params;
use sesame_domain::AliasName;
use sesame_store::aliases;

use super::not_reserved;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, Target};

pub(crate) struct DeleteAlias;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The alias, with its `alias/` prefix.
    alias_name: AliasName,
}

impl Operation for DeleteAlias {
    const NAME: &'static str = "DeleteAlias";
    const SUMMARY: &'static str = "Deletes an alias; its key stays as it is.";
    const SUPPLIES_KEY_TAGS: bool = false;
    type Request = Request;
    type Response = Empty;

    fn validate(request: &Request) -> Result<()> {
        not_reserved(&request.alias_name)
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::AliasAndKey(&request.alias_name)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let (account, alias) = (cx.account().clone(), request.alias_name);
        cx.store()
            .write(move |tx| {
                let (account, alias) = (account.clone(), alias.clone());
                Box::pin(async move {
                    if !aliases::delete(tx, &account, &alias).await? {
                        return Err(KmsError::from(Code::AliasNotFound));
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(Empty {})
    }
}
