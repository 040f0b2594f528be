//! `DescribeCertificate`: everything about a certificate but its text.

use std::collections::BTreeMap;

use serde::Serialize;
use sesame_crypto::certificate::{Certificate as X509, key_identifier};
use sesame_crypto::{KeySpec, PublicKey};
use sesame_derive::Params;
use sesame_domain::Timestamp;
use sesame_domain::tag::ResourceType;
use sesame_store::tags;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};

pub(crate) struct DescribeCertificate;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the certificate.
    certificate_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    arn: String,
    certificate_id: String,
    created_at: String,
    updated_at: String,
    not_before: String,
    not_after: String,
    exportable_private_key: bool,
    issuer: String,
    subject: String,
    key_spec: &'static str,
    serial: String,
    signature_algorithm: &'static str,
    status: &'static str,
    subject_alternative_names: Vec<String>,
    subject_key_identifier: String,
    subject_public_key: String,
    tags: BTreeMap<String, String>,
}

impl Operation for DescribeCertificate {
    const NAME: &'static str = "DescribeCertificate";
    const SUMMARY: &'static str = "Tells everything about a certificate but its text.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Certificate(&request.certificate_id)]
    }

    async fn run(cx: &Context<'_>, on: Granted, _: Request) -> Result<Response> {
        let ours = on.certificate()?;
        let key = PublicKey::from_spki_der(&ours.public_key)?;
        let uploaded = match ours.certificate.as_str() {
            "" => None,
            pem => Some(X509::from_pem(pem).map_err(KmsError::internal)?),
        };
        let mut conn = cx.store().reader().await?;
        let tags = tags::list(&mut conn, &ours.account, ResourceType::Certificate, &ours.id).await?;
        let time = |of: fn(&X509) -> i64| {
            uploaded.as_ref().map(|x509| Timestamp::from_seconds(of(x509)).to_string()).unwrap_or_default()
        };
        let text = |of: fn(&X509) -> String| uploaded.as_ref().map(of).unwrap_or_default();
        Ok(Response {
            arn: cx.arn(&ours.account, format_args!("certificate/{}", ours.id)),
            certificate_id: ours.id.clone(),
            created_at: ours.created_at.to_string(),
            updated_at: ours.updated_at.to_string(),
            not_before: time(X509::not_before),
            not_after: time(X509::not_after),
            exportable_private_key: ours.exportable,
            issuer: text(X509::issuer),
            // Before there is a certificate, the subject that was asked for.
            subject: uploaded.as_ref().map_or_else(|| ours.subject.clone(), X509::subject),
            key_spec: ours.spec.name(),
            serial: text(X509::serial),
            signature_algorithm: match ours.spec {
                KeySpec::EcP256 => "ECDSA-SHA256",
                KeySpec::EcSm2 => "SM2-SM3",
                _ => "RSA2048-SHA256",
            },
            status: ours.status.name(),
            subject_alternative_names: ours.alternative_names.clone(),
            subject_key_identifier: uploaded
                .as_ref()
                .map_or_else(|| key_identifier(&key), X509::subject_key_identifier),
            subject_public_key: key.pem(),
            tags: tags.into_iter().map(|tag| (tag.key.to_string(), tag.value.as_str().to_owned())).collect(),
        })
    }
}
