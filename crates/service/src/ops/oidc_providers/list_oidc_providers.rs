//! `ListOIDCProviders`: the issuers of tokens that the account trusts, by name.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::ram::OidcProviderName;
use sesame_store::oidc_providers;

use super::shown::ShownProvider;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::ops::ram::params::{Marker, MaxItems, cut};
use crate::registry::Product;

pub(crate) struct ListOIDCProviders;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// Where the page before ended, from its answer.
    marker: Option<Marker<OidcProviderName>>,
    /// Providers on a page, 1 to 1000; 100 when it is not given.
    max_items: Option<MaxItems>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Response {
    #[serde(rename = "OIDCProviders")]
    providers: Providers,
    #[serde(rename = "IsTruncated")]
    is_truncated: bool,
    #[serde(rename = "Marker", skip_serializing_if = "Option::is_none")]
    marker: Option<String>,
}

#[derive(Debug, Serialize)]
struct Providers {
    #[serde(rename = "OIDCProvider")]
    provider: Vec<ShownProvider>,
}

impl Operation for ListOIDCProviders {
    const NAME: &'static str = "ListOIDCProviders";
    const PRODUCT: Product = Product::Ims;
    const SUMMARY: &'static str = "Lists the issuers of OpenID Connect tokens that the account trusts.";
    type Request = Request;
    type Response = Response;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::RamCollection(RamKind::OidcProvider)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let (size, after) = (MaxItems::or_default(request.max_items), request.marker.map(|marker| marker.0));
        let mut conn = cx.store().reader().await?;
        let mut found = oidc_providers::page(&mut conn, cx.account(), after.as_ref(), size + 1).await?;
        let marker = cut(&mut found, size, |provider| provider.name.as_str());
        let provider = found.iter().map(ShownProvider::of).collect();
        Ok(Response { providers: Providers { provider }, is_truncated: marker.is_some(), marker })
    }
}
