//! Secrets: their names, types, versions and stage labels (secrets reference, 1 to 7).

mod config;
mod name;
pub mod password;
mod rotation;
mod value;
mod versions;

pub use config::{InvalidConfig, ManagedConfig, custom_data};
pub use name::{InvalidSecretName, SecretId, SecretName, SecretRef};
pub use rotation::Interval as SecretRotationInterval;
pub use rotation::{AutomaticRotation, InvalidSecretRotation, SecretRotation};
pub use value::{
    InvalidSecretData, NewValues, access_key_value, account_value, initial_values, key_login_value,
    password_login_value,
};
pub use versions::{
    Keep, MAX_LABELS, MAX_VERSIONS, SecretVersion, SecretVersionId, SelectRefusal, StageLabel, StageRefusal, Versions,
};

use crate::wire_enum::wire_enum;
use crate::{AccountId, KeyId, Timestamp};

/// Longest secret value, in bytes.
pub const DATA_BYTES: usize = 30_720;
/// Longest extended configuration, in characters.
pub const CONFIG_CHARS: usize = 1_024;
/// Most pairs in the custom data of an extended configuration.
pub const CUSTOM_DATA_PAIRS: usize = 10;
/// Shortest and longest recovery window, in days.
pub const RECOVERY_WINDOW_DAYS: std::ops::RangeInclusive<u32> = 7..=30;
/// The recovery window when the caller names none, in days.
pub const DEFAULT_RECOVERY_WINDOW_DAYS: u32 = 30;
/// Most secrets of one BatchGetSecretValue.
pub const BATCH: usize = 20;
/// Most rotations that an account can ask for in an hour.
pub const ROTATIONS_PER_HOUR: u64 = 50;

/// A secret: everything but its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// The internal id; a name can be used again, an id cannot.
    pub id: SecretId,
    /// The account that owns it.
    pub account: AccountId,
    /// The name, unique in its account.
    pub name: SecretName,
    /// The type; fixed at creation.
    pub kind: SecretType,
    /// What it is for.
    pub description: String,
    /// The key that its values are sealed under; fixed at creation.
    pub key: KeyId,
    /// The KMS instance that holds it; empty for a secret outside instances.
    pub instance_id: String,
    /// The extended configuration as JSON text; empty for a generic secret.
    pub extended_config: String,
    /// The rotation policy and what became of it; `None` for a generic secret.
    pub rotation: Option<SecretRotation>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it, its versions or its stages last changed.
    pub updated_at: Timestamp,
    /// The end of its recovery window; only while its deletion is scheduled.
    pub delete_at: Option<Timestamp>,
    /// The service that manages it; empty for a user's secret.
    pub owing_service: String,
    /// Who made it.
    pub creator: String,
}

wire_enum! {
    /// The types of secrets.
    SecretType {
        /// Any value, changed by PutSecretValue.
        Generic = "Generic",
        /// Accounts of an RDS instance.
        Rds = "Rds",
        /// Accounts of a Redis instance.
        Redis = "Redis",
        /// Access keys of a RAM user.
        RamCredentials = "RAMCredentials",
        /// A login of an ECS instance.
        Ecs = "ECS",
        /// Accounts of a PolarDB cluster.
        PolarDb = "PolarDB",
    }
}

impl SecretType {
    /// Whether the service changes the value itself.
    pub fn is_managed(self) -> bool {
        self != Self::Generic
    }

    /// The type of this name in any letter case, as filters are read.
    pub fn from_any_case(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name().eq_ignore_ascii_case(text))
    }
}

wire_enum! {
    /// What a value is.
    DataType {
        /// Text.
        Text = "text",
        /// Anything; usually Base64, which nothing checks.
        Binary = "binary",
    }
}
