//! Medians, and the Markdown that shows them.

use crate::Options;
use anyhow::Result;
use sesame_bench::{load::Outcome, primitive::Primitive, text};
use std::{fs, thread, time::Duration};

/// What one round, or the median of several, showed of one server.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) throughput: f64,
    cpu_micros: f64,
    p50_micros: f64,
    p99_micros: f64,
}

impl Figures {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        Self {
            throughput: outcome.throughput(),
            cpu_micros: outcome.server_micros(),
            p50_micros: outcome.latencies.quantile(500).as_secs_f64() * 1e6,
            p99_micros: outcome.latencies.quantile(990).as_secs_f64() * 1e6,
        }
    }

    /// Each figure's own median.
    pub(crate) fn median(rounds: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure).collect());
        Self {
            throughput: of(|one| one.throughput),
            cpu_micros: of(|one| one.cpu_micros),
            p50_micros: of(|one| one.p50_micros),
            p99_micros: of(|one| one.p99_micros),
        }
    }
}

/// A scenario with what Sesame and the bare server showed, or why it could not run.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) outcome: Result<(Figures, Figures)>,
}

/// The start times of one state of the data folder.
pub(crate) struct Starts {
    pub(crate) label: String,
    pub(crate) durations: Vec<Duration>,
    pub(crate) idle_rss_kib: u64,
}

pub(crate) fn machine() {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model = model.map_or("processor unknown", |(_, model)| model);
    println!("{}: {model}, {cores} cores, shared by server and load\n", text::timestamp(text::now_seconds()));
}

pub(crate) fn primitives(primitives: &[Primitive]) {
    println!("| primitive, one thread | ns | per second |\n|---|---:|---:|");
    for Primitive { name, each } in primitives {
        println!("| {name} | {} | {:.0} |", each.as_nanos(), 1.0 / each.as_secs_f64());
    }
    println!();
}

pub(crate) fn comparison(rows: &[Row], options: &Options) {
    println!(
        "{} connections, medians of {} rounds of {} s; latencies are Sesame's.\n",
        options.connections, options.rounds, options.seconds
    );
    println!(
        "| scenario | sesame req/s | bare req/s | sesame CPU µs/req | bare CPU µs/req | ratio | p50 µs | p99 µs |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for Row { name, outcome } in rows {
        match outcome {
            Ok((sesame, bare)) => println!(
                "| {name} | {:.0} | {:.0} | {:.1} | {:.1} | {:.2} | {:.0} | {:.0} |",
                sesame.throughput,
                bare.throughput,
                sesame.cpu_micros,
                bare.cpu_micros,
                sesame.cpu_micros / bare.cpu_micros,
                sesame.p50_micros,
                sesame.p99_micros
            ),
            Err(error) => {
                let reason = format!("{error:#}").replace(['|', '\n'], " ");
                println!("| {name} | failed: {reason} | | | | | | |");
            }
        }
    }
    println!();
}

pub(crate) fn starts(starts: &[Starts]) {
    println!("| start | starts | median ms | slowest ms | idle resident MiB |\n|---|---:|---:|---:|---:|");
    for Starts { label, durations, idle_rss_kib } in starts {
        let millis: Vec<f64> = durations.iter().map(|duration| duration.as_secs_f64() * 1e3).collect();
        let slowest = millis.iter().copied().fold(0.0, f64::max);
        let (count, memory) = (millis.len(), *idle_rss_kib as f64 / 1024.0);
        println!("| {label} | {count} | {:.1} | {slowest:.1} | {memory:.1} |", median(millis));
    }
}

/// The middle one; of an even number the upper of the two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_value() {
        assert!((median(vec![9.0, 1.0, 5.0]) - 5.0).abs() < f64::EPSILON);
        assert!(median(Vec::new()).is_nan());
    }
}
