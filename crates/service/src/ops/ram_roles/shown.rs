//! Roles as the answers show them.

use serde::Serialize;
use sesame_domain::ram::Role;

use crate::ops::ram_params::Tags;

/// A role. Each operation answers some of its members.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ShownRole {
    role_id: String,
    role_name: String,
    arn: String,
    description: String,
    max_session_duration: u32,
    allow_console_login: bool,
    create_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assume_role_policy_document: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_service_linked_role: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_principal_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
}

impl ShownRole {
    /// What every answer shows, and who may assume the role.
    pub(super) fn of(role: &Role) -> Self {
        Self { assume_role_policy_document: Some(role.trust_policy.clone()), ..Self::in_list(role) }
    }

    /// What every answer shows.
    pub(super) fn in_list(role: &Role) -> Self {
        Self {
            role_id: role.id.to_string(),
            role_name: role.name.to_string(),
            arn: role.arn(),
            description: role.description.clone(),
            max_session_duration: role.max_session_seconds,
            allow_console_login: false,
            create_date: role.created_at.to_string(),
            update_date: None,
            assume_role_policy_document: None,
            is_service_linked_role: None,
            role_principal_name: None,
            tags: None,
        }
    }

    /// Shows when it was last changed.
    pub(super) fn with_update_date(self, role: &Role) -> Self {
        Self { update_date: Some(role.updated_at.to_string()), ..self }
    }

    /// Shows what only GetRole does.
    pub(super) fn with_principal(self, role: &Role) -> Self {
        // The form that the original's pages show, for an account without an alias.
        let principal = format!("{}@role.{}.onaliyunservice.com", role.name, role.account);
        Self { is_service_linked_role: Some(false), role_principal_name: Some(principal), ..self }
    }

    /// Shows its tags.
    pub(super) fn with_tags(self, tags: Tags) -> Self {
        Self { tags: Some(tags), ..self }
    }
}

/// What operations on one role answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OneRole {
    pub(super) role: ShownRole,
}
