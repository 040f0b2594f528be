//! `ListManagedDataKeyVersions`: the versions of a data key that is kept under a name.

use serde::Serialize;
use sesame_derive::Params;
use sesame_store::managed_data_keys;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Result};
use crate::managed_data_keys::version_name;
use crate::operation::{Operation, Target};
use crate::values::{PageNumber, PageSize, page};

pub(crate) struct ListManagedDataKeyVersions;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the data key.
    data_key_name: String,
    /// The page, from 1.
    page_number: Option<PageNumber>,
    /// Versions in a page: 1 to 100, 10 by default.
    page_size: Option<PageSize>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    data_key_name: String,
    managed_data_key_versions: Versions,
    total_count: i64,
    page_number: u32,
    page_size: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Versions {
    managed_data_key_version: Vec<Version>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    data_key_version_id: String,
    data_key_version_name: String,
}

impl Operation for ListManagedDataKeyVersions {
    const NAME: &'static str = "ListManagedDataKeyVersions";
    const SUMMARY: &'static str = "Lists the versions of a data key that is kept under a name.";
    const SUPPLIES_KEY_TAGS: bool = false;
    type Request = Request;
    type Response = Response;

    /// As of GetManagedDataKey.
    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("secret")]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let page = page(request.page_number, request.page_size);
        let (account, name) = (cx.account().clone(), request.data_key_name.clone());
        let read = cx
            .store()
            .read(move |conn| Box::pin(async move { managed_data_keys::list(conn, &account, &name, page).await }));
        let (versions, total_count) = read.await?;
        if total_count == 0 {
            return Err(Code::ResourceNotFound.into());
        }
        let name = request.data_key_name;
        let row = |version: String| Version {
            data_key_version_name: version_name(&name, &version),
            data_key_version_id: version,
        };
        Ok(Response {
            managed_data_key_versions: Versions { managed_data_key_version: versions.into_iter().map(row).collect() },
            data_key_name: name,
            total_count,
            page_number: page.number,
            page_size: page.size,
        })
    }
}
