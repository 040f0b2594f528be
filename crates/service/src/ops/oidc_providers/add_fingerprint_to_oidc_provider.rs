//! `AddFingerprintToOIDCProvider`: adds a fingerprint to a provider.

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

pub(crate) struct AddFingerprintToOIDCProvider;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the provider.
    #[param(name = "OIDCProviderName")]
    name: OidcProviderName,
    /// The digest of the certificate: 1 to 128 letters and digits.
    fingerprint: Fingerprint,
}

impl Operation for AddFingerprintToOIDCProvider {
    const NAME: &'static str = "AddFingerprintToOIDCProvider";
    const PRODUCT: Product = Product::Ims;
    const SUMMARY: &'static str = "Accepts one more certificate of a CA for the server of an issuer.";
    type Request = Request;
    type Response = OneProvider;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::OidcProvider, request.name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<OneProvider> {
        let fingerprint = request.fingerprint.0;
        change(cx, request.name, move |provider| {
            if !provider.fingerprints.contains(&fingerprint) {
                provider.fingerprints.push(fingerprint.clone());
            }
        })
        .await
    }
}
