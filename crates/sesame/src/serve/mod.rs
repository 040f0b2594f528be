//! `sesame serve`: the parts of the server, made one after the other and wired together.

mod banner;
mod copies;
mod first_key;
mod issuers;
mod listeners;
mod rotation;
mod signals;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use sesame_audit::{AuditLog, Disk, Durability};
use sesame_crypto::random::uuid_v4;
use sesame_crypto::{Ed25519, SecretBytes, SecretText, SystemRandom};
use sesame_domain::{AccountId, Clock as _, RegionId, SystemClock};
use sesame_gateway::{Gateway, Listener};
use sesame_seal::{FileSeal, RootKey};
use sesame_service::handles::Handle;
use sesame_service::{AuditOptions, CallQuotas, Jobs, Limits, Queried, RotationPace, Service, ServiceOptions};
use sesame_store::Store;
use tokio::net::TcpListener;

use crate::admin::Desk;
use crate::admin::socket::AdminSocket;
use crate::cli::ServeArguments;
use crate::config::{self, AuditDurability, AuditQueries, CallRates, Config, Sources};
use crate::data_folder::{CA_CERTIFICATE, DataFolder, ENDPOINTS, PUBLIC};
use crate::tls::ServerTls;
use crate::{hardening, logging};
pub(crate) use copies::syslog::SyslogTarget;
use first_key::FirstKey;
use listeners::{Bound, Endpoints};
use signals::Signals;

/// How often the age of the own certificate is looked at.
const CERTIFICATE_ROUND: Duration = Duration::from_secs(3_600);

/// Runs the server until it is told to stop.
pub(crate) fn run(arguments: &ServeArguments) -> Result<()> {
    let began = Instant::now();
    if arguments.print_sample_config {
        return banner::print(&config::print::sample());
    }
    let config = load(arguments.sources())?;
    if arguments.print_config {
        return banner::print(&config.print());
    }
    logging::start(config.settings.log_format, config.settings.log_level);
    hardening::apply(&config.settings);
    hardening::raise_file_limit();
    for remark in &config.remarks {
        tracing::warn!("{remark}");
    }
    let folder = Arc::new(DataFolder::open(&config.settings.data)?);
    if folder.is_open_to_others() {
        tracing::warn!(folder = %folder.path().display(), "others can look into the data folder; chmod 700 closes it");
    }
    // A server that was killed leaves its file behind, with addresses that may belong to somebody else by now.
    folder.remove(ENDPOINTS)?;
    let bound = Bound::open(&config.settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("sesame")
        .build()
        .context("the threads of the server cannot be started")?;
    runtime.block_on(serve(&config, &folder, bound, began))
}

/// The database and the service over it, without listeners; for subcommands that work on the database.
pub(crate) struct Opened {
    pub(crate) service: Arc<Service>,
    store: Store,
    log: AuditLog,
    /// Why nothing can be recorded in the audit trail.
    pub(crate) unrecorded: Option<String>,
    /// Takes records in the place of the trail, to be thrown away.
    _instead: Option<tempfile::TempDir>,
}

/// Opens the database. When the audit trail cannot be opened, an operator can still act, and has to be told so: a full
/// disk is no reason not to disable an account whose key was stolen.
pub(crate) async fn open(config: &Config) -> Result<Opened> {
    let store = open_store(config).await?;
    let folder = config.path(&config.settings.audit_folder);
    let (audit, unrecorded, instead) = match audit_options(config, &folder, &store).await {
        Ok(audit) => (audit, None, None),
        Err(cause) => {
            let instead = tempfile::tempdir().context("there is no place for temporary files")?;
            let audit = audit_options(config, instead.path(), &store).await?;
            (audit, Some(format!("{cause:#}")), Some(instead))
        }
    };
    let log = audit.log.clone();
    Ok(Opened { service: service(config, store.clone(), audit), store, log, unrecorded, _instead: instead })
}

impl Opened {
    /// Closes the audit trail and the database.
    pub(crate) async fn close(self) {
        self.log.close();
        self.store.close().await;
    }
}

/// Loads the configuration from a file, flags and the environment. This is the one place of the server that reads the
/// variables of the environment.
pub(crate) fn load(sources: Sources) -> Result<Config> {
    Config::load(&Sources { environment: std::env::vars_os().collect(), ..sources })
}

async fn serve(config: &Config, folder: &Arc<DataFolder>, bound: Bound, began: Instant) -> Result<()> {
    let mut signals = Signals::register()?;
    let tls = bound.https.is_some().then(|| ServerTls::prepare(config, folder)).transpose()?.map(Arc::new);
    let store = open_store(config).await?;
    let key = first_key::ensure(&store, &config.settings, folder).await?;
    let audit = audit_options(config, &config.path(&config.settings.audit_folder), &store).await?;
    let log = audit.log.clone();
    let service = service(config, store.clone(), audit);
    let gateway = Gateway::new(Arc::clone(&service), gateway_options(config));
    service.set_issuers(issuers::new(config));
    service.set_handles(handles(config, &key.account));
    let jobs = service.start_jobs();
    let rotations = rotation::start(config, &service, &key.account)?;
    let copies = copies::start(config, &log, &service)?;

    let endpoints = bound.endpoints()?;
    let ca = tls.as_ref().filter(|tls| tls.is_own()).map(|_| absolute(&folder.file(CA_CERTIFICATE))).transpose()?;
    let account = key.account.clone();
    let credentials = keep_credentials(folder, key, &config.settings.region, &endpoints, ca.as_deref())?;
    let listeners = listeners(bound, tls.as_deref())?;
    let reloading = tls.map(keep_certificates).transpose()?;
    let desk = Desk::new(config, Arc::clone(&service), Arc::clone(folder));
    let operators = AdminSocket::open(folder, desk);

    // The future that stops the gateway runs beside it, so the file goes before the last request is answered.
    let stop = async {
        let signal = signals.stop().await;
        tracing::info!(signal, "stopping: requests in flight are finished");
        if let Err(cause) = folder.remove(ENDPOINTS) {
            tracing::warn!(%cause, "the addresses are no longer served but still written down");
        }
        // A second signal means that somebody has no time for that.
        tokio::spawn(async move {
            let signal = signals.stop().await;
            tracing::warn!(signal, "stopping at once");
            std::process::exit(1);
        });
    };
    folder.write_for_now(ENDPOINTS, PUBLIC, &endpoints.json())?;
    let said = banner::text(config, folder, &account, credentials.as_ref(), &endpoints, ca.as_deref());
    banner::print(&said)?;
    tracing::info!(
        http = endpoints.http.as_deref(),
        https = endpoints.https.as_deref(),
        region = config.settings.region.as_str(),
        account = account.as_str(),
        milliseconds = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "ready"
    );
    gateway.serve(listeners, stop).await;
    if let Some(operators) = operators {
        operators.close(folder).await;
    }
    drop((reloading, copies));
    drop(rotations);
    end(jobs, &service, &store, &log).await;
    Ok(())
}

/// Opens the database under the root key. A root key is only ever made together with a database: a new one for a
/// database that is there could not open it.
async fn open_store(config: &Config) -> Result<Store> {
    let url = config.storage_url()?;
    let root_key = root_key(config, url.expose())?;
    let options = sesame_store::Options::new(url.expose(), root_key, Arc::new(SystemRandom), Arc::new(SystemClock));
    Store::open(options).await.with_context(|| format!("cannot open the database {}", url.masked()))
}

fn root_key(config: &Config, url: &str) -> Result<RootKey> {
    let path = config.path(&config.settings.seal_path);
    let database = url.strip_prefix("sqlite://").map(Path::new);
    if let Some(database) = database.filter(|database| database.exists() && !path.exists()) {
        bail!(
            "the database {} is there, but its root key {} is not; bring that file back from where you keep its copy, \
             or name it with seal.path",
            database.display(),
            path.display()
        );
    }
    Ok(FileSeal::new(path).open_or_create(&SystemRandom)?)
}

fn service(config: &Config, store: Store, audit: AuditOptions) -> Arc<Service> {
    let settings = &config.settings;
    Service::new(ServiceOptions {
        store,
        audit,
        region: settings.region.clone(),
        sister_regions: settings.sister_regions.clone(),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        clock_window_seconds: i64::try_from(settings.clock_window_seconds.get()).unwrap_or(i64::MAX),
        require_nonce: settings.require_nonce,
        limits: Limits {
            cached_keys: settings.limits_cached_keys.size(),
            nonces: settings.limits_nonces.size(),
            failures_per_address: settings.limits_failures_per_address.0,
            failures_per_access_key: settings.limits_failures_per_access_key.0,
            keys_per_account: settings.limits_keys_per_account.get(),
            aliases_per_account: settings.limits_aliases_per_account.get(),
            aliases_per_key: settings.limits_aliases_per_key.get(),
            key_versions_per_account: settings.limits_key_versions_per_account.get(),
            asymmetric_versions: settings.limits_asymmetric_versions.count(),
            asymmetric_version_seconds: settings.limits_asymmetric_version_seconds.count(),
            secrets_per_account: settings.limits_secrets_per_account.get(),
            certificates_per_account: settings.limits_certificates_per_account.get(),
            users_per_account: settings.limits_users_per_account.get(),
            groups_per_account: settings.limits_groups_per_account.get(),
            groups_per_user: settings.limits_groups_per_user.get(),
            access_keys_per_user: settings.limits_access_keys_per_user.get(),
            secret_rotations_per_hour: settings.limits_secret_rotations_per_hour.get(),
        },
        call_quotas: CallQuotas {
            original: settings.quotas_calls == CallRates::Original,
            groups: settings.quotas_groups.clone(),
            accounts: settings.quotas_accounts.clone(),
        },
        rotation_pace: RotationPace {
            per_minute: settings.rotation_per_minute.count(),
            within_minutes: settings.rotation_within_minutes.count(),
        },
    })
}

/// Opens the audit trail. Its keys are in the database, sealed, and the same on every node.
async fn audit_options(config: &Config, folder: &Path, store: &Store) -> Result<AuditOptions> {
    let settings = &config.settings;
    let now = SystemClock.now();
    let fresh = || Ed25519::new_seed(&SystemRandom);
    let seed = sesame_store::server_keys::get_or_put(store, "signature", fresh()?, now).await?;
    let mask_key: SecretBytes = sesame_store::server_keys::get_or_put(store, "mask", fresh()?, now).await?;
    let log = AuditLog::open(sesame_audit::Options {
        folder: folder.to_owned(),
        fresh_id: uuid_v4(&SystemRandom)?,
        node: settings.audit_node.clone().unwrap_or_else(machine_name),
        durability: match settings.audit_durability {
            AuditDurability::Process => Durability::Process,
            AuditDurability::Disk => Durability::Disk,
        },
        file_bytes: settings.audit_file_megabytes.get() << 20,
        retention_days: settings.audit_retention_days.get(),
        signer: Ed25519::from_seed(&seed)?,
        round: sesame_audit::ROUND,
        files: Arc::new(Disk),
        clock: Arc::new(SystemClock),
    })
    .with_context(|| format!("cannot write the audit trail in {}", folder.display()))?;
    let root_key = root_key(config, config.storage_url()?.expose())?;
    crate::audit::mask_key::keep(folder, &mask_key, &root_key)?;
    Ok(AuditOptions {
        log,
        mask_key,
        hash_secrets: settings.audit_hash_secrets,
        queried: match settings.audit_queries {
            AuditQueries::Off => Queried::Nothing,
            AuditQueries::Management => Queried::Management,
            AuditQueries::All => Queried::All,
        },
        query_days: settings.audit_query_days.get(),
    })
}

fn machine_name() -> String {
    nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_else(|| "node".to_owned())
}

fn gateway_options(config: &Config) -> sesame_gateway::Options {
    let settings = &config.settings;
    sesame_gateway::Options {
        request_line_bytes: settings.limits_request_line_bytes.size(),
        header_bytes: settings.limits_header_bytes.size(),
        body_bytes: settings.limits_body_bytes.size(),
        parameters: settings.limits_parameters.size(),
        connections: settings.limits_connections.size(),
        idle_timeout: Duration::from_secs(settings.limits_idle_seconds.get()),
        stop_timeout: Duration::from_secs(settings.stop_timeout_seconds.get()),
        cors: settings.cors,
        proxies: settings.trusted_proxies.iter().copied().collect(),
        ..sesame_gateway::Options::default()
    }
}

/// Writes `credentials.env` with the addresses of this start, when the secret is known here.
fn keep_credentials(
    folder: &DataFolder,
    key: FirstKey,
    region: &RegionId,
    endpoints: &Endpoints,
    ca: Option<&Path>,
) -> Result<Option<crate::credentials::Credentials>> {
    let Some(mut credentials) = key.credentials else { return Ok(None) };
    endpoints.preferred().clone_into(&mut credentials.endpoint);
    region.as_str().clone_into(&mut credentials.region);
    credentials.write(folder, ca)?;
    Ok(Some(credentials))
}

fn listeners(bound: Bound, tls: Option<&ServerTls>) -> Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    if let Some(http) = bound.http {
        listeners.push(Listener { tcp: TcpListener::from_std(http)?, tls: None });
    }
    if let (Some(https), Some(tls)) = (bound.https, tls) {
        listeners.push(Listener { tcp: TcpListener::from_std(https)?, tls: Some(tls.server_config()?) });
    }
    Ok(listeners)
}

/// The credentials that clients on this machine get without asking STS.
fn handles(config: &Config, first: &AccountId) -> Vec<Handle> {
    let handles = config.settings.sts_credentials.0.iter().map(|(name, setting)| Handle {
        name: name.clone(),
        // EXPOSE: into a text that is wiped, too.
        secret: SecretText::new(setting.handle.expose().to_owned()),
        account: setting.account.clone().unwrap_or_else(|| first.clone()),
        role: setting.role.clone(),
        seconds: setting.seconds,
    });
    handles.collect()
}

/// Replaces the certificate on SIGHUP, and the own one before it expires; ends when the handle is dropped.
fn keep_certificates(tls: Arc<ServerTls>) -> Result<tokio::task::JoinSet<()>> {
    let mut hangup = signals::hangup()?;
    let mut task = tokio::task::JoinSet::new();
    task.spawn(async move {
        loop {
            let outcome = tokio::select! {
                _ = hangup.recv() => tls.reload().map(|()| true),
                () = tokio::time::sleep(CERTIFICATE_ROUND) => tls.renew(),
            };
            match outcome {
                Ok(true) => tracing::info!("a new TLS certificate is shown from now on"),
                Ok(false) => {}
                Err(cause) => {
                    let cause = format!("{cause:#}");
                    tracing::error!(cause, "the TLS certificate cannot be replaced; the old one stays");
                }
            }
        }
    });
    Ok(task)
}

async fn end(jobs: Jobs, service: &Service, store: &Store, log: &AuditLog) {
    drop(jobs);
    service.settle().await;
    log.close();
    store.close().await;
    tracing::info!("stopped");
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("{} has no absolute path", path.display()))
}
