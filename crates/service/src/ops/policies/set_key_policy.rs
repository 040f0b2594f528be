//! `SetKeyPolicy`: replaces the policy of a key.

use sesame_derive::Params;
use sesame_domain::KeyRef;
use sesame_policy::Kind;
use sesame_store::key_policies;

use super::{KeyPolicy, Proposed, is_default};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::ops::key_for_write;

pub(crate) struct SetKeyPolicy;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id or the ARN of the key.
    key_id: KeyRef,
    /// The new policy, up to 32,768 bytes of JSON.
    policy: KeyPolicy,
    /// The name of the policy: only `default`.
    policy_name: Option<String>,
}

impl Operation for SetKeyPolicy {
    const NAME: &'static str = "SetKeyPolicy";
    const SUMMARY: &'static str = "Replaces the policy of a key.";
    const SUPPLIES_KEY_TAGS: bool = false;
    const DENIAL: Code = Code::NoPermissionAsBadRequest;
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::KeyById(&request.key_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Empty> {
        is_default(request.policy_name.as_deref())?;
        let (key, policy) = (&on.key()?.key, request.policy);
        let replaces = key_policies::get(&mut cx.store().reader().await?, &key.id).await?;
        let proposed =
            Proposed { kind: Kind::Key, owner: &key.account, text: policy.as_str(), replaces: replaces.as_deref() };
        proposed.admit::<Self>(cx).await?;
        let id = key.id.clone();
        cx.store()
            .write(move |tx| {
                let (id, policy) = (id.clone(), policy.clone());
                Box::pin(async move {
                    key_for_write(tx, &id, Self::NAME).await?;
                    key_policies::set(tx, &id, policy.as_str()).await?;
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Empty {})
    }
}
