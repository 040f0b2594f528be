//! How many of each thing there may be, a row each. The versions of keys are counted in `rotation.rs`.

use std::borrow::Cow;

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
}

/// The most there may be of something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    most: u64,
    /// What is said beyond it; what the code says by itself otherwise.
    message: Option<&'static str>,
}

impl Limits {
    /// The quota of a resource, when it has one; what there is need only be counted then.
    pub(crate) fn quota(&self, resource: Resource) -> Option<Quota> {
        let (most, message) = match resource {
            Resource::Keys => (self.keys_per_account, None),
            Resource::Aliases => (self.aliases_per_account, None),
            Resource::AliasesOfKey => (self.aliases_per_key, Some("The key has as many aliases as it may have.")),
            Resource::Secrets => (self.secrets_per_account, Some("The secret quota is exceeded.")),
            Resource::Certificates => {
                (self.certificates_per_account, Some("The account has as many certificates as it may have."))
            }
        };
        (most != 0).then_some(Quota { most, message })
    }
}

impl Quota {
    /// Refuses one more than there are.
    ///
    /// # Errors
    /// `Rejected.LimitExceeded`.
    pub(crate) fn admit_beside(self, there: i64) -> Result<()> {
        if there.unsigned_abs() < self.most {
            return Ok(());
        }
        let message = self.message.unwrap_or(Code::LimitExceeded.message());
        Err(KmsError::new(Code::LimitExceeded, Cow::Borrowed(message)))
    }
}
