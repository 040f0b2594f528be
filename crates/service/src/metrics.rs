//! Counters in the Prometheus text format.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::audit::Audit;
use crate::quotas::{By, Group};
use crate::registry::{ENTRIES, Entry};

/// What the service counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    audit: [Gauge; 4],
    succeeded: Vec<Counter<u64, AtomicU64>>,
    durations: Vec<Histogram>,
    failed: Family<Vec<(&'static str, &'static str)>, Counter>,
    refused: Family<Vec<(&'static str, &'static str)>, Counter>,
    throttled: Family<Vec<(&'static str, &'static str)>, Counter>,
    braked: Family<Vec<(&'static str, &'static str)>, Counter>,
    /// Nonces held in memory.
    pub(crate) nonces: Gauge,
    /// Keys destroyed at the end of their deletion window.
    pub(crate) destroyed_keys: Counter,
    /// Versions made by automatic rotation.
    pub(crate) rotated_keys: Counter,
    /// Imported material erased because it had expired.
    pub(crate) expired_materials: Counter,
    /// Attempts to rotate a secret, by type, result and reason.
    pub(crate) secret_rotations: Family<Vec<(&'static str, &'static str)>, Counter>,
    rotations: [Gauge; 3],
    /// Keys taken out of use though they were used lately, by operation.
    stopped_in_use: Family<Vec<(&'static str, &'static str)>, Counter>,
    copies: [Family<Vec<(&'static str, &'static str)>, Gauge>; 2],
}

/// How a copy of the audit trail fares.
#[derive(Debug)]
pub struct CopyMetrics {
    up: Gauge,
    behind: Gauge,
}

impl CopyMetrics {
    /// Whether the other system took the last events.
    pub fn up(&self, is_up: bool) {
        self.up.set(i64::from(is_up));
    }

    /// Records that the copy has not come to yet.
    pub fn behind(&self, records: u64) {
        self.behind.set(i64::try_from(records).unwrap_or(i64::MAX));
    }
}

/// Upper bounds of the duration buckets, in seconds: 50 µs to 2.5 s.
const BUCKETS: [f64; 10] = [0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 2.5];

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("sesame");
        let calls = Family::<Vec<(&'static str, &'static str)>, Counter<u64, AtomicU64>>::default();
        let seconds =
            Family::<Vec<(&'static str, &'static str)>, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let labels = |entry: &Entry| vec![("operation", entry.name)];
        // The counters of an operation are looked up once, here, and not per call.
        let succeeded = ENTRIES.iter().map(|entry| calls.get_or_create(&labels(entry)).clone()).collect();
        let durations = ENTRIES.iter().map(|entry| seconds.get_or_create(&labels(entry)).clone()).collect();
        let failed = Family::default();
        let refused = Family::default();
        let throttled = Family::<Vec<(&'static str, &'static str)>, Counter>::default();
        let braked = Family::<Vec<(&'static str, &'static str)>, Counter>::default();
        // From the start, so that a rate can be drawn before the first of them.
        for group in Group::ALL {
            drop(throttled.get_or_create(&vec![("group", group.name())]));
        }
        for by in By::ALL {
            drop(braked.get_or_create(&vec![("by", by.name())]));
        }
        let nonces = Gauge::default();
        let destroyed_keys = Counter::default();
        registry.register("calls_succeeded", "Calls that succeeded, by operation", calls);
        registry.register(
            "calls_failed",
            "Calls that failed after authentication, by operation and code",
            failed.clone(),
        );
        registry.register(
            "requests_refused",
            "Requests refused before a call was made of them, by code",
            refused.clone(),
        );
        registry.register(
            "calls_throttled",
            "Calls beyond the quota of their account, by group of operations",
            throttled.clone(),
        );
        registry.register(
            "authentications_braked",
            "Requests refused before their signature was checked, by what had failed too often",
            braked.clone(),
        );
        registry.register("call_duration_seconds", "Time from decoding to answer, by operation", seconds);
        registry.register("nonces_held", "Signature nonces held against replay", nonces.clone());
        registry.register(
            "keys_destroyed",
            "Keys destroyed at the end of their deletion window",
            destroyed_keys.clone(),
        );
        let rotated_keys = Counter::default();
        registry.register("keys_rotated", "Versions made by automatic rotation", rotated_keys.clone());
        let expired_materials = Counter::default();
        registry.register(
            "materials_expired",
            "Imported material erased because it had expired",
            expired_materials.clone(),
        );
        let stopped_in_use = Family::<Vec<(&'static str, &'static str)>, Counter>::default();
        for operation in ["DisableKey", "ScheduleKeyDeletion"] {
            let _ = stopped_in_use.get_or_create(&vec![("operation", operation)]);
        }
        registry.register(
            "keys_stopped_in_use",
            "Keys taken out of use though they were used in the last 30 days, by operation",
            stopped_in_use.clone(),
        );
        let copies = <[Family<Vec<(&'static str, &'static str)>, Gauge>; 2]>::default();
        let [up, behind] = copies.clone();
        registry.register("audit_copy_up", "Whether the last audit events were taken, by copy: 1 or 0", up);
        registry.register("audit_copy_behind", "Audit records that a copy has not come to yet, by copy", behind);
        let audit_records = Gauge::default();
        registry.register("audit_records", "Records of the audit trail written since the start", audit_records.clone());
        let audit_failures = Gauge::default();
        registry.register(
            "audit_failures",
            "Writes of the audit trail that failed since the start",
            audit_failures.clone(),
        );
        let audit_head = Gauge::default();
        registry.register("audit_chain_head", "Number of the newest record of the audit trail", audit_head.clone());
        let audit_up = Gauge::default();
        registry.register("audit_sink_up", "Whether the audit trail takes records: 1 or 0", audit_up.clone());
        let audit = [audit_records, audit_failures, audit_head, audit_up];
        let secret_rotations = Family::default();
        registry.register(
            "secret_rotations",
            "Attempts to rotate a secret, by type, result (succeeded, failed or given_up) and reason of a failure",
            secret_rotations.clone(),
        );
        let rotations = <[Gauge; 3]>::default();
        let [due, late, begun] = rotations.clone();
        registry.register("secret_rotations_due", "Rotations of secrets that are due and have not begun", due);
        registry.register("secret_rotations_late", "Those of them that should have begun by now", late);
        registry.register(
            "secret_rotations_begun",
            "Rotations of secrets that have begun or were asked for, and have not ended",
            begun,
        );
        Self {
            registry,
            audit,
            succeeded,
            durations,
            failed,
            refused,
            throttled,
            braked,
            nonces,
            destroyed_keys,
            rotated_keys,
            expired_materials,
            secret_rotations,
            rotations,
            stopped_in_use,
            copies,
        }
    }

    /// Takes over what the audit trail counts.
    pub(crate) fn audit(&self, audit: &Audit) {
        for (gauge, value) in self.audit.iter().zip(audit.counts()) {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
    }

    /// Takes over how many rotations are due, late, and begun.
    pub(crate) fn rotations(&self, due: i64, late: i64, begun: i64) {
        for (gauge, value) in self.rotations.iter().zip([due, late, begun]) {
            gauge.set(value);
        }
    }

    /// The metrics of a copy of the audit trail.
    pub fn copy(&self, name: &'static str) -> CopyMetrics {
        let [up, behind] = &self.copies;
        let labels = vec![("copy", name)];
        let metrics =
            CopyMetrics { up: up.get_or_create(&labels).clone(), behind: behind.get_or_create(&labels).clone() };
        metrics.up(true);
        metrics
    }

    pub(crate) fn stopped_in_use(&self, entry: &Entry) {
        self.stopped_in_use.get_or_create(&vec![("operation", entry.name)]).inc();
    }

    /// Everything in the Prometheus text format.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// Counts a request that was refused before it became a call: malformed, unknown or not authenticated.
    pub fn refused(&self, code: &'static str) {
        self.refused.get_or_create(&vec![("code", code)]).inc();
    }

    pub(crate) fn throttled(&self, group: Group) {
        self.throttled.get_or_create(&vec![("group", group.name())]).inc();
    }

    pub(crate) fn braked(&self, by: By) {
        self.braked.get_or_create(&vec![("by", by.name())]).inc();
    }

    pub(crate) fn succeeded(&self, entry: &Entry, took: Duration) {
        if let (Some(count), Some(seconds)) = (self.succeeded.get(entry.index), self.durations.get(entry.index)) {
            count.inc();
            seconds.observe(took.as_secs_f64());
        }
    }

    pub(crate) fn failed(&self, entry: &Entry, code: &'static str) {
        self.failed.get_or_create(&vec![("operation", entry.name), ("code", code)]).inc();
    }
}
