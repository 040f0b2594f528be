//! `GetCertificate`: a certificate, its chain and its signing request, as text.

use serde::Serialize;
use sesame_derive::Params;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};

pub(crate) struct GetCertificate;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the certificate.
    certificate_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    certificate_id: String,
    certificate: String,
    certificate_chain: String,
    csr: String,
}

impl Operation for GetCertificate {
    const NAME: &'static str = "GetCertificate";
    const SUMMARY: &'static str = "Gives a certificate, the chain above it and its signing request.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Certificate(&request.certificate_id)]
    }

    async fn run(_: &Context<'_>, on: Granted, _: Request) -> Result<Response> {
        let ours = on.certificate()?;
        Ok(Response {
            certificate_id: ours.id.clone(),
            certificate: ours.certificate.clone(),
            certificate_chain: ours.chain.clone(),
            csr: ours.csr.clone(),
        })
    }
}
