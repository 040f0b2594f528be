//! The policies that come with the service (access-control reference, 2.8). They cannot be changed.

use std::sync::{Arc, LazyLock};

use crate::document::{Document, Kind};

/// A system policy.
#[derive(Clone, Copy, Debug)]
pub struct SystemPolicy {
    /// The name.
    pub name: &'static str,
    /// The version whose statements these are.
    pub version: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The document.
    pub document: &'static str,
}

macro_rules! system {
    ($($name:literal $version:literal $description:literal;)+) => {
        /// Every system policy.
        pub static ALL: &[SystemPolicy] = &[$(SystemPolicy {
            name: $name,
            version: $version,
            description: $description,
            document: include_str!(concat!("../system/", $name, ".json")),
        }),+];
    };
}

system! {
    "AdministratorAccess" "v1" "Everything in the account.";
    "AliyunRAMFullAccess" "v1" "Manages users, groups, roles and policies.";
    "AliyunRAMReadOnlyAccess" "v1" "Sees users, groups, roles and policies.";
    "AliyunSTSAssumeRoleAccess" "v1" "Assumes every role that trusts the caller.";
    "AliyunKMSFullAccess" "v3" "Everything in Key Management Service.";
    "AliyunKMSReadOnlyAccess" "v3" "Sees keys, secrets and instances; reads no secret value and uses no key.";
    "AliyunKMSCryptoAdminAccess" "v2" "Manages and uses keys and aliases.";
    "AliyunKMSCryptoUserAccess" "v2" "Uses keys for cryptography.";
    "AliyunKMSSecretAdminAccess" "v5" "Manages and reads secrets.";
    "AliyunKMSSecretUserAccess" "v1" "Reads secrets.";
}

static PARSED: LazyLock<Vec<Result<Arc<Document>, String>>> = LazyLock::new(|| {
    let parse = |policy: &SystemPolicy| Document::parse(Kind::Identity, policy.document);
    ALL.iter().map(|policy| parse(policy).map(Arc::new).map_err(|malformed| malformed.to_string())).collect()
});

/// The system policy of this name.
pub fn find(name: &str) -> Option<&'static SystemPolicy> {
    ALL.iter().find(|policy| policy.name == name)
}

/// The document of a system policy, parsed once; in the form that [`Policy`](crate::Policy) takes.
pub fn document(name: &str) -> Option<Result<Arc<Document>, String>> {
    let at = ALL.iter().position(|policy| policy.name == name)?;
    PARSED.get(at).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_policy_can_be_read() {
        for policy in ALL {
            assert!(matches!(document(policy.name), Some(Ok(_))), "{}", policy.name);
        }
        assert!(find("AliyunOSSFullAccess").is_none());
    }
}
