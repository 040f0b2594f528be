//! `ListUsers`: the RAM users of the account.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::ram::UserName;
use sesame_store::ram_users;

use super::params::{Marker, MaxItems, cut};
use super::shapes::UserShape;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct ListUsers;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// Where the page before ended, from its answer.
    marker: Option<Marker<UserName>>,
    /// Users on a page, 1 to 1,000; 100 when it is not given.
    max_items: Option<MaxItems>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    users: Users,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Users {
    user: Vec<UserShape>,
}

impl Operation for ListUsers {
    const NAME: &'static str = "ListUsers";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Lists the RAM users of the account in the order of their names.";
    type Request = Request;
    type Response = Response;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::RamCollection(RamKind::User)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let (size, after) = (MaxItems::or_default(request.max_items), request.marker.map(|marker| marker.0));
        let mut conn = cx.store().reader().await?;
        let mut found = ram_users::page(&mut conn, cx.account(), after.as_ref(), size + 1).await?;
        let marker = cut(&mut found, size, |user| user.name.as_str());
        let user = found.iter().map(|user| UserShape::of(user).with_update_date(user)).collect();
        Ok(Response { users: Users { user }, is_truncated: marker.is_some(), marker })
    }
}
