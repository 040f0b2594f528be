//! `GetKeyPolicy`: the policy of a key.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::KeyRef;
use sesame_store::key_policies;

use super::{KeyPolicy, is_default};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Result};
use crate::operation::{Operation, Target};

pub(crate) struct GetKeyPolicy;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id or the ARN of the key.
    key_id: KeyRef,
    /// The name of the policy: only `default`.
    policy_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    policy: String,
}

impl Operation for GetKeyPolicy {
    const NAME: &'static str = "GetKeyPolicy";
    const SUMMARY: &'static str = "Gives the policy of a key.";
    const SUPPLIES_KEY_TAGS: bool = false;
    const DENIAL: Code = Code::NoPermissionAsBadRequest;
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::KeyById(&request.key_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        is_default(request.policy_name.as_deref())?;
        let key = &on.key()?.key;
        let set = key_policies::get(&mut cx.store().reader().await?, &key.id).await?;
        Ok(Response { policy: set.unwrap_or_else(|| KeyPolicy::default_of(&key.account)) })
    }
}
