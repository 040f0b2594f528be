//! The brake on failed authentications.
//!
//! An address that fails too often is refused before its signature is looked at, and nobody else is: what one address
//! does to an access key cannot lock it for another. Memory is one table of a fixed size.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;
use sesame_domain::Timestamp;

use super::rate::{Rate, milliseconds, nanoseconds};
use crate::error::{Code, KmsError};

const SETS: usize = 4_096;
const WAYS: usize = 8;
/// Failures of so many addresses' worth with one access key put the key under watch.
const ADDRESSES: u32 = 10;

/// Counts failed authentications by address, by access key, and by both.
#[derive(Debug)]
pub(crate) struct Brake {
    per_address: Option<Rate>,
    per_access_key: Option<Rate>,
    hasher: RandomState,
    sets: Box<[Mutex<[Slot; WAYS]>]>,
    /// From this moment on no bucket lacks a token, so that nothing need be looked up.
    quiet_from: AtomicI64,
}

/// One bucket, of the failures that are named by the hash.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    name: u64,
    full_at: i64,
}

/// What went on for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Failures from the address, with whatever access key.
    Address,
    /// Failures from the address with this access key.
    AddressAndKey,
    /// Failures with this access key from many addresses, and at least one lately from this one.
    AccessKey,
}

impl By {
    /// Every cause.
    pub(crate) const ALL: [Self; 3] = [Self::Address, Self::AddressAndKey, Self::AccessKey];

    /// The name in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::AddressAndKey => "address_and_access_key",
            Self::AccessKey => "access_key",
        }
    }
}

/// A request that is refused unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Braked {
    pub(crate) by: By,
    wait: i64,
}

/// The names of the three buckets of a request.
#[derive(Clone, Copy)]
struct Names {
    address: u64,
    both: u64,
    access_key: u64,
}

impl Brake {
    /// Failures that an address may have in all, and with one access key.
    pub(crate) fn new(per_address: Option<Rate>, per_access_key: Option<Rate>) -> Self {
        Self {
            per_address,
            per_access_key,
            hasher: RandomState::new(),
            sets: (0..SETS).map(|_| Mutex::default()).collect(),
            quiet_from: AtomicI64::new(i64::MIN),
        }
    }

    /// Asks before a signature is looked at. An address that is over its rate is still heard with an access key that
    /// `is_known`: behind a proxy, many clients have one address.
    ///
    /// # Errors
    /// What went on for too long.
    pub(crate) fn check(
        &self,
        address: IpAddr,
        access_key: &str,
        now: Timestamp,
        is_known: impl FnOnce() -> bool,
    ) -> Result<(), Braked> {
        let now = nanoseconds(now);
        if now >= self.quiet_from.load(Ordering::Relaxed) {
            return Ok(());
        }
        let names = self.names(address, access_key);
        if let Some(rate) = self.per_access_key {
            match self.level(names.both, rate, now) {
                Level::Empty(wait) => return Err(Braked { by: By::AddressAndKey, wait }),
                Level::Used => {
                    if let Level::Empty(wait) = self.level(names.access_key, rate.times(ADDRESSES), now) {
                        return Err(Braked { by: By::AccessKey, wait });
                    }
                }
                Level::Full => {}
            }
        }
        if let Some(rate) = self.per_address
            && let Level::Empty(wait) = self.level(names.address, rate, now)
            && !is_known()
        {
            return Err(Braked { by: By::Address, wait });
        }
        Ok(())
    }

    /// Counts a request that failed; only those whose credential was wrong.
    pub(crate) fn failed(&self, address: IpAddr, access_key: &str, now: Timestamp, code: Code) {
        let is_wrong_credential = matches!(
            code,
            Code::InvalidAccessKeyIdNotFound
                | Code::InvalidAccessKeyIdInactive
                | Code::SignatureDoesNotMatch
                | Code::InvalidSecurityTokenMalformed
                | Code::InvalidSecurityTokenMismatch
                | Code::OidcTokenInvalid
                | Code::OidcNoPermission
                | Code::OidcProviderNotExist
        );
        if !is_wrong_credential {
            return;
        }
        let (now, names) = (nanoseconds(now), self.names(address, access_key));
        if let Some(rate) = self.per_address {
            self.charge(names.address, rate, now);
        }
        if let Some(rate) = self.per_access_key {
            self.charge(names.both, rate, now);
            self.charge(names.access_key, rate.times(ADDRESSES), now);
        }
    }

    fn names(&self, address: IpAddr, access_key: &str) -> Names {
        let network = network(address);
        // Zero is the name of a free slot.
        let name = |of: (u8, u64, &str)| self.hasher.hash_one(of) | 1;
        Names {
            address: name((0, network, "")),
            both: name((1, network, access_key)),
            access_key: name((2, 0, access_key)),
        }
    }

    fn level(&self, name: u64, rate: Rate, now: i64) -> Level {
        let Some(set) = self.set(name) else { return Level::Full };
        let set = set.lock();
        let Some(slot) = set.iter().find(|slot| slot.name == name) else { return Level::Full };
        match rate.take(slot.full_at, now) {
            Err(wait) => Level::Empty(wait),
            Ok(_) if rate.is_full(slot.full_at, now) => Level::Full,
            Ok(_) => Level::Used,
        }
    }

    fn charge(&self, name: u64, rate: Rate, now: i64) {
        let Some(set) = self.set(name) else { return };
        let mut set = set.lock();
        // A new name takes the place of the one whose failures are the longest forgotten.
        let slot = match set.iter().position(|slot| slot.name == name) {
            Some(at) => set.get_mut(at),
            None => set.iter_mut().min_by_key(|slot| slot.full_at),
        };
        let Some(slot) = slot else { return };
        if slot.name != name {
            *slot = Slot { name, full_at: i64::MIN };
        }
        // Requests that were under way together can fail beyond the last token.
        if let Ok(full_at) = rate.take(slot.full_at, now) {
            slot.full_at = full_at;
            self.quiet_from.fetch_max(full_at, Ordering::Relaxed);
        }
    }

    fn set(&self, name: u64) -> Option<&Mutex<[Slot; WAYS]>> {
        self.sets.get(usize::try_from(name >> 32).unwrap_or_default() % SETS)
    }
}

enum Level {
    /// No failure that is not forgotten.
    Full,
    /// Failures, but not too many.
    Used,
    /// Too many; how long until the next request is heard.
    Empty(i64),
}

/// What counts as one address: of IPv6 the network of a host, since a host has as many addresses there as it likes.
fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        // No network begins with the 32 zeros that stand before an IPv4 address.
        IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or_default(),
    }
}

impl From<Braked> for KmsError {
    fn from(braked: Braked) -> Self {
        let milliseconds = milliseconds(braked.wait);
        let message = format!(
            "Too many requests from this address failed authentication. Check the access key and its secret, and try \
             again in {} s.",
            milliseconds.div_ceil(1_000)
        );
        Self { retry_after_ms: Some(milliseconds), ..Self::new(Code::Throttling, message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
    const WRONG: Code = Code::SignatureDoesNotMatch;

    fn brake(per_address: u32, per_access_key: u32) -> Brake {
        Brake::new(Rate::per_minute(per_address), Rate::per_minute(per_access_key))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn by(brake: &Brake, address: &str, key: &str, now: Timestamp) -> Option<By> {
        brake.check(ip(address), key, now, || false).err().map(|braked| braked.by)
    }

    fn fail(brake: &Brake, address: &str, key: &str, times: usize) {
        for _ in 0..times {
            brake.failed(ip(address), key, NOW, WRONG);
        }
    }

    #[test]
    fn an_address_that_guesses_a_secret_is_braked_and_no_other() {
        let brake = brake(100, 5);
        fail(&brake, "192.0.2.1", "key", 4);
        assert_eq!(by(&brake, "192.0.2.1", "key", NOW), None);
        fail(&brake, "192.0.2.1", "key", 1);
        assert_eq!(by(&brake, "192.0.2.1", "key", NOW), Some(By::AddressAndKey));
        assert_eq!(by(&brake, "192.0.2.1", "other", NOW), None);
        assert_eq!(by(&brake, "192.0.2.2", "key", NOW), None);
    }

    #[test]
    fn failures_are_forgotten_one_after_the_other() {
        let brake = brake(0, 6);
        fail(&brake, "192.0.2.1", "key", 50);
        assert_eq!(by(&brake, "192.0.2.1", "key", NOW.plus_seconds(9)), Some(By::AddressAndKey));
        let later = NOW.plus_seconds(10);
        assert_eq!(by(&brake, "192.0.2.1", "key", later), None);
        brake.failed(ip("192.0.2.1"), "key", later, WRONG);
        assert_eq!(by(&brake, "192.0.2.1", "key", later), Some(By::AddressAndKey));
        assert_eq!(by(&brake, "192.0.2.1", "key", NOW.plus_seconds(61)), None);
    }

    #[test]
    fn an_address_that_tries_many_keys_is_heard_with_known_ones_only() {
        let brake = brake(30, 5);
        for key in 0..30 {
            fail(&brake, "192.0.2.1", &format!("key-{key}"), 1);
        }
        assert_eq!(by(&brake, "192.0.2.1", "new", NOW), Some(By::Address));
        assert_eq!(brake.check(ip("192.0.2.1"), "new", NOW, || true), Ok(()));
        assert_eq!(by(&brake, "192.0.2.2", "new", NOW), None);
    }

    #[test]
    fn a_key_under_attack_from_everywhere_is_open_to_who_has_not_failed() {
        let brake = brake(0, 5);
        for host in 0..60 {
            fail(&brake, &format!("198.51.100.{host}"), "key", 1);
        }
        assert_eq!(by(&brake, "198.51.100.7", "key", NOW), Some(By::AccessKey));
        assert_eq!(by(&brake, "198.51.100.7", "other", NOW), None);
        assert_eq!(by(&brake, "192.0.2.1", "key", NOW), None);
    }

    #[test]
    fn only_wrong_credentials_count() {
        let brake = brake(2, 2);
        for code in Code::ALL {
            for _ in 0..5 {
                brake.failed(ip("192.0.2.1"), code.name(), NOW, *code);
            }
        }
        let braked: Vec<_> =
            Code::ALL.iter().filter(|code| brake.check(ip("192.0.2.1"), code.name(), NOW, || true).is_err()).collect();
        let wrong = [
            &Code::InvalidAccessKeyIdNotFound,
            &Code::InvalidAccessKeyIdInactive,
            &Code::SignatureDoesNotMatch,
            &Code::InvalidSecurityTokenMalformed,
            &Code::InvalidSecurityTokenMismatch,
            &Code::OidcTokenInvalid,
            &Code::OidcNoPermission,
            &Code::OidcProviderNotExist,
        ];
        assert_eq!(braked, wrong);
    }

    #[test]
    fn a_host_has_one_network_however_it_writes_its_address() {
        assert_eq!(network(ip("192.0.2.1")), network(ip("::ffff:192.0.2.1")));
        assert_eq!(network(ip("2001:db8::1")), network(ip("2001:db8::ffff:1:2")));
        assert_ne!(network(ip("2001:db8::1")), network(ip("2001:db8:0:1::1")));
        assert_ne!(network(ip("192.0.2.1")), network(ip("192.0.2.2")));
    }

    #[test]
    fn a_brake_that_is_off_brakes_nothing() {
        let brake = brake(0, 0);
        fail(&brake, "192.0.2.1", "key", 10_000);
        assert_eq!(by(&brake, "192.0.2.1", "key", NOW), None);
    }

    #[test]
    fn a_flood_of_addresses_changes_nothing_for_others_and_takes_no_memory() {
        let brake = brake(5, 5);
        for host in 0..200_000_u32 {
            brake.failed(IpAddr::V4(host.into()), "key", NOW, WRONG);
        }
        assert_eq!(by(&brake, "203.0.113.9", "key", NOW), None);
        assert_eq!(by(&brake, "203.0.113.9", "other", NOW), None);
        let used = brake.sets.iter().map(|set| set.lock().iter().filter(|slot| slot.name != 0).count()).sum::<usize>();
        assert!(used <= SETS * WAYS);
    }

    #[test]
    fn the_answer_says_when_to_try_again() {
        let brake = brake(0, 6);
        fail(&brake, "192.0.2.1", "key", 6);
        let error = KmsError::from(brake.check(ip("192.0.2.1"), "key", NOW, || true).unwrap_err());
        assert_eq!((error.code, error.retry_after_ms), (Code::Throttling, Some(10_000)));
        assert!(error.message.ends_with("try again in 10 s."), "{}", error.message);
    }
}
