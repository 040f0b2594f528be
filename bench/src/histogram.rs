//! Latencies in log-linear buckets: cheap to record, cheap to merge, exact to about three percent.

use std::time::Duration;

const SUB_BITS: u32 = 5;
const SUB_BUCKETS: u64 = 1 << SUB_BITS;
const BUCKETS: usize = 1024;

/// Counts per latency bucket, in nanoseconds; 32 buckets to each power of two.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, max: 0 }
    }
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&mut self, latency: Duration) {
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get_mut(bucket(nanoseconds)) {
            *count += 1;
        }
        self.total += 1;
        self.max = self.max.max(nanoseconds);
    }

    /// Adds what `other` counted.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// How many latencies were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The largest latency.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.max)
    }

    /// The latency that `permille` of 1000 requests do not exceed, rounded up to its bucket's end.
    #[must_use]
    pub fn quantile(&self, permille: u64) -> Duration {
        let wanted = (self.total * permille).div_ceil(1000);
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return Duration::from_nanos(bucket_end(at).min(self.max));
            }
        }
        self.max()
    }
}

fn bucket(nanoseconds: u64) -> usize {
    let value = nanoseconds.min(1 << 36);
    let exponent = value.checked_ilog2().unwrap_or(0).saturating_sub(SUB_BITS);
    let at = u64::from(exponent) * SUB_BUCKETS + (value >> exponent);
    usize::try_from(at).map_or(BUCKETS - 1, |at| at.min(BUCKETS - 1))
}

fn bucket_end(at: usize) -> u64 {
    let at = at as u64;
    let exponent = (at / SUB_BUCKETS).saturating_sub(1);
    let mantissa = at - exponent * SUB_BUCKETS;
    ((mantissa + 1) << exponent) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_falls_into_a_bucket_that_ends_at_most_four_percent_above_it() {
        for value in (0..10_000).chain([123_456, 7_654_321, 9_999_999_999]) {
            let end = bucket_end(bucket(value));
            assert!(end >= value && end - value <= value / 25 + 1, "{value} ends at {end}");
        }
    }

    #[test]
    fn quantiles_of_a_uniform_spread() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|micros| histogram.record(Duration::from_micros(micros)));
        let p50 = histogram.quantile(500).as_micros();
        let p99 = histogram.quantile(990).as_micros();
        assert!((500..=520).contains(&p50) && (990..=1000).contains(&p99), "{p50} {p99}");
        assert_eq!(histogram.max(), Duration::from_millis(1));
    }

    #[test]
    fn an_empty_histogram_has_no_latency() {
        assert_eq!(Histogram::default().quantile(500), Duration::ZERO);
    }
}
