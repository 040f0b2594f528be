//! Finds what a call touches and decides whether the caller may touch it.

use std::sync::Arc;

use sesame_domain::certificate::Certificate;
use sesame_domain::secret::{SecretName, SecretRef};
use sesame_domain::tag::ResourceType;
use sesame_domain::{AccountId, AliasName, KeyRef, KeyState, KeyVersionId};
use smallvec::SmallVec;

use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::keys::{LoadedKey, LoadedVersion};
use crate::operation::{Operation, RamKind, Target, TargetKey};
use crate::ops::secrets::DEFAULT_KEY_CREATOR;
use crate::secrets::LoadedSecret;

/// The targets of a call, found and allowed. Only this module makes one, so whoever holds it may act on them.
#[derive(Debug, Default)]
pub struct Granted {
    keys: SmallVec<[Arc<LoadedKey>; 2]>,
    version: Option<Arc<LoadedVersion>>,
    certificate: Option<Arc<Certificate>>,
    secrets: SmallVec<[Arc<LoadedSecret>; 1]>,
}

impl Granted {
    /// The keys, in the order of the operation's key targets.
    pub(crate) fn keys(&self) -> &[Arc<LoadedKey>] {
        &self.keys
    }

    /// The first key target.
    ///
    /// # Errors
    /// `InternalFailure` when the operation has no key target, which is a fault of the operation.
    pub(crate) fn key(&self) -> Result<&Arc<LoadedKey>> {
        self.keys.first().ok_or_else(|| KmsError::internal("the operation has no key target"))
    }

    /// The version that the operation's target names, of a key that is in use.
    ///
    /// # Errors
    /// As [`Granted::key`].
    pub(crate) fn version(&self) -> Result<&Arc<LoadedVersion>> {
        self.version.as_ref().ok_or_else(|| KmsError::internal("the operation has no key version"))
    }

    /// The certificate that the operation's target names.
    ///
    /// # Errors
    /// As [`Granted::key`].
    pub(crate) fn certificate(&self) -> Result<&Arc<Certificate>> {
        self.certificate.as_ref().ok_or_else(|| KmsError::internal("the operation has no certificate target"))
    }

    /// The secrets, in the order of the operation's secret targets.
    pub(crate) fn secrets(&self) -> &[Arc<LoadedSecret>] {
        &self.secrets
    }

    /// The first secret target.
    ///
    /// # Errors
    /// As [`Granted::key`].
    pub(crate) fn secret(&self) -> Result<&Arc<LoadedSecret>> {
        self.secrets.first().ok_or_else(|| KmsError::internal("the operation has no secret target"))
    }

    /// The second key target.
    ///
    /// # Errors
    /// As [`Granted::key`].
    pub(crate) fn second_key(&self) -> Result<&Arc<LoadedKey>> {
        self.keys.get(1).ok_or_else(|| KmsError::internal("the operation has no second key target"))
    }
}

/// Finds every target of the call and checks the caller's permission on each.
pub(crate) async fn authorize<O: Operation>(cx: &Context<'_>, request: &O::Request) -> Result<Granted> {
    let mut granted = Granted::default();
    let targets: SmallVec<[Target<'_>; 2]> = O::targets(request).into_iter().collect();
    for target in targets {
        let key = match target {
            Target::Collection(kind) => {
                allow(cx, O::NAME, cx.account(), &Resource::Collection(kind))?;
                continue;
            }
            Target::Ram(kind, name) => {
                allow(cx, O::NAME, cx.account(), &Resource::Ram(kind, name))?;
                continue;
            }
            Target::RamCollection(kind) => {
                allow(cx, O::NAME, cx.account(), &Resource::Ram(kind, "*"))?;
                continue;
            }
            Target::SystemPolicy(_) | Target::Role(..) => {
                allow(cx, O::NAME, cx.account(), &Resource::Collection("*"))?;
                continue;
            }
            Target::Alias(alias) => {
                allow(cx, O::NAME, cx.account(), &Resource::Alias(alias))?;
                continue;
            }
            Target::Certificate(id) => {
                let found = found_certificate(cx, id).await?;
                allow(cx, O::NAME, &found.account, &Resource::Certificate(&found))?;
                granted.certificate = Some(Arc::new(found));
                continue;
            }
            Target::Key(key) => found(cx, key).await.and_then(|key| allowed(cx, O::NAME, key))?,
            Target::KeyById(key) => found_by_id(cx, key).await.and_then(|key| allowed(cx, O::NAME, key))?,
            Target::KeyOfVersion(version) => {
                found_by_version(cx, version).await.and_then(|key| allowed(cx, O::NAME, key))?
            }
            Target::Version(key, version) => {
                let key = found(cx, key).await.and_then(|key| allowed(cx, O::NAME, key))?;
                granted.version = found_version(cx, &key, version).await?;
                key
            }
            Target::With(action, TargetKey::Version(key, version)) => {
                let key = found_by_id(cx, key).await.and_then(|key| allowed(cx, action, key))?;
                granted.version = found_version(cx, &key, version).await?;
                key
            }
            Target::With(action, TargetKey::ById(key)) => {
                found_by_id(cx, key).await.and_then(|key| allowed(cx, action, key))?
            }
            Target::With(action, TargetKey::OfVersion(version)) => {
                found_by_version(cx, version).await.and_then(|key| allowed(cx, action, key))?
            }
            Target::With(action, TargetKey::Any(key)) => {
                found(cx, key).await.and_then(|key| allowed(cx, action, key))?
            }
            Target::Secret(secret) => {
                granted.secrets.push(found_secret(cx, O::NAME, secret).await?);
                continue;
            }
            Target::SecretAndKey(secret, action) => {
                let (secret, key) = secret_and_key(cx, O::NAME, secret, action).await?;
                granted.secrets.push(secret);
                key
            }
            Target::Resource(ResourceType::Secret, name) => {
                // Tags are kept under one account, so a call cannot reach those of several.
                let secret: SecretRef = name.parse().map_err(|_| Code::InvalidResourceIdNotFound)?;
                if secret.account(cx.account()) != cx.account() {
                    return Err(Code::InvalidResourceIdNotFound.into());
                }
                let found = found_secret(cx, O::NAME, &secret).await;
                granted.secrets.push(found.map_err(|error| match error.code {
                    Code::ResourceNotFound => Code::InvalidResourceIdNotFound.into(),
                    _ => error,
                })?);
                continue;
            }
            Target::Resource(kind, name) => {
                found_resource(cx, kind, name).await.and_then(|key| allowed(cx, O::NAME, key))?
            }
        };
        granted.keys.push(key);
    }
    Ok(granted)
}

/// A secret that the caller may do `action` to.
async fn found_secret(cx: &Context<'_>, action: &str, secret: &SecretRef) -> Result<Arc<LoadedSecret>> {
    let not_found = || KmsError::from(Code::ResourceNotFound);
    if secret.arn.as_ref().is_some_and(|arn| arn.region != *cx.region()) {
        return Err(not_found());
    }
    let owner = secret.account(cx.account());
    let found = cx.secrets().get(owner, &secret.name).await?.ok_or_else(not_found)?;
    allow(cx, action, owner, &Resource::Secret(&found.secret.name))?;
    Ok(found)
}

/// A secret that the caller may do `action` to, and the key of its values that the caller may do `key_action` with.
pub(crate) async fn secret_and_key(
    cx: &Context<'_>,
    action: &str,
    secret: &SecretRef,
    key_action: &str,
) -> Result<(Arc<LoadedSecret>, Arc<LoadedKey>)> {
    let secret = found_secret(cx, action, secret).await?;
    let key = cx.keys().get(&secret.secret.key).await?.ok_or(Code::KeyNotFound)?;
    let key = if key.key.creator == DEFAULT_KEY_CREATOR { key } else { allowed(cx, key_action, key)? };
    Ok((secret, key))
}

async fn found(cx: &Context<'_>, key: &KeyRef) -> Result<Arc<LoadedKey>> {
    let not_found = || KmsError::from(Code::KeyNotFound);
    let (id, account) = match key {
        KeyRef::Id(id) => (id.clone(), cx.account()),
        KeyRef::Arn(arn, id) if arn.region == *cx.region() => (id.clone(), &arn.account),
        KeyRef::Arn(..) | KeyRef::Unknown => return Err(not_found()),
        KeyRef::Alias(alias, arn) => {
            let own = arn.as_ref().is_none_or(|arn| arn.region == *cx.region() && arn.account == *cx.account());
            let id = if own { cx.keys().by_alias(cx.account(), alias).await? } else { None };
            (id.ok_or(Code::AliasNotFound)?, cx.account())
        }
    };
    let key = cx.keys().get(&id).await?.ok_or_else(not_found)?;
    if key.key.account == *account { Ok(key) } else { Err(not_found()) }
}

/// A certificate of the caller's account.
async fn found_certificate(cx: &Context<'_>, id: &str) -> Result<Certificate> {
    let found = sesame_store::certificates::get(&mut cx.store().reader().await?, id).await?;
    found.filter(|found| found.account == *cx.account()).ok_or_else(|| Code::CertificateNotFound.into())
}

async fn found_by_id(cx: &Context<'_>, key: &KeyRef) -> Result<Arc<LoadedKey>> {
    if matches!(key, KeyRef::Alias(..)) {
        return Err(Code::UnsupportedAlias.into());
    }
    found(cx, key).await
}

async fn found_by_version(cx: &Context<'_>, version: &KeyVersionId) -> Result<Arc<LoadedKey>> {
    cx.keys().of_version(version).await?.ok_or_else(|| Code::KeyNotFound.into())
}

/// The version of a key that can be used. Of one that cannot, perhaps because it has no material, no version is looked
/// for: the call will be refused for its state.
async fn found_version(
    cx: &Context<'_>,
    key: &LoadedKey,
    version: Option<&KeyVersionId>,
) -> Result<Option<Arc<LoadedVersion>>> {
    if key.key.state != KeyState::Enabled {
        return Ok(None);
    }
    let version = version.ok_or(Code::KeyVersionNotFound)?;
    cx.keys().version(key, version).await?.map(Some).ok_or_else(|| Code::KeyVersionNotFound.into())
}

async fn found_resource(cx: &Context<'_>, kind: ResourceType, name: &str) -> Result<Arc<LoadedKey>> {
    let not_found = || KmsError::from(Code::InvalidResourceIdNotFound);
    let ResourceType::Key = kind else { return Err(not_found()) };
    let key: KeyRef = name.parse().map_err(|_| not_found())?;
    found_by_id(cx, &key).await.map_err(|error| match error.code {
        Code::KeyNotFound | Code::UnsupportedAlias => not_found(),
        _ => error,
    })
}

fn allowed(cx: &Context<'_>, action: &str, key: Arc<LoadedKey>) -> Result<Arc<LoadedKey>> {
    allow(cx, action, &key.key.account, &Resource::Key(&key))?;
    Ok(key)
}

/// What a permission is asked for.
#[derive(Debug)]
enum Resource<'a> {
    Collection(&'static str),
    Alias(&'a AliasName),
    Ram(RamKind, &'a str),
    Key(&'a LoadedKey),
    Certificate(&'a Certificate),
    Secret(&'a SecretName),
}

/// The decision. Every principal is the root of its account today: it may do everything inside and nothing outside.
fn allow(cx: &Context<'_>, action: &str, owner: &AccountId, resource: &Resource<'_>) -> Result<()> {
    if *owner == *cx.account() {
        return Ok(());
    }
    tracing::debug!(
        request_id = cx.request_id,
        operation = cx.operation.name,
        action,
        %resource,
        address = %cx.source.address,
        tls = cx.source.secure_transport,
        "denied"
    );
    Err(Code::NoPermission.into())
}

impl std::fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Collection(kind) => f.write_str(kind),
            Self::Alias(alias) => alias.fmt(f),
            Self::Ram(kind, name) => write!(f, "{}/{name}", kind.name()),
            Self::Key(key) => write!(f, "key/{}", key.key.id),
            Self::Certificate(certificate) => write!(f, "certificate/{}", certificate.id),
            Self::Secret(name) => write!(f, "secret/{name}"),
        }
    }
}
