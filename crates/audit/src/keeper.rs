//! The thread that keeps a trail: to disk, signed, whole, and no longer than asked for.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::HEAD;
use crate::log::{Durability, Inner, Unavailable};
use crate::read::files;

/// How often a signature goes into the chain itself.
const CHECKPOINT: Duration = Duration::from_secs(60);
/// How often old files are looked for.
const RETENTION: Duration = Duration::from_secs(600);

/// Ends the thread when it is dropped.
#[derive(Debug)]
pub(crate) struct Keeper(thread::Thread);

impl Keeper {
    pub(crate) fn start(inner: &Arc<Inner>, every: Duration) -> io::Result<Self> {
        let weak = Arc::downgrade(inner);
        let handle = thread::Builder::new().name("sesame-audit".to_owned()).spawn(move || run(&weak, every))?;
        let thread = handle.thread().clone();
        let _ = inner.keeper.set(thread.clone());
        Ok(Self(thread))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.unpark();
    }
}

fn run(inner: &Weak<Inner>, every: Duration) {
    let (mut round, mut checkpoint, mut retention) = (Instant::now(), Instant::now(), None::<Instant>);
    loop {
        let Some(inner) = inner.upgrade() else { return };
        if inner.is_closed.load(Ordering::Acquire) {
            return;
        }
        if inner.durability == Durability::Disk {
            inner.flush(inner.chain.lock());
        }
        if round.elapsed() >= every {
            round = Instant::now();
            let is_due = checkpoint.elapsed() >= CHECKPOINT;
            if is_due {
                checkpoint = Instant::now();
            }
            inner.keep(is_due);
            if retention.is_none_or(|last| last.elapsed() >= RETENTION) {
                retention = Some(Instant::now());
                inner.remove_old();
            }
        }
        drop(inner);
        thread::park_timeout(every.saturating_sub(round.elapsed()));
    }
}

impl Inner {
    /// One round.
    pub(crate) fn keep(self: &Arc<Self>, checkpoint: bool) {
        self.repair();
        let now = self.clock.now().millis();
        self.keep_staging();
        let kept = self.with_chain(|chain| {
            if chain.is_disturbed() {
                chain.leave_file();
                tracing::error!("the open file of the audit trail was moved, removed or shortened; a new one is begun");
                let notice = serde_json::json!({"notice": "disturbed", "file": chain.number()});
                chain.note(&notice, now)
            } else if checkpoint {
                chain.checkpoint(now)
            } else {
                Ok(())
            }
        });
        for outcome in [kept, self.bring_to_disk()] {
            if let Err(cause) = outcome {
                self.refuse(&Unavailable::new(&cause));
            }
        }
    }

    /// Makes the file of staged records anew when somebody took it away.
    fn keep_staging(self: &Arc<Self>) {
        let lost = match &*self.staging.lock() {
            Some(staging) if !staging.is_in_place() => staging.generation(),
            _ => return,
        };
        tracing::error!("the file of staged records of the audit trail was moved or removed; a new one is begun");
        self.open_staging(lost);
    }

    /// Waits for the disk, then signs what is on it.
    pub(crate) fn bring_to_disk(self: &Arc<Self>) -> io::Result<()> {
        // One after the other, so that an older head never takes the place of a newer one.
        let _signing = self.signing.lock();
        let now = self.clock.now().millis();
        let due = self.with_chain(|chain| {
            let unsynced = chain.take_unsynced();
            if unsynced.is_empty() && self.signed.load(Ordering::Relaxed) == chain.seq {
                return None;
            }
            self.signed.store(chain.seq, Ordering::Relaxed);
            Some((unsynced, chain.take_left(), chain.head(now)))
        });
        let Some((unsynced, left, head)) = due else { return Ok(()) };
        for file in unsynced {
            file.sync()?;
        }
        for file in left {
            // All of it is on disk, and who follows the trail has read it or is far behind.
            file.forget();
        }
        replace(&self.folder, HEAD, &format!("{head}\n"))
    }

    /// Removes files whose last record is older than asked for; the trail says so first.
    fn remove_old(self: &Arc<Self>) {
        if self.retention_days == 0 {
            return;
        }
        let age = Duration::from_secs(self.retention_days.saturating_mul(86_400));
        let current = self.with_chain(|chain| chain.number());
        let Ok(files) = files(&self.folder) else { return };
        let is_old = |path: &Path| {
            fs::metadata(path)
                .and_then(|found| found.modified())
                .is_ok_and(|at| at.elapsed().is_ok_and(|since| since > age))
        };
        let old: Vec<_> = files.into_iter().take_while(|(number, path)| *number < current && is_old(path)).collect();
        let Some((last, _)) = old.last() else { return };
        let noted = self.note(&serde_json::json!({"notice": "retention", "removedThroughFile": last}));
        if noted.and_then(|()| self.bring_to_disk()).is_err() {
            return;
        }
        for (number, path) in old {
            match fs::remove_file(path) {
                Ok(()) => tracing::info!(number, "a file of the audit trail is older than is kept"),
                Err(cause) => return tracing::warn!(number, %cause, "an old file of the audit trail cannot be removed"),
            }
        }
    }
}

/// Replaces a small file whole.
pub(crate) fn replace(folder: &Path, name: &str, content: &str) -> io::Result<()> {
    let partial = folder.join(format!(".{name}.partial"));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&partial)?;
    file.write_all(content.as_bytes())?;
    drop(file);
    fs::rename(&partial, folder.join(name))
}
