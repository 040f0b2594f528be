//! When the rotations that the schedule asks for begin: evenly spread, not all at the moment at which they fall due.

use parking_lot::Mutex;
use sesame_domain::Timestamp;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60_000;

/// How fast rotations that are due begin on one node.
#[derive(Clone, Copy, Debug)]
pub struct RotationPace {
    /// Rotations begun in a minute.
    pub per_minute: u32,
    /// Minutes in which those that are due have all begun, at a faster pace where the other would not do.
    pub within_minutes: u32,
}

impl Default for RotationPace {
    fn default() -> Self {
        Self { per_minute: 60, within_minutes: 60 }
    }
}

impl RotationPace {
    /// The time before which a rotation was due that should have begun by now.
    pub(crate) fn late_before(self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.millis().saturating_sub(i64::from(self.within_minutes) * MINUTE))
    }
}

/// Says when the next rotations begin.
#[derive(Debug)]
pub(crate) struct Pacer {
    pub(crate) pace: RotationPace,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The most rotations that were due at a time since there were none. It, and not what is left, decides the pace:
    /// otherwise the last ones would come ever more slowly.
    most_due: i64,
    /// When the next one begins.
    next: Timestamp,
}

impl Pacer {
    pub(crate) fn new(pace: RotationPace) -> Self {
        Self { pace, state: Mutex::new(State { most_due: 0, next: Timestamp::from_millis(0) }) }
    }

    /// Takes over how many rotations are due.
    pub(crate) fn counted(&self, due: i64) {
        let mut state = self.state.lock();
        state.most_due = if due == 0 { 0 } else { state.most_due.max(due) };
    }

    /// How many rotations begin now.
    pub(crate) fn admit(&self, now: Timestamp) -> u32 {
        let mut state = self.state.lock();
        if state.most_due == 0 {
            return 0;
        }
        let gap = self.gap(&state);
        // What was missed is not made up for beyond a second, nor is a clock waited for that was set back.
        let earliest = now.millis().saturating_sub((SECOND - gap).max(0));
        let next = state.next.millis().clamp(earliest, now.millis().saturating_add(gap));
        let number = if next > now.millis() { 0 } else { (now.millis() - next) / gap + 1 };
        state.next = Timestamp::from_millis(next.saturating_add(number * gap));
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// Milliseconds until [`Pacer::admit`] lets one begin; `None` while none is due.
    pub(crate) fn wait(&self, now: Timestamp) -> Option<i64> {
        let state = self.state.lock();
        let left = state.next.millis().saturating_sub(now.millis());
        (state.most_due > 0).then(|| left.clamp(0, self.gap(&state)))
    }

    /// Milliseconds between two rotations.
    fn gap(&self, state: &State) -> i64 {
        let configured = MINUTE / i64::from(self.pace.per_minute.max(1));
        let in_time = i64::from(self.pace.within_minutes) * MINUTE / state.most_due.max(1);
        configured.min(in_time).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_767_323_045_000 + millis)
    }

    fn pacer(per_minute: u32, within_minutes: u32, due: i64) -> Pacer {
        let pacer = Pacer::new(RotationPace { per_minute, within_minutes });
        pacer.counted(due);
        pacer
    }

    /// How many begin while the time is asked for every millisecond.
    fn begun(pacer: &Pacer, millis: std::ops::Range<i64>) -> u32 {
        millis.map(|millis| pacer.admit(at(millis))).sum()
    }

    #[test]
    fn a_thousand_that_fall_due_together_begin_one_by_one() {
        let pacer = pacer(60, 60, 1_000);
        assert_eq!(pacer.wait(at(0)), Some(0));
        assert_eq!(begun(&pacer, 0..1_000), 1);
        assert_eq!(pacer.wait(at(900)), Some(100));
        assert_eq!(begun(&pacer, 1_000..60_000), 59);
    }

    #[test]
    fn more_than_the_pace_allows_are_spread_over_the_time_that_they_may_take() {
        let pacer = pacer(60, 60, 36_000);
        assert_eq!(begun(&pacer, 0..1_000), 10 + 9, "those of a second that was missed, and of this one");
        // As fast to the end.
        pacer.counted(1);
        assert_eq!(begun(&pacer, 1_000..2_000), 10);
        pacer.counted(0);
        assert_eq!((begun(&pacer, 2_000..3_000), pacer.wait(at(3_000))), (0, None));
        pacer.counted(1);
        assert_eq!(begun(&pacer, 3_000..4_000), 1);
    }

    #[test]
    fn neither_a_pause_nor_a_clock_that_is_wrong_makes_a_burst_or_a_stop() {
        let slow = pacer(60, 60, 1_000);
        assert_eq!(slow.admit(at(0)), 1);
        assert_eq!(slow.admit(at(3_600_000)), 1);
        assert_eq!(slow.admit(at(0)), 0, "set back by an hour");
        assert_eq!(slow.wait(at(0)), Some(1_000));
        assert_eq!(slow.admit(at(1_000)), 1);
        let fast = pacer(6_000, 60, 1_000);
        assert_eq!(fast.admit(at(0)), 100, "those of a second");
        assert_eq!(fast.admit(at(50)), 5);
        let extreme = pacer(0, 0, i64::MAX);
        assert_eq!(extreme.admit(at(0)), 1_000);
    }
}
