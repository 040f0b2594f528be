//! Key versions and rotation.

mod create_key_version;
mod describe_key_version;
mod list_key_versions;
mod update_rotation_policy;

pub(crate) use create_key_version::CreateKeyVersion;
pub(crate) use describe_key_version::DescribeKeyVersion;
pub(crate) use list_key_versions::ListKeyVersions;
pub(crate) use update_rotation_policy::UpdateRotationPolicy;

use serde::Serialize;
use sesame_domain::KeyVersion;

/// A version as the API shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct VersionItem {
    key_id: String,
    key_version_id: String,
    creation_date: String,
}

impl From<&KeyVersion> for VersionItem {
    fn from(version: &KeyVersion) -> Self {
        Self {
            key_id: version.key.to_string(),
            key_version_id: version.id.to_string(),
            creation_date: version.created_at.to_string(),
        }
    }
}

/// The answer of CreateKeyVersion and DescribeKeyVersion.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    key_version: VersionItem,
}
