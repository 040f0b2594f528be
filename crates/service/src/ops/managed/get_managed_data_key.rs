//! `GetManagedDataKey`: a data key that is kept under a name.

use serde::Serialize;
use sesame_derive::Params;
use sesame_store::managed_data_keys::{self, Which};

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Result};
use crate::managed_data_keys::version_name;
use crate::operation::{Operation, Target};
use crate::values::Reveal;

pub(crate) struct GetManagedDataKey;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the data key.
    data_key_name: String,
    /// The version; without it, UseLatest decides.
    data_key_version_id: Option<String>,
    /// Whether the latest version is meant rather than the first; ignored when a version is given.
    use_latest: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    data_key_name: String,
    data_key_version_id: String,
    data_key_version_name: String,
    plaintext: Reveal,
}

impl Operation for GetManagedDataKey {
    const NAME: &'static str = "GetManagedDataKey";
    const SUMMARY: &'static str = "Answers a data key that is kept under a name.";
    const SENSITIVE: bool = true;
    type Request = Request;
    type Response = Response;

    /// The versions are named like secrets, and so is the permission to read them.
    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("secret")]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let which = match (request.data_key_version_id, request.use_latest) {
            (Some(version), _) => Which::Version(version),
            (None, Some(true)) => Which::Latest,
            (None, Some(false) | None) => Which::First,
        };
        let name = request.data_key_name;
        let found = managed_data_keys::get(&mut cx.store().reader().await?, cx.account(), &name, &which).await?;
        let (version, key) = found.ok_or(Code::ResourceNotFound)?;
        Ok(Response {
            data_key_version_name: version_name(&name, &version),
            data_key_name: name,
            data_key_version_id: version,
            plaintext: Reveal::base64(&key)?,
        })
    }
}
