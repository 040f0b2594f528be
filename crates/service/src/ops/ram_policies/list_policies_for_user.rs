//! `ListPoliciesForUser`: the policies that are attached to a user.

use sesame_derive::Params;
use sesame_domain::ram::UserName;

use super::attachments::{AttachedPolicies, Named, attached};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct ListPoliciesForUser;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user.
    user_name: UserName,
}

impl Operation for ListPoliciesForUser {
    const NAME: &'static str = "ListPoliciesForUser";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Lists the policies that are attached to a user itself, not those of its groups.";
    type Request = Request;
    type Response = AttachedPolicies;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::User, request.user_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<AttachedPolicies> {
        attached(cx, Named::User(request.user_name)).await
    }
}
