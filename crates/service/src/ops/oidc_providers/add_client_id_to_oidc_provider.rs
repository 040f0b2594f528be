//! `AddClientIdToOIDCProvider`: adds an audience to a provider.

use sesame_derive::Params;
use sesame_domain::ram::OidcProviderName;

use super::change;
use super::params::ClientId;
use super::shown::OneProvider;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct AddClientIdToOIDCProvider;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the provider.
    #[param(name = "OIDCProviderName")]
    name: OidcProviderName,
    /// The audience: 1 to 128 letters, digits and `. - _ : /`, the first a letter or a digit.
    client_id: ClientId,
}

impl Operation for AddClientIdToOIDCProvider {
    const NAME: &'static str = "AddClientIdToOIDCProvider";
    const PRODUCT: Product = Product::Ims;
    const SUMMARY: &'static str = "Accepts tokens of an issuer for one more audience.";
    type Request = Request;
    type Response = OneProvider;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::OidcProvider, request.name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<OneProvider> {
        let client_id = request.client_id.0;
        change(cx, request.name, move |provider| {
            if !provider.client_ids.contains(&client_id) {
                provider.client_ids.push(client_id.clone());
            }
        })
        .await
    }
}
