//! `SetSecurityPreference`: decides what RAM users may do about their own credentials.

use sesame_derive::Params;
use sesame_domain::ram::SecurityPreference;
use sesame_store::{StoreError, ram_settings};

use super::params::{NetworkMasks, Ranged};
use super::shapes::SecurityPreferenceAnswer;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::registry::Product;

pub(crate) struct SetSecurityPreference;

type Hours =
    Ranged<{ *SecurityPreference::LOGIN_SESSION_HOURS.start() }, { *SecurityPreference::LOGIN_SESSION_HOURS.end() }>;

/// What is not given gets its default, as with SetPasswordPolicy.
#[derive(Debug, Params)]
pub(crate) struct Request {
    /// Whether a code of an MFA device is remembered for a week; `false` when it is not given.
    #[param(name = "EnableSaveMFATicket")]
    enable_save_mfa_ticket: Option<bool>,
    /// Whether users may change their own passwords; `true` when it is not given.
    allow_user_to_change_password: Option<bool>,
    /// Whether users may manage their own access keys; `false` when it is not given.
    allow_user_to_manage_access_keys: Option<bool>,
    /// Whether users may manage their own MFA devices; `true` when it is not given.
    #[param(name = "AllowUserToManageMFADevices")]
    allow_user_to_manage_mfa_devices: Option<bool>,
    /// Whether users may manage their own public keys; `false` when it is not given.
    allow_user_to_manage_public_keys: Option<bool>,
    /// How long a logon lasts, 1 to 24 hours; 6 when it is not given.
    login_session_duration: Option<Hours>,
    /// Where users may log on from: up to 40 addresses and networks, joined by `;`; anywhere when it is not given.
    login_network_masks: Option<NetworkMasks>,
}

impl Request {
    fn preference(self) -> SecurityPreference {
        let default = SecurityPreference::default();
        SecurityPreference {
            enable_save_mfa_ticket: self.enable_save_mfa_ticket.unwrap_or(default.enable_save_mfa_ticket),
            allow_user_to_change_password: self
                .allow_user_to_change_password
                .unwrap_or(default.allow_user_to_change_password),
            allow_user_to_manage_access_keys: self
                .allow_user_to_manage_access_keys
                .unwrap_or(default.allow_user_to_manage_access_keys),
            allow_user_to_manage_mfa_devices: self
                .allow_user_to_manage_mfa_devices
                .unwrap_or(default.allow_user_to_manage_mfa_devices),
            allow_user_to_manage_public_keys: self
                .allow_user_to_manage_public_keys
                .unwrap_or(default.allow_user_to_manage_public_keys),
            login_session_hours: self.login_session_duration.map_or(default.login_session_hours, |hours| hours.0),
            login_network_masks: self.login_network_masks.map_or(default.login_network_masks, |masks| masks.0),
        }
    }
}

impl Operation for SetSecurityPreference {
    const NAME: &'static str = "SetSecurityPreference";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Decides what RAM users may do about their own credentials, and how they log on.";
    type Request = Request;
    type Response = SecurityPreferenceAnswer;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("*")]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<SecurityPreferenceAnswer> {
        let (preference, account) = (request.preference(), cx.account().clone());
        let answer = SecurityPreferenceAnswer::of(&preference);
        cx.store()
            .write::<_, StoreError, _>(move |tx| {
                let (account, preference) = (account.clone(), preference.clone());
                Box::pin(async move { ram_settings::set_security_preference(tx, &account, &preference).await })
            })
            .await?;
        Ok(answer)
    }
}
