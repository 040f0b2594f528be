//! `DescribeAccountKmsStatus`: whether the account may use the service.

use serde::Serialize;
use sesame_derive::Params;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};

pub(crate) struct DescribeAccountKmsStatus;

#[derive(Debug, Params)]
pub(crate) struct Request {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    account_status: &'static str,
}

impl Operation for DescribeAccountKmsStatus {
    const NAME: &'static str = "DescribeAccountKmsStatus";
    const SUMMARY: &'static str = "Tells whether the account may use the service.";
    type Request = Request;
    type Response = Response;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("*")]
    }

    async fn run(_: &Context<'_>, _: Granted, _: Request) -> Result<Response> {
        // An account that could sign a request is enabled: on one's own machines nothing has to be bought.
        Ok(Response { account_status: "Enabled" })
    }
}
