//! What an operation is.

use std::future::Future;

use serde::Serialize;
use sesame_domain::secret::SecretRef;
use sesame_domain::tag::ResourceType;
use sesame_domain::{KeyRef, KeyVersionId};

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::params::Request;
use crate::registry::Product;

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

    /// Refuses keys that cannot do this at all (wrong spec, usage or origin); before their state is looked at.
    ///
    /// # Errors
    /// The code that the API has for it.
    fn check(request: &Self::Request, on: &Granted) -> Result<()> {
        let _ = (request, on);
        Ok(())
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
    /// A secret by name or ARN.
    Secret(&'r SecretRef),
    /// A secret, and with another action the key that its values are sealed under; a key of the service itself needs no
    /// permission. The key is a key target too.
    SecretAndKey(&'r SecretRef, &'static str),
    /// A resource of the multi-resource tag operations, by id or name.
    Resource(ResourceType, &'r str),
    /// An action other than `kms:<operation>` on the target: ReEncrypt has one for each of its keys.
    With(&'static str, TargetKey<'r>),
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
