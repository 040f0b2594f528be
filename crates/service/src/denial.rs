//! What the caller is told of a refused permission (access-control reference, 5.2 and 5.3).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sesame_domain::Timestamp;
use sesame_policy::{ConditionKey, Decision, Request, Values};

use crate::authorize::refusal;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::request::{Identity, Principal};

/// What tokens with a diagnosis are for.
const PURPOSE: &str = "diagnosis";

/// `AccessDeniedDetail`: which permission was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessDeniedDetail {
    /// The action, such as `kms:Decrypt`.
    pub auth_action: String,
    /// `RootUser`, `SubUser` or `AssumedRoleUser`.
    pub auth_principal_type: String,
    /// The account of the caller.
    pub auth_principal_owner_id: String,
    /// The id of a user, `<role>:<session>`, or the id of an account.
    pub auth_principal_display_name: String,
    /// `ImplicitDeny` or `ExplicitDeny`.
    pub no_permission_type: &'static str,
    /// Which kind of policy refuses, or does not allow.
    pub policy_type: &'static str,
    /// What `DecodeDiagnosticMessage` explains, for a day, to identities of the same account.
    pub encoded_diagnostic_message: String,
}

/// The type of a principal, and the name that it is shown by.
fn display(principal: &Principal) -> (&'static str, String) {
    match &principal.identity {
        Identity::Root => ("RootUser", principal.account.to_string()),
        Identity::User(user) => ("SubUser", user.id.to_string()),
        Identity::Session(session) => ("AssumedRoleUser", format!("{}:{}", session.role_name, session.name)),
        Identity::Anonymous => ("Anonymous", String::new()),
    }
}

/// What [`AccessDeniedDetail::encoded_diagnostic_message`] holds, for `DecodeDiagnosticMessage` (access-control reference,
/// 5.4). It travels with the caller, so that any node can explain the refusal of any other and a flood of refusals
/// leaves nothing behind.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Diagnosis {
    /// The account whose identities may read it.
    pub(crate) account: String,
    /// When the call was refused, in milliseconds.
    pub(crate) at: i64,
    pub(crate) request_id: String,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) principal_type: String,
    pub(crate) principal_name: String,
    /// What the request said about itself: condition keys, each with its value.
    pub(crate) conditions: Vec<(String, String)>,
    pub(crate) decision: Decision,
}

impl Diagnosis {
    /// The longest time that a refusal can be asked about, in seconds: a day.
    const SECONDS: i64 = 86_400;
    /// Statements that are named at most: a message has to fit into headers of logs and tickets.
    const STATEMENTS: usize = 8;

    /// Whether it is too late to ask.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        now.millis() - self.at > Self::SECONDS * 1_000
    }

    /// What a message holds; `None` for everything that is no message of this deployment.
    pub(crate) async fn open(cx: &Context<'_>, message: &str) -> Result<Option<Self>> {
        let Some(opened) = cx.service.tokens.open(PURPOSE, message).await? else { return Ok(None) };
        // EXPOSE: a diagnosis is no secret from the account that it is about, which is compared after it was read.
        Ok(serde_json::from_slice(opened.expose()).ok())
    }

    async fn seal(&self, cx: &Context<'_>) -> Result<String> {
        let text = serde_json::to_vec(self).map_err(KmsError::internal)?;
        cx.service.tokens.seal(PURPOSE, &text).await
    }
}

/// The refusal of a call, before its diagnosis is sealed.
#[derive(Debug)]
pub(crate) struct Denial {
    code: Code,
    message: Cow<'static, str>,
    diagnosis: Diagnosis,
}

impl Denial {
    /// That a request was refused by a decision.
    pub(crate) fn new(cx: &Context<'_>, code: Code, request: &Request<'_>, decision: Decision) -> Self {
        // An ARN with a name: a caller knows which accounts and kinds there are.
        let names_one = request.resource.names.first().is_some_and(|name| name.contains('/') && !name.ends_with("/*"));
        let message = match code {
            Code::NoPermission | Code::NoPermissionAsBadRequest if names_one => {
                format!("This operation for {} is forbidden by permission system.", request.resource).into()
            }
            _ => code.message().into(),
        };
        Self { code, message, diagnosis: Diagnosis::of(cx, request, decision) }
    }

    /// What the caller is told.
    pub(crate) async fn into_error(self, cx: &Context<'_>) -> KmsError {
        let Self { code, message, diagnosis } = self;
        let encoded_diagnostic_message = match diagnosis.seal(cx).await {
            Ok(message) => message,
            Err(failure) => return failure,
        };
        let (no_permission_type, policy_type) = refusal(&diagnosis.decision.basis).unwrap_or_default();
        let detail = AccessDeniedDetail {
            auth_action: diagnosis.action,
            auth_principal_type: diagnosis.principal_type,
            auth_principal_owner_id: diagnosis.account,
            auth_principal_display_name: diagnosis.principal_name,
            no_permission_type,
            policy_type,
            encoded_diagnostic_message,
        };
        KmsError { message, denied: Some(Box::new(detail)), ..code.into() }
    }
}

impl Diagnosis {
    fn of(cx: &Context<'_>, request: &Request<'_>, mut decision: Decision) -> Self {
        decision.deciding.truncate(Self::STATEMENTS);
        decision.failing.truncate(Self::STATEMENTS);
        decision.absent_keys.truncate(Self::STATEMENTS);
        let keys = [
            ConditionKey::SourceIp,
            ConditionKey::SecureTransport,
            ConditionKey::CurrentTime,
            ConditionKey::PrincipalArn,
            ConditionKey::EncryptionAlgorithm,
        ];
        let value = |key: ConditionKey| match request.context.values(&key) {
            Values::One(value) => Some((key.to_string(), value.text().into_owned())),
            Values::Absent | Values::Many(_) => None,
        };
        let (principal_type, principal_name) = display(cx.principal);
        Self {
            account: cx.account().to_string(),
            at: cx.now().millis(),
            request_id: cx.request_id.to_owned(),
            action: request.actions.first().map(ToString::to_string).unwrap_or_default(),
            resource: request.resource.to_string(),
            principal_type: principal_type.to_owned(),
            principal_name,
            conditions: keys.into_iter().filter_map(value).collect(),
            decision,
        }
    }
}
