//! `GetAccessKeyLastUsed`: when an access key last signed a request.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::ram::UserName;

use super::holder::Whose;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::registry::Product;

pub(crate) struct GetAccessKeyLastUsed;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user; the caller when it is not given.
    user_name: Option<UserName>,
    /// The id of the access key.
    user_access_key_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    access_key_last_used: AccessKeyLastUsed,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccessKeyLastUsed {
    /// Empty for a key that was never used: no page says what the original shows.
    last_used_date: String,
}

impl Operation for GetAccessKeyLastUsed {
    const NAME: &'static str = "GetAccessKeyLastUsed";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Tells when an access key last signed a request, to about ten seconds.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Whose::target(request.user_name.as_ref())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        cx.service.last_used().flush(cx.store()).await?;
        let mut conn = cx.store().reader().await?;
        let holder = Whose::of(cx, request.user_name).find(&mut conn).await?;
        let key = holder.access_key(&mut conn, &request.user_access_key_id).await?;
        let last_used_date = key.last_used_at.map(|at| at.to_string()).unwrap_or_default();
        Ok(Response { access_key_last_used: AccessKeyLastUsed { last_used_date } })
    }
}
