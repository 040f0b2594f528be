//! Managed data keys.

mod get_managed_data_key;
mod list_managed_data_key_versions;

pub(crate) use get_managed_data_key::GetManagedDataKey;
pub(crate) use list_managed_data_key_versions::ListManagedDataKeyVersions;
