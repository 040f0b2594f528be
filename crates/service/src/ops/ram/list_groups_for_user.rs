//! `ListGroupsForUser`: the groups that a RAM user is in.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::ram::UserName;
use sesame_store::ram_memberships;

use super::shapes::{GroupShape, Groups};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct ListGroupsForUser;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user.
    user_name: UserName,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    groups: Groups,
}

impl Operation for ListGroupsForUser {
    const NAME: &'static str = "ListGroupsForUser";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Lists the groups that a RAM user is in, and since when.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::User, request.user_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let mut conn = cx.store().reader().await?;
        let user = super::user(&mut conn, cx.account(), &request.user_name).await?;
        let found = ram_memberships::of_user(&mut conn, &user.id).await?;
        let group = found.iter().map(|(group, at)| GroupShape::joined(group, *at)).collect();
        Ok(Response { groups: Groups { group } })
    }
}
