//! Rotation intervals (keys reference, 7).

use std::fmt;
use std::str::FromStr;

/// Time between two automatic rotations: 7 to 730 days, kept in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationInterval(u32);

/// The text is not a rotation interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rotation interval is a whole number and a unit (d, h, m or s) from 7d to 730d")]
pub struct InvalidRotationInterval;

impl RotationInterval {
    const SECONDS: std::ops::RangeInclusive<u64> = 604_800..=63_072_000;

    /// From seconds, checked against the range of the API.
    ///
    /// # Errors
    /// [`InvalidRotationInterval`] outside 7 to 730 days.
    pub fn from_seconds(seconds: u64) -> Result<Self, InvalidRotationInterval> {
        if !Self::SECONDS.contains(&seconds) {
            return Err(InvalidRotationInterval);
        }
        u32::try_from(seconds).map(Self).map_err(|_| InvalidRotationInterval)
    }

    /// The interval in seconds.
    pub fn seconds(self) -> i64 {
        i64::from(self.0)
    }
}

impl FromStr for RotationInterval {
    type Err = InvalidRotationInterval;

    fn from_str(text: &str) -> Result<Self, InvalidRotationInterval> {
        const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
        let (number, unit_seconds) = UNITS
            .iter()
            .find_map(|(unit, seconds)| text.strip_suffix(*unit).map(|number| (number, *seconds)))
            .ok_or(InvalidRotationInterval)?;
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidRotationInterval);
        }
        let number: u64 = number.parse().map_err(|_| InvalidRotationInterval)?;
        Self::from_seconds(number.checked_mul(unit_seconds).ok_or(InvalidRotationInterval)?)
    }
}

impl fmt::Display for RotationInterval {
    /// The form of the answers: seconds and `s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_days_can_be_said_in_every_unit() {
        for text in ["7d", "168h", "10080m", "604800s"] {
            assert_eq!(text.parse::<RotationInterval>().unwrap().to_string(), "604800s");
        }
    }

    #[test]
    fn intervals_outside_seven_to_seven_hundred_and_thirty_days_are_refused() {
        for wrong in ["", "d", "7", "6d", "731d", "-7d", "+7d", "7 d", "1.5d", "99999999999999999999d", "7w"] {
            assert!(wrong.parse::<RotationInterval>().is_err(), "{wrong}");
        }
        assert!("730d".parse::<RotationInterval>().is_ok());
    }
}
