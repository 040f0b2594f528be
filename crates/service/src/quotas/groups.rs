//! The groups that calls are counted in, and which operation is in which (gateway reference, 7.1).

use std::fmt;
use std::str::FromStr;

use super::rate::Rate;
use crate::registry::Product;

macro_rules! groups {
    ($($(#[doc = $doc:literal])+ $group:ident = $name:literal, $original:expr;)+) => {
        /// A group of operations whose calls are counted together.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Group { $($(#[doc = $doc])+ $group),+ }

        impl Group {
            /// Every group.
            pub const ALL: &'static [Self] = &[$(Self::$group),+];

            /// The name in the configuration and in metrics.
            pub fn name(self) -> &'static str {
                match self { $(Self::$group => $name),+ }
            }

            /// The rate of the original, per account.
            pub fn original(self) -> Option<Rate> {
                match self { $(Self::$group => $original),+ }
            }

            /// The place in [`Group::ALL`], for tables with a row per group.
            pub(crate) fn index(self) -> usize {
                self as usize
            }
        }
    };
}

groups! {
    /// Opening the service.
    Activation = "activation", Rate::per_second(1);
    /// Changes of instances and of access to them.
    InstanceWrite = "instance_write", Rate::per_second(10);
    /// Reads of instances and of access to them.
    InstanceRead = "instance_read", Rate::per_second(50);
    /// Reads about keys, aliases, certificates and tags.
    KeyRead = "key_read", Rate::per_second(50);
    /// The tags of one key.
    KeyTags = "key_tags", Rate::per_second(300);
    /// New keys and certificates.
    KeyCreate = "key_create", Rate::per_second(10);
    /// Changes of keys, aliases, certificates and tags.
    KeyWrite = "key_write", Rate::per_second(30);
    /// Cryptography with symmetric keys.
    Symmetric = "symmetric", Rate::per_second(1_000);
    /// Cryptography with asymmetric keys and certificates.
    Asymmetric = "asymmetric", Rate::per_second(200);
    /// New and deleted secrets.
    SecretCreate = "secret_create", Rate::per_second(10);
    /// Secret values, and reads about one secret.
    SecretRead = "secret_read", Rate::per_second(450);
    /// Everything else with secrets.
    SecretManage = "secret_manage", Rate::per_second(40);
    /// Users, groups, roles, policies and identity providers. No rate is published; this one is our choice.
    Identity = "identity", Rate::per_second(20);
    /// Sessions of roles.
    Sts = "sts", Rate::per_second(100);
    /// Queries of the audit trail.
    Trail = "trail", Rate::per_second(2);
}

/// The operations of KMS by group, those of the catalogue that are still to come included. Where the reference names an
/// operation only in words, or not at all, the group is our choice.
const KMS: &[(Group, &[&str])] = &[
    (Group::Activation, &["DescribeAccountKmsStatus", "OpenKmsService"]),
    (
        Group::InstanceWrite,
        &[
            "ConnectKmsInstance",
            "CreateApplicationAccessPoint",
            "CreateClientKey",
            "CreateNetworkRule",
            "CreatePolicy",
            "DeleteApplicationAccessPoint",
            "DeleteClientKey",
            "DeleteNetworkRule",
            "DeletePolicy",
            "ReleaseKmsInstance",
            "UpdateApplicationAccessPoint",
            "UpdateKmsInstanceBindVpc",
            "UpdateNetworkRule",
            "UpdatePolicy",
        ],
    ),
    (
        Group::InstanceRead,
        &[
            "DescribeApplicationAccessPoint",
            "DescribeNetworkRule",
            "DescribePolicy",
            "GetClientKey",
            "GetDefaultKmsInstance",
            "GetKmsInstance",
            "GetKmsInstanceQuotaInfos",
            "ListApplicationAccessPoints",
            "ListClientKeys",
            "ListKmsInstances",
            "ListNetworkRules",
            "ListPolicies",
        ],
    ),
    (
        Group::KeyRead,
        &[
            "DescribeCertificate",
            "DescribeKey",
            "DescribeKeyVersion",
            "DescribeRegions",
            "GetCertificate",
            "GetChallenge",
            "GetKeyPolicy",
            "GetParametersForImport",
            "GetPublicKey",
            "ListAliases",
            "ListAliasesByKeyId",
            "ListKeyVersions",
            "ListKeys",
            "ListTagResources",
        ],
    ),
    (Group::KeyTags, &["ListResourceTags"]),
    (Group::KeyCreate, &["CreateCertificate", "CreateKey"]),
    (
        Group::KeyWrite,
        &[
            "CancelKeyDeletion",
            "CreateAlias",
            "CreateKeyVersion",
            "DeleteAlias",
            "DeleteCertificate",
            "DeleteKeyMaterial",
            "DisableKey",
            "EnableKey",
            "ImportKeyMaterial",
            "ScheduleKeyDeletion",
            "SetDeletionProtection",
            "SetKeyPolicy",
            "TagResource",
            "TagResources",
            "UntagResource",
            "UntagResources",
            "UpdateAlias",
            "UpdateCertificateStatus",
            "UpdateKeyDescription",
            "UpdateRotationPolicy",
            "UploadCertificate",
        ],
    ),
    (
        Group::Symmetric,
        &[
            "AdvanceEncrypt",
            "Decrypt",
            "Encrypt",
            "ExportDataKey",
            "GenerateAndExportDataKey",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "GenerateMac",
            "ReEncrypt",
            "VerifyMac",
        ],
    ),
    (
        Group::Asymmetric,
        &[
            "AsymmetricDecrypt",
            "AsymmetricEncrypt",
            "AsymmetricSign",
            "AsymmetricVerify",
            "CertificatePrivateKeyDecrypt",
            "CertificatePrivateKeySign",
            "CertificatePublicKeyEncrypt",
            "CertificatePublicKeyVerify",
        ],
    ),
    (Group::SecretCreate, &["CreateSecret", "DeleteSecret"]),
    (
        Group::SecretRead,
        &["BatchGetSecretValue", "DescribeSecret", "GetManagedDataKey", "GetSecretValue", "ListManagedDataKeyVersions"],
    ),
    (
        Group::SecretManage,
        &[
            "GetRandomPassword",
            "GetSecretPolicy",
            "ListSecretVersionIds",
            "ListSecrets",
            "PutSecretValue",
            "RestoreSecret",
            // Rotations that are begun have a quota by the hour besides.
            "RotateSecret",
            "SetSecretPolicy",
            "UpdateSecret",
            "UpdateSecretRotationPolicy",
            "UpdateSecretVersionStage",
        ],
    ),
];

/// The group of an operation. It is asked while the registry is compiled, so that an operation without a group does not
/// compile: one of KMS needs its row above, the other products have a group for all their operations.
#[expect(clippy::panic, reason = "only ever reached by the compiler")]
pub(crate) const fn of(product: Product, operation: &str) -> Group {
    match product {
        Product::Kms => {
            let mut groups = KMS;
            while let [(group, names), rest @ ..] = groups {
                let mut names = *names;
                while let [name, others @ ..] = names {
                    if is_same(name.as_bytes(), operation.as_bytes()) {
                        return *group;
                    }
                    names = others;
                }
                groups = rest;
            }
            panic!("an operation has no row in quotas/groups.rs");
        }
        Product::Actiontrail => Group::Trail,
        Product::Ram | Product::Ims => Group::Identity,
        Product::Sts => Group::Sts,
    }
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let (mut one, mut other) = (one, other);
    while let ([a, rest_of_one @ ..], [b, rest_of_other @ ..]) = (one, other) {
        if *a != *b {
            return false;
        }
        (one, other) = (rest_of_one, rest_of_other);
    }
    one.is_empty() && other.is_empty()
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Group {
    type Err = String;

    /// The error completes a sentence that begins with what was read.
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|group| group.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|group| group.name()).collect();
            format!("must name one of the groups {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::registry::ENTRIES;

    #[test]
    fn every_operation_of_the_catalogue_is_in_one_group() {
        let catalogue: serde_json::Value =
            serde_json::from_str(include_str!("../../../../api/operations.json")).unwrap();
        let catalogue: BTreeSet<&str> = catalogue.as_object().unwrap().keys().map(String::as_str).collect();
        let rows: Vec<&str> = KMS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let grouped: BTreeSet<&str> = rows.iter().copied().collect();
        assert_eq!(rows.len(), grouped.len(), "an operation stands in two groups");
        assert_eq!(grouped, catalogue);
    }

    #[test]
    fn the_registry_has_the_groups_of_the_table() {
        for entry in ENTRIES {
            assert_eq!(entry.group, of(entry.product, entry.name), "{}", entry.name);
        }
        let group = |name: &str| crate::registry::lookup(name).unwrap().group;
        assert_eq!(group("Encrypt"), Group::Symmetric);
        assert_eq!(group("CreateKey"), Group::KeyCreate);
        assert_eq!(group("ListKeys"), Group::KeyRead);
        assert_eq!(group("GetSecretValue"), Group::SecretRead);
        assert_eq!(group("RotateSecret"), Group::SecretManage);
    }

    #[test]
    fn names_lead_back_to_their_groups() {
        for (index, group) in Group::ALL.iter().enumerate() {
            assert_eq!(group.name().parse(), Ok(*group));
            assert_eq!(group.index(), index);
        }
        assert!("Symmetric".parse::<Group>().unwrap_err().contains("symmetric, asymmetric"));
    }
}
