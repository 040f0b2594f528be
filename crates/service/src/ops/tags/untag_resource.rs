//! `UntagResource`: removes tags from one key, secret or certificate.

use std::sync::Arc;

use sesame_derive::Params;
use sesame_domain::KeyRef;
use sesame_domain::secret::SecretRef;

use super::params::TagKeyText;
use super::{Holders, Which, one_target, remove};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Empty, Operation, Target};
use crate::ops::certificates::remove_tags;

pub(crate) struct UntagResource;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of the key.
    key_id: Option<KeyRef>,
    /// The name or the ARN of the secret.
    secret_name: Option<SecretRef>,
    /// The id of the certificate.
    certificate_id: Option<String>,
    /// Keys of the tags to remove: `["k1","k2"]`, or joined by commas.
    tag_keys: TagKeyText,
}

impl Operation for UntagResource {
    const NAME: &'static str = "UntagResource";
    const SUMMARY: &'static str = "Removes tags from a key, a secret or a certificate.";
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

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Empty> {
        if request.certificate_id.is_some() {
            remove_tags(cx, Arc::clone(on.certificate()?), request.tag_keys.0).await?;
            return Ok(Empty {});
        }
        remove(cx, Self::NAME, Holders::of(&on), Which::Named(request.tag_keys.0)).await?;
        Ok(Empty {})
    }
}
