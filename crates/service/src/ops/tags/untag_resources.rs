//! `UntagResources`: removes tags from up to 50 keys or secrets.

use sesame_derive::Params;
use sesame_domain::RegionId;
use sesame_domain::limits;
use sesame_domain::tag::ResourceType;

use super::params::RemovedTagKeys;
use super::{Holders, Which, in_this_region, remove};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::params::List;

pub(crate) struct UntagResources;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The region of the resources.
    region_id: RegionId,
    /// `key` or `secret`.
    resource_type: ResourceType,
    /// Ids of keys or names of secrets, 1 to 50.
    resource_id: List<String, { limits::TAG_RESOURCES }>,
    /// Keys of the tags to remove, 1 to 20; none may begin with `aliyun` or `acs:`.
    tag_key: Option<RemovedTagKeys>,
    /// Whether to remove every tag; effective only when no tag key is given.
    all: Option<bool>,
}

impl Operation for UntagResources {
    const NAME: &'static str = "UntagResources";
    const SUMMARY: &'static str = "Removes tags from keys or secrets: from all of them or from none.";
    const SUPPLIES_KEY_TAGS: bool = false;
    const ALSO_OF: Option<&'static str> = Some("ecs");
    type Request = Request;
    type Response = Empty;

    fn validate(request: &Request) -> Result<()> {
        if request.tag_key.is_none() && request.all != Some(true) {
            return Err(KmsError::missing("TagKey"));
        }
        Ok(())
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        request.resource_id.0.iter().map(|id| Target::Resource(request.resource_type, id))
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Empty> {
        in_this_region(cx, &request.region_id)?;
        let which = request.tag_key.map_or(Which::All, |keys| Which::Named(keys.0));
        remove(cx, Self::NAME, Holders::of(&on), which).await?;
        Ok(Empty {})
    }
}
