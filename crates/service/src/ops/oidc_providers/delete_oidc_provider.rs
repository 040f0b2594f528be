//! `DeleteOIDCProvider`: trusts an issuer of tokens no more.

use sesame_derive::Params;
use sesame_domain::ram::OidcProviderName;
use sesame_store::oidc_providers;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct DeleteOIDCProvider;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the provider.
    #[param(name = "OIDCProviderName")]
    name: OidcProviderName,
}

impl Operation for DeleteOIDCProvider {
    const NAME: &'static str = "DeleteOIDCProvider";
    const PRODUCT: Product = Product::Ims;
    const SUMMARY: &'static str = "Removes an issuer of OpenID Connect tokens; its tokens are accepted no more.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::OidcProvider, request.name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let (account, name) = (cx.account().clone(), request.name);
        cx.store()
            .write(move |tx| {
                let (account, name) = (account.clone(), name.clone());
                Box::pin(async move {
                    if !oidc_providers::delete(tx, &account, &name).await? {
                        return Err(KmsError::from(Code::OidcProviderNotExist));
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(Empty {})
    }
}
