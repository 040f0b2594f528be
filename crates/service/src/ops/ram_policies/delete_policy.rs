//! `DeletePolicy`: deletes a policy of the account.

use sesame_derive::Params;
use sesame_domain::ram::{EntityType, PolicyName, PolicyType};
use sesame_store::ram_attachments::{self, PolicyRef};
use sesame_store::ram_policies;

use super::custom;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct DeletePolicy;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the policy.
    policy_name: PolicyName,
    /// Whether to delete its other versions too; without it, only a policy that has no other version is deleted.
    cascading_delete: Option<bool>,
}

impl Operation for DeletePolicy {
    const NAME: &'static str = "DeletePolicy";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Deletes a policy that is attached to nothing.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Policy, request.policy_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let (account, with_versions) = (cx.account().clone(), request.cascading_delete == Some(true));
        let policy = PolicyRef { kind: PolicyType::Custom, name: request.policy_name };
        cx.store()
            .write(move |tx| {
                let (account, policy) = (account.clone(), policy.clone());
                Box::pin(async move {
                    custom(tx, &account, &policy.name).await?;
                    if let Some((kind, _)) = ram_attachments::counts_of_policy(tx, &account, &policy).await?.first() {
                        return Err(KmsError::from(match kind {
                            EntityType::User => Code::DeleteConflictPolicyUser,
                            EntityType::Group => Code::DeleteConflictPolicyGroup,
                            EntityType::Role => Code::DeleteConflictPolicyRole,
                        }));
                    }
                    if !with_versions && ram_policies::versions(tx, &account, &policy.name).await?.len() > 1 {
                        return Err(Code::DeleteConflictPolicyVersion.into());
                    }
                    Ok(ram_policies::delete(tx, &account, &policy.name).await?)
                })
            })
            .await?;
        Ok(Empty {})
    }
}
