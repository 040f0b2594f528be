//! `AssumeRoleWithOIDC`: credentials of a role for whom an identity provider vouches.

use std::borrow::Cow;

use serde::Serialize;
use sesame_crypto::secret::SecretText;
use sesame_derive::Params;
use sesame_domain::ram::RoleSessionName;
use sesame_policy::Caller;
use sesame_store::{accounts, oidc_providers};

use super::issue::{self, AssumedRoleUser, Credentials};
use super::params::{OidcProviderArn, RoleArn, Seconds, Sent, SessionPolicy, check};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Result};
use crate::oidc;
use crate::operation::{Operation, Target};
use crate::params::{FromText, Kind, Sensitivity};
use crate::registry::Product;
use crate::sessions::Terms;
use crate::trust::{self, Applicant};

pub(crate) struct AssumeRoleWithOIDC;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// How long the session lasts, 900 seconds to what the role allows; 3600 when it is not given.
    duration_seconds: Option<Sent<Seconds>>,
    /// The OIDC provider, `acs:ram::<account>:oidc-provider/<name>`.
    #[param(name = "OIDCProviderArn")]
    oidc_provider_arn: Sent<OidcProviderArn>,
    /// The token that the issuer signed, a JSON Web Token of 4 to 20,000 characters.
    #[param(name = "OIDCToken")]
    oidc_token: OidcToken,
    /// A policy that limits what the session may do, up to 2,048 bytes of JSON.
    policy: Option<SessionPolicy>,
    /// The role, `acs:ram::<account>:role/<name>`.
    role_arn: Sent<RoleArn>,
    /// A name for the session, seen in the audit trail: 2 to 64 letters, digits and `. @ - _`.
    role_session_name: Sent<RoleSessionName>,
}

/// A token as sent: whoever has it is its holder.
#[derive(Debug)]
struct OidcToken(SecretText);

impl FromText for OidcToken {
    const KIND: Kind = Kind::Text;
    const SENSITIVITY: Sensitivity = Sensitivity::Dropped;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        let is_right = (4..=20_000).contains(&text.len());
        is_right
            .then(|| Self(SecretText::new(text.to_owned())))
            .ok_or_else(|| "it may have 4 to 20000 characters".into())
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    credentials: Credentials,
    assumed_role_user: AssumedRoleUser,
    #[serde(rename = "OIDCTokenInfo")]
    oidc_token_info: OidcTokenInfo,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct OidcTokenInfo {
    subject: String,
    issuer: String,
    client_ids: String,
    expiration_time: String,
    issuance_time: String,
    verification_info: &'static str,
}

impl Operation for AssumeRoleWithOIDC {
    const NAME: &'static str = "AssumeRoleWithOIDC";
    const PRODUCT: Product = Product::Sts;
    const SUMMARY: &'static str =
        "Answers credentials with which the holder of an OIDC token acts as a role for a while; it is not signed.";
    const SENSITIVE: bool = true;
    const ANONYMOUS: bool = true;
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        request.oidc_provider_arn.get()?;
        request.role_arn.get()?;
        request.role_session_name.get()?;
        check(request.duration_seconds.as_ref())?;
        request.policy.as_ref().map_or(Ok(()), SessionPolicy::check)
    }

    /// None: the token and the trust policy of the role decide.
    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        []
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let arn = request.oidc_provider_arn.get()?;
        let provider = {
            let mut conn = cx.store().reader().await?;
            match accounts::is_enabled(&mut conn, &arn.account).await? {
                Some(true) => oidc_providers::by_name(&mut conn, &arn.account, &arn.name).await?,
                Some(false) | None => None,
            }
        };
        let provider = provider.ok_or(Code::OidcProviderNotExist)?;
        // EXPOSE: parsed and verified.
        let token = oidc::verify(&cx.service.issuers, &provider, request.oidc_token.0.expose(), cx.now()).await?;
        // Only who has a token learns which roles there are.
        let arn = request.role_arn.get()?;
        let role = issue::role(cx, &arn.account, &arn.name).await?;
        let applicant = Applicant {
            caller: Caller::Federated { provider: &provider.arn() },
            source: cx.source,
            now: cx.now(),
            external_id: None,
            source_identity: "",
            token: Some(&token),
        };
        if !trust::decide(&role, &applicant).is_allowed() {
            return Err(Code::OidcNoPermission.into());
        }
        let wanted = request.duration_seconds.as_ref().and_then(Sent::right).copied();
        let terms = Terms {
            name: request.role_session_name.get()?.clone(),
            seconds: issue::seconds(&role, wanted)?,
            policy: request.policy.map(|policy| policy.0).unwrap_or_default(),
            source_identity: String::new(),
        };
        let (credentials, assumed_role_user) = issue::issue(cx, &role, terms).await?;
        let oidc_token_info = OidcTokenInfo {
            client_ids: token.audiences.join(","),
            expiration_time: token.expires_at.to_string(),
            issuance_time: token.issued_at.to_string(),
            verification_info: "Success",
            subject: token.subject,
            issuer: token.issuer,
        };
        Ok(Response { credentials, assumed_role_user, oidc_token_info })
    }
}
