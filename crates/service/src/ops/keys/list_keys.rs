//! `ListKeys`: the keys of the account, newest first.

use std::sync::Arc;

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::{KeyId, Page};
use sesame_store::keys::{self, KeyFilter};

use super::filters;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::lists::KeyPage;
use crate::operation::{Operation, Target};
use crate::values::{JsonText, PageNumber, PageSize, page};

pub(crate) struct ListKeys;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The page, from 1.
    page_number: Option<PageNumber>,
    /// Keys in a page: 1 to 100, 10 by default.
    page_size: Option<PageSize>,
    /// Restrictions: `[{"Key":"KeyState","Values":["Enabled","Disabled"]}]`, up to 10 with up to 10 values each.
    filters: Option<JsonText<65_536>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    keys: Keys,
    total_count: i64,
    page_number: u32,
    page_size: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    key: Vec<Item>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    key_id: String,
    key_arn: String,
}

impl Operation for ListKeys {
    const NAME: &'static str = "ListKeys";
    const SUMMARY: &'static str = "Lists the keys of the account, newest first.";
    type Request = Request;
    type Response = Response;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("key")]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let page = page(request.page_number, request.page_size);
        let text = request.filters.map(|text| text.0).unwrap_or_default();
        let found = key_page(cx, &text, page).await?;
        let prefix = cx.arn(cx.account(), "key/");
        let item = |id: &KeyId| Item { key_id: id.to_string(), key_arn: format!("{prefix}{id}") };
        let key = found.0.iter().map(item).collect();
        Ok(Response { keys: Keys { key }, total_count: found.1, page_number: page.number, page_size: page.size })
    }
}

/// One page of key ids, from memory when nothing has changed since it was read.
async fn key_page(cx: &Context<'_>, filters: &str, page: Page) -> Result<KeyPage> {
    let lists = &cx.service.lists;
    let current = cx.store().is_current();
    if current && let Some(found) = lists.get(cx.account(), filters, page) {
        return Ok(found);
    }
    let filter = if filters.is_empty() { Some(KeyFilter::default()) } else { filters::parse(filters)? };
    let Some(filter) = filter else { return Ok(KeyPage::default()) };
    let generation = lists.generation(cx.account());
    let account = cx.account().clone();
    let read = cx.store().read(move |conn| Box::pin(async move { keys::list(conn, &account, &filter, page).await }));
    let found = Arc::new(read.await?);
    if current {
        lists.keep(generation, cx.account(), filters, page, Arc::clone(&found));
    }
    Ok(found)
}
