//! `ListAccessKeys`: the access keys of a RAM user, or of the caller.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::ram::UserName;

use super::holder::Whose;
use super::params::Status;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::registry::Product;

pub(crate) struct ListAccessKeys;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user; the caller when it is not given.
    user_name: Option<UserName>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    access_keys: AccessKeys,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccessKeys {
    access_key: Vec<AccessKey>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccessKey {
    access_key_id: String,
    status: &'static str,
    create_date: String,
}

impl Operation for ListAccessKeys {
    const NAME: &'static str = "ListAccessKeys";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Lists the access keys of a RAM user, or of the caller, without their secrets.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Whose::target(request.user_name.as_ref())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let mut conn = cx.store().reader().await?;
        let holder = Whose::of(cx, request.user_name).find(&mut conn).await?;
        let keys = holder.access_keys(&mut conn).await?.into_iter().map(|key| AccessKey {
            access_key_id: key.id,
            status: Status::of(key.active).name(),
            create_date: key.created_at.to_string(),
        });
        Ok(Response { access_keys: AccessKeys { access_key: keys.collect() } })
    }
}
