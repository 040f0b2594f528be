//! Keys, their versions, and the ways a caller can name them.

use std::str::FromStr;

use sesame_crypto::spec::{KeySpec, KeyUsage};

use crate::rotation::RotationInterval;
use crate::wire_enum::wire_enum;
use crate::{AccountId, AliasName, Arn, InvalidId, KeyId, KeyState, KeyVersionId, Timestamp};

/// A key: everything but its material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The id.
    pub id: KeyId,
    /// The account that owns it.
    pub account: AccountId,
    /// Algorithm and size.
    pub spec: KeySpec,
    /// What it may be used for; fixed at creation.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: Origin,
    /// Where its material is kept.
    pub protection_level: ProtectionLevel,
    /// The present state.
    pub state: KeyState,
    /// 0 to 8,192 characters.
    pub description: String,
    /// The account id of its creator, or a service's name for a service key.
    pub creator: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it will be destroyed; only while PendingDeletion.
    pub delete_at: Option<Timestamp>,
    /// Whether ScheduleKeyDeletion is refused.
    pub deletion_protection: bool,
    /// Why; empty unless protected.
    pub deletion_protection_description: String,
    /// The KMS instance that holds it; empty for a key outside instances.
    pub instance_id: String,
    /// The version that Encrypt and GenerateDataKey use; for an asymmetric key its first version.
    pub primary_version: KeyVersionId,
    /// The rotation policy, when automatic rotation is on.
    pub rotation_interval: Option<RotationInterval>,
    /// When the newest version was made.
    pub last_rotated_at: Timestamp,
    /// When imported material expires.
    pub material_expires_at: Option<Timestamp>,
}

impl Key {
    /// The state at a moment: material that has expired is no longer there, even before it is erased.
    pub fn state_at(&self, now: Timestamp) -> KeyState {
        match self.state {
            KeyState::Enabled | KeyState::Disabled if self.material_expires_at.is_some_and(|at| at <= now) => {
                KeyState::PendingImport
            }
            state => state,
        }
    }

    /// When the next automatic rotation is due; `None` when automatic rotation is off.
    pub fn next_rotation_at(&self) -> Option<Timestamp> {
        self.rotation_interval.map(|interval| self.last_rotated_at.plus_seconds(interval.seconds()))
    }
}

/// A version of a key, without its material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyVersion {
    /// The id, unique in the deployment.
    pub id: KeyVersionId,
    /// The key.
    pub key: KeyId,
    /// When it was made.
    pub created_at: Timestamp,
}

wire_enum! {
    /// Where key material comes from.
    Origin {
        /// Made by the service.
        AliyunKms = "Aliyun_KMS",
        /// Imported by the user.
        External = "EXTERNAL",
    }
}

wire_enum! {
    /// Where key material is kept.
    ProtectionLevel {
        /// Sealed in the database.
        Software = "SOFTWARE",
        /// Asked for as HSM. Without a hardware instance the material is sealed like that of any other key.
        Hsm = "HSM",
    }
}

/// The way a caller names a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRef {
    /// By its id.
    Id(KeyId),
    /// By its ARN.
    Arn(Arn, KeyId),
    /// By an alias of the caller's own account, given as `alias/…` or as the alias's ARN.
    Alias(AliasName, Option<Arn>),
    /// By a text that could be an id of some key but is of neither form; no key has it.
    Unknown,
}

impl FromStr for KeyRef {
    type Err = InvalidId;

    /// Reads an id, an ARN or an alias.
    ///
    /// A text with the characters of an id that is no id is [`KeyRef::Unknown`], since callers expect "not found" for
    /// an id with a typing error; anything else is an error.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        if text.starts_with("alias/") {
            return text.parse().map(|name| Self::Alias(name, None));
        }
        if text.starts_with("acs:") {
            let arn: Arn = text.parse().map_err(|_| InvalidId)?;
            if let Some(id) = arn.name_of("key") {
                return Ok(id.parse().map_or(Self::Unknown, |id| Self::Arn(arn.clone(), id)));
            }
            let name = arn.resource.parse()?;
            return Ok(Self::Alias(name, Some(arn)));
        }
        let plausible = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if plausible { Ok(Self::Unknown) } else { Err(InvalidId) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_can_be_named_by_id_arn_or_alias() {
        let id = "key-hzz0123456789abcdefgh";
        assert_eq!(id.parse(), Ok(KeyRef::Id(id.parse().unwrap())));
        assert!(matches!("alias/app".parse(), Ok(KeyRef::Alias(_, None))));
        let arn = format!("acs:kms:cn-hangzhou:1234567890123456:key/{id}");
        assert!(matches!(arn.parse(), Ok(KeyRef::Arn(_, _))));
        assert!(matches!("acs:kms:cn-hangzhou:1234567890123456:alias/app".parse(), Ok(KeyRef::Alias(_, Some(_)))));
    }

    #[test]
    fn a_mistyped_id_names_no_key_and_nonsense_is_refused() {
        assert_eq!("no-such-key".parse(), Ok(KeyRef::Unknown));
        for wrong in ["", "alias/", "a b", "acs:kms:x", "acs:kms:cn-hangzhou:1:key/x"] {
            assert!(wrong.parse::<KeyRef>().is_err(), "{wrong}");
        }
    }
}
