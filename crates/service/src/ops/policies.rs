//! The policies of keys and secrets: kept, validated and given back.

mod admission;
mod document;
mod get_key_policy;
mod set_key_policy;

pub(crate) use admission::Proposed;
pub(crate) use document::{KeyPolicy, SecretPolicy};
pub(crate) use get_key_policy::GetKeyPolicy;
pub(crate) use set_key_policy::SetKeyPolicy;

use crate::error::{Code, KmsError, Result};

/// A key or a secret has one policy, named `default`.
pub(crate) fn is_default(policy_name: Option<&str>) -> Result<()> {
    match policy_name {
        None | Some("default") => Ok(()),
        Some(_) => Err(KmsError::new(Code::ResourceNotFound, "Policy not found: there is only the policy default.")),
    }
}
