//! `TagResources`: puts tags on up to 50 keys or secrets.

use sesame_derive::Params;
use sesame_domain::RegionId;
use sesame_domain::limits;
use sesame_domain::tag::ResourceType;

use super::params::NewTags;
use super::{Holders, in_this_region, put};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Empty, Operation, Target};
use crate::params::List;
use sesame_domain::Tag;

pub(crate) struct TagResources;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The region of the resources.
    region_id: RegionId,
    /// `key` or `secret`.
    resource_type: ResourceType,
    /// Ids of keys or names of secrets, 1 to 50.
    resource_id: List<String, { limits::TAG_RESOURCES }>,
    /// Tags to set, 1 to 20; a tag that is there already gets the new value.
    tag: NewTags,
}

impl Operation for TagResources {
    const NAME: &'static str = "TagResources";
    const SUMMARY: &'static str = "Puts tags on keys or secrets: on all of them or on none.";
    const SUPPLIES_KEY_TAGS: bool = false;
    const ALSO_OF: Option<&'static str> = Some("ecs");
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        request.resource_id.0.iter().map(|id| Target::Resource(request.resource_type, id))
    }

    fn request_tags(request: &Request) -> &[Tag] {
        &request.tag.0
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Empty> {
        in_this_region(cx, &request.region_id)?;
        put(cx, Self::NAME, Holders::of(&on), request.tag.0).await?;
        Ok(Empty {})
    }
}
