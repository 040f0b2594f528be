//! `ListPoliciesForRole`: the policies that are attached to a role.

use sesame_derive::Params;
use sesame_domain::ram::RoleName;

use super::attachments::{AttachedPolicies, Named, attached};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct ListPoliciesForRole;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the role.
    role_name: RoleName,
}

impl Operation for ListPoliciesForRole {
    const NAME: &'static str = "ListPoliciesForRole";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Lists the policies that are attached to a role.";
    type Request = Request;
    type Response = AttachedPolicies;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Role, request.role_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<AttachedPolicies> {
        attached(cx, Named::Role(request.role_name)).await
    }
}
