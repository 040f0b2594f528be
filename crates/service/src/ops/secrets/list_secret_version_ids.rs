//! `ListSecretVersionIds`: the versions of a secret, newest first.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::Page;
use sesame_domain::secret::SecretRef;

use super::VersionStages;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::values::{PageNumber, PageSize, page};

/// Versions in a page when the caller names no number: other lists have 10.
const DEFAULT_SIZE: u32 = 20;

pub(crate) struct ListSecretVersionIds;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name or the ARN of the secret.
    secret_name: SecretRef,
    /// Whether to list versions without a label too.
    include_deprecated: Option<bool>,
    /// The page, from 1.
    page_number: Option<PageNumber>,
    /// Versions in a page: 1 to 100, 20 by default.
    page_size: Option<PageSize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    secret_name: String,
    page_number: u32,
    page_size: u32,
    total_count: usize,
    version_ids: VersionIds,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct VersionIds {
    version_id: Vec<Item>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    version_id: String,
    create_time: String,
    version_stages: VersionStages,
}

impl Operation for ListSecretVersionIds {
    const NAME: &'static str = "ListSecretVersionIds";
    const SUMMARY: &'static str = "Lists the versions of a secret with their labels, without their values.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Secret(&request.secret_name)]
    }

    async fn run(_: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let loaded = on.secret()?;
        let named = request.page_size.is_some_and(PageSize::is_set);
        let Page { number, size } = page(request.page_number, request.page_size);
        let size = if named { size } else { DEFAULT_SIZE };
        let deprecated = request.include_deprecated == Some(true);
        // A secret has ten versions at most.
        let mut items: Vec<Item> = Vec::new();
        for version in loaded.versions.list().iter().rev() {
            let version_stages = VersionStages::of(&loaded.versions, &version.id);
            if deprecated || !version_stages.version_stage.is_empty() {
                items.push(Item {
                    version_id: version.id.to_string(),
                    create_time: version.created_at.to_string(),
                    version_stages,
                });
            }
        }
        let total_count = items.len();
        let before = usize::try_from(Page { number, size }.offset()).unwrap_or(usize::MAX);
        let version_id = items.into_iter().skip(before).take(usize::try_from(size).unwrap_or(usize::MAX)).collect();
        Ok(Response {
            secret_name: loaded.secret.name.to_string(),
            page_number: number,
            page_size: size,
            total_count,
            version_ids: VersionIds { version_id },
        })
    }
}
