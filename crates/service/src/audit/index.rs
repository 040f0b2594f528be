//! The copy of the trail in the database, for queries.
//!
//! It follows the files, which are the truth: what a node recorded before it was killed is copied when it starts again.

use std::time::Duration;

use serde_json::Value;
use sesame_audit::{AuditLog, Follow, Kind};
use sesame_domain::{AccountId, Timestamp};
use sesame_store::audit_events::{self, Event, Place};
use sesame_store::{Store, StoreError};
use tokio::sync::Mutex;

use super::expand::{self, Resources};
use crate::error::{KmsError, Result};

/// Which events can be queried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queried {
    /// None.
    Nothing,
    /// Those of calls that manage something, and of the server itself.
    Management,
    /// Also those of calls that use keys or read secrets.
    All,
}

/// Events that are copied in one transaction.
const BATCH: usize = 200;
/// Records that are passed over before that is written down, when none of them is copied.
const SKIPPED: u64 = 100_000;
/// How long a query waits for what this node has recorded already.
const PATIENCE: Duration = Duration::from_secs(2);

/// Copies events into the database.
#[derive(Debug)]
pub(crate) struct Index {
    log: AuditLog,
    queried: Queried,
    /// Days for which events can be queried.
    days: i64,
    state: Mutex<Option<State>>,
}

#[derive(Debug)]
struct State {
    follow: Follow,
    /// How far the database knows that this trail has been copied.
    written: u64,
}

/// What was read in one go.
struct Batch {
    follow: Follow,
    events: Vec<Event>,
    is_end: bool,
}

impl Index {
    pub(crate) fn new(log: AuditLog, queried: Queried, days: u64) -> Self {
        Self { log, queried, days: i64::try_from(days).unwrap_or(i64::MAX).min(36_500), state: Mutex::new(None) }
    }

    /// Waits until what this node has recorded can be queried, but not for long.
    pub(crate) async fn wait(&self, store: &Store, now: Timestamp) -> Result<()> {
        match tokio::time::timeout(PATIENCE, self.catch_up(store, now)).await {
            Ok(outcome) => outcome,
            Err(_) => Ok(()),
        }
    }

    /// Copies everything that has been recorded.
    pub(crate) async fn catch_up(&self, store: &Store, now: Timestamp) -> Result<()> {
        if self.queried == Queried::Nothing {
            return Ok(());
        }
        let mut state = self.state.lock().await;
        let through = self.log.head();
        loop {
            // Taken out: whatever ends this early, the next round begins with what the database knows.
            let State { follow, written } = match state.take() {
                Some(state) if state.follow.position() <= through => state,
                _ => self.open(store, through).await?,
            };
            let oldest = self.oldest(now);
            let (log, with_data) = (self.log.clone(), self.queried == Queried::All);
            let reading = tokio::task::spawn_blocking(move || read(&log, follow, through, with_data, oldest));
            let batch = reading.await.map_err(KmsError::internal)?.map_err(KmsError::internal)?;
            let position = batch.follow.position();
            let is_worth_writing = !batch.events.is_empty() || position - written >= SKIPPED;
            let written = if is_worth_writing {
                self.write(store, batch.events, position).await?;
                position
            } else {
                written
            };
            *state = Some(State { follow: batch.follow, written });
            if batch.is_end {
                return Ok(());
            }
        }
    }

    /// Removes what is too old to be queried.
    pub(crate) async fn remove_old(&self, store: &Store, now: Timestamp) -> Result<()> {
        let oldest = self.oldest(now);
        while audit_events::any_before(&mut store.reader().await?, oldest).await? {
            let removed = store.write::<_, StoreError, _>(move |tx| {
                Box::pin(async move { audit_events::remove_before(tx, oldest).await })
            });
            if !removed.await? {
                break;
            }
        }
        Ok(())
    }

    fn oldest(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(-self.days * 86_400)
    }

    async fn open(&self, store: &Store, through: u64) -> Result<State> {
        let known = audit_events::position(&mut store.reader().await?, self.log.id()).await?;
        // A trail that ends before what was copied of it is another one under its name.
        let written = if known > through { 0 } else { known };
        Ok(State { follow: Follow::after(self.log.folder(), written), written })
    }

    async fn write(&self, store: &Store, events: Vec<Event>, through: u64) -> Result<()> {
        let (trail, events) = (self.log.id().to_owned(), std::sync::Arc::new(events));
        let write = store.write::<_, StoreError, _>(move |tx| {
            let (trail, events) = (trail.clone(), std::sync::Arc::clone(&events));
            Box::pin(async move { audit_events::insert(tx, &trail, through, &events).await })
        });
        Ok(write.await?)
    }
}

fn read(
    log: &AuditLog,
    mut follow: Follow,
    through: u64,
    with_data: bool,
    oldest: Timestamp,
) -> std::io::Result<Batch> {
    let mut events = Vec::new();
    while events.len() < BATCH {
        let line = if with_data { follow.next_line(through)? } else { follow.next_event(log, through)? };
        let Some(line) = line else {
            return Ok(Batch { follow, events, is_end: true });
        };
        if line.kind == Kind::Event || (line.kind == Kind::Data && with_data) {
            let event = events_of(line.body, line.seq, &expand::event_id(line.hash));
            events.extend(event.into_iter().filter(|event| event.place.time >= oldest));
        }
    }
    Ok(Batch { follow, events, is_end: false })
}

/// A record for each account that may see it: the caller's, and that of a resource of another account.
fn events_of(body: &[u8], seq: u64, id: &str) -> Vec<Event> {
    let Ok(record) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
    let time = text("/eventTime").and_then(expand::parse_time);
    let (Some(time), Ok(body)) = (time, std::str::from_utf8(body)) else { return Vec::new() };
    let place = Place { time, seq: i64::try_from(seq).unwrap_or(i64::MAX), id: id.to_owned() };
    let terms = terms(&record, id);
    let caller = text("/userIdentity/accountId");
    let owners = record.get("owners").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut accounts: Vec<AccountId> =
        caller.into_iter().chain(owners).filter_map(|account| account.parse().ok()).collect();
    accounts.sort();
    accounts.dedup();
    let event = |account| Event { account, place: place.clone(), body: body.to_owned(), terms: terms.clone() };
    accounts.into_iter().map(event).collect()
}

/// What an event is found by: the attributes of LookupEvents, each with its value.
fn terms(record: &Value, id: &str) -> Vec<String> {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
    let resources = Resources::of(record);
    let user = expand::user_name(record);
    let is_sensitive = record.get("sensitive").is_some();
    let single = [
        ("ServiceName", text("/serviceName").or(Some("Kms"))),
        ("EventName", text("/eventName")),
        ("User", user.as_deref()),
        ("EventId", Some(id)),
        ("EventRW", text("/eventRW")),
        ("EventAccessKeyId", text("/userIdentity/accessKeyId")),
        ("SensitiveAction", Some(if is_sensitive { "true" } else { "false" })),
    ];
    let mut terms: Vec<String> =
        single.into_iter().filter_map(|(name, value)| value.map(|value| term(name, value))).collect();
    for (kind, names) in &resources.0 {
        terms.push(term("ResourceType", kind));
        terms.extend(names.iter().map(|name| term("ResourceName", name)));
    }
    terms.sort();
    terms.dedup();
    terms
}

/// A term as it is stored.
pub(crate) fn term(attribute: &str, value: &str) -> String {
    format!("{attribute}={value}")
}
