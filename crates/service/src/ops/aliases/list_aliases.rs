//! `ListAliases`: the aliases of the account.

use sesame_derive::Params;
use sesame_store::aliases;

use super::AliasPage;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::values::{PageNumber, PageSize, page};

pub(crate) struct ListAliases;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The page, from 1.
    page_number: Option<PageNumber>,
    /// Aliases in a page: 1 to 100, 10 by default.
    page_size: Option<PageSize>,
}

impl Operation for ListAliases {
    const NAME: &'static str = "ListAliases";
    const SUMMARY: &'static str = "Lists the aliases of the account.";
    type Request = Request;
    type Response = AliasPage;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("alias")]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<AliasPage> {
        let page = page(request.page_number, request.page_size);
        let account = cx.account().clone();
        let read = cx.store().read(move |conn| Box::pin(async move { aliases::list(conn, &account, page).await }));
        let (aliases, total) = read.await?;
        Ok(AliasPage::new(cx, cx.account(), page, aliases, total))
    }
}
