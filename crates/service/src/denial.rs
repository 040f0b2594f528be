//! What the caller is told of a refused permission (access-control reference, 5.2 and 5.3).

use serde::Serialize;
use sesame_policy::{Decision, Request};

use crate::authorize::refusal;
use crate::context::Context;
use crate::error::{Code, KmsError};
use crate::request::{Identity, Principal};

/// `AccessDeniedDetail`: which permission was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessDeniedDetail {
    /// The action, such as `kms:Decrypt`.
    pub auth_action: String,
    /// `RootUser`, `SubUser` or `AssumedRoleUser`.
    pub auth_principal_type: &'static str,
    /// The account of the caller.
    pub auth_principal_owner_id: String,
    /// The id of a user, `<role>:<session>`, or the id of an account.
    pub auth_principal_display_name: String,
    /// `ImplicitDeny` or `ExplicitDeny`.
    pub no_permission_type: &'static str,
    /// Which kind of policy refuses, or does not allow.
    pub policy_type: &'static str,
}

impl AccessDeniedDetail {
    fn new(principal: &Principal, action: String, decision: &Decision) -> Self {
        let (auth_principal_type, auth_principal_display_name) = display(principal);
        let (no_permission_type, policy_type) = refusal(&decision.basis).unwrap_or_default();
        Self {
            auth_action: action,
            auth_principal_type,
            auth_principal_owner_id: principal.account.to_string(),
            auth_principal_display_name,
            no_permission_type,
            policy_type,
        }
    }
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

/// The refusal of a call.
pub(crate) fn denied(cx: &Context<'_>, code: Code, request: &Request<'_>, decision: &Decision) -> KmsError {
    let action = request.actions.first().map(ToString::to_string).unwrap_or_default();
    // An ARN with a name: a caller knows which accounts and kinds there are.
    let names_one = request.resource.names.first().is_some_and(|name| name.contains('/') && !name.ends_with("/*"));
    let message = match code {
        Code::NoPermission | Code::NoPermissionAsBadRequest if names_one => {
            format!("This operation for {} is forbidden by permission system.", request.resource).into()
        }
        _ => code.message().into(),
    };
    let detail = AccessDeniedDetail::new(cx.principal, action, decision);
    KmsError { message, denied: Some(Box::new(detail)), ..code.into() }
}
