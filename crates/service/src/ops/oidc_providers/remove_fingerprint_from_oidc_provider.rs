//! `RemoveFingerprintFromOIDCProvider`: removes a fingerprint from a provider.

use sesame_derive::Params;
use sesame_domain::ram::OidcProviderName;

use super::change;
use super::params::Fingerprint;
use super::shown::OneProvider;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct RemoveFingerprintFromOIDCProvider;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the provider.
    #[param(name = "OIDCProviderName")]
    name: OidcProviderName,
    /// The digest of the certificate.
    fingerprint: Fingerprint,
}

impl Operation for RemoveFingerprintFromOIDCProvider {
    const NAME: &'static str = "RemoveFingerprintFromOIDCProvider";
    const PRODUCT: Product = Product::Ims;
    const SUMMARY: &'static str = "Accepts a certificate of a CA for the server of an issuer no more.";
    type Request = Request;
    type Response = OneProvider;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::OidcProvider, request.name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<OneProvider> {
        let fingerprint = request.fingerprint.0;
        change(cx, request.name, move |provider| provider.fingerprints.retain(|other| *other != fingerprint)).await
    }
}
