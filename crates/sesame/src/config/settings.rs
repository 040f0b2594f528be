//! Every setting, once: name, type, default and what it is for.

use std::path::PathBuf;

use sesame_crypto::SecretText;
use sesame_domain::{AccountId, Network, RegionId, limits, ram, secret};
use sesame_service::{AccountRate, Allowance, GroupRate, Limits, RotationPace};

use super::instances::{Instances, WebhookSettings};
use super::sts::{Handles, Issuers};
use super::value::{
    AuditDurability, AuditQueries, Bounded, CallRates, Kind, Listen, LogFormat, LogLevel, Raw, SealKind, StorageUrl,
    TlsName, Value,
};
use crate::serve::SyslogTarget;

/// A setting as the documentation and the readers of the configuration see it.
#[derive(Debug)]
pub(crate) struct Key {
    /// The name in the file; a dot separates the section.
    pub(crate) name: &'static str,
    /// What it is for, one sentence or more.
    pub(crate) summary: &'static str,
    /// The form in which it is written.
    pub(crate) kind: Kind,
    /// Whether it may hold a secret.
    pub(crate) secret: bool,
}

impl Key {
    /// The variable of the environment that sets it.
    pub(crate) fn variable(&self) -> String {
        format!("SESAME_{}", self.name.replace('.', "_").to_uppercase())
    }
}

macro_rules! settings {
    ($($name:literal => $field:ident: $type:ty = $default:expr, $summary:literal;)+) => {
        /// The effective settings.
        #[derive(Debug)]
        pub(crate) struct Settings { $(#[doc = $summary] pub(crate) $field: $type),+ }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($field: $default),+ }
            }
        }

        /// Every setting, in the order of the documentation; those of a section stand together.
        pub(crate) const KEYS: &[Key] = &[$(Key {
            name: $name,
            summary: $summary,
            kind: <$type as Value>::KIND,
            secret: <$type as Value>::SECRET,
        }),+];

        impl Settings {
            /// Sets one; the error completes a sentence that begins with its name.
            pub(crate) fn set(&mut self, name: &str, raw: &Raw) -> Result<(), String> {
                match name {
                    $($name => self.$field = Value::read(raw)?,)+
                    _ => return Err("is not a setting".to_owned()),
                }
                Ok(())
            }

            /// One as TOML with secrets masked; nothing when it is not set.
            pub(crate) fn toml(&self, name: &str) -> Option<String> {
                match name {
                    $($name => self.$field.toml(),)+
                    _ => None,
                }
            }
        }
    };
}

settings! {
    "data" => data: PathBuf = PathBuf::from("sesame-data"),
        "The data folder, made at the first start. Every other relative path is taken from here.";
    "region" => region: RegionId = default_region(),
        "The region that this deployment is.";
    "sister_regions" => sister_regions: Vec<RegionId> = Vec::new(),
        "Further regions that DescribeRegions lists.";
    "account_id" => account_id: Option<AccountId> = None,
        "The id of the first account, 16 digits; drawn at random at the first start when it is not set.";
    "http" => http: Listen = loopback(8600),
        "Where plain HTTP is served, or \"off\". Port 0 takes a free port.";
    "https" => https: Listen = loopback(8643),
        "Where HTTPS is served, or \"off\". Port 0 takes a free port.";
    "http_anywhere" => http_anywhere: bool = false,
        "Allows plain HTTP on an address that other machines reach. Plaintexts and secret values then travel in clear.";
    "trusted_proxies" => trusted_proxies: Vec<Network> = Vec::new(),
        "Addresses and networks of proxies that are believed when they say, with X-Forwarded-For and X-Forwarded-Proto, \
         for whom they ask; nobody else is.";
    "clock_window_seconds" => clock_window_seconds: Bounded<1, 86_400> = Bounded::new(900),
        "How far the time stamp of a request may be from the clock of this machine.";
    "require_nonce" => require_nonce: bool = false,
        "Refuses requests without a signature nonce. Every official SDK sends one.";
    "cors" => cors: bool = false,
        "Lets pages of other origins call from a browser.";
    "stop_timeout_seconds" => stop_timeout_seconds: Bounded<1, 3_600> = Bounded::new(30),
        "How long an orderly stop waits for requests in flight.";

    "storage.url" => storage_url: StorageUrl = StorageUrl::new("sqlite://sesame.db".to_owned()),
        "The database: sqlite://FILE, or postgres://USER:PASSWORD@HOST/DATABASE.";
    "storage.url_file" => storage_url_file: Option<PathBuf> = None,
        "A file that holds the URL of the database, in the place of storage.url.";

    "seal.kind" => seal_kind: SealKind = SealKind::File,
        "Where the root key comes from: file.";
    "seal.path" => seal_path: PathBuf = PathBuf::from("root.key"),
        "The file of the root key. Without it nothing in the database can be read: keep a copy elsewhere.";

    "root_access_key.id" => root_access_key_id: Option<String> = None,
        "Fixes the id of the first access key, together with its secret.";
    "root_access_key.secret" => root_access_key_secret: Option<SecretText> = None,
        "Fixes the secret of the first access key.";
    "root_access_key.replace" => root_access_key_replace: bool = false,
        "Replaces the first access key of a data folder that was made with another one.";
    "root_access_key.secret_file" => root_access_key_secret_file: Option<PathBuf> = None,
        "A file that holds the secret of the first access key, in the place of root_access_key.secret.";

    "tls.names" => tls_names: Vec<TlsName> = Vec::new(),
        "Names and addresses to certify besides localhost, 127.0.0.1, ::1 and the name of this machine.";
    "tls.certificate" => tls_certificate: Option<PathBuf> = None,
        "A certificate chain in PEM form to show in the place of one from Sesame's own CA; read again on SIGHUP.";
    "tls.key" => tls_key: Option<PathBuf> = None,
        "The private key of tls.certificate, in PEM form.";

    "limits.connections" => limits_connections: Bounded<1, 1_000_000> = Bounded::new(10_000),
        "Connections open at a time; further ones wait.";
    "limits.idle_seconds" => limits_idle_seconds: Bounded<1, 86_400> = Bounded::new(75),
        "How long a connection is kept open without a request.";
    "limits.request_line_bytes" => limits_request_line_bytes: Bounded<1_024, 16_777_216> = Bounded::new(262_144),
        "The longest request line. Older SDKs put whole policies into it.";
    "limits.header_bytes" => limits_header_bytes: Bounded<1_024, 16_777_216> = Bounded::new(65_536),
        "The most bytes of headers.";
    "limits.body_bytes" => limits_body_bytes: Bounded<1_024, 67_108_864> = Bounded::new(1_048_576),
        "The largest body.";
    "limits.parameters" => limits_parameters: Bounded<16, 100_000> = Bounded::new(1_000),
        "The most parameters of one call.";
    "limits.cached_keys" => limits_cached_keys: Bounded<1, 100_000_000> = Bounded::new(16_384),
        "Unlocked keys, and aliases, kept in memory.";
    "limits.nonces" => limits_nonces: Bounded<1_024, 1_000_000_000> = Bounded::new(4_000_000),
        "Signature nonces remembered to refuse a request that is sent again; about 16 bytes each, used as they come.";
    "limits.failures_per_address" => limits_failures_per_address: Allowance =
        Allowance(Limits::default().failures_per_address),
        "How often requests from one address may fail authentication. Beyond it, only access keys that were used lately \
         are heard from there.";
    "limits.failures_per_access_key" => limits_failures_per_access_key: Allowance =
        Allowance(Limits::default().failures_per_access_key),
        "How often requests from one address may fail authentication with one access key. Other addresses can go on \
         using it.";
    "limits.keys_per_account" => limits_keys_per_account: Bounded<0, { u32::MAX as u64 }> = Bounded::new(0),
        "The most keys of one account; 0 for no quota.";
    "limits.aliases_per_account" => limits_aliases_per_account: Bounded<0, { u32::MAX as u64 }> = Bounded::new(0),
        "The most aliases of one account; 0 for no quota.";
    "limits.aliases_per_key" => limits_aliases_per_key: Bounded<0, { u32::MAX as u64 }> = Bounded::new(0),
        "The most aliases of one key; 0 for no quota.";
    "limits.key_versions_per_account" => limits_key_versions_per_account: Bounded<0, { u32::MAX as u64 }> =
        Bounded::new(0),
        "The most versions of all keys of one account; 0 for no quota. Automatic rotation goes on beyond it.";
    "limits.asymmetric_versions" => limits_asymmetric_versions: Bounded<0, { u32::MAX as u64 }> =
        Bounded::new(limits::ASYMMETRIC_KEY_VERSIONS as u64),
        "The most versions of one asymmetric key; 0 for no limit.";
    "limits.asymmetric_version_seconds" => limits_asymmetric_version_seconds: Bounded<0, { u32::MAX as u64 }> =
        Bounded::new(limits::ASYMMETRIC_VERSION_SECONDS as u64),
        "How long after a version of an asymmetric key the next one can be made; 0 for at once.";
    "limits.secrets_per_account" => limits_secrets_per_account: Bounded<0, { u32::MAX as u64 }> = Bounded::new(0),
        "The most secrets of one account; 0 for no quota.";
    "limits.certificates_per_account" => limits_certificates_per_account: Bounded<0, { u32::MAX as u64 }> =
        Bounded::new(0),
        "The most certificates of one account; 0 for no quota.";
    "limits.users_per_account" => limits_users_per_account: Bounded<0, { u32::MAX as u64 }> = Bounded::new(0),
        "The most RAM users of one account; 0 for no quota.";
    "limits.groups_per_account" => limits_groups_per_account: Bounded<0, { u32::MAX as u64 }> = Bounded::new(0),
        "The most groups of RAM users of one account; 0 for no quota.";
    "limits.groups_per_user" => limits_groups_per_user: Bounded<0, { u32::MAX as u64 }> =
        Bounded::new(ram::limits::GROUPS_PER_USER),
        "The most groups that one RAM user can be in; 0 for any number.";
    "limits.access_keys_per_user" => limits_access_keys_per_user: Bounded<0, { u32::MAX as u64 }> =
        Bounded::new(ram::limits::ACCESS_KEYS_PER_USER),
        "The most access keys of one RAM user; 0 for any number.";
    "limits.secret_rotations_per_hour" => limits_secret_rotations_per_hour: Bounded<0, 1_000_000> =
        Bounded::new(secret::ROTATIONS_PER_HOUR),
        "How many rotations of secrets an account may ask for in an hour, on each node; 0 for any number.";

    "quotas.calls" => quotas_calls: CallRates = CallRates::Off,
        "How many calls an account may make in each group of operations where nothing else is said: as many as it likes \
         (off), or as many as in the original (original). Each node counts for itself.";
    "quotas.groups" => quotas_groups: Vec<GroupRate> = Vec::new(),
        "Rates of groups of operations, for every account: \"key_create=20/s\", \"symmetric=off\".";
    "quotas.accounts" => quotas_accounts: Vec<AccountRate> = Vec::new(),
        "Rates of single accounts, which go before: \"1234567890123456/symmetric=5000/s\", or \"1234567890123456=off\" \
         for all their groups.";

    "rotation.concurrency" => rotation_concurrency: Bounded<1, 256> = Bounded::new(4),
        "Rotations of secrets under way at a time on this node.";
    "rotation.per_minute" => rotation_per_minute: Bounded<1, 60_000> =
        Bounded::new(RotationPace::default().per_minute.into()),
        "Rotations that the schedule asks for begun in a minute by this node, evenly spread. Those that RotateSecret asks \
         for begin at once.";
    "rotation.within_minutes" => rotation_within_minutes: Bounded<1, 1_440> =
        Bounded::new(RotationPace::default().within_minutes.into()),
        "Minutes in which rotations that are due have begun. When there are more than rotation.per_minute allows in this \
         time, they begin faster.";
    "rotation.attempts" => rotation_attempts: Bounded<1, 1_000> = Bounded::new(5),
        "Attempts before a rotation is given up and the secret says AutomaticRotation=Invalid.";
    "rotation.retry_seconds" => rotation_retry_seconds: Bounded<1, 3_600> = Bounded::new(30),
        "Seconds between the first two attempts of a rotation; doubled with each further one, up to an hour.";
    "rotation.instances" => rotation_instances: Instances = Instances::default(),
        "How to reach the systems whose credentials are rotated: a table [rotation.instances.\"rm-…\"] for each \
         instance id, with kind (postgresql, mysql, redis or ssh), host, port, ca or tls = \"off\", and \
         administrator_secret, the name of a secret. See docs/rotation.md.";
    "rotation.webhooks" => rotation_webhooks: WebhookSettings = WebhookSettings::default(),
        "Who is asked to rotate generic secrets: a table [rotation.webhooks.\"name-or-beginning*\"] for some secrets, with \
         url (https), ca and signing_secret, the name of a secret. See docs/rotation.md.";

    "sts.issuers" => sts_issuers: Issuers = Issuers::default(),
        "Issuers of OIDC tokens whose keys are not fetched: a table [sts.issuers.\"https://…\"] for each, with jwks, a file \
         with its JSON Web Key Set. See docs/sts.md.";
    "sts.credentials" => sts_credentials: Handles = Handles::default(),
        "Credentials that clients on this machine get without asking STS: a table [sts.credentials.\"name\"] for each, with \
         handle, the end of the URL, and role. See docs/sts.md.";

    "audit.folder" => audit_folder: PathBuf = PathBuf::from("audit"),
        "Where the audit trail is kept. When it cannot be written, calls are refused.";
    "audit.node" => audit_node: Option<String> = None,
        "The name of this node in the audit trail; the name of the machine when it is not set.";
    "audit.durability" => audit_durability: AuditDurability = AuditDurability::Process,
        "When a call may be answered: once its record has left the process (process; it is on disk within a second), or \
         once it is on disk (disk).";
    "audit.file_megabytes" => audit_file_megabytes: Bounded<1, 65_536> = Bounded::new(64),
        "A file of the audit trail that is larger is closed and the next one begun; so is one of yesterday.";
    "audit.retention_days" => audit_retention_days: Bounded<0, 36_500> = Bounded::new(180),
        "Days that files of the audit trail are kept; 0 keeps them for ever.";
    "audit.queries" => audit_queries: AuditQueries = AuditQueries::Management,
        "Which events LookupEvents can find: off, management, or all, those of calls that use keys or read secrets \
         included. They are copied into the database.";
    "audit.query_days" => audit_query_days: Bounded<1, 36_500> = Bounded::new(90),
        "Days for which LookupEvents finds an event.";
    "audit.syslog" => audit_syslog: Option<SyslogTarget> = None,
        "Where a copy of the audit events goes as syslog messages: udp://HOST:PORT, tcp://HOST:PORT or unix:///dev/log.";
    "audit.webhook" => audit_webhook: Option<String> = None,
        "The URL that a copy of the audit events is posted to, as batches of CloudEvents.";
    "audit.webhook_token_file" => audit_webhook_token_file: Option<PathBuf> = None,
        "A file that holds the bearer token for audit.webhook.";
    "audit.webhook_ca" => audit_webhook_ca: Option<PathBuf> = None,
        "The CA of audit.webhook in PEM form; those of the system when it is not set.";
    "audit.copy_data" => audit_copy_data: bool = false,
        "Copies also the events of calls that use keys or read secrets to audit.syslog and audit.webhook.";
    "audit.hash_secrets" => audit_hash_secrets: bool = false,
        "Records plaintexts and secret values as HMACs, so that a value can be looked up, in the place of not at all.";

    "log.format" => log_format: LogFormat = LogFormat::Text,
        "How log lines look: text or json. They go to the standard error.";
    "log.level" => log_level: LogLevel = LogLevel::Info,
        "The least important line that is still logged: error, warn, info, debug or trace.";

    "hardening.no_core_dumps" => hardening_no_core_dumps: bool = true,
        "Forbids core dumps, which would hold keys.";
    "hardening.not_dumpable" => hardening_not_dumpable: bool = true,
        "Keeps other processes of the same user from reading the memory of this one.";
    "hardening.lock_memory" => hardening_lock_memory: bool = false,
        "Keeps all memory out of the swap; needs a high enough limit of locked memory (ulimit -l).";
}

#[expect(clippy::expect_used, reason = "a constant that the unit tests read")]
fn default_region() -> RegionId {
    "cn-hangzhou".parse().expect("a region id")
}

fn loopback(port: u16) -> Listen {
    Listen::At { host: "127.0.0.1".to_owned(), port }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_a_section_stand_together_behind_those_of_none() {
        let mut seen: Vec<&str> = Vec::new();
        for key in KEYS {
            let section = key.name.split_once('.').map_or("", |(section, _)| section);
            if seen.last() != Some(&section) {
                assert!(!seen.contains(&section), "{section}");
                seen.push(section);
            }
        }
        assert_eq!(seen.first(), Some(&""));
    }

    #[test]
    fn variables_are_distinct() {
        let mut names: Vec<String> = KEYS.iter().map(Key::variable).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), KEYS.len());
    }
}
