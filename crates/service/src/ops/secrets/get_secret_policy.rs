//! `GetSecretPolicy`: gives the policy of a secret.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::secret::SecretRef;
use sesame_store::secrets;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Result};
use crate::operation::{Operation, Target};
use crate::ops::policies::{SecretPolicy, is_default};

pub(crate) struct GetSecretPolicy;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name or the ARN of the secret.
    secret_name: SecretRef,
    /// The name of the policy: only `default`.
    policy_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    policy: String,
}

impl Operation for GetSecretPolicy {
    const NAME: &'static str = "GetSecretPolicy";
    const SUMMARY: &'static str = "Gives the policy of a secret.";
    const DENIAL: Code = Code::NoPermissionAsBadRequest;
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Secret(&request.secret_name)]
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        is_default(request.policy_name.as_deref())?;
        let secret = &on.secret()?.secret;
        let set = secrets::policy(&mut cx.store().reader().await?, &secret.id).await?;
        Ok(Response { policy: set.unwrap_or_else(|| SecretPolicy::default_of(&secret.account)) })
    }
}
