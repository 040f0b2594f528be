//! `DetachPolicyFromUser`: takes from a user what a policy allows.

use sesame_derive::Params;
use sesame_domain::ram::{PolicyName, PolicyType, UserName};
use sesame_store::ram_attachments::PolicyRef;

use super::attachments::{Named, detach};
use super::target;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Empty, Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct DetachPolicyFromUser;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the policy.
    policy_name: PolicyName,
    /// `Custom` for a policy of the account, `System` for one of the service.
    policy_type: PolicyType,
    /// The name of the user.
    user_name: UserName,
    /// The resource group that the policy is limited to. This server has none: leave it out.
    resource_group_id: Option<String>,
}

impl Operation for DetachPolicyFromUser {
    const NAME: &'static str = "DetachPolicyFromUser";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Detaches a policy from a user.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::User, request.user_name.as_str()), target(request.policy_type, &request.policy_name)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let policy = PolicyRef { kind: request.policy_type, name: request.policy_name };
        detach(cx, Named::User(request.user_name), policy, request.resource_group_id.as_deref()).await
    }
}
