//! `KeyMetadata`: what CreateKey and DescribeKey answer (keys reference, 14.0).

use serde::Serialize;
use sesame_crypto::spec::KeyClass;
use sesame_domain::{Key, KeyState, Timestamp};

use crate::context::Context;

/// The members of `KeyMetadata`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KeyMetadata {
    key_id: String,
    arn: String,
    creator: String,
    creation_date: String,
    description: String,
    key_state: &'static str,
    key_spec: &'static str,
    key_usage: &'static str,
    origin: &'static str,
    protection_level: &'static str,
    #[serde(rename = "DKMSInstanceId")]
    dkms_instance_id: String,
    primary_key_version: String,
    automatic_rotation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_interval: Option<String>,
    last_rotation_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rotation_date: Option<String>,
    material_expire_time: String,
    delete_date: String,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    protection: Option<Protection>,
}

/// The two members that only DescribeKey has.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Protection {
    deletion_protection: &'static str,
    deletion_protection_description: String,
}

impl KeyMetadata {
    /// As CreateKey answers it.
    pub(super) fn of_new(cx: &Context<'_>, key: &Key) -> Self {
        let symmetric = key.spec.class() == KeyClass::Symmetric;
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        let state = key.state_at(cx.now());
        let automatic_rotation = match (key.rotation_interval, state) {
            (None, _) => "Disabled",
            (Some(_), KeyState::Enabled) => "Enabled",
            (Some(_), _) => "Suspended",
        };
        Self {
            key_id: key.id.to_string(),
            arn: cx.arn(&key.account, format_args!("key/{}", key.id)),
            creator: key.creator.clone(),
            creation_date: key.created_at.to_string(),
            description: key.description.clone(),
            key_state: state.name(),
            key_spec: key.spec.name(),
            key_usage: key.usage.name(),
            origin: key.origin.name(),
            protection_level: key.protection_level.name(),
            dkms_instance_id: key.instance_id.clone(),
            // An asymmetric key has no primary version: its callers name one in each call.
            primary_key_version: if symmetric { key.primary_version.to_string() } else { String::new() },
            automatic_rotation,
            rotation_interval: key.rotation_interval.map(|interval| interval.to_string()),
            last_rotation_date: if symmetric { key.last_rotated_at.to_string() } else { String::new() },
            next_rotation_date: key.next_rotation_at().map(|time| time.to_string()),
            material_expire_time: text(key.material_expires_at),
            delete_date: text(key.delete_at),
            protection: None,
        }
    }

    /// As DescribeKey answers it.
    pub(super) fn of_existing(cx: &Context<'_>, key: &Key) -> Self {
        let protection = Protection {
            deletion_protection: if key.deletion_protection { "Enabled" } else { "Disabled" },
            deletion_protection_description: key.deletion_protection_description.clone(),
        };
        Self { protection: Some(protection), ..Self::of_new(cx, key) }
    }
}

/// The answer of both operations.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    pub(super) key_metadata: KeyMetadata,
}
