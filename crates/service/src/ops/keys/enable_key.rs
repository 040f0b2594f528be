//! `EnableKey`: makes a disabled key usable again.

use sesame_derive::Params;
use sesame_domain::{KeyRef, KeyState};

use super::move_to;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Empty, Operation, Target};

pub(crate) struct EnableKey;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the key.
    key_id: KeyRef,
}

impl Operation for EnableKey {
    const NAME: &'static str = "EnableKey";
    const SUMMARY: &'static str = "Makes a disabled key usable again.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::KeyById(&request.key_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, _: Request) -> Result<Empty> {
        move_to(cx, Self::NAME, &on, KeyState::Enabled).await?;
        Ok(Empty {})
    }
}
