//! Roles (access-control reference, 1.8 and 1.9).

mod create_role;
mod delete_role;
mod get_role;
mod list_roles;
mod params;
mod shown;
mod update_role;

pub(crate) use create_role::CreateRole;
pub(crate) use delete_role::DeleteRole;
pub(crate) use get_role::GetRole;
pub(crate) use list_roles::ListRoles;
pub(crate) use update_role::UpdateRole;

use sesame_domain::AccountId;
use sesame_domain::ram::{Role, RoleName};
use sesame_store::{Conn, ram_roles};

use crate::error::{Code, Result};

/// The role of an account.
///
/// # Errors
/// `EntityNotExist.Role`.
async fn found(conn: &mut Conn<'_>, account: &AccountId, name: &RoleName) -> Result<Role> {
    ram_roles::by_name(conn, account, name).await?.ok_or_else(|| Code::RoleNotExist.into())
}
