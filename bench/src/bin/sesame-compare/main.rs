//! Runs Sesame and the bare server under the same load in one run, and prints Markdown tables.

mod report;
mod scenario;
mod server;

use crate::{
    report::Starts,
    scenario::Bench,
    server::{Folder, Sesame},
};
use anyhow::{Context, Result};
use clap::Parser;
use sesame_bench::primitive;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// Connections that seed keys; more than the load has, so that many keys share a commit.
const SEEDING_CONNECTIONS: usize = 64;
const RESTARTS: usize = 5;

/// Sesame next to a bare hyper server that answers the same bytes, on this machine, in this run.
#[derive(Parser)]
pub(crate) struct Options {
    /// The sesame program.
    #[arg(long, value_name = "FILE")]
    sesame: Option<PathBuf>,
    /// The bare server; by default the one beside this program.
    #[arg(long, value_name = "FILE")]
    bare: Option<PathBuf>,
    /// Environment of sesame, for example to lift limits; may be given several times.
    #[arg(long = "sesame-env", value_name = "NAME=VALUE")]
    sesame_env: Vec<String>,
    /// Folder in which the data folder is made and removed again; durable writes need a real disk.
    #[arg(long, value_name = "DIR", default_value_os_t = std::env::temp_dir())]
    work: PathBuf,
    /// The CA's certificate inside the data folder.
    #[arg(long, value_name = "FILE", default_value = "ca.pem")]
    ca: PathBuf,
    /// Keep-alive connections.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Threads of the load.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Rounds of each scenario; each loads both servers, and medians are shown.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of measurement per round and server.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Seconds of load before each measurement.
    #[arg(long, default_value_t = 0.5)]
    warmup: f64,
    /// Only scenarios whose name contains this; may be given several times.
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Seed this many keys in the end and repeat Encrypt with them.
    #[arg(long, value_name = "N")]
    many_keys: Option<usize>,
    /// Measure the raw primitives, too.
    #[arg(long)]
    primitive: bool,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    report::machine();
    if options.primitive {
        report::primitives(&primitive::measure()?);
    }
    let Some(program) = &options.sesame else {
        eprintln!("without --sesame there is nothing to compare");
        return Ok(ExitCode::SUCCESS);
    };
    let folder = Folder::new(&options.work)?;
    let mut starts = Vec::new();
    let mut sesame = start(&options, program, &folder, "first start ever, empty folder", 1, &mut starts)?;
    drop(sesame);
    sesame = start(&options, program, &folder, "folder without keys", RESTARTS, &mut starts)?;

    let mut bench = Bench::new(&options, sesame)?;
    bench.run_all(&scenario::plain());
    let few = options.many_keys.and_then(|_| bench.run_few_keys());
    bench.run_all(&scenario::listing());
    if let (Some(count), Some(few)) = (options.many_keys, few) {
        bench.run_many_keys(count, &few);
    }
    bench.run_all(&scenario::creating());
    let stored = bench.count_keys();
    let rows = bench.finish();
    report::comparison(&rows, &options);

    let label =
        stored.map_or_else(|_| "folder as the scenarios left it".to_owned(), |n| format!("folder with {n} keys"));
    let restarted = start(&options, program, &folder, &label, RESTARTS, &mut starts);
    report::starts(&starts);
    restarted?;
    Ok(if rows.iter().all(|row| row.outcome.is_ok()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts sesame `times` times, notes how long each took, and leaves the last running after reading its idle memory.
fn start(
    options: &Options,
    program: &Path,
    folder: &Folder,
    label: &str,
    times: usize,
    starts: &mut Vec<Starts>,
) -> Result<Sesame> {
    let mut durations = Vec::new();
    let mut last = None;
    for _ in 0..times {
        // The one before must be gone: only one server may use the folder.
        drop(last.take());
        let sesame = Sesame::start(program, folder, &options.sesame_env)?;
        durations.push(sesame.started_in);
        last = Some(sesame);
    }
    let sesame = last.context("at least one start")?;
    std::thread::sleep(Duration::from_secs(1));
    let idle = sesame.process.usage()?;
    starts.push(Starts { label: label.to_owned(), durations, idle_rss_kib: idle.rss_kib });
    Ok(sesame)
}
