//! What the kernel says about a process: CPU time and memory.

use anyhow::{Context, Result};
use std::{fs, time::Duration};

/// CPU time spent so far and memory held, summed over some processes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// User and system time of all threads, living and ended.
    pub cpu: Duration,
    /// Resident memory.
    pub rss_kib: u64,
    /// The most memory that was ever resident.
    pub peak_kib: u64,
}

impl Usage {
    /// Reads the usage of `pids`; of none of them it is zero.
    ///
    /// # Errors
    /// When one of the processes has ended or the kernel does not show it.
    pub fn of(pids: &[u32]) -> Result<Self> {
        let mut sum = Self::default();
        for pid in pids {
            let one = Self::read(&pid.to_string()).with_context(|| format!("process {pid}"))?;
            sum.cpu += one.cpu;
            sum.rss_kib += one.rss_kib;
            sum.peak_kib += one.peak_kib;
        }
        Ok(sum)
    }

    /// Reads the usage of this very process.
    ///
    /// # Errors
    /// When the kernel does not show it.
    pub fn of_self() -> Result<Self> {
        Self::read("self")
    }

    fn read(process: &str) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        Ok(Self {
            cpu: cpu_time(&stat).context("no CPU time in its stat file")?,
            rss_kib: memory(&status, "VmRSS:").unwrap_or(0),
            peak_kib: memory(&status, "VmHWM:").unwrap_or(0),
        })
    }
}

/// The sum of fields 14 and 15 of `/proc/PID/stat`, counted in ticks of which Linux shows 100 a second to user space.
fn cpu_time(stat: &str) -> Option<Duration> {
    // The second field is the program's name in parentheses and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

fn memory(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 9 0 0 0 120 30 0 0 20 0 1 0 55 1 2";
        assert_eq!(cpu_time(stat), Some(Duration::from_millis(1500)));
    }

    #[test]
    fn this_process_holds_memory() {
        let usage = Usage::of_self().unwrap();
        assert!(usage.rss_kib > 0 && usage.peak_kib >= usage.rss_kib);
    }
}
