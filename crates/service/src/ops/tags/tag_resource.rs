//! `TagResource`: puts tags on one key, secret or certificate.

use std::sync::Arc;

use sesame_derive::Params;
use sesame_domain::KeyRef;
use sesame_domain::secret::SecretRef;

use super::params::JsonTags;
use super::{Holders, one_target, put};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Empty, Operation, Target};
use crate::ops::certificates::put_tags;
use sesame_domain::Tag;

pub(crate) struct TagResource;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of the key.
    key_id: Option<KeyRef>,
    /// The name or the ARN of the secret.
    secret_name: Option<SecretRef>,
    /// The id of the certificate.
    certificate_id: Option<String>,
    /// Tags to set: `[{"TagKey":"k","TagValue":"v"}]`.
    tags: JsonTags,
}

impl Operation for TagResource {
    const NAME: &'static str = "TagResource";
    const SUMMARY: &'static str = "Puts tags on a key, a secret or a certificate.";
    const SUPPLIES_KEY_TAGS: bool = false;
    type Request = Request;
    type Response = Empty;

    fn validate(request: &Request) -> Result<()> {
        one_target(request.key_id.as_ref(), request.secret_name.as_ref(), request.certificate_id.as_ref())
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        let key = request.key_id.as_ref().map(Target::Key);
        let secret = request.secret_name.as_ref().map(Target::Secret);
        let certificate = request.certificate_id.as_deref().map(Target::Certificate);
        key.into_iter().chain(secret).chain(certificate)
    }

    fn request_tags(request: &Request) -> &[Tag] {
        &request.tags.0
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Empty> {
        if request.certificate_id.is_some() {
            put_tags(cx, Arc::clone(on.certificate()?), request.tags.0).await?;
            return Ok(Empty {});
        }
        if !request.tags.0.is_empty() {
            put(cx, Self::NAME, Holders::of(&on), request.tags.0).await?;
        }
        Ok(Empty {})
    }
}
