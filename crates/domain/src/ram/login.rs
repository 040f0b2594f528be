use super::IdentityId;
use crate::Timestamp;

/// How a user logs on to the console. The password is stored as a hash only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginProfile {
    /// The id of the user.
    pub user: IdentityId,
    /// Whether the user has to choose another password when it logs on next.
    pub password_reset_required: bool,
    /// Whether the user has to bind a device for multi-factor authentication when it logs on next.
    pub mfa_bind_required: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the password was last set; its age counts from here.
    pub password_set_at: Timestamp,
}
