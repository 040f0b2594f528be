//! `UpdateOIDCProvider`: changes what tokens of an issuer must be like.

use sesame_derive::Params;
use sesame_domain::ram::{OidcProviderName, limits};

use super::change;
use super::params::{ClientId, IssuanceHours, Joined};
use super::shown::OneProvider;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::ops::ram_params::Description;
use crate::registry::Product;

pub(crate) struct UpdateOIDCProvider;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the provider.
    #[param(name = "OIDCProviderName")]
    name: OidcProviderName,
    /// Audiences of which a token must have one, joined by commas, up to 50; they replace those that there are.
    client_ids: Option<Joined<ClientId>>,
    /// The oldest token that is accepted, 1 to 168 hours since it was issued.
    issuance_limit_time: Option<IssuanceHours>,
    /// What the provider is for, up to 256 characters; empty for nothing.
    new_description: Option<Description<{ limits::OIDC_DESCRIPTION_CHARS }>>,
}

impl Operation for UpdateOIDCProvider {
    const NAME: &'static str = "UpdateOIDCProvider";
    const PRODUCT: Product = Product::Ims;
    const SUMMARY: &'static str =
        "Changes a trusted issuer of OpenID Connect tokens; what is not given stays as it is.";
    type Request = Request;
    type Response = OneProvider;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::OidcProvider, request.name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<OneProvider> {
        let client_ids = request.client_ids.map(|ids| ids.0.into_iter().map(|id| id.0).collect::<Vec<_>>());
        let (hours, description) = (request.issuance_limit_time.map(|hours| hours.0), request.new_description);
        change(cx, request.name, move |provider| {
            if let Some(ids) = &client_ids {
                provider.client_ids.clone_from(ids);
            }
            if let Some(hours) = hours {
                provider.issuance_limit_hours = hours;
            }
            if let Some(Description(description)) = &description {
                provider.description.clone_from(description);
            }
        })
        .await
    }
}
