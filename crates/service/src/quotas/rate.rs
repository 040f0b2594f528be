//! Rates, and the token bucket that keeps one in a single number.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};

use sesame_domain::Timestamp;

const SECOND: i64 = 1_000_000_000;
/// How far ahead of the clock a bucket may be, beyond its period, before it is taken for one from before the clock was
/// set back. Calls that run side by side read the clock a little apart.
const SKEW: i64 = SECOND;
/// The largest count of a rate; one of its tokens still takes a microsecond.
const LARGEST: u32 = 1_000_000;

/// How often something may happen: so many times in a period, and as many at once after a period without any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: NonZeroU32,
    period: Period,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
    Second,
    Minute,
    Hour,
}

impl Period {
    const ALL: [Self; 3] = [Self::Second, Self::Minute, Self::Hour];

    fn name(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
        }
    }

    fn nanoseconds(self) -> i64 {
        match self {
            Self::Second => SECOND,
            Self::Minute => 60 * SECOND,
            Self::Hour => 3_600 * SECOND,
        }
    }
}

impl Rate {
    /// So many times a second; none for 0.
    pub const fn per_second(count: u32) -> Option<Self> {
        Self::new(count, Period::Second)
    }

    /// So many times a minute; none for 0.
    pub const fn per_minute(count: u32) -> Option<Self> {
        Self::new(count, Period::Minute)
    }

    const fn new(count: u32, period: Period) -> Option<Self> {
        match NonZeroU32::new(if count > LARGEST { LARGEST } else { count }) {
            Some(count) => Some(Self { count, period }),
            None => None,
        }
    }

    /// This rate so many times over.
    pub(super) fn times(self, factor: u32) -> Self {
        let count = self.count.get().saturating_mul(factor);
        Self::new(count, self.period).unwrap_or(self)
    }

    /// Takes a token from a bucket that will be full again at `full_at`: gives when it will be full after that, or, when
    /// it is empty, how long until there is a token. All in nanoseconds.
    pub(super) fn take(self, full_at: i64, now: i64) -> Result<i64, i64> {
        let period = self.period.nanoseconds();
        let full_at = if is_full(full_at, now, period) { now } else { full_at };
        let next = full_at.saturating_add(period / i64::from(self.count.get()));
        let wait = next.saturating_sub(period).saturating_sub(now);
        if wait > 0 { Err(wait) } else { Ok(next) }
    }

    /// Whether a bucket of this rate has all its tokens.
    pub(super) fn is_full(self, full_at: i64, now: i64) -> bool {
        is_full(full_at, now, self.period.nanoseconds())
    }
}

fn is_full(full_at: i64, now: i64, period: i64) -> bool {
    full_at <= now || full_at > now.saturating_add(period).saturating_add(SKEW)
}

/// A moment in the unit of buckets.
pub(super) fn nanoseconds(at: Timestamp) -> i64 {
    at.millis().saturating_mul(SECOND / 1_000)
}

/// Whole milliseconds that are no shorter.
pub(super) fn milliseconds(nanoseconds: i64) -> u64 {
    u64::try_from(nanoseconds).unwrap_or_default().div_ceil(1_000_000)
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.period.name())
    }
}

/// A rate, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance(pub Option<Rate>);

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(rate) => rate.fmt(f),
            None => f.write_str("off"),
        }
    }
}

impl FromStr for Allowance {
    type Err = String;

    /// The error completes a sentence that begins with what was read.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let read = text.split_once('/').and_then(|(count, period)| {
            let period = Period::ALL.into_iter().find(|known| known.name() == period)?;
            let count = count.parse().ok().filter(|count| *count <= LARGEST)?;
            Rate::new(count, period)
        });
        read.map(|rate| Self(Some(rate)))
            .ok_or_else(|| format!("must be a rate such as 20/s, 60/min or 50/h, at most {LARGEST}, or off"))
    }
}

/// A token bucket that many threads take from: it holds when it will be full again.
#[derive(Debug, Default)]
pub(super) struct Bucket(AtomicI64);

impl Bucket {
    /// Takes a token.
    ///
    /// # Errors
    /// How long until there is one.
    pub(super) fn take(&self, rate: Rate, now: i64) -> Result<(), i64> {
        let mut full_at = self.0.load(Ordering::Relaxed);
        loop {
            let next = rate.take(full_at, now)?;
            match self.0.compare_exchange_weak(full_at, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(changed) => full_at = changed,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(text: &str) -> Rate {
        text.parse::<Allowance>().unwrap().0.unwrap()
    }

    #[test]
    fn rates_are_read_as_they_are_written() {
        for text in ["1/s", "20/s", "60/min", "50/h", "1000000/s", "off"] {
            assert_eq!(text.parse::<Allowance>().unwrap().to_string(), text);
        }
        for wrong in ["", "20", "0/s", "-1/s", "20/d", "20/", "/s", "1000001/s", "20 /s", "Off"] {
            assert!(wrong.parse::<Allowance>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_full_bucket_gives_its_count_at_once_and_then_one_at_a_time() {
        let (bucket, rate) = (Bucket::default(), rate("50/h"));
        let now = 7 * SECOND;
        for _ in 0..50 {
            bucket.take(rate, now).unwrap();
        }
        assert_eq!(bucket.take(rate, now), Err(72 * SECOND));
        assert_eq!(bucket.take(rate, now + 71 * SECOND), Err(SECOND));
        bucket.take(rate, now + 72 * SECOND).unwrap();
        assert_eq!(bucket.take(rate, now + 72 * SECOND), Err(72 * SECOND));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_close_a_bucket() {
        let (bucket, rate) = (Bucket::default(), rate("2/s"));
        let now = 1_000_000 * SECOND;
        bucket.take(rate, now).unwrap();
        bucket.take(rate, now).unwrap();
        let back = now - 3_600 * SECOND;
        bucket.take(rate, back).unwrap();
        bucket.take(rate, back).unwrap();
        assert!(bucket.take(rate, back).is_err());
    }

    #[test]
    fn threads_together_take_no_more_than_one_would() {
        let (bucket, rate) = (Bucket::default(), rate("1000/s"));
        let taken = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        if bucket.take(rate, 5 * SECOND).is_ok() {
                            taken.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(taken.into_inner(), 1_000);
    }

    fn any_rate() -> impl Strategy<Value = Rate> {
        (1..3_000_u32, prop::sample::select(Period::ALL.to_vec())).prop_map(|(c, p)| Rate::new(c, p).unwrap())
    }

    proptest! {
        /// In no stretch of time more than the burst and what is refilled in it; and after each refusal, the wait that
        /// it names is exactly long enough.
        #[test]
        fn never_more_than_the_rate(rate in any_rate(), steps in prop::collection::vec(0..3_000_i64, 1..400)) {
            let bucket = Bucket::default();
            let (period, count) = (rate.period.nanoseconds(), i64::from(rate.count.get()));
            let token = period / count;
            let (mut now, mut taken) = (SECOND, Vec::new());
            for step in steps {
                now += step * token / 1_000;
                match bucket.take(rate, now) {
                    Ok(()) => taken.push(now),
                    Err(wait) => {
                        prop_assert!(wait > 0 && wait <= token);
                        let copy = Bucket(AtomicI64::new(bucket.0.load(Ordering::Relaxed)));
                        prop_assert!(copy.take(rate, now + wait - 1).is_err());
                        prop_assert!(copy.take(rate, now + wait).is_ok());
                    }
                }
            }
            for (at, start) in taken.iter().enumerate() {
                for (behind, end) in taken.iter().skip(at).enumerate() {
                    let most = count + (end - start) / token + 1;
                    prop_assert!(i64::try_from(behind).unwrap() < most);
                }
            }
        }

        /// Who stays under the rate is never refused.
        #[test]
        fn never_less_than_the_rate(rate in any_rate(), waits in prop::collection::vec(1_000..5_000_i64, 1..200)) {
            let bucket = Bucket::default();
            let token = rate.period.nanoseconds() / i64::from(rate.count.get());
            let mut now = SECOND;
            for wait in waits {
                now += wait * token / 1_000 + 1;
                prop_assert!(bucket.take(rate, now).is_ok());
            }
        }
    }
}
