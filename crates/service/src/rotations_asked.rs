//! How many rotations an account has asked for in the last hour.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use sesame_domain::{AccountId, Timestamp};

use crate::error::{Code, KmsError, Result};

const HOUR_SECONDS: i64 = 3_600;

/// The times of the calls of RotateSecret, by account. Each node counts its own.
#[derive(Debug)]
pub(crate) struct RotationsAsked {
    per_hour: u64,
    accounts: Mutex<HashMap<AccountId, VecDeque<Timestamp>>>,
}

impl RotationsAsked {
    /// So many rotations of an account in an hour; 0 for any number.
    pub(crate) fn new(per_hour: u64) -> Self {
        Self { per_hour, accounts: Mutex::default() }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// `Rejected.Throttling` when the account has used up its hour, with the time until the oldest call is an hour old.
    pub(crate) fn admit(&self, account: &AccountId, now: Timestamp) -> Result<()> {
        if self.per_hour == 0 {
            return Ok(());
        }
        let mut accounts = self.accounts.lock();
        let times = accounts.entry(account.clone()).or_default();
        let hour_ago = now.plus_seconds(-HOUR_SECONDS);
        while times.front().is_some_and(|time| *time <= hour_ago) {
            times.pop_front();
        }
        match times.front() {
            Some(oldest) if times.len() as u64 >= self.per_hour => {
                let wait = u64::try_from(oldest.millis() - hour_ago.millis()).unwrap_or_default();
                Err(KmsError { retry_after_ms: Some(wait), ..Code::Throttling.into() })
            }
            _ => {
                times.push_back(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_so_many_rotations_in_an_hour() {
        let asked = RotationsAsked::new(50);
        let (one, other) = ("1234567890123456".parse().unwrap(), "6543210987654321".parse().unwrap());
        let at = Timestamp::from_seconds;
        assert!((0..50).all(|second| asked.admit(&one, at(second)).is_ok()));
        let refused = asked.admit(&one, at(3_599)).unwrap_err();
        assert_eq!((refused.code, refused.retry_after_ms), (Code::Throttling, Some(1_000)));
        assert!(asked.admit(&other, at(3_599)).is_ok());
        assert!(asked.admit(&one, at(3_600)).is_ok());
        assert!(asked.admit(&one, at(3_600)).is_err());
        let unlimited = RotationsAsked::new(0);
        assert!((0..500).all(|_| unlimited.admit(&one, at(0)).is_ok()));
    }
}
