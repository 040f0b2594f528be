//! `UpdateCertificateStatus`: switches a certificate off and on, or revokes it.

use std::borrow::Cow;

use sesame_derive::Params;
use sesame_domain::certificate::CertificateStatus;
use sesame_store::certificates;

use super::for_write;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::params::{FromText, Kind};

pub(crate) struct UpdateCertificateStatus;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the certificate.
    certificate_id: String,
    /// `ACTIVE`, `INACTIVE`, or `REVOKED`, which is final.
    status: CertificateStatus,
}

impl Operation for UpdateCertificateStatus {
    const NAME: &'static str = "UpdateCertificateStatus";
    const SUMMARY: &'static str = "Switches a certificate off and on, or revokes it for good.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Certificate(&request.certificate_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Empty> {
        let (id, to, now) = (on.certificate()?.id.clone(), request.status, cx.now());
        cx.store()
            .write(move |tx| {
                let id = id.clone();
                Box::pin(async move {
                    let from = for_write(tx, &id).await?.status;
                    if !from.can_become(to) {
                        return Err(KmsError::invalid("Status", format_args!("the certificate is {from}")));
                    }
                    if from != to {
                        certificates::set_status(tx, &id, from, to, now).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(Empty {})
    }
}

impl FromText for CertificateStatus {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        let known = text.parse().ok().filter(|status| *status != Self::Pending);
        known.ok_or_else(|| "it must be ACTIVE, INACTIVE or REVOKED".into())
    }
}
