//! `ListKeyVersions`: the versions of a key, newest first.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::KeyRef;
use sesame_store::key_versions;

use super::VersionItem;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::values::{PageNumber, PageSize, page};

pub(crate) struct ListKeyVersions;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of the key.
    key_id: KeyRef,
    /// The page, from 1.
    page_number: Option<PageNumber>,
    /// Versions in a page: 1 to 100, 10 by default.
    page_size: Option<PageSize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    key_versions: KeyVersions,
    total_count: i64,
    page_number: u32,
    page_size: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyVersions {
    key_version: Vec<VersionItem>,
}

impl Operation for ListKeyVersions {
    const NAME: &'static str = "ListKeyVersions";
    const SUMMARY: &'static str = "Lists the versions of a key, newest first.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Key(&request.key_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let page = page(request.page_number, request.page_size);
        let key = on.key()?.key.id.clone();
        let read = cx.store().read(move |conn| Box::pin(async move { key_versions::list(conn, &key, page).await }));
        let (versions, total_count) = read.await?;
        let key_version = versions.iter().map(VersionItem::from).collect();
        let key_versions = KeyVersions { key_version };
        Ok(Response { key_versions, total_count, page_number: page.number, page_size: page.size })
    }
}
