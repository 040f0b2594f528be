//! `OpenKmsService`: asks for the service to be opened for the account.

use sesame_derive::Params;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Result};
use crate::operation::{Empty, Operation, Target};

pub(crate) struct OpenKmsService;

#[derive(Debug, Params)]
pub(crate) struct Request {}

impl Operation for OpenKmsService {
    const NAME: &'static str = "OpenKmsService";
    const SUMMARY: &'static str = "Asks for the service to be opened for the account; on Sesame it always is.";
    type Request = Request;
    type Response = Empty;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("*")]
    }

    async fn run(_: &Context<'_>, _: Granted, _: Request) -> Result<Empty> {
        // What the original answers for an account that is open; Terraform takes it as success.
        Err(Code::Opened.into())
    }
}
