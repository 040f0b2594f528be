//! `ListUsersForGroup`: the RAM users in a group.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::ram::{GroupName, IdentityId};
use sesame_store::ram_memberships;

use super::params::{Marker, MaxItems, cut};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct ListUsersForGroup;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the group.
    group_name: GroupName,
    /// Where the page before ended, from its answer.
    marker: Option<Marker<IdentityId>>,
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
    user: Vec<Member>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Member {
    user_name: String,
    display_name: String,
    join_date: String,
}

impl Operation for ListUsersForGroup {
    const NAME: &'static str = "ListUsersForGroup";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Lists the RAM users in a group, and since when they are in it.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Group, request.group_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let (size, after) = (MaxItems::or_default(request.max_items), request.marker.map(|marker| marker.0));
        let mut conn = cx.store().reader().await?;
        let group = super::group(&mut conn, cx.account(), &request.group_name).await?;
        let mut found = ram_memberships::of_group(&mut conn, &group.id, after.as_ref(), size + 1).await?;
        let marker = cut(&mut found, size, |member| member.id.as_str());
        let members = found.into_iter().map(|member| Member {
            user_name: member.name.to_string(),
            display_name: member.display_name,
            join_date: member.joined_at.to_string(),
        });
        Ok(Response { users: Users { user: members.collect() }, is_truncated: marker.is_some(), marker })
    }
}
