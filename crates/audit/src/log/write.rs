//! How records come into the chain: at once, or staged and then many in one write.

use std::cell::RefCell;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use parking_lot::MutexGuard;

use super::{Durability, Group, Inner, Unavailable};
use crate::chain::{Batch, Chain};
use crate::line::Kind;
use crate::staging::{Leaving, Staging};

/// A write that takes longer than this belongs on a thread of its own.
const SLOW: Duration = Duration::from_millis(2);
/// Staged records are written when there are so many bytes of them, or after a round of the keeper.
const DUE: usize = 64 << 10;
/// Writes for others that a call makes after its own.
pub(super) const ROUNDS: usize = 4;

thread_local! {
    /// A copy of the staged records that a thread brings into the chain.
    static LEAVING: RefCell<Leaving> = RefCell::default();
}

/// Does something that may take long elsewhere.
fn on_a_thread(work: impl FnOnce() + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => work(),
    }
}

impl Inner {
    /// Begins to stage records, where that is possible.
    pub(crate) fn open_staging(self: &Arc<Self>, generation: u64) {
        if self.durability == Durability::Disk {
            return;
        }
        self.with_chain(|chain| match Staging::open(&*self.files, &self.folder, chain.seq, generation) {
            Ok(fresh) => loop {
                let mut staging = self.staging.lock();
                if staging.as_ref().is_none_or(Staging::is_empty) {
                    *staging = fresh;
                    break;
                }
                drop(staging);
                if !self.write_leaving(chain) {
                    break;
                }
            },
            Err(cause) => tracing::warn!(%cause, "records of the audit trail are written one by one"),
        });
    }

    /// Writes what is pending and does something with the chain; those who find it taken rely on what they leave being
    /// written, too.
    pub(crate) fn with_chain<T>(self: &Arc<Self>, work: impl FnOnce(&mut Chain) -> T) -> T {
        let mut chain = self.chain.lock();
        self.write_pending(&mut chain);
        let done = work(&mut chain);
        drop(chain);
        self.write_rest(ROUNDS);
        done
    }

    /// Stores a record where it outlives this process; whether that is possible.
    pub(super) fn stage(self: &Arc<Self>, kind: Kind, event: &[u8]) -> bool {
        if self.durability == Durability::Disk {
            return false;
        }
        let crc = crc32fast::hash(event);
        let staged = self.staging.lock().as_mut().and_then(|staging| staging.push(kind, crc, event));
        if staged.is_some_and(|bytes| bytes >= DUE) {
            self.write_staged();
        }
        staged.is_some()
    }

    /// Writes what is staged, unless somebody does.
    fn write_staged(self: &Arc<Self>) {
        if !self.is_slow.load(Ordering::Relaxed) {
            // Only looks, since whoever tries to take the lock slows down whoever has it.
            if !self.chain.is_locked()
                && let Some(chain) = self.chain.try_lock()
            {
                self.flush(chain);
                self.write_rest(ROUNDS);
            }
        } else if !self.is_left_to_thread.swap(true, Ordering::Relaxed) {
            let staged = Arc::clone(self);
            on_a_thread(move || {
                staged.is_left_to_thread.store(false, Ordering::Relaxed);
                staged.flush(staged.chain.lock());
                staged.write_rest(usize::MAX);
            });
        }
    }

    /// Leaves a record to whoever writes next.
    pub(super) fn wait_for_write(self: &Arc<Self>, kind: Kind, event: &[u8]) -> Arc<Group> {
        let group = {
            let mut pending = self.pending.lock();
            pending.batch.push(kind, event);
            self.has_waiting.store(true, Ordering::SeqCst);
            Arc::clone(&pending.group)
        };
        self.write_rest(if self.is_slow.load(Ordering::Relaxed) { 0 } else { ROUNDS });
        group
    }

    /// Writes what somebody waits for, unless somebody else has the chain and will. After so many rounds a thread of its
    /// own does, so that no call waits for the records of all others.
    pub(super) fn write_rest(self: &Arc<Self>, rounds: usize) {
        if self.durability == Durability::Disk {
            if self.has_waiting.load(Ordering::SeqCst) {
                self.wake_keeper();
            }
            return;
        }
        for _ in 0..rounds {
            // Whoever has just left a record, or given the chain back, must see what the other one did before.
            fence(Ordering::SeqCst);
            if !self.has_waiting.load(Ordering::SeqCst) {
                return;
            }
            let Some(chain) = self.chain.try_lock() else { return };
            self.flush(chain);
        }
        let rest = Arc::clone(self);
        on_a_thread(move || rest.write_rest(usize::MAX));
    }

    /// Writes what is staged and what somebody waits for, and tells those who do.
    pub(crate) fn flush(&self, mut chain: MutexGuard<'_, Box<Chain>>) {
        if self.durability == Durability::Process {
            return self.write_pending(&mut chain);
        }
        let Some((batch, group)) = self.take_pending() else { return };
        let written = self.write(&mut chain, batch.iter());
        let unsynced = chain.take_unsynced();
        drop(chain);
        let synced = unsynced.iter().try_for_each(|file| file.sync());
        self.finish(batch, &group, written.and(synced.map_err(|cause| Unavailable::new(&cause))));
    }

    /// As [`Inner::flush`], where nobody waits for the disk.
    fn write_pending(&self, chain: &mut Chain) {
        if self.durability == Durability::Disk {
            return;
        }
        // What was staged before a failure may still be there, and newer records behind it.
        while self.write_leaving(chain) {}
        if let Some((batch, group)) = self.take_pending() {
            let written = self.write(chain, batch.iter());
            self.finish(batch, &group, written);
        }
    }

    /// Brings staged records into the chain; whether there may be more.
    pub(super) fn write_leaving(&self, chain: &mut Chain) -> bool {
        if self.is_refusing.load(Ordering::Relaxed) && !chain.is_open() {
            return false;
        }
        LEAVING.with_borrow_mut(|leaving| {
            let left = match &mut *self.staging.lock() {
                Some(staging) => staging.leave(chain.seq, leaving),
                None => return false,
            };
            let written = match left {
                Ok(false) => return false,
                Ok(true) => self.write(chain, leaving.iter()),
                Err(cause) => Err(Unavailable::new(&cause)),
            };
            leaving.clear();
            let chained = written.and_then(|()| match &mut *self.staging.lock() {
                Some(staging) => staging.chained().map_err(|cause| Unavailable::new(&cause)),
                None => Ok(()),
            });
            // They stay where they are, and nothing is lost.
            chained.inspect_err(|unavailable| self.refuse(unavailable)).is_ok()
        })
    }

    /// Takes the records that somebody waits for.
    fn take_pending(&self) -> Option<(Batch, Arc<Group>)> {
        if !self.has_waiting.load(Ordering::SeqCst) {
            return None;
        }
        let mut pending = self.pending.lock();
        self.has_waiting.store(false, Ordering::SeqCst);
        let spare = mem::take(&mut pending.spare);
        let batch = mem::replace(&mut pending.batch, spare);
        (!batch.ends.is_empty()).then(|| (batch, mem::take(&mut pending.group)))
    }

    fn finish(&self, mut batch: Batch, group: &Group, outcome: Result<(), Unavailable>) {
        if let Err(unavailable) = &outcome {
            self.keep_for_later(batch.iter());
            self.refuse(unavailable);
        }
        group.complete(outcome);
        batch.clear();
        self.pending.lock().spare = batch;
    }

    fn write<'e>(&self, chain: &mut Chain, events: impl Iterator<Item = (Kind, &'e [u8])>) -> Result<(), Unavailable> {
        if self.is_refusing.load(Ordering::Relaxed) && !chain.is_open() {
            return Err(self.trouble.lock().clone().unwrap_or_else(|| Unavailable("it is being repaired".into())));
        }
        let began = Instant::now();
        chain.append(events, self.clock.now().millis()).map_err(|cause| Unavailable::new(&cause))?;
        if let Err(cause) = chain.reserve() {
            self.refuse(&Unavailable::new(&cause));
        }
        let is_slow = began.elapsed() > SLOW;
        // All threads read it, so it is written when it changes only.
        if self.is_slow.load(Ordering::Relaxed) != is_slow {
            self.is_slow.store(is_slow, Ordering::Relaxed);
        }
        Ok(())
    }
}
