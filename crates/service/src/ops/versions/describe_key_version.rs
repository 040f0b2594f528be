//! `DescribeKeyVersion`: what is known of one version.

use sesame_derive::Params;
use sesame_domain::{KeyRef, KeyVersionId};
use sesame_store::key_versions;

use super::Response;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Result};
use crate::operation::{Operation, Target};

pub(crate) struct DescribeKeyVersion;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of the key.
    key_id: KeyRef,
    /// The id of the version.
    key_version_id: String,
}

impl Operation for DescribeKeyVersion {
    const NAME: &'static str = "DescribeKeyVersion";
    const SUMMARY: &'static str = "Tells when a version of a key was made.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Key(&request.key_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let key = &on.key()?.key.id;
        // A text that is no version id is the id of no version.
        let id: KeyVersionId = request.key_version_id.parse().map_err(|_| Code::KeyVersionNotFound)?;
        let version = key_versions::describe(&mut cx.store().reader().await?, &id).await?;
        let version = version.filter(|version| version.key == *key).ok_or(Code::KeyVersionNotFound)?;
        Ok(Response { key_version: (&version).into() })
    }
}
