//! `DecodeDiagnosticMessage`: why a call was refused.

use serde::Serialize;
use sesame_derive::Params;
use sesame_policy::{Attachment, Basis, Effect, MatchedStatement, PolicyType};

use crate::authorize::{Granted, refusal};
use crate::context::Context;
use crate::denial::Diagnosis;
use crate::error::{Code, Result};
use crate::operation::{Operation, Target};
use crate::registry::Product;

pub(crate) struct DecodeDiagnosticMessage;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The `EncodedDiagnosticMessage` of a refusal, up to a day old.
    encoded_diagnostic_message: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    decoded_diagnostic_message: Decoded,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Decoded {
    auth_action: String,
    auth_resource: String,
    auth_principal: AuthPrincipal,
    auth_conditions: Vec<AuthCondition>,
    explicit_deny: bool,
    no_permission_policy_type: &'static str,
    matched_policies: Vec<MatchedPolicy>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AuthPrincipal {
    auth_principal_type: String,
    auth_principal_owner_id: String,
    auth_principal_display_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AuthCondition {
    condition_key: String,
    condition_values: [String; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct MatchedPolicy {
    policy_identifier: String,
    policy_type: &'static str,
    policy_version: String,
    effect: &'static str,
    attached_entity_type: &'static str,
    attached_scope: &'static str,
}

impl Operation for DecodeDiagnosticMessage {
    const NAME: &'static str = "DecodeDiagnosticMessage";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Explains why a call was refused: which permission, and by which statements.";
    type Request = Request;
    type Response = Response;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("*")]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let found = Diagnosis::open(cx, &request.encoded_diagnostic_message).await?;
        let found = found.filter(|found| found.account == cx.account().as_str()).ok_or(Code::DiagnosisNotFound)?;
        if found.is_expired(cx.now()) {
            return Err(Code::DiagnosisExpired.into());
        }
        Ok(Response { decoded_diagnostic_message: Decoded::from(found) })
    }
}

impl From<Diagnosis> for Decoded {
    fn from(found: Diagnosis) -> Self {
        let conditions = found
            .conditions
            .into_iter()
            .map(|(condition_key, value)| AuthCondition { condition_key, condition_values: [value] });
        let (_, no_permission_policy_type) = refusal(&found.decision.basis).unwrap_or_default();
        Self {
            auth_action: found.action,
            auth_resource: found.resource,
            auth_principal: AuthPrincipal {
                auth_principal_type: found.principal_type,
                auth_principal_owner_id: found.account,
                auth_principal_display_name: found.principal_name,
            },
            auth_conditions: conditions.collect(),
            explicit_deny: matches!(found.decision.basis, Basis::ExplicitDeny(_)),
            no_permission_policy_type,
            matched_policies: found.decision.deciding.into_iter().map(MatchedPolicy::from).collect(),
        }
    }
}

impl From<MatchedStatement> for MatchedPolicy {
    fn from(matched: MatchedStatement) -> Self {
        let source = matched.source;
        Self {
            policy_identifier: source.name.into(),
            policy_type: match source.policy_type {
                PolicyType::System => "System",
                PolicyType::Custom => "Custom",
                PolicyType::Session => "Session",
                PolicyType::Key | PolicyType::Secret => "ResourceBased",
                PolicyType::Trust => "AssumeRole",
            },
            policy_version: source.version.into(),
            effect: match matched.effect {
                Effect::Allow => "Allow",
                Effect::Deny => "Deny",
            },
            attached_entity_type: match source.attachment {
                Attachment::RamUser(_) => "RamUser",
                Attachment::RamGroup(_) => "RamGroup",
                Attachment::RamRole(_) => "RamRole",
                Attachment::Session(_) => "Session",
                Attachment::Resource => "Resource",
            },
            attached_scope: "Account",
        }
    }
}
