//! `DeletePolicyVersion`: deletes a version of a policy that does not apply.

use sesame_derive::Params;
use sesame_domain::ram::{PolicyName, PolicyVersionId};
use sesame_store::ram_policies;

use super::custom;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct DeletePolicyVersion;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the policy.
    policy_name: PolicyName,
    /// The version, such as `v1`; not the default one.
    version_id: PolicyVersionId,
}

impl Operation for DeletePolicyVersion {
    const NAME: &'static str = "DeletePolicyVersion";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Deletes a version of a policy of the account that is not the default one.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Policy, request.policy_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let (account, name, id) = (cx.account().clone(), request.policy_name, request.version_id);
        cx.store()
            .write(move |tx| {
                let (account, name) = (account.clone(), name.clone());
                Box::pin(async move {
                    if custom(tx, &account, &name).await?.default_version == id {
                        return Err(KmsError::from(Code::DeleteConflictPolicyVersionDefault));
                    }
                    if !ram_policies::remove_version(tx, &account, &name, id).await? {
                        return Err(Code::PolicyVersionNotExist.into());
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(Empty {})
    }
}
