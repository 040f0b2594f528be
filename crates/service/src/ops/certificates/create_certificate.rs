//! `CreateCertificate`: makes a key pair and a signing request for it.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use sesame_crypto::certificate::{DnsName, SubjectName, signing_request};
use sesame_crypto::random::uuid_v4;
use sesame_crypto::{KeySpec, UnlockedKey};
use sesame_derive::Params;
use sesame_domain::certificate::{Certificate, CertificateStatus};
use sesame_store::certificates;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};
use crate::params::{FromText, Kind};
use crate::quotas::Resource;
use crate::workers::Work;

/// Most domain names in a signing request.
const DOMAIN_NAMES: usize = 10;

pub(crate) struct CreateCertificate;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The subject: `CN=userName,OU=kms,O=aliyun,C=CN`; `ST` and `L` may be added.
    subject: SubjectName,
    /// `RSA_2048`, `EC_P256` or `EC_SM2`.
    key_spec: KeySpec,
    /// Whether the private key may be exported, true by default; only noted, no operation exports it.
    exportable_private_key: Option<bool>,
    /// Domain names: a JSON array of up to 10 texts.
    subject_alternative_names: Option<DnsNames>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    certificate_id: String,
    arn: String,
    csr: String,
}

impl Operation for CreateCertificate {
    const NAME: &'static str = "CreateCertificate";
    const SUMMARY: &'static str = "Makes a key pair and a request to have its certificate signed.";
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        if [KeySpec::Rsa2048, KeySpec::EcP256, KeySpec::EcSm2].contains(&request.key_spec) {
            return Ok(());
        }
        Err(KmsError::invalid("KeySpec", "it must be RSA_2048, EC_P256 or EC_SM2"))
    }

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("certificate")]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let Request { subject, key_spec: spec, .. } = request;
        let names = request.subject_alternative_names.map(|names| names.0).unwrap_or_default();
        let alternative_names = names.iter().map(|name| name.as_str().to_owned()).collect();
        let (text, random) = (subject.to_text(), Arc::clone(&cx.service.random));
        let make = move || {
            let (key, material) = UnlockedKey::generate(spec, &*random)?;
            let csr = signing_request(&key, &subject, &names)?;
            Ok::<_, sesame_crypto::CryptoError>((key.public_key_der()?.to_vec(), material, csr))
        };
        let (public_key, private_key, csr) = cx.workers().run(Work::Generation, spec, make).await??;
        let certificate = Certificate {
            id: uuid_v4(cx.random())?,
            account: cx.account().clone(),
            spec,
            status: CertificateStatus::Pending,
            subject: text,
            alternative_names,
            exportable: request.exportable_private_key != Some(false),
            public_key,
            csr,
            certificate: String::new(),
            chain: String::new(),
            created_at: cx.now(),
            updated_at: cx.now(),
        };
        let response = Response {
            certificate_id: certificate.id.clone(),
            arn: cx.arn(&certificate.account, format_args!("certificate/{}", certificate.id)),
            csr: certificate.csr.clone(),
        };
        let kept = Arc::new((certificate, private_key));
        let limits = cx.service.limits;
        cx.store()
            .write(move |tx| {
                let kept = Arc::clone(&kept);
                Box::pin(async move {
                    if let Some(quota) = limits.quota(Resource::Certificates) {
                        quota.admit_beside(certificates::count(tx, &kept.0.account).await?)?;
                    }
                    certificates::insert(tx, &kept.0, &kept.1).await.map_err(KmsError::from)
                })
            })
            .await?;
        Ok(response)
    }
}

impl FromText for SubjectName {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        Self::parse(text).map_err(|error| error.to_string().into())
    }
}

/// `SubjectAlternativeNames`.
#[derive(Debug)]
struct DnsNames(Vec<DnsName>);

impl FromText for DnsNames {
    const KIND: Kind = Kind::Json;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        let names: Vec<String> =
            serde_json::from_str(text).map_err(|_| "it must be a JSON array such as [\"example.com\"]")?;
        if names.len() > DOMAIN_NAMES {
            return Err(format!("it may have {DOMAIN_NAMES} domain names at most").into());
        }
        let names = names.iter().map(|name| DnsName::parse(name)).collect::<std::result::Result<_, _>>();
        names.map(Self).map_err(|error| error.to_string().into())
    }
}
