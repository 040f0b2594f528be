//! Users, groups and their parts as answers show them.

use serde::Serialize;
use sesame_domain::Timestamp;
use sesame_domain::ram::{Group, LoginProfile, PasswordPolicy, SecurityPreference, User, UserName};

/// A user. Which of the dates an answer shows is the operation's business.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserShape {
    user_id: String,
    user_name: String,
    display_name: String,
    mobile_phone: String,
    email: String,
    comments: String,
    create_date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_login_date: Option<&'static str>,
}

impl UserShape {
    pub(super) fn of(user: &User) -> Self {
        Self {
            user_id: user.id.to_string(),
            user_name: user.name.to_string(),
            display_name: user.display_name.clone(),
            mobile_phone: user.mobile_phone.clone(),
            email: user.email.clone(),
            comments: user.comments.clone(),
            create_date: user.created_at.to_string(),
            update_date: None,
            last_login_date: None,
        }
    }

    pub(super) fn with_update_date(self, user: &User) -> Self {
        Self { update_date: Some(user.updated_at.to_string()), ..self }
    }

    /// As the original shows a user that never logged on to the console; there is none to log on to yet.
    pub(super) fn never_logged_on(self) -> Self {
        Self { last_login_date: Some(""), ..self }
    }
}

/// A group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupShape {
    group_id: String,
    group_name: String,
    comments: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    join_date: Option<String>,
}

impl GroupShape {
    fn bare(group: &Group) -> Self {
        Self {
            group_id: group.id.to_string(),
            group_name: group.name.to_string(),
            comments: group.comments.clone(),
            create_date: None,
            update_date: None,
            join_date: None,
        }
    }

    pub(super) fn of(group: &Group) -> Self {
        Self { create_date: Some(group.created_at.to_string()), ..Self::bare(group) }
    }

    pub(super) fn with_update_date(self, group: &Group) -> Self {
        Self { update_date: Some(group.updated_at.to_string()), ..self }
    }

    pub(super) fn joined(group: &Group, at: Timestamp) -> Self {
        Self { join_date: Some(at.to_string()), ..Self::bare(group) }
    }
}

/// How a user logs on to the console.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LoginProfileShape {
    user_name: String,
    password_reset_required: bool,
    #[serde(rename = "MFABindRequired")]
    mfa_bind_required: bool,
    create_date: String,
}

impl LoginProfileShape {
    pub(super) fn of(name: &UserName, profile: &LoginProfile) -> Self {
        Self {
            user_name: name.to_string(),
            password_reset_required: profile.password_reset_required,
            mfa_bind_required: profile.mfa_bind_required,
            create_date: profile.created_at.to_string(),
        }
    }
}

/// The answer with a login profile.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LoginProfileAnswer {
    pub(super) login_profile: LoginProfileShape,
}

/// The answer with a user.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UserAnswer {
    pub(super) user: UserShape,
}

/// The answer with a group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GroupAnswer {
    pub(super) group: GroupShape,
}

/// A list of groups.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Groups {
    pub(super) group: Vec<GroupShape>,
}

/// The answer with a password policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PasswordPolicyAnswer {
    password_policy: PasswordPolicyShape,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PasswordPolicyShape {
    minimum_password_length: u32,
    require_lowercase_characters: bool,
    require_uppercase_characters: bool,
    require_numbers: bool,
    require_symbols: bool,
    hard_expiry: bool,
    max_password_age: u32,
    password_reuse_prevention: u32,
    // Spelt so in the API.
    max_login_attemps: u32,
}

impl PasswordPolicyAnswer {
    pub(super) fn of(policy: &PasswordPolicy) -> Self {
        let password_policy = PasswordPolicyShape {
            minimum_password_length: policy.minimum_length,
            require_lowercase_characters: policy.require_lowercase,
            require_uppercase_characters: policy.require_uppercase,
            require_numbers: policy.require_numbers,
            require_symbols: policy.require_symbols,
            hard_expiry: policy.hard_expiry,
            max_password_age: policy.max_age_days,
            password_reuse_prevention: policy.reuse_prevention,
            max_login_attemps: policy.max_login_attempts,
        };
        Self { password_policy }
    }
}

/// The answer with a security preference.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SecurityPreferenceAnswer {
    security_preference: SecurityPreferenceShape,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SecurityPreferenceShape {
    login_profile_preference: LoginProfilePreference,
    access_key_preference: AccessKeyPreference,
    #[serde(rename = "MFAPreference")]
    mfa_preference: MfaPreference,
    public_key_preference: PublicKeyPreference,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LoginProfilePreference {
    #[serde(rename = "EnableSaveMFATicket")]
    enable_save_mfa_ticket: bool,
    allow_user_to_change_password: bool,
    login_session_duration: u32,
    login_network_masks: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccessKeyPreference {
    allow_user_to_manage_access_keys: bool,
}

#[derive(Debug, Serialize)]
struct MfaPreference {
    #[serde(rename = "AllowUserToManageMFADevices")]
    allow_user_to_manage_mfa_devices: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PublicKeyPreference {
    allow_user_to_manage_public_keys: bool,
}

impl SecurityPreferenceAnswer {
    pub(super) fn of(preference: &SecurityPreference) -> Self {
        let security_preference = SecurityPreferenceShape {
            login_profile_preference: LoginProfilePreference {
                enable_save_mfa_ticket: preference.enable_save_mfa_ticket,
                allow_user_to_change_password: preference.allow_user_to_change_password,
                login_session_duration: preference.login_session_hours,
                login_network_masks: preference.login_network_masks.clone(),
            },
            access_key_preference: AccessKeyPreference {
                allow_user_to_manage_access_keys: preference.allow_user_to_manage_access_keys,
            },
            mfa_preference: MfaPreference {
                allow_user_to_manage_mfa_devices: preference.allow_user_to_manage_mfa_devices,
            },
            public_key_preference: PublicKeyPreference {
                allow_user_to_manage_public_keys: preference.allow_user_to_manage_public_keys,
            },
        };
        Self { security_preference }
    }
}
