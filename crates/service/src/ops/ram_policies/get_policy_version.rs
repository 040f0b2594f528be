//! `GetPolicyVersion`: a version of a policy with its document.

use sesame_derive::Params;
use sesame_domain::ram::{PolicyName, PolicyType, PolicyVersionId};
use sesame_store::ram_policies;

use super::shown::{OneVersion, ShownVersion};
use super::{custom, of_the_service, target};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, Target};
use crate::registry::Product;

pub(crate) struct GetPolicyVersion;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the policy.
    policy_name: PolicyName,
    /// `Custom` for a policy of the account, `System` for one of the service.
    policy_type: PolicyType,
    /// The version, such as `v1`.
    version_id: PolicyVersionId,
}

impl Operation for GetPolicyVersion {
    const NAME: &'static str = "GetPolicyVersion";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Shows a version of a policy with its document.";
    type Request = Request;
    type Response = OneVersion;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [target(request.policy_type, &request.policy_name)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<OneVersion> {
        let (account, id) = (cx.account().clone(), request.version_id);
        if request.policy_type == PolicyType::System {
            let policy = of_the_service(&request.policy_name)?;
            if policy.version != id.to_string() {
                return Err(Code::PolicyVersionNotExist.into());
            }
            return Ok(OneVersion { policy_version: ShownVersion::of_the_service(policy) });
        }
        let read = cx.store().read(move |conn| {
            Box::pin(async move {
                let policy = custom(conn, &account, &request.policy_name).await?;
                let found = ram_policies::version(conn, &account, &request.policy_name, id).await?;
                let version = found.ok_or(Code::PolicyVersionNotExist)?;
                Ok::<_, KmsError>(OneVersion {
                    policy_version: ShownVersion::of(version, policy.default_version == id),
                })
            })
        });
        read.await
    }
}
