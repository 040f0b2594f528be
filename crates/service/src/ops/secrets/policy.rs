//! Secret policies: kept, validated and given back.

use std::borrow::Cow;

use sesame_domain::AccountId;

use crate::error::{Code, KmsError, Result};
use crate::ops::policies::KeyPolicy;
use crate::params::{FromText, Kind};

/// The text of a secret policy, as it was given. Its form is that of a key policy.
#[derive(Clone, Debug)]
pub(super) struct SecretPolicy(KeyPolicy);

impl SecretPolicy {
    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The policy of a secret that was given none: its account's identity policies decide alone.
    pub(super) fn default_of(owner: &AccountId) -> String {
        format!(
            r#"{{"Version":"1","Statement":[{{"Sid":"kms default secret policy","Effect":"Allow","Principal":{{"RAM":["acs:ram::{owner}:*"]}},"Action":["kms:*"],"Resource":["*"]}}]}}"#
        )
    }
}

impl FromText for SecretPolicy {
    const KIND: Kind = Kind::Json;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        KeyPolicy::from_text(text).map(Self)
    }
}

/// A secret has one policy, named `default`.
pub(super) fn is_default(policy_name: Option<&str>) -> Result<()> {
    match policy_name {
        None | Some("default") => Ok(()),
        Some(_) => {
            Err(KmsError::new(Code::ResourceNotFound, "Resource not found: a secret has only the policy default."))
        }
    }
}
