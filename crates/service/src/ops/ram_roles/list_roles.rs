//! `ListRoles`: the roles of the account, by name.

use std::collections::HashMap;

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::ram::RoleName;
use sesame_domain::tag::ResourceType;
use sesame_store::{ram_roles, tags};

use super::shown::ShownRole;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, RamKind, Target};
use crate::ops::ram::params::{Marker, MaxItems, cut};
use crate::ops::ram_params::Tags;
use crate::ops::tags::params::SoughtTags;
use crate::registry::Product;

pub(crate) struct ListRoles;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// Where the page before ended, from its answer.
    marker: Option<Marker<RoleName>>,
    /// Roles on a page, 1 to 1000; 100 when it is not given.
    max_items: Option<MaxItems>,
    /// Tags that the roles must have; a key alone matches any value.
    tag: Option<SoughtTags>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    roles: Roles,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Roles {
    role: Vec<ShownRole>,
}

impl Operation for ListRoles {
    const NAME: &'static str = "ListRoles";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Lists the roles of the account.";
    type Request = Request;
    type Response = Response;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::RamCollection(RamKind::Role)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let account = cx.account().clone();
        let (size, after) = (MaxItems::or_default(request.max_items), request.marker.map(|marker| marker.0));
        let sought = request.tag.map(|tags| tags.0).unwrap_or_default();
        let read = cx.store().read(move |conn| {
            Box::pin(async move {
                let mut roles = ram_roles::page(conn, &account, &sought, after.as_ref(), size + 1).await?;
                let marker = cut(&mut roles, size, |role| role.name.as_str());
                let names: Vec<_> = roles.iter().map(|role| role.name.to_string()).collect();
                let mut tagged: HashMap<String, Tags> = HashMap::new();
                for row in tags::of_many(conn, &account, ResourceType::Role, &names).await? {
                    tagged.entry(row.resource).or_default().push(&row.tag);
                }
                let role = roles.iter().map(|role| {
                    let tags = tagged.remove(role.name.as_str()).unwrap_or_default();
                    ShownRole::in_list(role).with_update_date(role).with_tags(tags)
                });
                let role = role.collect();
                Ok::<_, KmsError>(Response { roles: Roles { role }, is_truncated: marker.is_some(), marker })
            })
        });
        read.await
    }
}
