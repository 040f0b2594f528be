//! Copies of the audit trail for other systems. Each follows the files at its own pace and remembers how far it came,
//! so that nothing is left out while the other system, or this server, is down.

pub(crate) mod syslog;
mod webhook;

use std::fs;
use std::io;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use sesame_audit::{AuditLog, Follow, Kind};
use sesame_service::Service;
use sesame_service::audit::{event_id, expand};
use sesame_service::metrics::CopyMetrics;
use tokio::task::JoinSet;

use crate::config::Config;
use syslog::Syslog;
use webhook::Webhook;

/// How long a copy waits for new records.
const ROUND: Duration = Duration::from_millis(500);
/// Events that are sent together.
const BATCH: usize = 100;
/// Records that are passed over before that is written down.
const SKIPPED: u64 = 10_000;
/// How long a copy waits before it sends again what was not taken; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Where events go.
#[derive(Debug)]
enum Sink {
    Syslog(Syslog),
    Webhook(Webhook),
}

#[derive(Debug)]
struct Copy {
    name: &'static str,
    sink: Sink,
    log: AuditLog,
    with_data: bool,
    metrics: CopyMetrics,
}

/// Starts the copies that are configured; they end when the set is dropped.
pub(crate) fn start(config: &Config, log: &AuditLog, service: &Service) -> Result<JoinSet<()>> {
    let settings = &config.settings;
    let syslog = settings.audit_syslog.as_ref().map(|target| ("syslog", Sink::Syslog(Syslog::new(target.clone()))));
    let webhook = settings.audit_webhook.as_ref().map(|url| Webhook::new(config, url)).transpose()?;
    let webhook = webhook.map(|webhook| ("webhook", Sink::Webhook(webhook)));
    let mut copies = JoinSet::new();
    for (name, sink) in syslog.into_iter().chain(webhook) {
        let with_data = settings.audit_copy_data;
        let metrics = service.metrics().copy(name);
        let copy = Copy { name, sink, log: log.clone(), with_data, metrics };
        let position = copy.position().with_context(|| format!("cannot tell how far the audit {name} came"))?;
        copies.spawn(copy.run(position));
    }
    Ok(copies)
}

impl Copy {
    async fn run(mut self, mut position: u64) {
        let mut follow = Follow::after(self.log.folder(), position);
        loop {
            let (log, with_data) = (self.log.clone(), self.with_data);
            let reading = tokio::task::spawn_blocking(move || read(&log, follow, with_data)).await;
            let read = reading.map_err(anyhow::Error::from).and_then(|read| Ok(read?));
            let (events, next) = match read {
                Ok(read) => read,
                Err(cause) => {
                    let cause = format!("{cause:#}");
                    tracing::error!(copy = self.name, cause, "the audit trail cannot be read for its copy");
                    tokio::time::sleep(LONGEST_PAUSE).await;
                    follow = Follow::after(self.log.folder(), position);
                    continue;
                }
            };
            follow = next;
            if !events.is_empty() {
                self.deliver(&events).await;
            }
            // What is not sent on is not worth a file every time.
            if !events.is_empty() || follow.position() - position > SKIPPED {
                position = follow.position();
                if let Err(cause) = self.remember(position) {
                    tracing::error!(copy = self.name, %cause, "how far the copy of the audit trail came is not kept");
                }
            }
            self.metrics.behind(self.log.head().saturating_sub(follow.position()));
            if events.is_empty() {
                tokio::time::sleep(ROUND).await;
            }
        }
    }

    /// Sends events until they are taken.
    async fn deliver(&mut self, events: &[Value]) {
        let mut pause = FIRST_PAUSE;
        loop {
            let sent = match &mut self.sink {
                Sink::Syslog(syslog) => syslog.send(events).await,
                Sink::Webhook(webhook) => webhook.send(events).await,
            };
            self.metrics.up(sent.is_ok());
            let Err(cause) = sent else { return };
            if pause == FIRST_PAUSE {
                tracing::error!(
                    copy = self.name,
                    cause = format!("{cause:#}"),
                    "audit events are not taken; sending again"
                );
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A copy that is new begins with what is recorded from now on; one of another trail does, too.
    fn position(&self) -> Result<u64> {
        let head = self.log.head();
        match fs::read_to_string(self.file()) {
            Ok(text) => Ok(text.trim_end().parse().map_or(head, |position: u64| position.min(head))),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                self.remember(head)?;
                Ok(head)
            }
            Err(cause) => Err(cause.into()),
        }
    }

    fn remember(&self, position: u64) -> io::Result<()> {
        let partial = self.file().with_extension("partial");
        fs::write(&partial, format!("{position}\n"))?;
        fs::rename(partial, self.file())
    }

    fn file(&self) -> std::path::PathBuf {
        self.log.folder().join(format!("copied-to-{}", self.name))
    }
}

fn read(log: &AuditLog, mut follow: Follow, with_data: bool) -> io::Result<(Vec<Value>, Follow)> {
    let through = log.head();
    let mut events = Vec::new();
    while events.len() < BATCH {
        let line = if with_data { follow.next_line(through)? } else { follow.next_event(log, through)? };
        let Some(line) = line else { break };
        if line.kind == Kind::Event || (line.kind == Kind::Data && with_data) {
            events.extend(expand(line.body, &event_id(line.hash), None));
        }
    }
    Ok((events, follow))
}
