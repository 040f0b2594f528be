//! `ListSecrets`: the secrets of the account, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use sesame_derive::Params;
use sesame_domain::Page;
use sesame_domain::secret::SecretName;
use sesame_domain::tag::{ResourceType, Tag};
use sesame_store::secrets::{self, Listed, SecretFilter};
use sesame_store::{StoreError, tags};

use super::{Tags, filters};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::values::{JsonText, PageNumber, PageSize, page};

pub(crate) struct ListSecrets;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// Whether to answer the tags too.
    fetch_tags: Option<bool>,
    /// The page, from 1.
    page_number: Option<PageNumber>,
    /// Secrets in a page: 1 to 100, 10 by default.
    page_size: Option<PageSize>,
    /// Restrictions: `[{"Key":"SecretName","Values":["a","b"]}]`, up to 10 with up to 10 values each.
    filters: Option<JsonText<65_536>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    page_number: u32,
    page_size: u32,
    total_count: i64,
    #[serde(serialize_with = "shared")]
    secret_list: Arc<SecretPage>,
}

/// A page, kept until something of the account's secrets changes.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SecretPage {
    secret: Vec<Item>,
    #[serde(skip)]
    total: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    secret_name: String,
    secret_type: &'static str,
    create_time: String,
    update_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    planned_delete_time: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    owing_service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
}

fn shared<S: Serializer>(page: &Arc<SecretPage>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    (**page).serialize(serializer)
}

impl Operation for ListSecrets {
    const NAME: &'static str = "ListSecrets";
    const SUMMARY: &'static str = "Lists the secrets of the account by name, without their values.";
    type Request = Request;
    type Response = Response;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("secret")]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let page = page(request.page_number, request.page_size);
        let text = request.filters.map(|text| text.0).unwrap_or_default();
        let found = secret_page(cx, &text, page, request.fetch_tags == Some(true)).await?;
        Ok(Response { page_number: page.number, page_size: page.size, total_count: found.total, secret_list: found })
    }
}

/// One page, from memory when nothing has changed since it was read.
async fn secret_page(cx: &Context<'_>, filters: &str, page: Page, with_tags: bool) -> Result<Arc<SecretPage>> {
    let lists = &cx.service.secret_lists;
    let current = cx.store().is_current();
    let sought = if with_tags { format!("tags{filters}") } else { filters.to_owned() };
    if current && let Some(found) = lists.get(cx.account(), &sought, page) {
        return Ok(found);
    }
    let filter = if filters.is_empty() { Some(SecretFilter::default()) } else { filters::parse(filters)? };
    let Some(filter) = filter else { return Ok(Arc::default()) };
    let generation = lists.generation(cx.account());
    let account = cx.account().clone();
    let read = cx.store().read(move |conn| {
        Box::pin(async move {
            let (listed, total) = secrets::list(conn, &account, &filter, page).await?;
            let names: Vec<String> = listed.iter().map(|secret| secret.name.to_string()).collect();
            let rows =
                if with_tags { tags::of_many(conn, &account, ResourceType::Secret, &names).await? } else { Vec::new() };
            let mut by_name: BTreeMap<String, Vec<Tag>> = BTreeMap::new();
            for row in rows {
                by_name.entry(row.resource).or_default().push(row.tag);
            }
            let mut tags_of = |name: &SecretName| with_tags.then(|| by_name.remove(name.as_str()).unwrap_or_default());
            let secret = listed.into_iter().map(|secret| {
                let tags = tags_of(&secret.name);
                item(secret, tags)
            });
            Ok::<_, StoreError>(SecretPage { secret: secret.collect(), total })
        })
    });
    let found = Arc::new(read.await?);
    if current {
        lists.keep(generation, cx.account(), &sought, page, Arc::clone(&found));
    }
    Ok(found)
}

fn item(secret: Listed, tags: Option<Vec<Tag>>) -> Item {
    Item {
        secret_name: secret.name.to_string(),
        secret_type: secret.kind.name(),
        create_time: secret.created_at.to_string(),
        update_time: secret.updated_at.to_string(),
        planned_delete_time: secret.delete_at.map(|time| time.to_string()),
        owing_service: secret.owing_service,
        tags: tags.map(Tags::from_iter),
    }
}
