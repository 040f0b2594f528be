//! `ListResourceTags`: the tags of one key.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::tag::ResourceType;
use sesame_domain::{KeyRef, Tag};
use sesame_store::tags;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};

pub(crate) struct ListResourceTags;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the key.
    key_id: KeyRef,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    tags: Tags,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tags {
    tag: Vec<TagItem>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagItem {
    key_id: String,
    tag_key: String,
    tag_value: String,
}

impl Operation for ListResourceTags {
    const NAME: &'static str = "ListResourceTags";
    const SUMMARY: &'static str = "Lists the tags of a key.";
    const SUPPLIES_KEY_TAGS: bool = false;
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::KeyById(&request.key_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, _: Request) -> Result<Response> {
        let key = &on.key()?.key;
        let mut conn = cx.store().reader().await?;
        let found = tags::list(&mut conn, &key.account, ResourceType::Key, key.id.as_str()).await?;
        let item = |tag: Tag| TagItem {
            key_id: key.id.to_string(),
            tag_key: tag.key.as_str().to_owned(),
            tag_value: tag.value.as_str().to_owned(),
        };
        Ok(Response { tags: Tags { tag: found.into_iter().map(item).collect() } })
    }
}
