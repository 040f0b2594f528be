//! One rotation that this node holds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sesame_crypto::secret::{SecretBytes, SecretText};
use sesame_domain::Timestamp;
use sesame_domain::secret::password::{PasswordRules, random_password};
use sesame_domain::secret::{DataType, Keep, Secret, SecretRotation, SecretType, SecretVersion, StageLabel, Versions};
use sesame_store::secret_rotations::{self, PendingRotation};
use sesame_store::secrets::NewSecretVersion;
use sesame_store::{StoreError, Tx, secrets};

use super::reach::{Reach, System, principal};
use super::{Ended, HOLD_SECONDS, LONGEST_WAIT_SECONDS, MARGIN, STEP_LIMIT, Step};
use crate::connector::{Ask, Change, Credential, Login};
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::keys::LoadedKey;
use crate::rotator::{FailureReason, RotationFailure, RotationTarget};
use crate::secrets::{open, seal};

const CHOSEN: &str = "chosen";
const CHANGED: &str = "changed";

pub(super) struct Run<'a> {
    pub(super) reach: Reach<'a>,
    pub(super) pending: &'a PendingRotation,
    pub(super) secret: &'a Secret,
}

/// How a failed attempt was cleaned up.
pub(super) enum Settled {
    /// The new credential works after all, and the secret holds it.
    Stored,
    /// What the secret holds works.
    AsBefore,
}

/// What a secret holds, opened.
struct Opened {
    key: Arc<LoadedKey>,
    versions: Versions,
    current: Login,
    previous: Option<Login>,
}

/// The new credential as login and as value.
struct Plan {
    login: Login,
    value: SecretText,
}

impl Opened {
    /// What the secret holds for an account.
    fn held(&self, name: &str) -> Option<&Login> {
        [Some(&self.current), self.previous.as_ref()].into_iter().flatten().find(|login| login.name == name)
    }

    fn change<'a>(
        &'a self,
        target: &RotationTarget,
        login: &'a Login,
        administrator: Option<&'a SecretText>,
    ) -> Change<'a> {
        let retired = self.previous.as_ref().filter(|_| target.config.sub_type() != "DoubleUsers");
        let like = (self.current.name != login.name).then_some(self.current.name.as_str());
        Change { login, like, current: self.held(&login.name), retired, administrator }
    }
}

impl Run<'_> {
    /// Goes on from where the journal says it is; whether the secret was rotated.
    pub(super) async fn advance(&self) -> Step<bool> {
        let untouched = self.pending.step.is_empty();
        if untouched && self.secret.delete_at.is_some() {
            return self.finish(false).await.map(|()| false);
        }
        let target = self.target()?;
        let system = self.reach.system(&target)?;
        let principal = principal(&self.secret.account);
        let cx = self.reach.context(&principal)?;
        if self.secret.kind == SecretType::Generic {
            return self.ask(&cx, system).await;
        }
        let opened = self.open(&cx).await?;
        if opened.versions.get(&self.pending.version).is_some() {
            return self.finish(false).await.map(|()| false);
        }
        let administrator = system.administrator(&cx).await?;
        let plan = if untouched { self.choose(&cx, system, &opened).await? } else { self.chosen().await? };
        let proved = self.pending.step == CHANGED && system.prove(&plan.login).await.is_ok();
        if !proved {
            let limit = self.hold().await?;
            system.set(&opened.change(&target, &plan.login, administrator.as_ref()), limit).await?;
            self.journal(CHANGED, &plan.value).await?;
            system.prove(&plan.login).await?;
        }
        self.store(&cx, &opened, &plan.value).await?;
        Ok(true)
    }

    /// Asks whoever rotates a generic secret, and looks whether it was done.
    async fn ask(&self, cx: &Context<'_>, system: System<'_>) -> Step<bool> {
        let stored = async || Ok::<_, Ended>(self.versions().await?.get(&self.pending.version).is_some());
        if !stored().await? {
            let key = system.administrator(cx).await?;
            let arn = cx.arn(&self.secret.account, format_args!("secret/{}", self.secret.name));
            let limit = self.hold().await?;
            let at = self.reach.service.clock.now();
            let ask = Ask { arn: &arn, version: &self.pending.version, at, key: key.as_ref() };
            system.ask(&ask, limit).await?;
            if !stored().await? {
                let message = "it was asked, and has not stored the new version yet";
                return Err(RotationFailure::new(FailureReason::Refused, message).into());
            }
        }
        self.finish(false).await?;
        Ok(true)
    }

    /// The versions, read past the cache: another node may have ended the last rotation a moment ago.
    async fn versions(&self) -> Step<Versions> {
        let id = self.secret.id.clone();
        let read = self
            .reach
            .service
            .store
            .read::<_, StoreError, _>(move |conn| Box::pin(async move { secrets::versions(conn, &id).await }));
        Ok(read.await?)
    }

    /// After a failure: makes sure that what the secret holds works, be it the new credential or the old one.
    pub(super) async fn settle(&self) -> Step<Settled> {
        // The journal, not what was read at the beginning of the attempt.
        let now = secret_rotations::of(&mut self.reach.service.store.reader().await?, &self.secret.id).await?;
        let now = now.ok_or(Ended::Lost)?;
        if now.step.is_empty() {
            return Ok(Settled::AsBefore);
        }
        let target = self.target()?;
        let system = self.reach.system(&target)?;
        let principal = principal(&self.secret.account);
        let cx = self.reach.context(&principal)?;
        let opened = self.open(&cx).await?;
        let plan = self.chosen().await?;
        let administrator = system.administrator(&cx).await;
        let set = async |change: &Change<'_>| {
            let limit = self.hold().await?;
            system.set(change, limit).await
        };
        if system.prove(&plan.login).await.is_ok() {
            // A system that has it may still lose it: only one that has taken it to the end will not.
            let taken = now.step == CHANGED || {
                let administrator = administrator.as_ref().ok().and_then(Option::as_ref);
                set(&opened.change(&target, &plan.login, administrator)).await.is_ok()
            };
            if taken {
                self.store(&cx, &opened, &plan.value).await?;
                return Ok(Settled::Stored);
            }
        }
        let held = match plan.login.credential {
            Credential::AccessKey(_) => Some(&opened.current),
            Credential::Password(_) | Credential::KeyPair { .. } => opened.held(&plan.login.name),
        };
        let Some(held) = held else { return Ok(Settled::AsBefore) };
        if let Credential::Password(_) = held.credential
            && system.prove(held).await.is_ok()
        {
            return Ok(Settled::AsBefore);
        }
        // From now on the system may not have the new one any more.
        self.journal(CHOSEN, &plan.value).await?;
        let administrator = administrator?;
        let (current, retired) = (Some(&plan.login), Some(&plan.login));
        set(&Change { login: held, like: None, current, retired, administrator: administrator.as_ref() }).await?;
        system.prove(held).await?;
        tracing::warn!(account = %self.secret.account, secret = %self.secret.name, "the credential that the secret holds was set again");
        Ok(Settled::AsBefore)
    }

    fn target(&self) -> Step<RotationTarget> {
        let unreadable = || RotationFailure::new(FailureReason::Secret, "the extended configuration cannot be read");
        Ok(RotationTarget::of(self.secret).ok_or_else(unreadable)?)
    }

    /// Opens what the secret holds, which also shows that its key is usable before anything is touched.
    async fn open(&self, cx: &Context<'_>) -> Step<Opened> {
        let secret = self.secret;
        let versions = self.versions().await?;
        let key = cx.keys().get(&secret.key).await?.ok_or(KmsError::from(Code::KeyNotFound))?;
        for operation in ["GetSecretValue", "GenerateDataKey"] {
            key.key.state.permits(operation).map_err(KmsError::from)?;
        }
        let login = async |label: StageLabel| {
            let Some(version) = versions.marked(&label) else { return Ok::<_, Ended>(None) };
            let value = open(cx, &key, secret, version).await?.ok_or(Ended::Lost)?;
            let formless = || RotationFailure::new(FailureReason::Secret, "a value of the secret has no form");
            Ok(Some(Login::parse(&value).ok_or_else(formless)?))
        };
        let current = login(StageLabel::current()).await?;
        let none = || RotationFailure::new(FailureReason::Secret, "the secret has no current value");
        let current = current.ok_or_else(none)?;
        let previous = login(StageLabel::previous()).await?;
        Ok(Opened { current, previous, key, versions })
    }

    /// Chooses the account and its new credential, and writes them down.
    async fn choose(&self, cx: &Context<'_>, system: System<'_>, opened: &Opened) -> Step<Plan> {
        let login = match &opened.current.credential {
            Credential::Password(_) => Login {
                name: account_to_change(system.target, opened),
                credential: Credential::Password(new_password(cx)?),
            },
            Credential::KeyPair { .. } | Credential::AccessKey(_) => system.make(&opened.current).await?,
        };
        let value = login.to_value(system.target.kind == SecretType::Ecs, cx.now())?;
        // A key that cannot seal would leave the system with a credential that nobody can store.
        let version = self.version(cx.now());
        seal(cx, &opened.key, self.secret, &version, &value).await?;
        self.journal(CHOSEN, &value).await?;
        Ok(Plan { login, value })
    }

    /// What was written down.
    async fn chosen(&self) -> Step<Plan> {
        let value = secret_rotations::value(&mut self.reach.service.store.reader().await?, &self.secret.id).await?;
        let value = SecretText::from_utf8(value.ok_or(Ended::Lost)?).map_err(KmsError::from)?;
        let login = Login::parse(&value).ok_or(KmsError::internal("a journalled credential has no form"))?;
        Ok(Plan { login, value })
    }

    fn version(&self, now: Timestamp) -> SecretVersion {
        SecretVersion { id: self.pending.version.clone(), number: 0, created_at: now, data_type: DataType::Text }
    }

    /// A write about this rotation.
    async fn write<F>(&self, body: F) -> Step<()>
    where
        F: for<'t, 'c> Fn(&'t mut Tx<'c>, Held) -> sesame_store::BoxFuture<'t, Result<()>> + Send + Sync + 'static,
    {
        let held = Held { id: self.secret.id.clone(), holder: self.reach.rotations.holder.clone() };
        let write = self.reach.service.store.write::<_, KmsError, _>(move |tx| body(tx, held.clone()));
        Ok(write.await?)
    }

    fn hold_end(&self) -> Timestamp {
        self.reach.service.clock.now().plus_seconds(HOLD_SECONDS.into())
    }

    /// Writes a step down and holds the rotation for another while.
    async fn journal(&self, step: &'static str, value: &SecretText) -> Step<()> {
        let until = self.hold_end();
        // EXPOSE: the barrier seals it.
        let value = Arc::new(SecretBytes::from_slice(value.expose().as_bytes()));
        let write = self.write(move |tx, held| {
            let value = Arc::clone(&value);
            Box::pin(
                async move { Ok(secret_rotations::set_step(tx, &held.id, &held.holder, step, &value, until).await?) },
            )
        });
        write.await
    }

    /// Holds the rotation for another while; how long a system may be changed now.
    async fn hold(&self) -> Step<Duration> {
        let (began, until) = (Instant::now(), self.hold_end());
        let write = self.write(move |tx, held| {
            Box::pin(async move { Ok(secret_rotations::hold(tx, &held.id, &held.holder, until).await?) })
        });
        write.await?;
        let left = Duration::from_secs(HOLD_SECONDS.into()).saturating_sub(MARGIN + began.elapsed());
        Ok(left.min(STEP_LIMIT))
    }

    /// Stores the new value, moves the stages and ends the rotation.
    async fn store(&self, cx: &Context<'_>, opened: &Opened, value: &SecretText) -> Step<()> {
        let now = self.reach.service.clock.now();
        let version = self.version(now);
        let envelope = Arc::new(seal(cx, &opened.key, self.secret, &version, value).await?);
        let write = self.write(move |tx, held| {
            let (version, envelope) = (version.clone(), Arc::clone(&envelope));
            Box::pin(async move {
                secret_rotations::finish(tx, &held.id, &held.holder).await?;
                let secret = secrets::get(tx, &held.id).await?.ok_or(Code::ResourceNotFound)?;
                let mut versions = secrets::versions(tx, &held.id).await?;
                let version = SecretVersion { number: versions.next_number(), ..version };
                let gone =
                    versions.put(version.clone(), &BTreeSet::new(), Keep::Labelled).map_err(KmsError::internal)?;
                let new = NewSecretVersion { version: &version, value: &envelope };
                secrets::add_version(tx, &secret, &new, &versions, &gone, now).await?;
                let rotation = secret.rotation.unwrap_or(SecretRotation::OFF).succeeded(now);
                secrets::set_rotation(tx, &secret, rotation, now).await?;
                Ok(())
            })
        });
        write.await
    }

    /// Ends the rotation; when it failed, for good.
    pub(super) async fn finish(&self, failed: bool) -> Step<()> {
        let now = self.reach.service.clock.now();
        let write = self.write(move |tx, held| {
            Box::pin(async move {
                secret_rotations::finish(tx, &held.id, &held.holder).await?;
                if failed { invalid(tx, &held, now).await } else { Ok(()) }
            })
        });
        write.await
    }

    /// Says of the secret that it does not rotate any more.
    pub(super) async fn mark_invalid(&self) -> Step<()> {
        let now = self.reach.service.clock.now();
        self.write(move |tx, held| Box::pin(async move { invalid(tx, &held, now).await })).await
    }

    /// Counts the attempt, and lets go until the next one.
    pub(super) async fn try_later(&self) -> Step<()> {
        let doublings = u32::try_from(self.pending.attempts.clamp(0, 20)).unwrap_or(20);
        let wait = i64::from(self.reach.rotations.options.retry_seconds).saturating_mul(1_i64 << doublings);
        let again = self.reach.service.clock.now().plus_seconds(wait.min(LONGEST_WAIT_SECONDS));
        let write = self.write(move |tx, held| {
            Box::pin(async move { Ok(secret_rotations::failed(tx, &held.id, &held.holder, again).await?) })
        });
        write.await
    }
}

/// Which rotation is held, and by whom.
#[derive(Clone)]
struct Held {
    id: sesame_domain::secret::SecretId,
    holder: String,
}

async fn invalid(tx: &mut Tx<'_>, held: &Held, now: Timestamp) -> Result<()> {
    let Some(secret) = secrets::get(tx, &held.id).await? else { return Ok(()) };
    let rotation = secret.rotation.unwrap_or(SecretRotation::OFF).failed(now);
    secrets::set_rotation(tx, &secret, rotation, now).await.map_err(StoreError::into)
}

/// The account whose password changes: the only one, or of two the one that is not current. A second account that is
/// still to be made is named like those of Redis and PolarDB.
fn account_to_change(target: &RotationTarget, opened: &Opened) -> String {
    const CLONE: &str = "_clone";
    let current = &opened.current.name;
    if target.config.sub_type() != "DoubleUsers" {
        return current.clone();
    }
    let other = opened.previous.as_ref().map(|login| &login.name).filter(|name| *name != current);
    other.cloned().unwrap_or_else(|| format!("{current}{CLONE}"))
}

/// 32 letters and digits, 190 bits: nothing that any system, shell or connection string gives a meaning to.
fn new_password(cx: &Context<'_>) -> Result<SecretText> {
    let rules = PasswordRules { exclude_punctuation: true, require_each: true, ..PasswordRules::default() };
    Ok(random_password(&rules, cx.random())?)
}
