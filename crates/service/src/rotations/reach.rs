//! The systems, and the secrets of their administrators.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use sesame_crypto::secret::SecretText;
use sesame_domain::AccountId;
use sesame_domain::secret::StageLabel;

use super::{Ended, Rotations, STEP_LIMIT, Step};
use crate::connector::{Ask, Change, Connector, Login, Outcome};
use crate::context::Context;
use crate::error::KmsError;
use crate::registry;
use crate::request::{Principal, Source};
use crate::rotator::{FailureReason, RotationFailure, RotationTarget};
use crate::secrets::open;
use crate::service::Service;

#[derive(Clone, Copy)]
pub(super) struct Reach<'a> {
    pub(super) rotations: &'a Rotations,
    pub(super) service: &'a Service,
}

/// One system.
#[derive(Clone, Copy)]
pub(super) struct System<'a> {
    pub(super) connector: &'a dyn Connector,
    pub(super) target: &'a RotationTarget,
}

/// The account that owns a secret, as who its rotation acts.
pub(super) fn principal(account: &AccountId) -> Principal {
    Principal::root(account.clone(), "")
}

/// The surroundings of what a rotation does.
pub(super) fn context<'c>(service: &'c Service, principal: &'c Principal) -> Step<Context<'c>> {
    let operation = registry::lookup("RotateSecret").ok_or(KmsError::internal("RotateSecret is not registered"))?;
    Ok(Context {
        service,
        operation,
        principal,
        source: Source { address: IpAddr::V4(Ipv4Addr::LOCALHOST), secure_transport: true, host: b"", user_agent: b"" },
        request_id: "",
        now: service.clock.now(),
        touched: parking_lot::Mutex::default(),
    })
}

impl<'a> Reach<'a> {
    pub(super) fn context<'c>(&self, principal: &'c Principal) -> Step<Context<'c>>
    where
        'a: 'c,
    {
        context(self.service, principal)
    }

    pub(super) fn system<'t>(&self, target: &'t RotationTarget) -> Step<System<'t>>
    where
        'a: 't,
    {
        let unreachable = || RotationFailure::new(FailureReason::NotConfigured, target.unreachable().message);
        Ok(System { connector: self.rotations.connector(target).ok_or_else(unreachable)?, target })
    }
}

impl System<'_> {
    /// What the secret of the administrator holds; `None` for a system without one.
    pub(super) async fn administrator(&self, cx: &Context<'_>) -> Step<Option<SecretText>> {
        let Some(name) = self.connector.administrator(self.target) else { return Ok(None) };
        let missing = |why: &str| {
            let message = format!("the administrator's secret {name} {why}");
            Ended::Failed(RotationFailure::new(FailureReason::Administrator, message))
        };
        let loaded = cx.secrets().get(&self.target.account, &name).await?;
        let loaded = loaded.ok_or_else(|| missing("does not exist"))?;
        loaded.live().map_err(|_| missing("is to be deleted"))?;
        let key = cx.keys().get(&loaded.secret.key).await?.ok_or_else(|| missing("has lost its key"))?;
        key.key.state.permits("GetSecretValue").map_err(|_| missing("has a key that is not enabled"))?;
        let version = loaded.versions.marked(&StageLabel::current()).ok_or_else(|| missing("has no value"))?;
        let value = open(cx, &key, &loaded.secret, version).await?;
        value.map(Some).ok_or_else(|| missing("has changed just now"))
    }

    pub(super) async fn make(&self, current: &Login) -> Step<Login> {
        limited("make a new credential", STEP_LIMIT, self.connector.make(self.target, current)).await
    }

    pub(super) async fn set(&self, change: &Change<'_>, limit: Duration) -> Step<()> {
        limited("set the credential", limit, self.connector.set(self.target, change)).await
    }

    pub(super) async fn ask(&self, ask: &Ask<'_>, limit: Duration) -> Step<()> {
        limited("ask for the rotation", limit, self.connector.ask(self.target, ask)).await
    }

    pub(super) async fn prove(&self, login: &Login) -> Step<()> {
        limited("log in", STEP_LIMIT, self.connector.prove(self.target, login)).await
    }
}

async fn limited<T>(what: &str, limit: Duration, step: impl Future<Output = Outcome<T>>) -> Step<T> {
    match tokio::time::timeout(limit, step).await {
        Ok(done) => Ok(done?),
        Err(_) => {
            let message = format!("it took more than {} seconds to {what}", limit.as_secs());
            Err(RotationFailure::new(FailureReason::Timeout, message).into())
        }
    }
}
