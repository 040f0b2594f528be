//! `ListTagResources`: tags of keys or secrets, selected by resource and by tag.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::tag::{ResourceType, TagRow};
use sesame_domain::{RegionId, limits};
use sesame_store::tags;

use super::params::SoughtTags;
use super::{Holders, in_this_region};
use crate::authorize::{Gate, Granted};
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::params::{FromText, Kind, List};

pub(crate) struct ListTagResources;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The region of the resources.
    region_id: RegionId,
    /// `key` or `secret`.
    resource_type: ResourceType,
    /// Ids of keys or names of secrets, up to 50; all when none is given.
    resource_id: Option<List<String, { limits::TAG_RESOURCES }>>,
    /// Only resources that carry all of these tags, up to 20; a key without a value matches any value.
    tag: Option<SoughtTags>,
    /// Where the page before ended, from its answer.
    next_token: Option<NextToken>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    tag_resources: TagResources,
    next_token: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagResources {
    tag_resource: Vec<TagResource>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagResource {
    resource_id: String,
    resource_type: &'static str,
    tag_key: String,
    tag_value: String,
}

/// The resource and tag key of the last row of a page.
#[derive(Clone, Debug)]
struct NextToken(String, String);

impl NextToken {
    fn encode(row: &TagRow) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\n{}", row.resource, row.tag.key))
    }
}

impl FromText for NextToken {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> std::result::Result<Self, std::borrow::Cow<'static, str>> {
        let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        decoded
            .as_deref()
            .and_then(|text| text.split_once('\n'))
            .map(|(resource, key)| Self(resource.to_owned(), key.to_owned()))
            .ok_or_else(|| "it must be the NextToken of the page before".into())
    }
}

impl Operation for ListTagResources {
    const NAME: &'static str = "ListTagResources";
    const SUMMARY: &'static str = "Lists the tags of keys or secrets, 200 in a page.";
    const SUPPLIES_KEY_TAGS: bool = false;
    const ALSO_OF: Option<&'static str> = Some("ecs");
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        let named = request.resource_id.iter().flat_map(|ids| &ids.0);
        let named = named.map(|id| Target::Resource(request.resource_type, id));
        named.chain(request.resource_id.is_none().then_some(Target::Collection(request.resource_type.name())))
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        in_this_region(cx, &request.region_id)?;
        let kind = request.resource_type;
        let holders = Holders::of(&on);
        let resources: Vec<String> = holders.names().into_iter().map(str::to_owned).collect();
        let sought = request.tag.map(|tags| tags.0).unwrap_or_default();
        let after = request.next_token.map(|NextToken(resource, key)| (resource, key));
        // One row more than a page tells whether there is another page.
        let limit = u32::try_from(limits::TAG_ROWS + 1).unwrap_or(u32::MAX);
        let mut conn = cx.store().reader().await?;
        let mut rows =
            tags::rows(&mut conn, holders.account(cx.account()), kind, &resources, &sought, after, limit).await?;
        let more = rows.len() > limits::TAG_ROWS;
        rows.truncate(limits::TAG_ROWS);
        let next_token = rows.last().filter(|_| more).map(NextToken::encode).unwrap_or_default();
        let gate = Gate::of::<Self>(cx, None).await?;
        let mut shown = Vec::with_capacity(rows.len());
        let mut last: Option<(String, bool)> = None;
        for row in rows {
            // Rows of one resource follow each other.
            let denied = match &last {
                Some((resource, denied)) if *resource == row.resource => *denied,
                _ => gate.denies(kind, &row.resource).await?,
            };
            last = Some((row.resource.clone(), denied));
            if !denied {
                shown.push(row);
            }
        }
        let row = |row: TagRow| TagResource {
            resource_id: row.resource,
            resource_type: kind.name(),
            tag_key: row.tag.key.as_str().to_owned(),
            tag_value: row.tag.value.as_str().to_owned(),
        };
        let tag_resource = shown.into_iter().map(row).collect();
        Ok(Response { tag_resources: TagResources { tag_resource }, next_token })
    }
}
