//! `UploadCertificate`: brings the certificate that was signed for a key pair.

use std::sync::Arc;

use sesame_crypto::PublicKey;
use sesame_crypto::certificate::{Certificate as X509, check_chain};
use sesame_derive::Params;
use sesame_domain::certificate::CertificateStatus::{Active, Inactive, Pending};
use sesame_store::certificates;

use super::{for_write, has_status};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::values::Text;

pub(crate) struct UploadCertificate;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the certificate.
    certificate_id: String,
    /// The certificate in PEM.
    certificate: Text<16_384>,
    /// The certificates above it in PEM, from its issuer to the root.
    certificate_chain: Option<Text<65_536>>,
}

impl Operation for UploadCertificate {
    const NAME: &'static str = "UploadCertificate";
    const SUMMARY: &'static str = "Brings the certificate that was signed for a key pair, and the chain above it.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Certificate(&request.certificate_id)]
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        has_status(on.certificate()?, &[Pending, Active, Inactive])
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Empty> {
        let ours = on.certificate()?;
        let refused = |parameter| move |error| KmsError::invalid(parameter, error);
        let certificate = X509::from_pem(&request.certificate.0).map_err(refused("Certificate"))?;
        if !certificate.certifies(&PublicKey::from_spki_der(&ours.public_key)?) {
            return Err(KmsError::invalid("Certificate", "it is the certificate of another key"));
        }
        let chain = match &request.certificate_chain {
            None => Vec::new(),
            Some(text) => match X509::all_from_pem(&text.0).map_err(refused("CertificateChain"))? {
                chain if chain.is_empty() => {
                    return Err(KmsError::invalid("CertificateChain", "there is no certificate in it"));
                }
                chain => chain,
            },
        };
        let blamed = if chain.is_empty() { "Certificate" } else { "CertificateChain" };
        check_chain(&certificate, &chain, cx.now().seconds()).map_err(refused(blamed))?;
        let pem = (certificate.to_pem(), chain.iter().map(X509::to_pem).collect::<String>());
        let (id, pem, now) = (ours.id.clone(), Arc::new(pem), cx.now());
        cx.store()
            .write(move |tx| {
                let (id, pem) = (id.clone(), Arc::clone(&pem));
                Box::pin(async move {
                    let stored = for_write(tx, &id).await?;
                    has_status(&stored, &[Pending, Active, Inactive])?;
                    certificates::set_certificate(tx, &id, &pem.0, &pem.1, now).await?;
                    if stored.status == Pending {
                        certificates::set_status(tx, &id, Pending, Active, now).await?;
                    }
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Empty {})
    }
}
