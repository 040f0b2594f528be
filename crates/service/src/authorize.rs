//! Finds what a call touches and decides whether the caller may touch it.

mod gate;

use std::borrow::Cow;
use std::sync::Arc;

use sesame_domain::certificate::Certificate;
use sesame_domain::secret::SecretRef;
use sesame_domain::tag::ResourceType;
use sesame_domain::{AccountId, AliasName, Arn, KeyRef, KeyState, KeyVersionId, RegionId};
use smallvec::SmallVec;

use gate::{Found, On};
pub(crate) use gate::{Gate, refusal};

use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::keys::{LoadedKey, LoadedVersion};
use crate::operation::{Operation, Target, TargetKey};
use crate::ops::secrets::DEFAULT_KEY_CREATOR;
use crate::request::Identity;
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
///
/// Permission is asked first: on what was found, or else on what the request names, so that only a caller who may do it
/// learns that something is missing. The first refusal in the order of the targets is the answer; that something is
/// missing is said after all permissions were given.
pub(crate) async fn authorize<O: Operation>(cx: &Context<'_>, request: &O::Request) -> Result<Granted> {
    let gate = Gate::of::<O>(cx, Some(request)).await?;
    let mut granted = Granted::default();
    let mut missing = None;
    let targets: SmallVec<[Target<'_>; 2]> = O::targets(request).into_iter().collect();
    for &target in &targets {
        match gate.target(target, &mut granted).await? {
            Ok(()) => {}
            Err(code) => drop(missing.get_or_insert(code)),
        }
    }
    missing.map_or(Ok(granted), |code| Err(code.into()))
}

/// What was looked for, or the code that says that it is missing: to be said once all permissions were given.
pub(crate) type Sought<T> = std::result::Result<T, Code>;

/// A key that a caller names.
struct NamedKey<'a> {
    /// The account that must have it; whichever has it when a ciphertext names it.
    account: Option<&'a AccountId>,
    /// The region, when it is not this one.
    region: Option<&'a RegionId>,
    /// The name in the ARN on which permission is asked when there is no such key.
    name: Cow<'a, str>,
    found: Sought<Arc<LoadedKey>>,
}

impl Gate<'_> {
    async fn target(&self, target: Target<'_>, granted: &mut Granted) -> Result<Sought<()>> {
        let own = self.operation();
        let (action, key, version) = match target {
            Target::Key(key) => (own, TargetKey::Any(key), None),
            Target::KeyById(key) => (own, TargetKey::ById(key), None),
            Target::KeyOfVersion(version) => (own, TargetKey::OfVersion(version), None),
            Target::Version(key, version) => (own, TargetKey::Any(key), Some(version)),
            Target::With(action, TargetKey::Version(key, version)) => (action, TargetKey::ById(key), Some(version)),
            Target::With(action, key) => (action, key, None),
            Target::Secret(secret) => {
                return Ok(self.secret(secret).await?.map(|found| granted.secrets.push(found)));
            }
            Target::SecretAndKey(secret, action) => {
                return Ok(self.secret_and_key(secret, action).await?.map(|(secret, key)| {
                    granted.secrets.push(secret);
                    granted.keys.push(key);
                }));
            }
            // Boxed: calls that use keys or secrets need no room for these.
            other => return Box::pin(self.other_target(other, granted)).await,
        };
        let named = match key {
            TargetKey::Any(key) => self.any(key).await?,
            TargetKey::ById(key) | TargetKey::Version(key, _) => self.by_id(key).await?,
            TargetKey::OfVersion(version) => self.of_version(version).await?,
        };
        let mut key = self.key(action, named).await?;
        if let Some(version) = version {
            key = self.version(key, version, granted).await?;
        }
        Ok(key.map(|key| granted.keys.push(key)))
    }

    /// A target that is no key and no secret by name.
    async fn other_target(&self, target: Target<'_>, granted: &mut Granted) -> Result<Sought<()>> {
        let cx = self.cx;
        let account = cx.account();
        match target {
            Target::Collection("*") => self.pass(On::none(account)).await?,
            Target::Collection(kind) => self.pass(On::kms(cx, account, &[kind, &format!("{kind}/*")])).await?,
            Target::Alias(alias) => self.pass(On::kms(cx, account, &[alias.as_str()])).await?,
            Target::AliasAndKey(alias) => {
                self.pass(On::kms(cx, account, &[alias.as_str()])).await?;
                let named = self.by_alias(alias, None).await?;
                return Ok(self.key(self.operation(), named).await?.map(drop));
            }
            Target::Certificate(id) => {
                let found = sesame_store::certificates::get(&mut cx.store().reader().await?, id).await?;
                self.pass(On::kms(cx, account, &[&format!("certificate/{id}")])).await?;
                let found = found.filter(|found| found.account == *account);
                return Ok(found.ok_or(Code::CertificateNotFound).map(|found| {
                    granted.certificate = Some(Arc::new(found));
                }));
            }
            Target::Ram(kind, name) => {
                self.pass(On::ram(account.as_str(), account, &[&format!("{}/{name}", kind.name())])).await?;
            }
            Target::RamCollection(kind) => {
                let kind = kind.name();
                self.pass(On::ram(account.as_str(), account, &[kind, &format!("{kind}/*")])).await?;
            }
            Target::OwnUser => {
                // An identity without a user needs the permission for all of them.
                let name = match &cx.principal.identity {
                    Identity::User(user) => format!("user/{}", user.name),
                    Identity::Root | Identity::Session(_) | Identity::Anonymous => "user/*".to_owned(),
                };
                self.pass(On::ram(account.as_str(), account, &[&name])).await?;
            }
            Target::SystemPolicy(name) => {
                self.pass(On::ram("system", account, &[&format!("policy/{name}")])).await?;
            }
            Target::Role(of, name) => {
                // The caller's own policies decide here, also about a role of another account.
                self.pass(On::ram(of.as_str(), account, &[&format!("role/{name}")])).await?;
            }
            Target::Resource(ResourceType::Secret, name) => {
                let own = name.parse::<SecretRef>().ok().filter(|secret| secret.account(account) == account);
                let found = match own {
                    Some(secret) => self.secret(&secret).await?,
                    None => {
                        self.pass(On::kms(cx, account, &[&format!("secret/{name}")])).await?;
                        Err(Code::ResourceNotFound)
                    }
                };
                return Ok(found.map(|found| granted.secrets.push(found)).map_err(|_| Code::InvalidResourceIdNotFound));
            }
            Target::Resource(kind, name) => {
                let key = name.parse::<KeyRef>().ok().filter(|_| kind == ResourceType::Key);
                let named = match &key {
                    Some(key) => self.by_id(key).await?,
                    None => NamedKey::missing(format!("{}/{name}", kind.name()).into()),
                };
                // Tags are kept under one account, so that a call cannot reach those of several.
                let own = |key: &Arc<LoadedKey>| key.key.account == *account;
                let found = self.key(self.operation(), named).await?;
                let found = found.ok().filter(own).ok_or(Code::InvalidResourceIdNotFound);
                return Ok(found.map(|key| granted.keys.push(key)));
            }
            Target::Secret(_)
            | Target::SecretAndKey(..)
            | Target::Key(_)
            | Target::KeyById(_)
            | Target::KeyOfVersion(_)
            | Target::Version(..)
            | Target::With(..) => return Err(KmsError::internal("a key or a secret is no other target")),
        }
        Ok(Ok(()))
    }

    /// A key, once `action` on it is allowed.
    async fn key(&self, action: &str, named: NamedKey<'_>) -> Result<Sought<Arc<LoadedKey>>> {
        let cx = self.cx;
        match named.found {
            Ok(key) => {
                if !self.is_waived(&key.key.account, key.policy.is_some()) {
                    let names = [&*key.resource];
                    let on = On { found: Found::Key(&key), ..On::kms(cx, &key.key.account, &names) };
                    self.pass_as(action, on).await?;
                }
                Ok(Ok(key))
            }
            Err(code) => {
                let (account, region) = (named.account.unwrap_or(cx.account()), named.region.unwrap_or(cx.region()));
                let names = [&*named.name];
                self.pass_as(action, On { region: region.as_str(), ..On::kms(cx, account, &names) }).await?;
                Ok(Err(code))
            }
        }
    }

    /// By id or ARN; an alias is no name here.
    async fn by_id<'k>(&'k self, key: &'k KeyRef) -> Result<NamedKey<'k>> {
        match key {
            KeyRef::Alias(..) => Ok(NamedKey { found: Err(Code::UnsupportedAlias), ..self.any(key).await? }),
            _ => self.any(key).await,
        }
    }

    /// By id, ARN or alias.
    async fn any<'k>(&'k self, key: &'k KeyRef) -> Result<NamedKey<'k>> {
        let cx = self.cx;
        let (id, account, region) = match key {
            KeyRef::Id(id) => (id, cx.account(), cx.region()),
            KeyRef::Arn(arn, id) => (id, &arn.account, &arn.region),
            KeyRef::Unknown => return Ok(NamedKey::missing("key/*".into())),
            KeyRef::Alias(alias, arn) => return self.by_alias(alias, arn.as_ref()).await,
        };
        let found = if region == cx.region() { cx.keys().get(id).await? } else { None };
        let found = found.filter(|key| key.key.account == *account).ok_or(Code::KeyNotFound);
        let name = if found.is_ok() { Cow::Borrowed("") } else { format!("key/{id}").into() };
        Ok(NamedKey { account: Some(account), region: Some(region), name, found })
    }

    /// By an alias of the caller's own account.
    async fn by_alias<'k>(&'k self, alias: &'k AliasName, arn: Option<&'k Arn>) -> Result<NamedKey<'k>> {
        let cx = self.cx;
        let own = arn.is_none_or(|arn| arn.region == *cx.region() && arn.account == *cx.account());
        let id = if own { cx.keys().by_alias(cx.account(), alias).await? } else { None };
        let Some(id) = id else {
            let found = Err(Code::AliasNotFound);
            let (account, region) = (arn.map(|arn| &arn.account), arn.map(|arn| &arn.region));
            return Ok(NamedKey { account, region, name: format!("key/{alias}").into(), found });
        };
        let found = cx.keys().get(&id).await?.filter(|key| key.key.account == *cx.account());
        Ok(NamedKey { found: found.ok_or(Code::KeyNotFound), ..NamedKey::missing(format!("key/{id}").into()) })
    }

    /// The key that a ciphertext names.
    async fn of_version<'k>(&'k self, version: &'k KeyVersionId) -> Result<NamedKey<'k>> {
        let found = self.cx.keys().of_version(version).await?.ok_or(Code::KeyNotFound);
        let name = version.as_str().get(..25).filter(|id| id.starts_with("key-")).unwrap_or("*");
        let name = if found.is_ok() { Cow::Borrowed("") } else { format!("key/{name}").into() };
        Ok(NamedKey { account: None, region: None, name, found })
    }

    /// The version of a key that can be used. Of one that cannot, perhaps because it has no material, no version is
    /// looked for: the call will be refused for its state.
    async fn version(
        &self,
        key: Sought<Arc<LoadedKey>>,
        version: Option<&KeyVersionId>,
        granted: &mut Granted,
    ) -> Result<Sought<Arc<LoadedKey>>> {
        let key = match key {
            Ok(key) if key.key.state == KeyState::Enabled => key,
            other => return Ok(other),
        };
        let found = match version {
            Some(version) => self.cx.keys().version(&key, version).await?,
            None => None,
        };
        let Some(found) = found else { return Ok(Err(Code::KeyVersionNotFound)) };
        granted.version = Some(found);
        Ok(Ok(key))
    }

    /// A secret, once the operation on it is allowed.
    async fn secret(&self, secret: &SecretRef) -> Result<Sought<Arc<LoadedSecret>>> {
        let cx = self.cx;
        let owner = secret.account(cx.account());
        let region = secret.arn.as_ref().map_or(cx.region(), |arn| &arn.region);
        let found = if region == cx.region() { cx.secrets().get(owner, &secret.name).await? } else { None };
        if !self.is_waived(owner, found.as_ref().is_some_and(|found| found.policy.is_some())) {
            let name = match &found {
                Some(found) => Cow::Borrowed(&*found.resource),
                None => format!("secret/{}", secret.name).into(),
            };
            let found = found.as_deref().map_or(Found::Nothing, Found::Secret);
            self.pass(On { region: region.as_str(), found, ..On::kms(cx, owner, &[&*name]) }).await?;
        }
        Ok(found.ok_or(Code::ResourceNotFound))
    }

    /// A secret, and the key of its values, once the operation on it and `action` on the key are allowed.
    pub(crate) async fn secret_and_key(
        &self,
        secret: &SecretRef,
        action: &str,
    ) -> Result<Sought<(Arc<LoadedSecret>, Arc<LoadedKey>)>> {
        let cx = self.cx;
        let secret = match self.secret(secret).await? {
            Ok(secret) => secret,
            Err(code) => return Ok(Err(code)),
        };
        let key = cx.keys().get_again(&secret.secret.key, &secret.key).await?;
        let Some(key) = key else { return Ok(Err(Code::KeyNotFound)) };
        // A key of the service itself needs no permission.
        if key.key.creator == DEFAULT_KEY_CREATOR {
            return Ok(Ok((secret, key)));
        }
        let named = NamedKey { found: Ok(key), ..NamedKey::missing("".into()) };
        Ok(self.key(action, named).await?.map(|key| (secret, key)))
    }
}

impl<'a> NamedKey<'a> {
    fn missing(name: Cow<'a, str>) -> Self {
        Self { account: None, region: None, name, found: Err(Code::KeyNotFound) }
    }
}
