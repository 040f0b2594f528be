//! `AssumeRole`: credentials of a role for a while.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::ram::RoleSessionName;

use super::issue::{self, AssumedRoleUser, Credentials};
use super::params::{ExternalId, RoleArn, Seconds, Sent, SessionPolicy, SourceIdentity, check};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, Target};
use crate::registry::Product;
use crate::request::Identity;
use crate::sessions::Terms;
use crate::trust::{self, Applicant};

pub(crate) struct AssumeRole;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// How long the session lasts, 900 seconds to what the role allows; 3600 when it is not given.
    duration_seconds: Option<Sent<Seconds>>,
    /// What the trust policy of the role may ask for with `sts:ExternalId`: 2 to 1,224 characters.
    external_id: Option<Sent<ExternalId>>,
    /// A policy that limits what the session may do, up to 2,048 bytes of JSON.
    policy: Option<SessionPolicy>,
    /// The role, `acs:ram::<account>:role/<name>`.
    role_arn: Sent<RoleArn>,
    /// A name for the session, seen in the audit trail: 2 to 64 letters, digits and `. @ - _`.
    role_session_name: Sent<RoleSessionName>,
    /// Who is behind the session, for the audit trail and for conditions on `sts:SourceIdentity`: 2 to 64 characters. In
    /// a chain of roles it cannot be changed.
    source_identity: Option<Sent<SourceIdentity>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    credentials: Credentials,
    assumed_role_user: AssumedRoleUser,
    #[serde(skip_serializing_if = "String::is_empty")]
    source_identity: String,
}

impl Operation for AssumeRole {
    const NAME: &'static str = "AssumeRole";
    const PRODUCT: Product = Product::Sts;
    const SUMMARY: &'static str = "Answers credentials with which a user or a session acts as a role for a while.";
    const SENSITIVE: bool = true;
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        request.role_arn.get()?;
        request.role_session_name.get()?;
        check(request.duration_seconds.as_ref())?;
        check(request.external_id.as_ref())?;
        check(request.source_identity.as_ref())?;
        request.policy.as_ref().map_or(Ok(()), SessionPolicy::check)
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        request.role_arn.right().map(|role| Target::Role(&role.account, role.name.as_str()))
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let carried = match &cx.principal.identity {
            Identity::Root => {
                return Err(KmsError::new(Code::NotAuthorized, "Roles may not be assumed by root accounts."));
            }
            Identity::Session(session) => session.source_identity.as_str(),
            Identity::User(_) | Identity::Anonymous => "",
        };
        let asked = request.source_identity.as_ref().map(|sent| sent.get()).transpose()?;
        let source_identity = match asked {
            Some(SourceIdentity(asked)) if !carried.is_empty() && carried != asked => {
                return Err(KmsError::new(
                    Code::InvalidSourceIdentity,
                    "The parameter SourceIdentity is wrongly formed: the session has another one already, which stays.",
                ));
            }
            Some(SourceIdentity(asked)) => asked.clone(),
            None => carried.to_owned(),
        };
        let arn = request.role_arn.get()?;
        let role = issue::role(cx, &arn.account, &arn.name).await?;
        let applicant = Applicant {
            caller: cx.principal.caller(),
            source: cx.source,
            now: cx.now(),
            external_id: request.external_id.as_ref().and_then(Sent::right).map(|id| id.0.as_str()),
            source_identity: &source_identity,
            token: None,
        };
        if !trust::decide(&role, &applicant).is_allowed() {
            return Err(KmsError::new(Code::NotAuthorized, "No permission perform sts:AssumeRole on this Role."));
        }
        let wanted = request.duration_seconds.as_ref().and_then(Sent::right).copied();
        let terms = Terms {
            name: request.role_session_name.get()?.clone(),
            seconds: issue::seconds(&role, wanted)?,
            policy: request.policy.map(|policy| policy.0).unwrap_or_default(),
            source_identity: source_identity.clone(),
        };
        let (credentials, assumed_role_user) = issue::issue(cx, &role, terms).await?;
        Ok(Response { credentials, assumed_role_user, source_identity })
    }
}
