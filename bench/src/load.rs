//! The engine: some threads, each with its own small runtime, share the connections and repeat the prepared requests.

use crate::{acs3::Request, connection::Connection, histogram::Histogram, process::Usage, target::Target};
use anyhow::{Context, Result, anyhow, bail};
use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// What to send, how, and for how long.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The server.
    pub target: Arc<Target>,
    /// The requests; every connection goes round them, each from another place.
    pub requests: Arc<[Request]>,
    /// Keep-alive connections, each with one request under way.
    pub connections: usize,
    /// Threads of the load program.
    pub threads: usize,
    /// Load before the measurement begins.
    pub warmup: Duration,
    /// When to end.
    pub stop: Stop,
    /// Processes of the server whose CPU time is measured.
    pub pids: Vec<u32>,
}

/// The end of a run.
#[derive(Clone, Copy, Debug)]
pub enum Stop {
    /// After this time of measurement.
    After(Duration),
    /// When this many requests were measured.
    Requests(u64),
}

/// What a run showed; the warm-up is in none of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Latencies of all requests, errors included.
    pub latencies: Histogram,
    /// Answers other than 200, and broken connections.
    pub errors: u64,
    /// The first of them in words.
    pub first_error: Option<String>,
    /// Length of the measurement.
    pub elapsed: Duration,
    /// CPU time the server spent in it, and the memory it held at its end.
    pub server: Usage,
    /// CPU time this program spent in it.
    pub client_cpu: Duration,
}

impl Outcome {
    /// Requests per second.
    #[must_use]
    pub fn throughput(&self) -> f64 {
        self.latencies.total() as f64 / self.elapsed.as_secs_f64()
    }

    /// The server's CPU time for one request, in microseconds.
    #[must_use]
    pub fn server_micros(&self) -> f64 {
        self.server.cpu.as_secs_f64() * 1e6 / self.latencies.total().max(1) as f64
    }

    /// This program's CPU time for one request, in microseconds.
    #[must_use]
    pub fn client_micros(&self) -> f64 {
        self.client_cpu.as_secs_f64() * 1e6 / self.latencies.total().max(1) as f64
    }
}

/// Carries out `plan`. Blocks until its end.
///
/// # Errors
/// When the server cannot be reached or its process cannot be observed; errors in answers are part of the outcome.
pub fn run(plan: &Plan) -> Result<Outcome> {
    if plan.requests.is_empty() || plan.connections == 0 {
        bail!("a run needs a request and a connection");
    }
    let threads = plan.threads.clamp(1, plan.connections);
    let shared = Arc::new(Shared {
        connected: Barrier::new(threads + 1),
        failed: AtomicBool::new(false),
        budget: AtomicU64::new(match plan.stop {
            Stop::After(_) => u64::MAX,
            Stop::Requests(count) => count,
        }),
    });
    let workers: Vec<_> = (0..threads)
        .map(|thread| {
            let worker = Worker { plan: plan.clone(), shared: Arc::clone(&shared), thread, threads };
            thread::spawn(move || worker.run())
        })
        .collect();
    shared.connected.wait();
    if !shared.failed.load(Ordering::Relaxed) {
        thread::sleep(plan.warmup);
    }
    let before = Usage::of(&plan.pids)?;
    let client_before = Usage::of_self()?;
    let started = Instant::now();
    let mut tally = Tally::default();
    for worker in workers {
        tally.merge(worker.join().map_err(|_panic| anyhow!("a load thread panicked"))??);
    }
    let elapsed = started.elapsed();
    let mut server = Usage::of(&plan.pids).context("the server ended under load")?;
    server.cpu = server.cpu.saturating_sub(before.cpu);
    Ok(Outcome {
        latencies: tally.latencies,
        errors: tally.errors,
        first_error: tally.first_error,
        elapsed,
        server,
        client_cpu: Usage::of_self()?.cpu.saturating_sub(client_before.cpu),
    })
}

#[derive(Debug)]
struct Shared {
    /// Passed once all connections are open, by the workers and by the thread that watches the server.
    connected: Barrier,
    failed: AtomicBool,
    /// Requests still to be measured.
    budget: AtomicU64,
}

#[derive(Debug)]
struct Worker {
    plan: Plan,
    shared: Arc<Shared>,
    thread: usize,
    threads: usize,
}

impl Worker {
    fn run(self) -> Result<Tally> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let connections = match &runtime {
            Ok(runtime) => runtime.block_on(self.connect()),
            Err(_) => Err(anyhow!("no runtime")),
        };
        if connections.is_err() {
            self.shared.failed.store(true, Ordering::Relaxed);
        }
        self.shared.connected.wait();
        let connections = connections?;
        if self.shared.failed.load(Ordering::Relaxed) {
            return Ok(Tally::default());
        }
        runtime?.block_on(self.drive(connections))
    }

    /// Opens this thread's share of the connections; with each goes the place at which it begins in the requests.
    async fn connect(&self) -> Result<Vec<(usize, Connection)>> {
        let mut connections = Vec::new();
        for at in (self.thread..self.plan.connections).step_by(self.threads) {
            let first = at * self.plan.requests.len() / self.plan.connections;
            connections.push((first, Connection::open(Arc::clone(&self.plan.target)).await?));
        }
        Ok(connections)
    }

    async fn drive(&self, connections: Vec<(usize, Connection)>) -> Result<Tally> {
        let measure_from = Instant::now() + self.plan.warmup;
        let until = match self.plan.stop {
            Stop::After(duration) => Some(measure_from + duration),
            Stop::Requests(_) => None,
        };
        let mut set = JoinSet::new();
        for (first, connection) in connections {
            let requests = Arc::clone(&self.plan.requests);
            set.spawn(repeat(connection, requests, first, Arc::clone(&self.shared), measure_from, until));
        }
        let mut tally = Tally::default();
        while let Some(one) = set.join_next().await {
            tally.merge(one??);
        }
        Ok(tally)
    }
}

/// One connection's part: a request, its answer, the next request.
async fn repeat(
    mut connection: Connection,
    requests: Arc<[Request]>,
    first: usize,
    shared: Arc<Shared>,
    measure_from: Instant,
    until: Option<Instant>,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut began = Instant::now();
    for request in requests.iter().cycle().skip(first) {
        if until.is_some_and(|until| began >= until) {
            break;
        }
        let measured = began >= measure_from;
        if measured && until.is_none() && !take_one(&shared.budget) {
            break;
        }
        let error = match connection.call(request).await {
            Ok(answer) if answer.status == 200 => None,
            Ok(answer) => Some(format!("{} {}", answer.status, String::from_utf8_lossy(answer.body))),
            Err(error) => {
                connection.reopen().await?;
                Some(format!("{error:#}"))
            }
        };
        let ended = Instant::now();
        if measured {
            tally.latencies.record(ended - began);
            if let Some(error) = error {
                tally.errors += 1;
                tally.first_error.get_or_insert(error);
            }
        }
        began = ended;
    }
    Ok(tally)
}

fn take_one(budget: &AtomicU64) -> bool {
    budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

#[derive(Debug, Default)]
struct Tally {
    latencies: Histogram,
    errors: u64,
    first_error: Option<String>,
}

impl Tally {
    fn merge(&mut self, other: Self) {
        self.latencies.merge(&other.latencies);
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}
