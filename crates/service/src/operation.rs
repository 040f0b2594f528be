//! What an operation is.

use std::future::Future;

use serde::Serialize;
use sesame_domain::secret::SecretRef;
use sesame_domain::tag::ResourceType;
use sesame_domain::{AccountId, KeyRef, KeyVersionId, Tag};

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Result};
use crate::params::Request;
use crate::registry::{Body, Product};

/// An operation of the API: its request, its response, what permission it needs, and what it does.
///
/// Each lives in a file of its own under `ops/`; one line in the registry makes it reachable.
pub trait Operation: 'static {
    /// The name on the wire.
    const NAME: &'static str;
    /// The product that it belongs to.
    const PRODUCT: Product = Product::Kms;
    /// What it does, in one sentence for users.
    const SUMMARY: &'static str;
    /// Whether the rendered response holds a secret, so that its buffer is wiped.
    const SENSITIVE: bool = false;
    /// Another product under whose name a policy can speak of the action, too: `ecs` for tags (access-control
    /// reference, 3.3).
    const ALSO_OF: Option<&'static str> = None;
    /// Whether it can be called without a signature. Whoever calls it so is nobody, and no permission can be asked of
    /// nobody: the operation itself finds out whom it serves.
    const ANONYMOUS: bool = false;
    /// Whether conditions can ask for the tags of the key, with `kms:tag` (access-control reference, 2.4).
    const SUPPLIES_KEY_TAGS: bool = true;
    /// The code of a refusal.
    const DENIAL: Code = Self::PRODUCT.no_permission();

    /// The parameters.
    type Request: Request;
    /// The members of a success, without `RequestId`.
    type Response: Serialize + Send + Sync + 'static;

    /// Refuses parameters that do not fit together.
    ///
    /// # Errors
    /// `MissingParameter` or `InvalidParameter`, naming the parameter.
    fn validate(request: &Self::Request) -> Result<()> {
        let _ = request;
        Ok(())
    }

    /// The resources that the call touches; all must be found and allowed before anything is done. Key targets are
    /// handed to [`Operation::run`] in this order.
    fn targets(request: &Self::Request) -> impl IntoIterator<Item = Target<'_>> + Send;

    /// Whether the caller asked for a rehearsal (`DryRun=true`).
    fn is_dry_run(request: &Self::Request) -> bool {
        let _ = request;
        false
    }

    /// The algorithm that the call encrypts or decrypts with, for conditions on `kms:EncryptionAlgorithm`.
    fn encryption_algorithm(request: &Self::Request) -> Option<&str> {
        let _ = request;
        None
    }

    /// The tags that the call sets, for conditions on `acs:RequestTag`.
    fn request_tags(request: &Self::Request) -> &[Tag] {
        let _ = request;
        &[]
    }

    /// Refuses keys that cannot do this at all (wrong spec, usage or origin); before their state is looked at.
    ///
    /// # Errors
    /// The code that the API has for it.
    fn check(request: &Self::Request, on: &Granted) -> Result<()> {
        let _ = (request, on);
        Ok(())
    }

    /// Appends a response as one JSON object: what its serializer gives, perhaps sooner. What the buffer leaves behind
    /// when it grows is wiped.
    ///
    /// # Errors
    /// When the response cannot be serialised; what was appended is then of no use.
    fn write_json(response: &Self::Response, out: &mut Vec<u8>) -> serde_json::Result<()> {
        response.write_json(out)
    }

    /// Does it.
    fn run(
        cx: &Context<'_>,
        on: Granted,
        request: Self::Request,
    ) -> impl Future<Output = Result<Self::Response>> + Send;
}

/// A resource that a call touches.
#[derive(Clone, Copy, Debug)]
pub enum Target<'r> {
    /// The keys, aliases or secrets of the caller's account as a whole: `key`, `alias`, `secret`; `*` for no resource.
    Collection(&'static str),
    /// A key by id, ARN or alias.
    Key(&'r KeyRef),
    /// A key by id or ARN; an alias is refused with `Unsupported.Alias`.
    KeyById(&'r KeyRef),
    /// The key of a version that a ciphertext names.
    KeyOfVersion(&'r KeyVersionId),
    /// A version of a key; the key by id, ARN or alias. `None` is the id of no version.
    Version(&'r KeyRef, Option<&'r KeyVersionId>),
    /// A certificate by id.
    Certificate(&'r str),
    /// An alias itself.
    Alias(&'r sesame_domain::AliasName),
    /// An alias itself, and the key that it stands for; the key is no key target.
    AliasAndKey(&'r sesame_domain::AliasName),
    /// A secret by name or ARN.
    Secret(&'r SecretRef),
    /// A secret, and with another action the key that its values are sealed under; a key of the service itself needs no
    /// permission. The key is a key target too.
    SecretAndKey(&'r SecretRef, &'static str),
    /// A resource of the multi-resource tag operations, by id or name.
    Resource(ResourceType, &'r str),
    /// A user, group, role, policy or OIDC provider of the caller's account, by name, whether or not there is one: it is
    /// looked for by the operation itself, after permission was given.
    Ram(RamKind, &'r str),
    /// The user that calls; the account itself when that is who calls.
    OwnUser,
    /// All users, groups, roles, policies or OIDC providers of the caller's account.
    RamCollection(RamKind),
    /// A policy of the service, by name.
    SystemPolicy(&'r str),
    /// A role of whatever account, to be assumed. The caller's own policies must allow it; what the role says is for the
    /// operation to find out.
    Role(&'r AccountId, &'r str),
    /// An action other than `kms:<operation>` on the target: ReEncrypt has one for each of its keys.
    With(&'static str, TargetKey<'r>),
}

/// The kinds of resources of RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RamKind {
    /// Users.
    User,
    /// Groups.
    Group,
    /// Roles.
    Role,
    /// Custom policies.
    Policy,
    /// OIDC providers.
    OidcProvider,
}

impl RamKind {
    /// The name in ARNs.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
            Self::Policy => "policy",
            Self::OidcProvider => "oidc-provider",
        }
    }
}

/// The key targets that can stand in [`Target::With`].
#[derive(Clone, Copy, Debug)]
pub enum TargetKey<'r> {
    /// As [`Target::Key`].
    Any(&'r KeyRef),
    /// As [`Target::KeyById`].
    ById(&'r KeyRef),
    /// As [`Target::KeyOfVersion`].
    OfVersion(&'r KeyVersionId),
    /// As [`Target::Version`], but the key by id or ARN.
    Version(&'r KeyRef, Option<&'r KeyVersionId>),
}

/// The response of an operation that answers with its `RequestId` alone.
#[derive(Debug, Serialize)]
pub struct Empty {}
