use std::fmt;
use std::str::FromStr;

use crate::Timestamp;
use crate::wire_enum::wire_enum;

/// The text is not a rotation interval of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rotation interval is a whole number and a unit (d, h, m or s) from 6h to 365d")]
pub struct InvalidSecretRotation;

/// Time between two automatic rotations of a secret: 6 hours to 365 days, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval(i64);

impl Interval {
    const SECONDS: std::ops::RangeInclusive<i64> = 21_600..=31_536_000;

    /// From seconds.
    ///
    /// # Errors
    /// [`InvalidSecretRotation`] outside 6 hours to 365 days.
    pub fn from_seconds(seconds: i64) -> Result<Self, InvalidSecretRotation> {
        if Self::SECONDS.contains(&seconds) { Ok(Self(seconds)) } else { Err(InvalidSecretRotation) }
    }

    /// The interval in seconds.
    pub fn seconds(self) -> i64 {
        self.0
    }
}

impl FromStr for Interval {
    type Err = InvalidSecretRotation;

    fn from_str(text: &str) -> Result<Self, InvalidSecretRotation> {
        const UNITS: [(char, i64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
        let (digits, unit) = UNITS
            .iter()
            .find_map(|(unit, seconds)| text.strip_suffix(*unit).map(|digits| (digits, *seconds)))
            .ok_or(InvalidSecretRotation)?;
        if digits.starts_with('0') || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidSecretRotation);
        }
        let number: i64 = digits.parse().map_err(|_| InvalidSecretRotation)?;
        Self::from_seconds(number.checked_mul(unit).ok_or(InvalidSecretRotation)?)
    }
}

impl fmt::Display for Interval {
    /// The form of the answers: seconds and `s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

wire_enum! {
    /// Whether a managed secret rotates by itself.
    AutomaticRotation {
        /// It does.
        Enabled = "Enabled",
        /// It does not.
        Disabled = "Disabled",
        /// It should, but the last attempts failed.
        Invalid = "Invalid",
    }
}

/// The rotation of a managed secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretRotation {
    /// Whether it rotates by itself.
    pub automatic: AutomaticRotation,
    /// How often; `None` when automatic rotation is off.
    pub interval: Option<Interval>,
    /// When the last successful rotation ended.
    pub last: Option<Timestamp>,
    /// When the next automatic one is due; `None` when automatic rotation is off.
    pub next: Option<Timestamp>,
}

impl SecretRotation {
    /// Automatic rotation off.
    pub const OFF: Self = Self { automatic: AutomaticRotation::Disabled, interval: None, last: None, next: None };

    /// The policy of UpdateSecretRotationPolicy: `None` switches off. The next rotation is one interval after the last
    /// one, or after `created` when there was none.
    #[must_use]
    pub fn with_policy(self, interval: Option<Interval>, created: Timestamp) -> Self {
        match interval {
            None => Self { automatic: AutomaticRotation::Disabled, interval: None, next: None, ..self },
            Some(interval) => Self {
                automatic: AutomaticRotation::Enabled,
                interval: Some(interval),
                next: Some(self.last.unwrap_or(created).plus_seconds(interval.seconds())),
                ..self
            },
        }
    }

    /// After a rotation that succeeded at `now`, automatic or not.
    #[must_use]
    pub fn succeeded(self, now: Timestamp) -> Self {
        Self { last: Some(now), ..self.with_policy_since(now) }
    }

    /// After a rotation that failed for good.
    #[must_use]
    pub fn failed(self, now: Timestamp) -> Self {
        match self.automatic {
            AutomaticRotation::Disabled => self,
            AutomaticRotation::Enabled | AutomaticRotation::Invalid => {
                Self { automatic: AutomaticRotation::Invalid, ..self.with_policy_since(now) }
            }
        }
    }

    fn with_policy_since(self, now: Timestamp) -> Self {
        match self.interval {
            None => self,
            Some(interval) => {
                Self { automatic: AutomaticRotation::Enabled, next: Some(now.plus_seconds(interval.seconds())), ..self }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_days_can_be_said_in_every_unit() {
        for text in ["7d", "168h", "10080m", "604800s"] {
            assert_eq!(text.parse::<Interval>().unwrap().to_string(), "604800s");
        }
    }

    #[test]
    fn intervals_have_the_bounds_and_the_form_of_the_api() {
        for right in ["6h", "21600s", "365d", "8760h"] {
            assert!(right.parse::<Interval>().is_ok(), "{right}");
        }
        for wrong in ["", "d", "7", "5h", "21599s", "366d", "07d", "-7d", "+7d", "7 d", "1w", "99999999999999999999d"] {
            assert!(wrong.parse::<Interval>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_next_rotation_follows_the_last_one() {
        let (made, later) = (Timestamp::from_seconds(100), Timestamp::from_seconds(5_000));
        let week = Some("7d".parse().unwrap());
        let on = SecretRotation::OFF.with_policy(week, made);
        assert_eq!((on.automatic, on.next), (AutomaticRotation::Enabled, Some(made.plus_seconds(604_800))));
        let done = on.succeeded(later);
        assert_eq!((done.last, done.next), (Some(later), Some(later.plus_seconds(604_800))));
        let failed = done.failed(later);
        assert_eq!((failed.automatic, failed.interval), (AutomaticRotation::Invalid, week));
        assert_eq!(failed.succeeded(later).automatic, AutomaticRotation::Enabled);
        let off = done.with_policy(None, made);
        assert_eq!((off.next, off.interval, off.last), (None, None, Some(later)));
        assert_eq!(off.succeeded(later).automatic, AutomaticRotation::Disabled);
        assert_eq!(off.failed(later), off);
    }
}
