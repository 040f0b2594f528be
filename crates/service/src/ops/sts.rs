//! STS: sessions of roles, and who a caller is.

mod assume_role;
mod assume_role_with_oidc;
mod get_caller_identity;
mod issue;
mod params;

pub(crate) use assume_role::AssumeRole;
pub(crate) use assume_role_with_oidc::AssumeRoleWithOIDC;
pub(crate) use get_caller_identity::GetCallerIdentity;
pub use issue::HandedOut;
pub(crate) use issue::hand_out;
