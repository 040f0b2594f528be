//! `CreateOIDCProvider`: trusts an issuer of tokens.

use std::sync::Arc;

use sesame_derive::Params;
use sesame_domain::ram::{OidcProvider, OidcProviderName, limits};
use sesame_store::{StoreError, oidc_providers};

use super::params::{ClientId, Fingerprint, IssuanceHours, IssuerUrl, Joined};
use super::shown::{OneProvider, ShownProvider};
use super::within_limits;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Fault, KmsError, Result};
use crate::operation::{Operation, RamKind, Target};
use crate::ops::ram_params::Description;
use crate::registry::Product;

pub(crate) struct CreateOIDCProvider;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name: 1 to 128 letters, digits, and between them `.`, `-` and `_`.
    #[param(name = "OIDCProviderName")]
    name: OidcProviderName,
    /// The issuer as it stands in its tokens: an https URL without user, query and fragment, up to 255 characters.
    issuer_url: IssuerUrl,
    /// Audiences of which a token must have one, joined by commas, up to 50; none for now when it is not given.
    client_ids: Option<Joined<ClientId>>,
    /// Digests of the certificates of the CAs that the issuer's server is trusted by, joined by commas, up to 5.
    fingerprints: Option<Joined<Fingerprint>>,
    /// The oldest token that is accepted, 1 to 168 hours since it was issued; 12 when it is not given.
    issuance_limit_time: Option<IssuanceHours>,
    /// What the provider is for, up to 256 characters.
    description: Option<Description<{ limits::OIDC_DESCRIPTION_CHARS }>>,
}

impl Operation for CreateOIDCProvider {
    const NAME: &'static str = "CreateOIDCProvider";
    const PRODUCT: Product = Product::Ims;
    const SUMMARY: &'static str = "Adds an issuer of OpenID Connect tokens, with which roles can then be assumed.";
    type Request = Request;
    type Response = OneProvider;

    fn validate(request: &Request) -> Result<()> {
        let is_special = |c: char| !c.is_ascii_alphanumeric();
        if request.name.as_str().starts_with(is_special) || request.name.as_str().ends_with(is_special) {
            let right = "it must begin and end with a letter or a digit";
            return Err(KmsError::faulty("OIDCProviderName", Fault::Characters, right));
        }
        Ok(())
    }

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::RamCollection(RamKind::OidcProvider)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<OneProvider> {
        let provider = OidcProvider {
            account: cx.account().clone(),
            name: request.name,
            description: request.description.unwrap_or_default().0,
            issuer_url: request.issuer_url.0,
            client_ids: request.client_ids.unwrap_or_default().0.into_iter().map(|id| id.0).collect(),
            fingerprints: request.fingerprints.unwrap_or_default().0.into_iter().map(|digest| digest.0).collect(),
            issuance_limit_hours: request.issuance_limit_time.map_or(limits::USUAL_ISSUANCE_HOURS, |hours| hours.0),
            created_at: cx.now(),
            updated_at: cx.now(),
        };
        within_limits(&provider)?;
        let answer = OneProvider { oidc_provider: ShownProvider::of(&provider) };
        let provider = Arc::new(provider);
        cx.store()
            .write(move |tx| {
                let provider = Arc::clone(&provider);
                Box::pin(async move {
                    let (account, name) = (&provider.account, &provider.name);
                    if oidc_providers::by_name(tx, account, name).await?.is_some() {
                        return Err(KmsError::from(Code::OidcProviderAlreadyExists));
                    }
                    oidc_providers::insert(tx, &provider).await.map_err(|error| match error {
                        // It is not the name, so it is the issuer.
                        StoreError::AlreadyExists => Code::OidcProviderUrlAlreadyExists.into(),
                        other => KmsError::from(other),
                    })?;
                    if oidc_providers::count(tx, account).await? > limits::OIDC_PROVIDERS {
                        return Err(Code::LimitExceededOidcProvider.into());
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(answer)
    }
}
