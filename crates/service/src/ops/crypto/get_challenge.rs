//! `GetChallenge`: fresh data for a recipient's attestation.

use serde::Serialize;
use sesame_derive::Params;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};

pub(crate) struct GetChallenge;

#[derive(Debug, Params)]
pub(crate) struct Request {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    challenge_token: String,
    nonce: String,
}

impl Operation for GetChallenge {
    const NAME: &'static str = "GetChallenge";
    const SUMMARY: &'static str = "Answers a random nonce and a short-lived token that proves where it came from.";
    type Request = Request;
    type Response = Response;

    /// None: whoever is authenticated may ask.
    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        []
    }

    async fn run(cx: &Context<'_>, _: Granted, _: Request) -> Result<Response> {
        let challenge = cx.service.challenges.issue(cx.random(), cx.account(), cx.now())?;
        Ok(Response { challenge_token: challenge.token, nonce: challenge.nonce })
    }
}
