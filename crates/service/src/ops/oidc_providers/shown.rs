//! OIDC providers as the answers show them.

use serde::Serialize;
use sesame_domain::ram::OidcProvider;

/// A provider.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ShownProvider {
    #[serde(rename = "OIDCProviderName")]
    name: String,
    arn: String,
    issuer_url: String,
    description: String,
    client_ids: String,
    fingerprints: String,
    issuance_limit_time: u32,
    create_date: String,
    update_date: String,
    /// In milliseconds since 1970, as a text.
    gmt_create: String,
    /// In milliseconds since 1970, as a text.
    gmt_modified: String,
}

impl ShownProvider {
    pub(super) fn of(provider: &OidcProvider) -> Self {
        Self {
            name: provider.name.to_string(),
            arn: provider.arn(),
            issuer_url: provider.issuer_url.clone(),
            description: provider.description.clone(),
            client_ids: provider.client_ids.join(","),
            fingerprints: provider.fingerprints.join(","),
            issuance_limit_time: provider.issuance_limit_hours,
            create_date: provider.created_at.to_string(),
            update_date: provider.updated_at.to_string(),
            gmt_create: provider.created_at.millis().to_string(),
            gmt_modified: provider.updated_at.millis().to_string(),
        }
    }
}

/// What operations on one provider answer.
#[derive(Debug, Serialize)]
pub(crate) struct OneProvider {
    #[serde(rename = "OIDCProvider")]
    pub(super) oidc_provider: ShownProvider,
}
