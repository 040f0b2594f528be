//! Policies for users, groups and roles, their versions, and what they are attached to (access-control reference, 1.9).

mod attach_policy_to_group;
mod attach_policy_to_role;
mod attach_policy_to_user;
mod attachments;
mod create_policy;
mod create_policy_version;
mod delete_policy;
mod delete_policy_version;
mod detach_policy_from_group;
mod detach_policy_from_role;
mod detach_policy_from_user;
mod get_policy;
mod get_policy_version;
mod list_entities_for_policy;
mod list_policies;
mod list_policies_for_group;
mod list_policies_for_role;
mod list_policies_for_user;
mod list_policy_versions;
mod set_default_policy_version;
mod shown;
mod update_policy_description;

pub(crate) use attach_policy_to_group::AttachPolicyToGroup;
pub(crate) use attach_policy_to_role::AttachPolicyToRole;
pub(crate) use attach_policy_to_user::AttachPolicyToUser;
pub(crate) use create_policy::CreatePolicy;
pub(crate) use create_policy_version::CreatePolicyVersion;
pub(crate) use delete_policy::DeletePolicy;
pub(crate) use delete_policy_version::DeletePolicyVersion;
pub(crate) use detach_policy_from_group::DetachPolicyFromGroup;
pub(crate) use detach_policy_from_role::DetachPolicyFromRole;
pub(crate) use detach_policy_from_user::DetachPolicyFromUser;
pub(crate) use get_policy::GetPolicy;
pub(crate) use get_policy_version::GetPolicyVersion;
pub(crate) use list_entities_for_policy::ListEntitiesForPolicy;
pub(crate) use list_policies::ListPolicies;
pub(crate) use list_policies_for_group::ListPoliciesForGroup;
pub(crate) use list_policies_for_role::ListPoliciesForRole;
pub(crate) use list_policies_for_user::ListPoliciesForUser;
pub(crate) use list_policy_versions::ListPolicyVersions;
pub(crate) use set_default_policy_version::SetDefaultPolicyVersion;
pub(crate) use update_policy_description::UpdatePolicyDescription;

use sesame_domain::AccountId;
use sesame_domain::ram::{Policy, PolicyName, PolicyType};
use sesame_policy::system::{self, SystemPolicy};
use sesame_store::{Conn, StoreError, ram_policies};

use crate::error::{Code, KmsError, Result};
use crate::operation::{RamKind, Target};

/// The policy that a call acts on, as a resource that permission is asked for.
fn target(kind: PolicyType, name: &PolicyName) -> Target<'_> {
    match kind {
        PolicyType::System => Target::SystemPolicy(name.as_str()),
        PolicyType::Custom => Target::Ram(RamKind::Policy, name.as_str()),
    }
}

/// The policy of an account.
///
/// # Errors
/// `EntityNotExist.Policy`.
async fn custom(conn: &mut Conn<'_>, account: &AccountId, name: &PolicyName) -> Result<Policy> {
    ram_policies::get(conn, account, name).await?.ok_or_else(|| Code::PolicyNotExist.into())
}

/// The policy of the service.
///
/// # Errors
/// `EntityNotExist.Policy`.
fn of_the_service(name: &PolicyName) -> Result<&'static SystemPolicy> {
    system::find(name.as_str()).ok_or_else(|| Code::PolicyNotExist.into())
}

/// What a write says when the policy that it changes is gone.
fn gone(error: StoreError, code: Code) -> KmsError {
    if matches!(error, StoreError::Conflict) { code.into() } else { error.into() }
}
