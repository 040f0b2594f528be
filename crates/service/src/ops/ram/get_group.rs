//! `GetGroup`: tells about a group.

use sesame_derive::Params;
use sesame_domain::ram::GroupName;

use super::shapes::{GroupAnswer, GroupShape};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct GetGroup;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the group.
    group_name: GroupName,
}

impl Operation for GetGroup {
    const NAME: &'static str = "GetGroup";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Tells about a group of RAM users.";
    type Request = Request;
    type Response = GroupAnswer;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Group, request.group_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<GroupAnswer> {
        let group = super::group(&mut cx.store().reader().await?, cx.account(), &request.group_name).await?;
        Ok(GroupAnswer { group: GroupShape::of(&group).with_update_date(&group) })
    }
}
