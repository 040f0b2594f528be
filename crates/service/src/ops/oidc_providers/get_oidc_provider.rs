//! `GetOIDCProvider`: an issuer of tokens that the account trusts.

use sesame_derive::Params;
use sesame_domain::ram::OidcProviderName;

use super::found;
use super::shown::{OneProvider, ShownProvider};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct GetOIDCProvider;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the provider.
    #[param(name = "OIDCProviderName")]
    name: OidcProviderName,
}

impl Operation for GetOIDCProvider {
    const NAME: &'static str = "GetOIDCProvider";
    const PRODUCT: Product = Product::Ims;
    const SUMMARY: &'static str = "Shows an issuer of OpenID Connect tokens that the account trusts.";
    type Request = Request;
    type Response = OneProvider;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::OidcProvider, request.name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<OneProvider> {
        let provider = found(&mut cx.store().reader().await?, cx.account(), &request.name).await?;
        Ok(OneProvider { oidc_provider: ShownProvider::of(&provider) })
    }
}
