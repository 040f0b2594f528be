//! Threads for slow cryptography, so that a signature under a large key never holds up the threads that serve
//! connections.
//!
//! There are two lanes with a queue and threads of their own: one for the use of keys, one for their generation and for
//! hashing passwords, which is as slow. No lane has more threads than the machine has cores, since more would only take
//! the processor from each other, and all of them give way to the threads that serve connections: use a little,
//! generation a lot. Threads start when there is work for them.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use sesame_crypto::spec::{KeyClass, KeySpec};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::error::{Code, KmsError, Result};

/// Jobs that may wait in a lane: as many as callers put up with before they give up.
const WAITING_USES: usize = 4_096;
const WAITING_GENERATIONS: usize = 256;

/// Niceness of the threads. Beside a busy thread of niceness 0 they get a third and a tenth of its time.
const NICENESS_OF_USE: i32 = 5;
const NICENESS_OF_GENERATION: i32 = 10;

/// Results of short jobs that wait in a row are kept this long and handed over together. One by one, each would wake a
/// thread that serves connections, which has the higher priority: two changes of threads for every result.
const HANDOVER: Duration = Duration::from_micros(500);

/// What is done with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Signing, decrypting, restoring a key from its material.
    Private,
    /// Verifying, encrypting under a public key.
    Public,
    /// Making a key.
    Generation,
}

impl Work {
    /// Whether it takes so long that it must not be done where connections are served: beside 64 callers who have it done
    /// there all the time, the calls of others wait for all of them. Measured, in µs: everything with P-256 and everything
    /// with an RSA public key takes 20 to 80, as much as the rest of a call; the same with secp256k1 40 to 100, with SM2 55
    /// to 260, and with RSA private keys 250 to 2,000.
    fn is_slow(self, spec: KeySpec) -> bool {
        if spec.class() != KeyClass::Asymmetric {
            return false;
        }
        match spec {
            KeySpec::EcP256 => false,
            KeySpec::EcP256k | KeySpec::EcSm2 => true,
            _ => self != Self::Public,
        }
    }
}

/// The threads and their queues.
pub(crate) struct Workers {
    uses: Arc<Lane>,
    generations: Arc<Lane>,
}

impl Workers {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            uses: Lane::new("key-use", cores, WAITING_USES, NICENESS_OF_USE),
            generations: Lane::new("key-generation", cores.div_ceil(2), WAITING_GENERATIONS, NICENESS_OF_GENERATION),
        }
    }

    /// Does `job` with a key of `spec`: here when it is quick, else on a thread of its lane. A job whose caller has
    /// gone away before it began is left undone.
    ///
    /// # Errors
    /// `ServiceUnavailableTemporary` when too many jobs wait already.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: Work,
        spec: KeySpec,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        if !work.is_slow(spec) {
            return Ok(job());
        }
        let lane = if work == Work::Generation { &self.generations } else { &self.uses };
        Self::run_in(lane, job).await
    }

    /// Does work that is slow and that nobody waits for impatiently, such as hashing a password, in turn with the keys that
    /// are made.
    ///
    /// # Errors
    /// As [`Workers::run`].
    pub(crate) async fn run_slow<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        Self::run_in(&self.generations, job).await
    }

    async fn run_in<T: Send + 'static>(lane: &Arc<Lane>, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job = move || -> Option<Handover> {
            if answer.is_closed() {
                return None;
            }
            let result = job();
            // The caller may have gone away while the job ran; then nobody wants the result.
            Some(Box::new(move || drop(answer.send(result))))
        };
        lane.push(Job { run: Box::new(job), runtime: Handle::current() })?;
        answered.await.map_err(|_| KmsError::internal("a job ended without a result"))
    }
}

impl Drop for Workers {
    /// Ends the threads after what they are doing.
    fn drop(&mut self) {
        self.uses.close();
        self.generations.close();
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Workers")
    }
}

/// A job answers how its result is handed over.
struct Job {
    run: Box<dyn FnOnce() -> Option<Handover> + Send>,
    /// Where its caller waits.
    runtime: Handle,
}

type Handover = Box<dyn FnOnce() + Send>;

struct Lane {
    name: &'static str,
    most_threads: usize,
    most_waiting: usize,
    niceness: i32,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    closed: bool,
}

impl Lane {
    fn new(name: &'static str, most_threads: usize, most_waiting: usize, niceness: i32) -> Arc<Self> {
        let (queue, changed) = (Mutex::default(), Condvar::new());
        Arc::new(Self { name, most_threads, most_waiting, niceness, queue, changed })
    }

    fn push(self: &Arc<Self>, job: Job) -> Result<()> {
        let mut queue = self.queue.lock();
        if queue.jobs.len() >= self.most_waiting {
            return Err(Code::ServiceUnavailableTemporary.into());
        }
        queue.jobs.push_back(job);
        if queue.jobs.len() > queue.idle && queue.threads < self.most_threads {
            let lane = Arc::clone(self);
            match std::thread::Builder::new().name(self.name.to_owned()).spawn(move || lane.work()) {
                Ok(_) => queue.threads += 1,
                // The threads that there are will do it.
                Err(cause) if queue.threads > 0 => tracing::warn!(%cause, "no further thread for work with keys"),
                Err(cause) => {
                    queue.jobs.pop_back();
                    return Err(KmsError::internal(cause));
                }
            }
        }
        drop(queue);
        self.changed.notify_one();
        Ok(())
    }

    fn work(&self) {
        // Without the lower priority the work is done all the same.
        if let Err(cause) = rustix::process::nice(self.niceness) {
            tracing::warn!(%cause, thread = self.name, "the priority of a thread could not be lowered");
        }
        let mut results: Vec<Handover> = Vec::new();
        while let Some(first) = self.next() {
            let began = Instant::now();
            let runtime = first.runtime.clone();
            let mut job = Some(first);
            while let Some(next) = job {
                // After a panic, of which the hook has told the log, the caller sees its channel closed.
                results.extend(catch_unwind(AssertUnwindSafe(next.run)).ok().flatten());
                job = if began.elapsed() < HANDOVER { self.queue.lock().jobs.pop_front() } else { None };
            }
            match results.len() {
                0 | 1 => results.drain(..).for_each(|hand_over| hand_over()),
                _ => {
                    // One thread of the runtime is woken, and from there the callers are without a system call each.
                    let results = std::mem::take(&mut results);
                    runtime.spawn(async move { results.into_iter().for_each(|hand_over| hand_over()) });
                }
            }
        }
    }

    /// The next job; `None` when there will be no more.
    fn next(&self) -> Option<Job> {
        let mut queue = self.queue.lock();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            queue.idle += 1;
            self.changed.wait(&mut queue);
            queue.idle -= 1;
        }
    }

    fn close(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        queue.jobs.clear();
        drop(queue);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn slow_work_leaves_the_thread_and_quick_work_stays() {
        let workers = Workers::new();
        let here = std::thread::current().id();
        let thread = || std::thread::current().id();
        for (work, spec, stays) in [
            (Work::Private, KeySpec::Rsa2048, false),
            (Work::Public, KeySpec::Rsa4096, true),
            (Work::Generation, KeySpec::Rsa4096, false),
            (Work::Private, KeySpec::EcP256, true),
            (Work::Public, KeySpec::EcSm2, false),
            (Work::Private, KeySpec::EcP256k, false),
            (Work::Private, KeySpec::Aes256, true),
        ] {
            let there = workers.run(work, spec, thread).await.unwrap();
            assert_eq!(there == here, stays, "{work:?} {spec}");
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn results_that_are_handed_over_together_reach_their_own_callers() {
        let workers = Arc::new(Workers::new());
        let mut callers = tokio::task::JoinSet::new();
        for number in 0..1_000 {
            let workers = Arc::clone(&workers);
            callers.spawn(async move {
                assert_eq!(workers.run(Work::Private, KeySpec::EcSm2, move || number).await.unwrap(), number);
            });
        }
        while let Some(caller) = callers.join_next().await {
            caller.unwrap();
        }
    }

    #[tokio::test]
    async fn generation_gives_way_to_use() {
        let workers = Workers::new();
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let here = niceness();
        let used = workers.run(Work::Private, KeySpec::Rsa2048, niceness).await.unwrap();
        let generated = workers.run(Work::Generation, KeySpec::Rsa2048, niceness).await.unwrap();
        assert_eq!(niceness(), here);
        assert!(here < used && used < generated || generated == 19, "{here} {used} {generated}");
    }

    #[tokio::test]
    async fn no_more_jobs_run_than_there_are_threads() {
        let workers = Arc::new(Workers::new());
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut jobs = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (workers, running, most) = (Arc::clone(&workers), Arc::clone(&running), Arc::clone(&most));
            jobs.spawn(async move {
                let job = move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                };
                workers.run(Work::Private, KeySpec::Rsa2048, job).await.unwrap();
            });
        }
        while jobs.join_next().await.is_some() {}
        assert!(most.load(Ordering::SeqCst) <= workers.uses.most_threads);
    }

    #[tokio::test]
    async fn a_job_that_panics_takes_no_thread_with_it() {
        let workers = Workers::new();
        for _ in 0..64 {
            let refused = workers.run(Work::Private, KeySpec::Rsa2048, || panic!("on purpose")).await;
            assert_eq!(refused.map(|(): ()| ()).unwrap_err().code, Code::InternalFailure);
        }
        assert_eq!(workers.run(Work::Private, KeySpec::Rsa2048, || 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_full_queue_is_refused_and_an_abandoned_job_left_undone() {
        let lane = Lane::new("test", 1, 2, 0);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (began, begun) = oneshot::channel();
        let hold = move || {
            let _ = began.send(());
            let _ = held.recv();
            None
        };
        lane.push(Job { run: Box::new(hold), runtime: Handle::current() }).unwrap();
        begun.await.unwrap();
        let workers = Workers { uses: Arc::clone(&lane), generations: Lane::new("none", 1, 1, 0) };
        let done = Arc::new(AtomicUsize::new(0));
        let job = || {
            let done = Arc::clone(&done);
            workers.run(Work::Private, KeySpec::Rsa2048, move || done.fetch_add(1, Ordering::SeqCst))
        };
        let mut abandoned = Box::pin(job());
        let mut waiting = Box::pin(job());
        assert!(tokio::time::timeout(std::time::Duration::ZERO, &mut abandoned).await.is_err());
        assert!(tokio::time::timeout(std::time::Duration::ZERO, &mut waiting).await.is_err());
        assert_eq!(job().await.unwrap_err().code, Code::ServiceUnavailableTemporary);
        drop(abandoned);
        release.send(()).unwrap();
        waiting.await.unwrap();
        assert_eq!(done.load(Ordering::SeqCst), 1);
    }
}
