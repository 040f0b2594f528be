//! `DisableKey`: makes a key unusable until it is enabled again.

use sesame_derive::Params;
use sesame_domain::{KeyRef, KeyState};

use super::{move_to, tell_recent_use};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Empty, Operation, Target};

pub(crate) struct DisableKey;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the key.
    key_id: KeyRef,
}

impl Operation for DisableKey {
    const NAME: &'static str = "DisableKey";
    const SUMMARY: &'static str = "Makes a key unusable until it is enabled again.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::KeyById(&request.key_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, _: Request) -> Result<Empty> {
        tell_recent_use(cx, &on.key()?.key.id).await?;
        move_to(cx, Self::NAME, &on, KeyState::Disabled).await?;
        Ok(Empty {})
    }
}
