//! OIDC providers: whose tokens are accepted by AssumeRoleWithOIDC (access-control reference, 1.8 and 1.9).

mod add_client_id_to_oidc_provider;
mod add_fingerprint_to_oidc_provider;
mod create_oidc_provider;
mod delete_oidc_provider;
mod get_oidc_provider;
mod list_oidc_providers;
mod params;
mod remove_client_id_from_oidc_provider;
mod remove_fingerprint_from_oidc_provider;
mod shown;
mod update_oidc_provider;

pub(crate) use add_client_id_to_oidc_provider::AddClientIdToOIDCProvider;
pub(crate) use add_fingerprint_to_oidc_provider::AddFingerprintToOIDCProvider;
pub(crate) use create_oidc_provider::CreateOIDCProvider;
pub(crate) use delete_oidc_provider::DeleteOIDCProvider;
pub(crate) use get_oidc_provider::GetOIDCProvider;
pub(crate) use list_oidc_providers::ListOIDCProviders;
pub(crate) use remove_client_id_from_oidc_provider::RemoveClientIdFromOIDCProvider;
pub(crate) use remove_fingerprint_from_oidc_provider::RemoveFingerprintFromOIDCProvider;
pub(crate) use update_oidc_provider::UpdateOIDCProvider;

use sesame_domain::AccountId;
use sesame_domain::ram::{OidcProvider, OidcProviderName, limits};
use sesame_store::{Conn, oidc_providers};
use shown::{OneProvider, ShownProvider};

use crate::context::Context;
use crate::error::{Code, KmsError, Result};

/// The provider of an account.
///
/// # Errors
/// `EntityNotExist.OIDCProvider`.
async fn found(conn: &mut Conn<'_>, account: &AccountId, name: &OidcProviderName) -> Result<OidcProvider> {
    oidc_providers::by_name(conn, account, name).await?.ok_or_else(|| Code::OidcProviderNotExist.into())
}

/// Refuses a provider with more of something than it may have.
fn within_limits(provider: &OidcProvider) -> Result<()> {
    if provider.client_ids.len() > limits::CLIENT_IDS {
        return Err(Code::LimitExceededOidcProviderClientId.into());
    }
    if provider.fingerprints.len() > limits::FINGERPRINTS {
        return Err(Code::LimitExceededOidcProviderFingerprint.into());
    }
    Ok(())
}

/// Changes a provider. What is asked for and is so already is no fault, so that a call may be sent again.
///
/// # Errors
/// `EntityNotExist.OIDCProvider`, `LimitExceeded.OIDCProvider.…`.
async fn change(
    cx: &Context<'_>,
    name: OidcProviderName,
    how: impl Fn(&mut OidcProvider) + Clone + Send + Sync + 'static,
) -> Result<OneProvider> {
    let (account, now) = (cx.account().clone(), cx.now());
    let changed = cx
        .store()
        .write(move |tx| {
            let (account, name, how) = (account.clone(), name.clone(), how.clone());
            Box::pin(async move {
                let mut provider = found(tx, &account, &name).await?;
                how(&mut provider);
                within_limits(&provider)?;
                provider.updated_at = now;
                oidc_providers::update(tx, &provider).await?;
                Ok::<_, KmsError>(provider)
            })
        })
        .await?;
    Ok(OneProvider { oidc_provider: ShownProvider::of(&changed) })
}
