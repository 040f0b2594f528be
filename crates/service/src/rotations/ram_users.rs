//! The access keys of RAM users, which are the only credentials that this server can change without anybody's help.

use std::sync::{Arc, Weak};

use sesame_crypto::secret::SecretText;
use sesame_domain::Timestamp;
use sesame_domain::ram::{User, access_key, limits};
use sesame_domain::secret::{SecretName, SecretType};
use sesame_store::ram_access_keys::{self, UserAccessKey};
use sesame_store::{BoxFuture, StoreError, Tx, ram_users};

use crate::connector::{Change, Connector, Credential, Login, Outcome};
use crate::error::{KmsError, Result};
use crate::rotator::{FailureReason, RotationFailure, RotationTarget};
use crate::service::Service;

/// Makes and removes access keys of users of the account that owns the secret.
#[derive(Debug)]
pub(super) struct RamUsers(pub(super) Weak<Service>);

impl RamUsers {
    fn service(&self) -> Outcome<Arc<Service>> {
        self.0.upgrade().ok_or_else(|| RotationFailure::new(FailureReason::Internal, "the service ends"))
    }
}

impl Connector for RamUsers {
    fn reaches(&self, target: &RotationTarget) -> bool {
        target.kind == SecretType::RamCredentials
    }

    fn administrator(&self, _: &RotationTarget) -> Option<SecretName> {
        None
    }

    fn make<'a>(&'a self, _: &'a RotationTarget, _: &'a Login) -> BoxFuture<'a, Outcome<Login>> {
        Box::pin(async move {
            let drawn = access_key::draw(&*self.service()?.random);
            let (name, secret) = drawn.map_err(internal)?;
            Ok(Login { name, credential: Credential::AccessKey(secret) })
        })
    }

    /// A key that the user does not have is made only as the successor of another one: what somebody once wrote into the
    /// secret does not become an access key. The key before the current one goes, since a user has two at most.
    fn set<'a>(&'a self, target: &'a RotationTarget, change: &'a Change<'a>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let service = self.service()?;
            let wanted = Arc::new(Wanted::of(target, change)?);
            let now = service.clock.now();
            let write = service.store.write(move |tx| {
                let wanted = Arc::clone(&wanted);
                Box::pin(async move { wanted.set(tx, now).await })
            });
            write.await.map_err(internal)?
        })
    }

    fn prove<'a>(&'a self, target: &'a RotationTarget, login: &'a Login) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let service = self.service()?;
            let mut conn = service.store.reader().await.map_err(internal)?;
            let found = ram_access_keys::get(&mut conn, &login.name).await.map_err(internal)?;
            let works = found.is_some_and(|found| {
                let is_same = matches!(&login.credential, Credential::AccessKey(secret) if *secret == found.key.secret);
                let is_of_user = found.user_name.as_str() == target.config.target();
                is_same && is_of_user && found.key.active && found.key.account == target.account
            });
            let refused = || {
                let user = target.config.target();
                RotationFailure::new(
                    FailureReason::Login,
                    format!("{} is no access key of {user} that works", login.name),
                )
            };
            works.then_some(()).ok_or_else(refused)
        })
    }
}

/// What is to be so, for a transaction that may run twice.
struct Wanted {
    target: RotationTarget,
    id: String,
    secret: SecretText,
    /// The key that it follows, which the secret holds.
    kept: Option<String>,
    retired: Option<String>,
}

impl Wanted {
    fn of(target: &RotationTarget, change: &Change<'_>) -> Outcome<Self> {
        let Credential::AccessKey(secret) = &change.login.credential else {
            return Err(RotationFailure::new(FailureReason::Secret, "the secret holds no access key"));
        };
        Ok(Self {
            target: target.clone(),
            id: change.login.name.clone(),
            // EXPOSE: a secret has no `Clone`; the transaction outlives the change.
            secret: SecretText::new(secret.expose().to_owned()),
            kept: change.like.map(str::to_owned),
            retired: change.retired.map(|login| login.name.clone()),
        })
    }

    async fn set(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<Outcome<()>> {
        let Some(user) = self.user(tx).await? else {
            let message = format!("the account has no user {}", self.target.config.target());
            return Ok(Err(RotationFailure::new(FailureReason::Account, message)));
        };
        let retired = self.retired.as_ref().filter(|id| **id != self.id && Some(*id) != self.kept.as_ref());
        if let Some(retired) = retired {
            ram_access_keys::delete(tx, &user.id, retired).await?;
        }
        let held = ram_access_keys::facts(tx, &user.id).await?;
        if held.iter().any(|key| key.id == self.id) {
            ram_access_keys::set_active(tx, &user.id, &self.id, true).await?;
            return Ok(Ok(()));
        }
        if self.kept.is_none() {
            return Ok(Ok(()));
        }
        if held.len() as u64 >= limits::ACCESS_KEYS_PER_USER {
            let message = format!(
                "{} has two access keys, and one of them is not in this secret: delete it, or put both into the secret",
                user.name
            );
            return Ok(Err(RotationFailure::new(FailureReason::Refused, message)));
        }
        // EXPOSE: as above.
        let secret = SecretText::new(self.secret.expose().to_owned());
        let (id, account) = (self.id.clone(), user.account.clone());
        let key = UserAccessKey { id, user: user.id, account, secret, active: true, created_at: now };
        ram_access_keys::insert(tx, &key).await?;
        Ok(Ok(()))
    }

    async fn user(&self, tx: &mut Tx<'_>) -> std::result::Result<Option<User>, StoreError> {
        match self.target.config.target().parse() {
            Ok(name) => ram_users::by_name(tx, &self.target.account, &name).await,
            Err(_) => Ok(None),
        }
    }
}

fn internal(error: impl Into<KmsError>) -> RotationFailure {
    let error = error.into();
    let cause = error.cause.as_ref().map_or_else(|| error.to_string(), ToString::to_string);
    RotationFailure::new(FailureReason::Internal, cause)
}
