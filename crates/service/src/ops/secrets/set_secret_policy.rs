//! `SetSecretPolicy`: replaces the policy of a secret.

use sesame_derive::Params;
use sesame_domain::secret::SecretRef;
use sesame_policy::Kind;
use sesame_store::secrets;

use super::secret_for_write;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::ops::policies::{Proposed, SecretPolicy, is_default};

pub(crate) struct SetSecretPolicy;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name or the ARN of the secret.
    secret_name: SecretRef,
    /// The new policy, up to 32,768 bytes of JSON.
    policy: SecretPolicy,
    /// The name of the policy: only `default`.
    policy_name: Option<String>,
}

impl Operation for SetSecretPolicy {
    const NAME: &'static str = "SetSecretPolicy";
    const SUMMARY: &'static str = "Replaces the policy of a secret.";
    const DENIAL: Code = Code::NoPermissionAsBadRequest;
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Secret(&request.secret_name)]
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        on.secret()?.live()
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Empty> {
        is_default(request.policy_name.as_deref())?;
        let (secret, policy) = (&on.secret()?.secret, request.policy);
        let replaces = secrets::policy(&mut cx.store().reader().await?, &secret.id).await?;
        let (kind, owner) = (Kind::Secret, &secret.account);
        let proposed = Proposed { kind, owner, text: policy.as_str(), replaces: replaces.as_deref() };
        proposed.admit::<Self>(cx).await?;
        let id = secret.id.clone();
        cx.store()
            .write(move |tx| {
                let (id, policy) = (id.clone(), policy.clone());
                Box::pin(async move {
                    let secret = secret_for_write(tx, &id).await?;
                    secrets::set_policy(tx, &secret, policy.as_str()).await?;
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Empty {})
    }
}
