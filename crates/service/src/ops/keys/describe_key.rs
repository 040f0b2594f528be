//! `DescribeKey`: the metadata of a key.

use sesame_derive::Params;
use sesame_domain::KeyRef;

use super::metadata::{KeyMetadata, Response};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};

pub(crate) struct DescribeKey;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of the key.
    key_id: KeyRef,
}

impl Operation for DescribeKey {
    const NAME: &'static str = "DescribeKey";
    const SUMMARY: &'static str = "Tells everything about a key but its material.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Key(&request.key_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, _: Request) -> Result<Response> {
        Ok(Response { key_metadata: KeyMetadata::of_existing(cx, &on.key()?.key) })
    }
}
