//! `UpdatePolicyDescription`: says anew what a policy is for.

use std::sync::Arc;

use sesame_derive::Params;
use sesame_domain::ram::{PolicyName, limits};
use sesame_store::ram_policies;

use super::shown::{OnePolicy, ShownPolicy};
use super::{custom, gone};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Result};
use crate::operation::{Operation, RamKind, Target};
use crate::ops::ram_params::Description;
use crate::registry::Product;

pub(crate) struct UpdatePolicyDescription;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the policy.
    policy_name: PolicyName,
    /// What the policy is for, up to 1,024 characters; empty for nothing.
    new_description: Description<{ limits::DESCRIPTION_CHARS }>,
}

impl Operation for UpdatePolicyDescription {
    const NAME: &'static str = "UpdatePolicyDescription";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Changes the description of a policy of the account.";
    type Request = Request;
    type Response = OnePolicy;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Policy, request.policy_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<OnePolicy> {
        let (account, now, request) = (cx.account().clone(), cx.now(), Arc::new(request));
        let policy = cx
            .store()
            .write(move |tx| {
                let (account, request) = (account.clone(), Arc::clone(&request));
                Box::pin(async move {
                    let Request { policy_name, new_description } = &*request;
                    ram_policies::set_description(tx, &account, policy_name, &new_description.0, now)
                        .await
                        .map_err(|error| gone(error, Code::PolicyNotExist))?;
                    custom(tx, &account, policy_name).await
                })
            })
            .await?;
        Ok(OnePolicy { policy: ShownPolicy::of(&policy) })
    }
}
