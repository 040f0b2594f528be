//! `AttachPolicyToRole`: gives a role what a policy allows.

use sesame_derive::Params;
use sesame_domain::ram::{PolicyName, PolicyType, RoleName};
use sesame_store::ram_attachments::PolicyRef;

use super::attachments::{Named, attach};
use super::target;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Empty, Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct AttachPolicyToRole;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the policy.
    policy_name: PolicyName,
    /// `Custom` for a policy of the account, `System` for one of the service.
    policy_type: PolicyType,
    /// The name of the role.
    role_name: RoleName,
    /// The resource group that the policy shall be limited to. This server has none: leave it out.
    resource_group_id: Option<String>,
}

impl Operation for AttachPolicyToRole {
    const NAME: &'static str = "AttachPolicyToRole";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Attaches a policy to a role.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Role, request.role_name.as_str()), target(request.policy_type, &request.policy_name)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let policy = PolicyRef { kind: request.policy_type, name: request.policy_name };
        attach(cx, Named::Role(request.role_name), policy, request.resource_group_id.as_deref()).await
    }
}
