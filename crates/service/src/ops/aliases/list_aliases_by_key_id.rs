//! `ListAliasesByKeyId`: the aliases of one key.

use sesame_derive::Params;
use sesame_domain::KeyRef;
use sesame_store::aliases;

use super::AliasPage;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::values::{PageNumber, PageSize, page};

pub(crate) struct ListAliasesByKeyId;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id or the ARN of the key.
    key_id: KeyRef,
    /// The page, from 1.
    page_number: Option<PageNumber>,
    /// Aliases in a page: 1 to 100, 10 by default.
    page_size: Option<PageSize>,
}

impl Operation for ListAliasesByKeyId {
    const NAME: &'static str = "ListAliasesByKeyId";
    const SUMMARY: &'static str = "Lists the aliases of a key.";
    const SUPPLIES_KEY_TAGS: bool = false;
    type Request = Request;
    type Response = AliasPage;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::KeyById(&request.key_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<AliasPage> {
        let page = page(request.page_number, request.page_size);
        let owner = &on.key()?.key.account;
        let key = on.key()?.key.id.clone();
        let read = cx.store().read(move |conn| Box::pin(async move { aliases::list_by_key(conn, &key, page).await }));
        let (aliases, total) = read.await?;
        Ok(AliasPage::new(cx, owner, page, aliases, total))
    }
}
