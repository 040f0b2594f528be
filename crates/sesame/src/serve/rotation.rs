//! Rotation of secrets on the systems that the configuration describes.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use sesame_domain::AccountId;
use sesame_rotate::{Instance, Kind, Systems, Tls, Webhook, Webhooks};
use sesame_service::Service;
use sesame_service::rotations::{RotationOptions, Rotations, RunningRotations};

use crate::config::Config;
use crate::config::instances::{InstanceKind, InstanceSetting, WebhookSetting};

/// Starts the rotations, also where nothing is described: another configuration may have left some behind.
pub(super) fn start(config: &Config, service: &Arc<Service>, first: &AccountId) -> Result<RunningRotations> {
    let settings = &config.settings;
    let described = settings.rotation_instances.0.iter().map(|(id, setting)| {
        let built = instance(config, setting, first);
        Ok((id.clone(), built.with_context(|| format!("rotation.instances of {id}"))?))
    });
    let systems = Systems::new(described.collect::<Result<_>>()?);
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let options = RotationOptions {
        concurrency: small(settings.rotation_concurrency.get()),
        attempts: small(settings.rotation_attempts.get()),
        retry_seconds: small(settings.rotation_retry_seconds.get()),
    };
    let webhooks = settings.rotation_webhooks.0.iter().map(|(secrets, setting)| {
        webhook(config, secrets, setting, first).with_context(|| format!("rotation.webhooks of {secrets}"))
    });
    let webhooks = Webhooks::new(webhooks.collect::<Result<_>>()?);
    let rotations = Rotations::new(service, vec![Arc::new(systems), Arc::new(webhooks)], options)?;
    rotations.install();
    Ok(rotations.start())
}

fn instance(config: &Config, setting: &InstanceSetting, first: &AccountId) -> Result<Instance> {
    let tls = match &setting.ca {
        Some(ca) if setting.tls => {
            let path = config.path(ca);
            Tls::Verify(std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?)
        }
        _ => Tls::Off,
    };
    Ok(Instance {
        account: setting.account.clone().unwrap_or_else(|| first.clone()),
        kind: match setting.kind {
            InstanceKind::Postgresql => Kind::Postgres,
            InstanceKind::Mysql => Kind::MySql,
            InstanceKind::Redis => Kind::Redis,
            InstanceKind::Ssh => Kind::Ssh,
        },
        host: setting.host.clone(),
        port: setting.port,
        tls,
        administrator: setting.administrator_secret.clone(),
        accounts: setting.accounts.iter().cloned().collect(),
        database: setting.database.clone(),
        host_keys: setting.host_keys.clone(),
        authorized_keys: setting.authorized_keys.clone(),
        sudo: setting.sudo,
    })
}

fn webhook(config: &Config, secrets: &str, setting: &WebhookSetting, first: &AccountId) -> Result<Webhook> {
    let path = config.path(&setting.ca);
    Ok(Webhook {
        account: setting.account.clone().unwrap_or_else(|| first.clone()),
        secrets: secrets.to_owned(),
        url: setting.url.parse().context("url is no URL")?,
        ca: std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?,
        signing_secret: setting.signing_secret.clone(),
    })
}
