use std::ops::RangeInclusive;

/// What users may do about their own credentials, and how they log on to the console (SetSecurityPreference).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityPreference {
    /// Whether a code of an MFA device is remembered for a week.
    pub enable_save_mfa_ticket: bool,
    /// Whether users may change their own passwords.
    pub allow_user_to_change_password: bool,
    /// Whether users may manage their own access keys.
    pub allow_user_to_manage_access_keys: bool,
    /// Whether users may manage their own MFA devices.
    pub allow_user_to_manage_mfa_devices: bool,
    /// Whether users may manage their own public keys.
    pub allow_user_to_manage_public_keys: bool,
    /// How long a logon lasts, in hours.
    pub login_session_hours: u32,
    /// Where users may log on from: addresses and networks, separated by semicolons; empty for anywhere.
    pub login_network_masks: String,
}

impl SecurityPreference {
    /// How long a logon can last, in hours.
    pub const LOGIN_SESSION_HOURS: RangeInclusive<u32> = 1..=24;
    /// How many networks there can be.
    pub const NETWORK_MASKS: usize = 40;
    /// How long all networks can be together, in characters.
    pub const NETWORK_MASKS_CHARS: usize = 512;
}

impl Default for SecurityPreference {
    /// What the original documents as the defaults of SetSecurityPreference.
    fn default() -> Self {
        Self {
            enable_save_mfa_ticket: false,
            allow_user_to_change_password: true,
            allow_user_to_manage_access_keys: false,
            allow_user_to_manage_mfa_devices: true,
            allow_user_to_manage_public_keys: false,
            login_session_hours: 6,
            login_network_masks: String::new(),
        }
    }
}
