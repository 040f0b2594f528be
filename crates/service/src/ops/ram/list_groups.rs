//! `ListGroups`: the groups of the account.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::ram::GroupName;
use sesame_store::ram_groups;

use super::params::{Marker, MaxItems, cut};
use super::shapes::{GroupShape, Groups};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct ListGroups;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// Where the page before ended, from its answer.
    marker: Option<Marker<GroupName>>,
    /// Groups on a page, 1 to 1,000; 100 when it is not given.
    max_items: Option<MaxItems>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    groups: Groups,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

impl Operation for ListGroups {
    const NAME: &'static str = "ListGroups";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Lists the groups of the account in the order of their names.";
    type Request = Request;
    type Response = Response;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::RamCollection(RamKind::Group)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let (size, after) = (MaxItems::or_default(request.max_items), request.marker.map(|marker| marker.0));
        let mut conn = cx.store().reader().await?;
        let mut found = ram_groups::page(&mut conn, cx.account(), after.as_ref(), size + 1).await?;
        let marker = cut(&mut found, size, |group| group.name.as_str());
        let group = found.iter().map(|group| GroupShape::of(group).with_update_date(group)).collect();
        Ok(Response { groups: Groups { group }, is_truncated: marker.is_some(), marker })
    }
}
