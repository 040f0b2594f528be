//! RAM: users with their access keys and logins, and groups of users (access-control reference, 1.9).
//!
//! The metadata of the API marks no parameter as required. One without which there is nothing to act on is demanded all
//! the same, with `MissingParameter`, as KMS does: no page says what RAM answers.

mod add_user_to_group;
mod change_password;
mod create_access_key;
mod create_group;
mod create_login_profile;
mod create_user;
mod delete_access_key;
mod delete_group;
mod delete_login_profile;
mod delete_user;
mod get_access_key_last_used;
mod get_group;
mod get_login_profile;
mod get_password_policy;
mod get_security_preference;
mod get_user;
mod holder;
mod list_access_keys;
mod list_groups;
mod list_groups_for_user;
mod list_users;
mod list_users_for_group;
pub(crate) mod params;
mod passwords;
mod remove_user_from_group;
mod set_password_policy;
mod set_security_preference;
mod shapes;
mod update_access_key;
mod update_group;
mod update_login_profile;
mod update_user;

pub(crate) use add_user_to_group::AddUserToGroup;
pub(crate) use change_password::ChangePassword;
pub(crate) use create_access_key::CreateAccessKey;
pub(crate) use create_group::CreateGroup;
pub(crate) use create_login_profile::CreateLoginProfile;
pub(crate) use create_user::CreateUser;
pub(crate) use delete_access_key::DeleteAccessKey;
pub(crate) use delete_group::DeleteGroup;
pub(crate) use delete_login_profile::DeleteLoginProfile;
pub(crate) use delete_user::DeleteUser;
pub(crate) use get_access_key_last_used::GetAccessKeyLastUsed;
pub(crate) use get_group::GetGroup;
pub(crate) use get_login_profile::GetLoginProfile;
pub(crate) use get_password_policy::GetPasswordPolicy;
pub(crate) use get_security_preference::GetSecurityPreference;
pub(crate) use get_user::GetUser;
pub(crate) use list_access_keys::ListAccessKeys;
pub(crate) use list_groups::ListGroups;
pub(crate) use list_groups_for_user::ListGroupsForUser;
pub(crate) use list_users::ListUsers;
pub(crate) use list_users_for_group::ListUsersForGroup;
pub(crate) use remove_user_from_group::RemoveUserFromGroup;
pub(crate) use set_password_policy::SetPasswordPolicy;
pub(crate) use set_security_preference::SetSecurityPreference;
pub(crate) use update_access_key::UpdateAccessKey;
pub(crate) use update_group::UpdateGroup;
pub(crate) use update_login_profile::UpdateLoginProfile;
pub(crate) use update_user::UpdateUser;

use sesame_domain::AccountId;
use sesame_domain::ram::{Group, GroupName, User, UserName};
use sesame_store::{Conn, StoreError, ram_groups, ram_users};

use crate::error::{Code, KmsError, Result};

/// The user of a name; permission was asked for before.
///
/// # Errors
/// `EntityNotExist.User`.
pub(crate) async fn user(conn: &mut Conn<'_>, account: &AccountId, name: &UserName) -> Result<User> {
    ram_users::by_name(conn, account, name).await?.ok_or_else(|| Code::UserNotExist.into())
}

/// The group of a name; permission was asked for before.
///
/// # Errors
/// `EntityNotExist.Group`.
pub(crate) async fn group(conn: &mut Conn<'_>, account: &AccountId, name: &GroupName) -> Result<Group> {
    ram_groups::by_name(conn, account, name).await?.ok_or_else(|| Code::GroupNotExist.into())
}

/// What a write answers when the store says that something is there already, or is not there.
fn refused(error: StoreError, exists: Code, is_gone: Code) -> KmsError {
    match error {
        StoreError::AlreadyExists => exists.into(),
        StoreError::Conflict => is_gone.into(),
        error => error.into(),
    }
}
