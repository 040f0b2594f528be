//! The registry: every operation that can be called, one line each.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;

use serde::Serialize;

use crate::context::Context;
use crate::error::{Code, Result};
use crate::operation::Operation;
use crate::ops;
use crate::params::{ParamSpec, Params, Request};
use crate::pipeline;
use crate::quotas::{Group, group_of};
use crate::wipe;

/// A response in the forms in which it can be answered.
///
/// JSON, which nearly everybody asks for, is written by code made for each type; all other forms go through one
/// serializer that knows no type, which costs some 10 ns a member.
pub trait Body: Send + Sync {
    /// Appends the response as one JSON document; what the buffer leaves behind when it grows is wiped.
    ///
    /// # Errors
    /// When the response cannot be serialised; what was appended is then of no use.
    fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()>;

    /// The response for any other serializer.
    fn members(&self) -> &dyn erased_serde::Serialize;
}

impl<T: Serialize + Send + Sync> Body for T {
    fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(wipe::Writer(out), self)
    }

    fn members(&self) -> &dyn erased_serde::Serialize {
        self
    }
}

/// The response of an operation, which says how it is written.
struct ResponseOf<O: Operation>(O::Response);

impl<O: Operation> Body for ResponseOf<O> {
    fn write_json(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        O::write_json(&self.0, out)
    }

    fn members(&self) -> &dyn erased_serde::Serialize {
        &self.0
    }
}

/// What a call answers: the members of the response, without `RequestId`.
pub struct Answer {
    body: Box<dyn Body>,
    sensitive: bool,
}

impl Answer {
    pub(crate) fn new<O: Operation>(response: O::Response) -> Self {
        Self { body: Box::new(ResponseOf::<O>(response)), sensitive: O::SENSITIVE }
    }

    /// Of a call whose response is not looked at any more.
    pub(crate) fn unseen() -> Self {
        Self { body: Box::new(crate::operation::Empty {}), sensitive: true }
    }

    /// The response; serialises as one object.
    pub fn body(&self) -> &dyn Body {
        &*self.body
    }

    /// Whether the rendered response must be wiped once it is sent.
    pub fn is_sensitive(&self) -> bool {
        self.sensitive
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

/// The future of a call.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer>> + Send + 'a>>;

/// A product whose operations are served here, all on the same listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Product {
    /// Keys and secrets.
    Kms,
    /// The audit trail.
    Actiontrail,
    /// Users, groups, roles and policies.
    Ram,
    /// Sessions of roles.
    Sts,
    /// Identity providers.
    Ims,
}

impl Product {
    /// Every product.
    pub const ALL: &'static [Self] = &[Self::Kms, Self::Actiontrail, Self::Ram, Self::Sts, Self::Ims];

    /// The name in events and in scopes of signatures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kms => "Kms",
            Self::Actiontrail => "Actiontrail",
            Self::Ram => "Ram",
            Self::Sts => "Sts",
            Self::Ims => "Ims",
        }
    }

    /// The version of its API, by which a request chooses the product.
    pub fn version(self) -> &'static str {
        match self {
            Self::Kms => "2016-01-20",
            Self::Actiontrail => "2020-07-06",
            Self::Ram => "2015-05-01",
            Self::Sts => "2015-04-01",
            Self::Ims => "2019-08-15",
        }
    }

    /// What its actions begin with in policies, before the colon.
    pub fn action_prefix(self) -> &'static str {
        match self {
            Self::Kms => "kms",
            Self::Actiontrail => "actiontrail",
            // The pages of the operations of IMS name their actions `ram:…`, and their resources `acs:ram:…`.
            Self::Ram | Self::Ims => "ram",
            Self::Sts => "sts",
        }
    }

    /// The refusal of a call that no policy allows.
    pub(crate) const fn no_permission(self) -> Code {
        match self {
            Self::Kms => Code::NoPermission,
            Self::Actiontrail | Self::Ram | Self::Sts | Self::Ims => Code::NotAuthorized,
        }
    }
}

/// An operation as the gateways, the console and the command line see it.
pub struct Entry {
    /// The name on the wire.
    pub name: &'static str,
    /// The product that it belongs to.
    pub product: Product,
    /// What it does, in one sentence.
    pub summary: &'static str,
    /// Its parameters.
    pub parameters: &'static [ParamSpec],
    /// The group that its calls are counted in.
    pub group: Group,
    /// Whether it can be called without a signature.
    pub anonymous: bool,
    /// Its place in [`ENTRIES`], for tables with a row per operation.
    pub index: usize,
    /// Decodes, authorizes and executes a call.
    pub(crate) call: for<'a> fn(&'a Context<'a>, &'a Params<'a>) -> Running<'a>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const fn entry<O: Operation>(index: usize) -> Entry {
    Entry {
        name: O::NAME,
        product: O::PRODUCT,
        summary: O::SUMMARY,
        parameters: <O::Request as Request>::SPECS,
        group: group_of(O::PRODUCT, O::NAME),
        anonymous: O::ANONYMOUS,
        index,
        call: |cx, params| Box::pin(pipeline::run::<O>(cx, params)),
    }
}

macro_rules! registry {
    ($($family:ident: $($operation:ident),+;)+) => {
        /// Every operation, by family.
        pub static ENTRIES: &[Entry] = {
            #[derive(Clone, Copy)]
            enum Index { $($($operation),+),+ }
            &[$($(entry::<ops::$family::$operation>(Index::$operation as usize)),+),+]
        };
    };
}

registry! {
    account: DescribeAccountKmsStatus, DescribeRegions, OpenKmsService;
    keys: CreateKey, DescribeKey, ListKeys, EnableKey, DisableKey, ScheduleKeyDeletion, CancelKeyDeletion,
        SetDeletionProtection, UpdateKeyDescription;
    versions: CreateKeyVersion, DescribeKeyVersion, ListKeyVersions, UpdateRotationPolicy;
    material: GetParametersForImport, ImportKeyMaterial, DeleteKeyMaterial;
    policies: GetKeyPolicy, SetKeyPolicy;
    crypto: Encrypt, Decrypt, ReEncrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, ExportDataKey,
        GenerateAndExportDataKey, AdvanceEncrypt, GetChallenge;
    asymmetric: AsymmetricSign, AsymmetricVerify, AsymmetricEncrypt, AsymmetricDecrypt, GetPublicKey;
    mac: GenerateMac, VerifyMac;
    managed: GetManagedDataKey, ListManagedDataKeyVersions;
    certificates: CreateCertificate, UploadCertificate, DescribeCertificate, GetCertificate, DeleteCertificate,
        UpdateCertificateStatus, CertificatePrivateKeySign, CertificatePublicKeyVerify, CertificatePublicKeyEncrypt,
        CertificatePrivateKeyDecrypt;
    aliases: CreateAlias, UpdateAlias, DeleteAlias, ListAliases, ListAliasesByKeyId;
    ram: CreateUser, GetUser, UpdateUser, DeleteUser, ListUsers, CreateAccessKey, UpdateAccessKey, DeleteAccessKey,
        ListAccessKeys, GetAccessKeyLastUsed, CreateGroup, GetGroup, UpdateGroup, DeleteGroup, ListGroups,
        AddUserToGroup, RemoveUserFromGroup, ListGroupsForUser, ListUsersForGroup, CreateLoginProfile,
        GetLoginProfile, UpdateLoginProfile, DeleteLoginProfile, ChangePassword, GetPasswordPolicy, SetPasswordPolicy,
        GetSecurityPreference, SetSecurityPreference;
    secrets: CreateSecret, DescribeSecret, ListSecrets, UpdateSecret, DeleteSecret, RestoreSecret, PutSecretValue,
        GetSecretValue, BatchGetSecretValue, ListSecretVersionIds, UpdateSecretVersionStage,
        UpdateSecretRotationPolicy, RotateSecret, GetRandomPassword, GetSecretPolicy, SetSecretPolicy;
    sts: AssumeRole, AssumeRoleWithOIDC, GetCallerIdentity;
    trail: LookupEvents;
    diagnosis: DecodeDiagnosticMessage;
    ram_policies: CreatePolicy, GetPolicy, ListPolicies, DeletePolicy, UpdatePolicyDescription, CreatePolicyVersion,
        GetPolicyVersion, ListPolicyVersions, DeletePolicyVersion, SetDefaultPolicyVersion, AttachPolicyToUser,
        AttachPolicyToGroup, AttachPolicyToRole, DetachPolicyFromUser, DetachPolicyFromGroup, DetachPolicyFromRole,
        ListPoliciesForUser, ListPoliciesForGroup, ListPoliciesForRole, ListEntitiesForPolicy;
    ram_roles: CreateRole, GetRole, ListRoles, UpdateRole, DeleteRole;
    oidc_providers: CreateOIDCProvider, GetOIDCProvider, ListOIDCProviders, UpdateOIDCProvider, DeleteOIDCProvider,
        AddClientIdToOIDCProvider, RemoveClientIdFromOIDCProvider, AddFingerprintToOIDCProvider,
        RemoveFingerprintFromOIDCProvider;
    tags: TagResources, UntagResources, ListTagResources, TagResource, UntagResource, ListResourceTags;
}

static BY_NAME: LazyLock<HashMap<(&'static str, &'static str), &'static Entry>> =
    LazyLock::new(|| ENTRIES.iter().map(|entry| ((entry.product.version(), entry.name), entry)).collect());

/// The operation of this name, of the first product that has one; names are case-sensitive. `Ram:GetUser` names the
/// product, too, in letters of either case.
pub fn lookup(name: &str) -> Option<&'static Entry> {
    let (product, name) = name.split_once(':').map_or((None, name), |(product, name)| (Some(product), name));
    let is_asked = |of: &&Product| product.is_none_or(|product| product.eq_ignore_ascii_case(of.name()));
    Product::ALL.iter().filter(is_asked).find_map(|product| BY_NAME.get(&(product.version(), name)).copied())
}

/// Why a version and a name are no operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// No product has this version.
    Version,
    /// The product has no operation of this name.
    Action,
}

/// The operation that a request asks for: its version names the product.
///
/// # Errors
/// [`Unknown`], which of the two it was.
pub fn resolve(version: &str, name: &str) -> std::result::Result<&'static Entry, Unknown> {
    if !Product::ALL.iter().any(|product| product.version() == version) {
        return Err(Unknown::Version);
    }
    BY_NAME.get(&(version, name)).copied().ok_or(Unknown::Action)
}
