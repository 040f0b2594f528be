//! `ListPolicies`: the policies of the account, and then those of the service.

use std::collections::HashMap;

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::ram::PolicyType;
use sesame_domain::tag::ResourceType;
use sesame_domain::{AccountId, TagKey, TagValue};
use sesame_policy::system::{self, SystemPolicy};
use sesame_store::{Conn, ram_attachments, ram_policies, tags};

use super::shown::ShownPolicy;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, RamKind, Target};
use crate::ops::ram::params::{Marker, MaxItems, cut};
use crate::ops::ram_params::Tags;
use crate::ops::tags::params::SoughtTags;
use crate::registry::Product;

pub(crate) struct ListPolicies;

/// What the place of a policy in the list begins with: those of the account come first.
const OF_ACCOUNT: &str = "Custom/";
const OF_SERVICE: &str = "System/";

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// `Custom` for the policies of the account, `System` for those of the service; both when it is not given.
    policy_type: Option<PolicyType>,
    /// Where the page before ended, from its answer.
    marker: Option<Marker<String>>,
    /// Policies on a page, 1 to 1000; 100 when it is not given.
    max_items: Option<MaxItems>,
    /// Tags that the policies must have; a key alone matches any value. The policies of the service have none.
    tag: Option<SoughtTags>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    policies: Policies,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policies {
    policy: Vec<ShownPolicy>,
}

impl Operation for ListPolicies {
    const NAME: &'static str = "ListPolicies";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Lists the policies of the account and those of the service.";
    type Request = Request;
    type Response = Response;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::RamCollection(RamKind::Policy)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let account = cx.account().clone();
        let size = MaxItems::or_default(request.max_items);
        let last = request.marker.map(|marker| marker.0).unwrap_or_default();
        let sought = request.tag.map(|tags| tags.0).unwrap_or_default();
        let with = |kind| request.policy_type.is_none_or(|asked| asked == kind);
        let (with_own, with_system) = (with(PolicyType::Custom), with(PolicyType::System) && sought.is_empty());
        let read = cx.store().read(move |conn| {
            Box::pin(async move {
                let mut found = Vec::new();
                let after = if last.is_empty() { Some("") } else { last.strip_prefix(OF_ACCOUNT) };
                if let Some(after) = after.filter(|_| with_own) {
                    found = of_account(conn, &account, &sought, after, size + 1).await?;
                }
                if with_system {
                    found.extend(of_service(conn, &account, &last).await?);
                }
                let marker = cut(&mut found, size, |(place, _)| place);
                let policy = found.into_iter().map(|(_, shown)| shown).collect();
                Ok::<_, KmsError>(Response { policies: Policies { policy }, is_truncated: marker.is_some(), marker })
            })
        });
        read.await
    }
}

/// Policies of the account with their places.
async fn of_account(
    conn: &mut Conn<'_>,
    account: &AccountId,
    sought: &[(TagKey, Option<TagValue>)],
    after: &str,
    limit: u32,
) -> Result<Vec<(String, ShownPolicy)>> {
    let page = ram_policies::page(conn, account, sought, after, limit).await?;
    let names: Vec<_> = page.iter().map(|(policy, _)| policy.name.to_string()).collect();
    let mut tagged: HashMap<String, Tags> = HashMap::new();
    for row in tags::of_many(conn, account, ResourceType::Policy, &names).await? {
        tagged.entry(row.resource).or_default().push(&row.tag);
    }
    let shown = page.into_iter().map(|(policy, attached)| {
        let tags = tagged.remove(policy.name.as_str()).unwrap_or_default();
        let shown = ShownPolicy::of(&policy).with_attachments(attached).with_tags(tags);
        (format!("{OF_ACCOUNT}{}", policy.name), shown)
    });
    Ok(shown.collect())
}

/// The policies of the service that come after a place, with their places.
async fn of_service(conn: &mut Conn<'_>, account: &AccountId, after: &str) -> Result<Vec<(String, ShownPolicy)>> {
    let counts: HashMap<_, _> = ram_attachments::counts_of_system_policies(conn, account).await?.into_iter().collect();
    let shown = |policy: &SystemPolicy| {
        let attached = counts.get(policy.name).copied().unwrap_or_default();
        let shown = ShownPolicy::of_the_service(policy).with_attachments(attached);
        (format!("{OF_SERVICE}{}", policy.name), shown)
    };
    let mut all: Vec<_> = system::ALL.iter().map(shown).filter(|(place, _)| place.as_str() > after).collect();
    all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(all)
}
