//! How many rotations an account has asked for in the last hour.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use sesame_domain::secret::ROTATIONS_PER_HOUR;
use sesame_domain::{AccountId, Timestamp};

const HOUR_SECONDS: i64 = 3_600;

/// The times of the calls of RotateSecret, by account. Each node counts its own.
#[derive(Debug, Default)]
pub(crate) struct RotationsAsked(Mutex<HashMap<AccountId, VecDeque<Timestamp>>>);

impl RotationsAsked {
    /// Counts a call, unless the account has used up its hour.
    pub(crate) fn admit(&self, account: &AccountId, now: Timestamp) -> bool {
        let mut accounts = self.0.lock();
        let times = accounts.entry(account.clone()).or_default();
        let hour_ago = now.plus_seconds(-HOUR_SECONDS);
        while times.front().is_some_and(|time| *time <= hour_ago) {
            times.pop_front();
        }
        let room = times.len() < ROTATIONS_PER_HOUR;
        if room {
            times.push_back(now);
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_fifty_rotations_in_an_hour() {
        let asked = RotationsAsked::default();
        let (one, other) = ("1234567890123456".parse().unwrap(), "6543210987654321".parse().unwrap());
        let at = Timestamp::from_seconds;
        assert!((0..50).all(|second| asked.admit(&one, at(second))));
        assert!(!asked.admit(&one, at(3_599)));
        assert!(asked.admit(&other, at(3_599)));
        assert!(asked.admit(&one, at(3_600)));
        assert!(!asked.admit(&one, at(3_600)));
    }
}
