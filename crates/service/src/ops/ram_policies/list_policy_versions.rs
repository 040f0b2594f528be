//! `ListPolicyVersions`: the versions of a policy.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::ram::{PolicyName, PolicyType};
use sesame_store::ram_policies;

use super::shown::ShownVersion;
use super::{custom, of_the_service, target};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};
use crate::registry::Product;

pub(crate) struct ListPolicyVersions;

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
    policy_versions: Versions,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Versions {
    policy_version: Vec<ShownVersion>,
}

impl Operation for ListPolicyVersions {
    const NAME: &'static str = "ListPolicyVersions";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Lists the versions of a policy with their documents.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [target(request.policy_type, &request.policy_name)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let account = cx.account().clone();
        if request.policy_type == PolicyType::System {
            let policy_version = vec![ShownVersion::of_the_service(of_the_service(&request.policy_name)?)];
            return Ok(Response { policy_versions: Versions { policy_version } });
        }
        let read = cx.store().read(move |conn| {
            Box::pin(async move {
                let policy = custom(conn, &account, &request.policy_name).await?;
                let versions = ram_policies::versions(conn, &account, &request.policy_name).await?;
                let shown = versions.into_iter().map(|version| {
                    let is_default = version.id == policy.default_version;
                    ShownVersion::of(version, is_default)
                });
                Ok::<_, KmsError>(Response { policy_versions: Versions { policy_version: shown.collect() } })
            })
        });
        read.await
    }
}
