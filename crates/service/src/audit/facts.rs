//! What the audit trail and the quotas have to know about each operation: one table.

/// Whether an operation changes something (access control reference, 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It does not.
    Read,
    /// It does.
    Write,
}

/// What an operation works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Keys, secrets and their settings.
    Management,
    /// Data, with a key, or the value of a secret.
    Data,
}

/// Whose calls per second are counted together (gateway reference, 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// OpenKmsService, DescribeAccountKmsStatus.
    Activation,
    /// Reading about keys, aliases and tags.
    KeyRead,
    /// ListResourceTags.
    TagRead,
    /// CreateKey.
    KeyCreate,
    /// Changing keys, aliases and tags.
    KeyWrite,
    /// Symmetric cryptography, and MACs.
    Symmetric,
    /// Asymmetric cryptography.
    Asymmetric,
    /// CreateSecret, DeleteSecret.
    SecretCreate,
    /// GetSecretValue, DescribeSecret.
    SecretRead,
    /// The rest of the secrets.
    Secret,
    /// Everything else.
    Other,
}

/// The facts about one operation.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Whether it changes something.
    pub access: Access,
    /// What it works on.
    pub class: Class,
    /// Whose quota it counts against.
    pub group: Group,
    /// Whether auditors look for it first (access control reference, 6.2).
    pub is_sensitive: bool,
}

/// The facts about the operation of a name.
pub fn facts(name: &str) -> Facts {
    use Access::{Read, Write};
    use Class::{Data, Management};
    let (access, class, group) = match name {
        "Encrypt"
        | "Decrypt"
        | "ReEncrypt"
        | "GenerateDataKey"
        | "GenerateDataKeyWithoutPlaintext"
        | "ExportDataKey"
        | "GenerateAndExportDataKey"
        | "AdvanceEncrypt"
        | "AdvanceDecrypt"
        | "GenerateMac"
        | "VerifyMac"
        | "GetChallenge"
        | "GetManagedDataKey" => (Read, Data, Group::Symmetric),
        "AsymmetricSign"
        | "AsymmetricVerify"
        | "AsymmetricEncrypt"
        | "AsymmetricDecrypt"
        | "CertificatePrivateKeySign"
        | "CertificatePrivateKeyDecrypt"
        | "CertificatePublicKeyVerify"
        | "CertificatePublicKeyEncrypt" => (Read, Data, Group::Asymmetric),
        "GetSecretValue" | "BatchGetSecretValue" => (Read, Data, Group::SecretRead),
        "GetRandomPassword" => (Read, Data, Group::Secret),
        "DescribeSecret" => (Read, Management, Group::SecretRead),
        "CreateSecret" | "DeleteSecret" => (Write, Management, Group::SecretCreate),
        "CreateKey" => (Write, Management, Group::KeyCreate),
        "ListResourceTags" => (Read, Management, Group::TagRead),
        "DescribeAccountKmsStatus" => (Read, Management, Group::Activation),
        "OpenKmsService" => (Write, Management, Group::Activation),
        _ => {
            let reads = ["Describe", "List", "Get", "Lookup"].iter().any(|verb| name.starts_with(verb));
            let access = if reads { Read } else { Write };
            let group = match access {
                _ if name.contains("Secret") => Group::Secret,
                _ if ["Instance", "AccessPoint", "ClientKey", "NetworkRule", "Polic"]
                    .iter()
                    .any(|word| name.contains(word))
                    && !name.contains("Key") =>
                {
                    Group::Other
                }
                Read => Group::KeyRead,
                Write => Group::KeyWrite,
            };
            (access, Management, group)
        }
    };
    let is_sensitive = matches!(
        name,
        "ScheduleKeyDeletion"
            | "DisableKey"
            | "DeleteKeyMaterial"
            | "SetKeyPolicy"
            | "SetSecretPolicy"
            | "DeleteSecret"
            | "SetDeletionProtection"
            | "ReleaseKmsInstance"
            | "CreateClientKey"
            | "DeleteAlias"
            | "TagResources"
            | "UntagResources"
            | "CreateUser"
            | "UpdateUser"
            | "DeleteUser"
            | "CreateAccessKey"
            | "UpdateAccessKey"
            | "DeleteAccessKey"
            | "DeleteGroup"
            | "AddUserToGroup"
            | "RemoveUserFromGroup"
            | "CreateLoginProfile"
            | "UpdateLoginProfile"
            | "DeleteLoginProfile"
            | "ChangePassword"
            | "SetPasswordPolicy"
            | "SetSecurityPreference"
            // Who may do what.
            | "CreatePolicyVersion"
            | "SetDefaultPolicyVersion"
            | "DeletePolicy"
            | "DeletePolicyVersion"
            | "AttachPolicyToUser"
            | "AttachPolicyToGroup"
            | "AttachPolicyToRole"
            | "DetachPolicyFromUser"
            | "DetachPolicyFromGroup"
            | "DetachPolicyFromRole"
            | "CreateRole"
            | "UpdateRole"
            | "DeleteRole"
            | "CreateOIDCProvider"
            | "UpdateOIDCProvider"
            | "DeleteOIDCProvider"
            | "AddClientIdToOIDCProvider"
            | "AddFingerprintToOIDCProvider"
            | "RemoveClientIdFromOIDCProvider"
            | "RemoveFingerprintFromOIDCProvider"
    );
    Facts { access, class, group, is_sensitive }
}
