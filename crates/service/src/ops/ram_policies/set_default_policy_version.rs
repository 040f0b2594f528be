//! `SetDefaultPolicyVersion`: chooses the version of a policy that applies.

use sesame_derive::Params;
use sesame_domain::ram::{PolicyName, PolicyVersionId};
use sesame_store::ram_policies;

use super::{custom, gone};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Result};
use crate::operation::{Empty, Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct SetDefaultPolicyVersion;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the policy.
    policy_name: PolicyName,
    /// The version, such as `v1`.
    version_id: PolicyVersionId,
}

impl Operation for SetDefaultPolicyVersion {
    const NAME: &'static str = "SetDefaultPolicyVersion";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Chooses the version of a policy of the account that applies.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Policy, request.policy_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let (account, now) = (cx.account().clone(), cx.now());
        let (name, id) = (request.policy_name, request.version_id);
        cx.store()
            .write(move |tx| {
                let (account, name) = (account.clone(), name.clone());
                Box::pin(async move {
                    custom(tx, &account, &name).await?;
                    ram_policies::set_default_version(tx, &account, &name, id, now)
                        .await
                        .map_err(|error| gone(error, Code::PolicyVersionNotExist))
                })
            })
            .await?;
        Ok(Empty {})
    }
}
