//! Policies and versions as the answers show them.

use serde::Serialize;
use sesame_domain::Timestamp;
use sesame_domain::ram::{Policy, PolicyType, PolicyVersion};
use sesame_policy::system::SystemPolicy;

use crate::ops::ram_params::Tags;

/// When the policies of the service are said to be made: the day of the API's version, since nobody made them.
const SYSTEM_DATE: Timestamp = Timestamp::from_seconds(1_430_438_400);

/// A policy. Each operation answers some of its members.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ShownPolicy {
    policy_name: String,
    policy_type: &'static str,
    description: String,
    default_version: String,
    create_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachment_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_document: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
}

impl ShownPolicy {
    /// A policy that has just been made.
    pub(super) fn new(policy: &Policy) -> Self {
        Self { update_date: None, ..Self::of(policy) }
    }

    /// A policy of an account.
    pub(super) fn of(policy: &Policy) -> Self {
        Self {
            policy_name: policy.name.to_string(),
            policy_type: PolicyType::Custom.name(),
            description: policy.description.clone(),
            default_version: policy.default_version.to_string(),
            create_date: policy.created_at.to_string(),
            update_date: Some(policy.updated_at.to_string()),
            attachment_count: None,
            policy_document: None,
            tags: None,
        }
    }

    /// A policy of the service.
    pub(super) fn of_the_service(policy: &SystemPolicy) -> Self {
        Self {
            policy_name: policy.name.to_owned(),
            policy_type: PolicyType::System.name(),
            description: policy.description.to_owned(),
            default_version: policy.version.to_owned(),
            create_date: SYSTEM_DATE.to_string(),
            update_date: Some(SYSTEM_DATE.to_string()),
            attachment_count: None,
            policy_document: None,
            tags: None,
        }
    }

    /// Shows how often it is attached.
    pub(super) fn with_attachments(self, count: i64) -> Self {
        Self { attachment_count: Some(count), ..self }
    }

    /// Shows the document that applies.
    pub(super) fn with_document(self, version: &ShownVersion) -> Self {
        Self { policy_document: Some(version.policy_document.clone()), ..self }
    }

    /// Shows its tags.
    pub(super) fn with_tags(self, tags: Tags) -> Self {
        Self { tags: Some(tags), ..self }
    }
}

/// A version of a policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ShownVersion {
    version_id: String,
    is_default_version: bool,
    create_date: String,
    policy_document: String,
}

impl ShownVersion {
    /// A version of a policy of an account.
    pub(super) fn of(version: PolicyVersion, is_default: bool) -> Self {
        Self {
            version_id: version.id.to_string(),
            is_default_version: is_default,
            create_date: version.created_at.to_string(),
            policy_document: version.document,
        }
    }

    /// The one version of a policy of the service.
    pub(super) fn of_the_service(policy: &SystemPolicy) -> Self {
        Self {
            version_id: policy.version.to_owned(),
            is_default_version: true,
            create_date: SYSTEM_DATE.to_string(),
            policy_document: policy.document.to_owned(),
        }
    }
}

/// What operations that change or make one policy answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OnePolicy {
    pub(super) policy: ShownPolicy,
}

/// What operations on one version answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OneVersion {
    pub(super) policy_version: ShownVersion,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policies_of_the_service_are_as_old_as_the_api() {
        assert_eq!(SYSTEM_DATE.to_string(), "2015-05-01T00:00:00Z");
    }
}
