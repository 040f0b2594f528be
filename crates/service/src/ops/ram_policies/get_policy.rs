//! `GetPolicy`: a policy and the version of it that applies.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::ram::{PolicyName, PolicyType};
use sesame_store::ram_attachments::{self, PolicyRef};
use sesame_store::ram_policies;

use super::shown::{ShownPolicy, ShownVersion};
use super::{custom, of_the_service, target};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};
use crate::registry::Product;

pub(crate) struct GetPolicy;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the policy.
    policy_name: PolicyName,
    /// `Custom` for a policy of the account, `System` for one of the service.
    policy_type: PolicyType,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    policy: ShownPolicy,
    default_policy_version: ShownVersion,
}

impl Operation for GetPolicy {
    const NAME: &'static str = "GetPolicy";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Shows a policy with the document that applies, and how often it is attached.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [target(request.policy_type, &request.policy_name)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let account = cx.account().clone();
        let policy = PolicyRef { kind: request.policy_type, name: request.policy_name };
        let read = cx.store().read(move |conn| {
            Box::pin(async move {
                let (shown, version) = match policy.kind {
                    PolicyType::System => {
                        let found = of_the_service(&policy.name)?;
                        (ShownPolicy::of_the_service(found), ShownVersion::of_the_service(found))
                    }
                    PolicyType::Custom => {
                        let found = custom(conn, &account, &policy.name).await?;
                        let version = ram_policies::version(conn, &account, &policy.name, found.default_version)
                            .await?
                            .ok_or_else(|| KmsError::internal("a policy without its default version"))?;
                        (ShownPolicy::of(&found), ShownVersion::of(version, true))
                    }
                };
                let attached = ram_attachments::counts_of_policy(conn, &account, &policy).await?;
                let shown = shown.with_attachments(attached.iter().map(|(_, count)| count).sum());
                Ok::<_, KmsError>(Response { policy: shown.with_document(&version), default_policy_version: version })
            })
        });
        read.await
    }
}
