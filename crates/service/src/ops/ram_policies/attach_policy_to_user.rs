//! `AttachPolicyToUser`: gives a user what a policy allows.

use sesame_derive::Params;
use sesame_domain::ram::{PolicyName, PolicyType, UserName};
use sesame_store::ram_attachments::PolicyRef;

use super::attachments::{Named, attach};
use super::target;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Empty, Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct AttachPolicyToUser;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the policy.
    policy_name: PolicyName,
    /// `Custom` for a policy of the account, `System` for one of the service.
    policy_type: PolicyType,
    /// The name of the user.
    user_name: UserName,
    /// The resource group that the policy shall be limited to. This server has none: leave it out.
    resource_group_id: Option<String>,
}

impl Operation for AttachPolicyToUser {
    const NAME: &'static str = "AttachPolicyToUser";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Attaches a policy to a user.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::User, request.user_name.as_str()), target(request.policy_type, &request.policy_name)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let policy = PolicyRef { kind: request.policy_type, name: request.policy_name };
        attach(cx, Named::User(request.user_name), policy, request.resource_group_id.as_deref()).await
    }
}
