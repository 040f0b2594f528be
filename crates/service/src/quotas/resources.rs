//! How many of each thing there may be, a row each. The versions of keys are counted in `rotation.rs`.

use std::borrow::Cow;

use sesame_domain::ram::limits;

use crate::error::{Code, KmsError, Result};
use crate::service::Limits;

/// A thing that there may be only so many of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resource {
    /// Keys of an account.
    Keys,
    /// Aliases of an account.
    Aliases,
    /// Aliases of a key.
    AliasesOfKey,
    /// Secrets of an account.
    Secrets,
    /// Certificates of an account.
    Certificates,
    /// Users of an account.
    Users,
    /// Groups of an account.
    Groups,
    /// Groups that a user is in.
    GroupsOfUser,
    /// Access keys of a user.
    AccessKeysOfUser,
    /// Access keys of an account itself.
    AccessKeysOfRoot,
}

/// The most there may be of something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    most: u64,
    code: Code,
    /// What is said beyond it; what the code says by itself otherwise.
    message: Option<&'static str>,
}

impl Limits {
    /// The quota of a resource, when it has one; what there is need only be counted then.
    pub(crate) fn quota(&self, resource: Resource) -> Option<Quota> {
        let code = match resource {
            Resource::Users => Code::LimitExceededUser,
            Resource::Groups => Code::LimitExceededGroup,
            Resource::GroupsOfUser => Code::LimitExceededUserGroup,
            Resource::AccessKeysOfUser | Resource::AccessKeysOfRoot => Code::LimitExceededUserAccessKey,
            _ => Code::LimitExceeded,
        };
        let (most, message) = match resource {
            Resource::Keys => (self.keys_per_account, None),
            Resource::Aliases => (self.aliases_per_account, None),
            Resource::AliasesOfKey => (self.aliases_per_key, Some("The key has as many aliases as it may have.")),
            Resource::Secrets => (self.secrets_per_account, Some("The secret quota is exceeded.")),
            Resource::Certificates => {
                (self.certificates_per_account, Some("The account has as many certificates as it may have."))
            }
            Resource::Users => (self.users_per_account, None),
            Resource::Groups => (self.groups_per_account, None),
            Resource::GroupsOfUser => (self.groups_per_user, None),
            Resource::AccessKeysOfUser => (self.access_keys_per_user, None),
            Resource::AccessKeysOfRoot => (limits::ACCESS_KEYS_OF_ROOT, None),
        };
        (most != 0).then_some(Quota { most, code, message })
    }
}

impl Quota {
    /// Refuses one more than there are.
    ///
    /// # Errors
    /// `Rejected.LimitExceeded`, for what RAM counts its own codes.
    pub(crate) fn admit_beside(self, there: i64) -> Result<()> {
        if there.unsigned_abs() < self.most {
            return Ok(());
        }
        let message = self.message.unwrap_or(self.code.message());
        Err(KmsError::new(self.code, Cow::Borrowed(message)))
    }
}
