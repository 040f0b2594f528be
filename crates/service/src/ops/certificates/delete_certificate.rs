//! `DeleteCertificate`: removes a certificate, its chain and its private key at once.

use std::sync::Arc;

use sesame_derive::Params;
use sesame_store::{StoreError, certificates};

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, Target};

pub(crate) struct DeleteCertificate;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the certificate.
    certificate_id: String,
}

impl Operation for DeleteCertificate {
    const NAME: &'static str = "DeleteCertificate";
    const SUMMARY: &'static str = "Removes a certificate, its chain and its private key at once.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Certificate(&request.certificate_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, _: Request) -> Result<Empty> {
        let ours = Arc::clone(on.certificate()?);
        let deleted = cx.store().write(move |tx| {
            let ours = Arc::clone(&ours);
            Box::pin(async move { certificates::delete(tx, &ours.account, &ours.id).await })
        });
        match deleted.await {
            Ok(()) => Ok(Empty {}),
            Err(StoreError::Conflict) => Err(Code::CertificateNotFound.into()),
            Err(error) => Err(KmsError::from(error)),
        }
    }
}
