//! The trail as the rest of the server sees it: append, and wait until the record has left the process.

mod write;

use std::fs;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use parking_lot::Mutex;
use sesame_crypto::Ed25519;
use sesame_domain::Clock;

use crate::chain::{Batch, Chain, Place};
use crate::keeper::{self, Keeper};
use crate::line::Kind;
use crate::medium::Files;
use crate::staging::{Left, Staging};
use crate::{PUBLIC_KEY, TRAIL_ID, verify};
use write::ROUNDS;

/// How often records are brought to disk and their head is signed: so often that both are done within a second.
pub const ROUND: Duration = Duration::from_millis(500);
/// Records kept for later while the disk takes none.
const BACKLOG_BYTES: usize = 8 << 20;

/// When an answer may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When the operating system has the record; it is on disk within a second.
    Process,
    /// When the record is on disk.
    Disk,
}

/// What a trail is made of.
#[derive(Debug)]
pub struct Options {
    /// Where the files are.
    pub folder: PathBuf,
    /// The id that a new trail gets: one that no other has.
    pub fresh_id: String,
    /// The name of this node; letters, digits, dots, dashes and underscores.
    pub node: String,
    /// When an answer may be sent.
    pub durability: Durability,
    /// A file that is larger is left and the next one begun.
    pub file_bytes: u64,
    /// Days that files are kept after their last record; 0 keeps them for ever.
    pub retention_days: u64,
    /// The key that signs checkpoints.
    pub signer: Ed25519,
    /// How often records are brought to disk and their head is signed: [`ROUND`], unless a test decides when.
    pub round: Duration,
    /// Makes the files.
    pub files: Arc<dyn Files>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// No record can be kept now.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the audit trail takes no record: {0}")]
pub struct Unavailable(Arc<str>);

/// The open trail. A clone is another handle of the same trail.
#[derive(Clone, Debug)]
pub struct AuditLog {
    pub(crate) inner: Arc<Inner>,
    _keeper: Arc<Keeper>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) folder: PathBuf,
    id: String,
    pub(crate) durability: Durability,
    pub(crate) retention_days: u64,
    pub(crate) clock: Arc<dyn Clock>,
    files: Arc<dyn Files>,
    pending: Mutex<Pending>,
    /// Where records are stored that nobody waits for, where that is possible.
    pub(crate) staging: Mutex<Option<Staging>>,
    /// Whether somebody waits for what is pending.
    has_waiting: AtomicBool,
    /// Boxed, so that those who look at the lock do not slow down whoever writes.
    pub(crate) chain: Mutex<Box<Chain>>,
    /// Whether the last write took long.
    is_slow: AtomicBool,
    /// Whether a thread of its own is about to write.
    is_left_to_thread: AtomicBool,
    trouble: Mutex<Option<Unavailable>>,
    is_refusing: AtomicBool,
    backlog: Mutex<Batch>,
    refused: AtomicU64,
    lost: AtomicU64,
    failures: AtomicU64,
    /// The record that the head on disk names.
    pub(crate) signed: AtomicU64,
    /// Taken, before the chain, by whoever replaces the head.
    pub(crate) signing: Mutex<()>,
    pub(crate) keeper: std::sync::OnceLock<std::thread::Thread>,
    pub(crate) is_closed: AtomicBool,
    _lock: Flock<fs::File>,
}

/// Records that wait for a write.
#[derive(Debug, Default)]
struct Pending {
    batch: Batch,
    spare: Batch,
    group: Arc<Group>,
}

/// The records of one write.
#[derive(Debug, Default)]
struct Group(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    outcome: Option<Result<(), Unavailable>>,
    wakers: Vec<Waker>,
}

impl Group {
    async fn wait(&self) -> Result<(), Unavailable> {
        poll_fn(|cx| {
            let mut waiting = self.0.lock();
            if let Some(outcome) = &waiting.outcome {
                return Poll::Ready(outcome.clone());
            }
            if !waiting.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
                waiting.wakers.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    fn complete(&self, outcome: Result<(), Unavailable>) {
        let wakers = {
            let mut waiting = self.0.lock();
            waiting.outcome = Some(outcome);
            mem::take(&mut waiting.wakers)
        };
        for waker in wakers {
            waker.wake();
        }
    }
}

impl AuditLog {
    /// Opens the trail of a folder: finds its end, begins a file, and publishes the public key.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(options: Options) -> io::Result<Self> {
        fs::create_dir_all(&options.folder)?;
        let lock = lock(&options.folder)?;
        let public = verify::pem(&options.signer.public());
        keeper::replace(&options.folder, PUBLIC_KEY, &public)?;
        let node: String = options.node.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
        let id = trail_id(&options.folder, options.fresh_id)?;
        let left = Left::find(&options.folder)?;
        let chain = Chain::find(
            &options.folder,
            (&id, &node),
            Arc::clone(&options.files),
            Arc::new(options.signer),
            options.file_bytes.max(4_096),
        )?;
        let left_behind = left.behind(&options.folder, chain.seq)?;
        let inner = Arc::new(Inner {
            folder: options.folder,
            id,
            durability: options.durability,
            retention_days: options.retention_days,
            clock: options.clock,
            files: options.files,
            pending: Mutex::default(),
            staging: Mutex::default(),
            has_waiting: AtomicBool::new(false),
            chain: Mutex::new(Box::new(chain)),
            is_slow: AtomicBool::new(false),
            is_left_to_thread: AtomicBool::new(false),
            trouble: Mutex::new(None),
            is_refusing: AtomicBool::new(false),
            backlog: Mutex::default(),
            refused: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            signed: AtomicU64::new(0),
            signing: Mutex::new(()),
            keeper: std::sync::OnceLock::new(),
            is_closed: AtomicBool::new(false),
            _lock: lock,
        });
        if !left_behind.ends.is_empty() {
            inner.note(&serde_json::json!({"notice": "recovered", "records": left_behind.ends.len()}))?;
            let now = inner.clock.now().millis();
            inner.with_chain(|chain| chain.append(left_behind.iter(), now))?;
        }
        inner.note(&serde_json::json!({"notice": "started", "version": env!("CARGO_PKG_VERSION")}))?;
        inner.bring_to_disk()?;
        inner.open_staging(left.generation);
        let keeper = Arc::new(Keeper::start(&inner, options.round)?);
        Ok(Self { inner, _keeper: keeper })
    }

    /// Whether a record can be kept now; asked before anything is executed.
    ///
    /// # Errors
    /// [`Unavailable`], counted in the trail once it takes records again.
    pub fn ready(&self) -> Result<(), Unavailable> {
        if !self.inner.is_refusing.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.inner.refused.fetch_add(1, Ordering::Relaxed);
        Err(self.inner.trouble.lock().clone().unwrap_or_else(|| Unavailable("it is being repaired".into())))
    }

    /// Appends an event, a JSON object on one line, and waits until it has left the process, or is on disk.
    ///
    /// A record of [`Kind::Data`] is staged where that is possible: nothing waits, and the record comes into the chain
    /// within half a second, or at the next start. Other records are in the chain when this is done, and with them all
    /// that were staged before.
    ///
    /// # Errors
    /// [`Unavailable`]: the record is kept in memory and written when that is possible again.
    pub fn append(&self, kind: Kind, event: &[u8]) -> impl Future<Output = Result<(), Unavailable>> + Send + use<> {
        let is_staged = kind == Kind::Data && self.inner.stage(kind, event);
        let group = (!is_staged).then(|| self.inner.wait_for_write(kind, event));
        async move {
            match group {
                Some(group) => group.wait().await,
                None => Ok(()),
            }
        }
    }

    /// Records written since the start.
    pub fn records(&self) -> u64 {
        self.inner.with_chain(|chain| chain.records)
    }

    /// Writes that failed since the start.
    pub fn failures(&self) -> u64 {
        self.inner.failures.load(Ordering::Relaxed)
    }

    /// The number of the newest record.
    pub fn head(&self) -> u64 {
        self.inner.with_chain(|chain| chain.seq)
    }

    /// As [`Chain::event_after`].
    pub(crate) fn event_after(&self, seq: u64) -> Option<Option<Place>> {
        self.inner.with_chain(|chain| chain.event_after(seq))
    }

    /// Whether records are taken, without counting the question.
    pub fn is_up(&self) -> bool {
        !self.inner.is_refusing.load(Ordering::Relaxed)
    }

    /// The id of the trail.
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// The folder of the trail.
    pub fn folder(&self) -> &std::path::Path {
        &self.inner.folder
    }

    /// Does now what is otherwise done every half second: sync, signed head, repair.
    pub fn keep(&self) {
        self.inner.keep(true);
    }

    /// Ends the trail in order.
    pub fn close(&self) {
        if self.inner.is_closed.swap(true, Ordering::AcqRel) {
            return;
        }
        self.inner.flush(self.inner.chain.lock());
        let closing = self.inner.note(&serde_json::json!({"notice": "stopped"})).and_then(|()| {
            let now = self.inner.clock.now().millis();
            self.inner.with_chain(|chain| {
                chain.checkpoint(now)?;
                chain.leave_file();
                Ok(())
            })
        });
        if let Err(cause) = closing.and_then(|()| self.inner.bring_to_disk()) {
            tracing::error!(%cause, "the audit trail could not be closed in order");
        }
        self.inner.wake_keeper();
    }
}

/// The id of the trail in a folder; a new one is written down.
fn trail_id(folder: &std::path::Path, fresh: String) -> io::Result<String> {
    match fs::read_to_string(folder.join(TRAIL_ID)) {
        Ok(text) => Ok(text.trim_end().to_owned()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            keeper::replace(folder, TRAIL_ID, &format!("{fresh}\n"))?;
            Ok(fresh)
        }
        Err(cause) => Err(cause),
    }
}

/// Two writers would each continue the chain in their own way.
fn lock(folder: &std::path::Path) -> io::Result<Flock<fs::File>> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(folder.join("lock"))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|_| io::Error::new(io::ErrorKind::ResourceBusy, "another process writes this audit trail"))
}

impl Inner {
    pub(crate) fn wake_keeper(&self) {
        if let Some(keeper) = self.keeper.get() {
            keeper.unpark();
        }
    }

    /// Takes no more calls until [`Inner::repair`] succeeds.
    pub(crate) fn refuse(&self, cause: &Unavailable) {
        *self.trouble.lock() = Some(cause.clone());
        self.failures.fetch_add(1, Ordering::Relaxed);
        if !self.is_refusing.swap(true, Ordering::Relaxed) {
            tracing::error!(%cause, "calls are refused until the audit trail can be written again");
        }
    }

    fn keep_for_later<'e>(&self, events: impl Iterator<Item = (Kind, &'e [u8])>) {
        let mut backlog = self.backlog.lock();
        for (kind, event) in events {
            if backlog.bytes.len() + event.len() > BACKLOG_BYTES {
                self.lost.fetch_add(1, Ordering::Relaxed);
            } else {
                backlog.push(kind, event);
            }
        }
    }

    /// Tries to go on after a failure: first what was left, then what came of it.
    pub(crate) fn repair(self: &Arc<Self>) {
        if !self.is_refusing.load(Ordering::Relaxed) {
            return;
        }
        let mut backlog = mem::take(&mut *self.backlog.lock());
        let (refused, lost) = (self.refused.swap(0, Ordering::Relaxed), self.lost.swap(0, Ordering::Relaxed));
        let cause = self.trouble.lock().as_ref().map(|trouble| trouble.0.to_string()).unwrap_or_default();
        let now = self.clock.now().millis();
        let notice = serde_json::json!({
            "notice": "repaired", "cause": cause, "lateRecords": backlog.ends.len(),
            "refusedCalls": refused, "lostRecords": lost,
        });
        let notice = notice.to_string();
        let mut chain = self.chain.lock();
        let written = chain.reserve().and_then(|()| {
            chain.append(std::iter::once((Kind::Notice, notice.as_bytes())), now)?;
            self.is_refusing.store(false, Ordering::Relaxed);
            // Those that were staged came first.
            while self.write_leaving(&mut chain) {}
            if backlog.ends.is_empty() { Ok(()) } else { chain.append(backlog.iter(), now) }
        });
        match written {
            Ok(()) => tracing::warn!(refused, late = backlog.ends.len(), lost, "the audit trail is written again"),
            Err(cause) => {
                self.refuse(&Unavailable::new(&cause));
                self.refused.fetch_add(refused, Ordering::Relaxed);
                self.lost.fetch_add(lost, Ordering::Relaxed);
                let mut newer = self.backlog.lock();
                for (kind, event) in newer.iter() {
                    backlog.push(kind, event);
                }
                *newer = backlog;
            }
        }
        self.flush(chain);
        self.write_rest(ROUNDS);
    }

    pub(crate) fn note(self: &Arc<Self>, body: &serde_json::Value) -> io::Result<()> {
        let now = self.clock.now().millis();
        self.with_chain(|chain| chain.note(body, now))
    }
}

impl Unavailable {
    pub(crate) fn new(cause: &io::Error) -> Self {
        Self(cause.to_string().into())
    }
}
