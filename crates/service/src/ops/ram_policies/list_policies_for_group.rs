//! `ListPoliciesForGroup`: the policies that are attached to a group.

use sesame_derive::Params;
use sesame_domain::ram::GroupName;

use super::attachments::{AttachedPolicies, Named, attached};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct ListPoliciesForGroup;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the group.
    group_name: GroupName,
}

impl Operation for ListPoliciesForGroup {
    const NAME: &'static str = "ListPoliciesForGroup";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Lists the policies that are attached to a group.";
    type Request = Request;
    type Response = AttachedPolicies;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Group, request.group_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<AttachedPolicies> {
        attached(cx, Named::Group(request.group_name)).await
    }
}
