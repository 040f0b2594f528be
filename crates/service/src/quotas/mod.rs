//! Quotas: calls per account and group, the brake on failed authentications, and how many of each thing there may be.

mod brake;
mod groups;
mod rate;
mod resources;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use parking_lot::RwLock;
use sesame_domain::{AccountId, Timestamp};

pub(crate) use brake::{Brake, By};
pub use groups::Group;
pub(crate) use groups::of as group_of;
pub use rate::{Allowance, Rate};
pub(crate) use resources::Resource;

use crate::error::{Code, KmsError, Result};
use crate::registry::{Entry, Product};
use rate::Bucket;

/// How many calls an account may make in each group; nothing is limited by default. Each node counts for itself.
#[derive(Clone, Debug, Default)]
pub struct CallQuotas {
    /// Whether a group has the rate of the original where nothing else is said.
    pub original: bool,
    /// Rates of groups, for every account.
    pub groups: Vec<GroupRate>,
    /// Rates of single accounts, which go before.
    pub accounts: Vec<AccountRate>,
}

/// The rate of a group: `key_create=20/s`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRate {
    /// The group.
    pub group: Group,
    /// Its rate.
    pub allowance: Allowance,
}

/// The rate of an account in a group, or in every group that has no entry of its own: `1234567890123456/symmetric=50/s`,
/// `1234567890123456=off`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRate {
    /// The account.
    pub account: AccountId,
    /// The group; none for every group.
    pub group: Option<Group>,
    /// Its rate.
    pub allowance: Allowance,
}

impl CallQuotas {
    fn limits_nothing(&self) -> bool {
        let mut allowances =
            self.groups.iter().map(|row| row.allowance).chain(self.accounts.iter().map(|row| row.allowance));
        !self.original && allowances.all(|allowance| allowance.0.is_none())
    }

    /// The rate of an account in a group: the account's own for the group, the account's own for all, the group's, the
    /// original's. Of two entries for the same, the later counts.
    fn rate(&self, account: &AccountId, group: Group) -> Option<Rate> {
        let own = |wanted: Option<Group>| {
            let mut rows = self.accounts.iter().rev();
            rows.find(|row| row.account == *account && row.group == wanted).map(|row| row.allowance.0)
        };
        let of_group = || self.groups.iter().rev().find(|row| row.group == group).map(|row| row.allowance.0);
        let original = || if self.original { group.original() } else { None };
        own(Some(group)).or_else(|| own(None)).or_else(of_group).unwrap_or_else(original)
    }
}

/// Counts calls against the quotas of their accounts.
#[derive(Debug)]
pub(crate) struct Throttle {
    quotas: CallQuotas,
    accounts: RwLock<HashMap<AccountId, Buckets>>,
}

/// The buckets of one account, in the order of the groups.
#[derive(Debug)]
struct Buckets(Box<[(Option<Rate>, Bucket)]>);

impl Throttle {
    /// Nothing when nothing is limited, so that nothing is counted.
    pub(crate) fn new(quotas: CallQuotas) -> Option<Self> {
        (!quotas.limits_nothing()).then(|| Self { quotas, accounts: RwLock::default() })
    }

    /// Counts a call.
    ///
    /// # Errors
    /// `Rejected.Throttling`, or `Throttling.User` from the other products, with the time after which to try again.
    pub(crate) fn admit(&self, operation: &Entry, account: &AccountId, now: Timestamp) -> Result<()> {
        if let Some(buckets) = self.accounts.read().get(account) {
            return buckets.take(operation, now);
        }
        let mut accounts = self.accounts.write();
        let buckets = accounts.entry(account.clone()).or_insert_with(|| {
            let rates = Group::ALL.iter().map(|group| (self.quotas.rate(account, *group), Bucket::default()));
            Buckets(rates.collect())
        });
        buckets.take(operation, now)
    }
}

impl Buckets {
    fn take(&self, operation: &Entry, now: Timestamp) -> Result<()> {
        let Some((Some(rate), bucket)) = self.0.get(operation.group.index()) else { return Ok(()) };
        bucket.take(*rate, rate::nanoseconds(now)).map_err(|wait| {
            let is_kms = operation.product == Product::Kms;
            let code = if is_kms { Code::Throttling } else { Code::ThrottlingUser };
            KmsError { retry_after_ms: Some(rate::milliseconds(wait)), ..code.into() }
        })
    }
}

impl fmt::Display for GroupRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.group, self.allowance)
    }
}

impl FromStr for GroupRate {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let Some((group, rate)) = text.split_once('=') else {
            return Err("must be a list of groups with rates, such as key_create=20/s".to_owned());
        };
        Ok(Self { group: group.trim().parse()?, allowance: rate.trim().parse()? })
    }
}

impl fmt::Display for AccountRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group {
            Some(group) => write!(f, "{}/{group}={}", self.account, self.allowance),
            None => write!(f, "{}={}", self.account, self.allowance),
        }
    }
}

impl FromStr for AccountRate {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let form = || {
            "must be a list of accounts with rates, such as 1234567890123456/symmetric=50/s or 1234567890123456=off"
                .to_owned()
        };
        let (what, rate) = text.split_once('=').ok_or_else(form)?;
        let (account, group) = match what.split_once('/') {
            Some((account, group)) => (account, Some(group.trim().parse()?)),
            None => (what, None),
        };
        let account = account.trim().parse().map_err(|_| form())?;
        Ok(Self { account, group, allowance: rate.trim().parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotas(original: bool, groups: &[&str], accounts: &[&str]) -> CallQuotas {
        CallQuotas {
            original,
            groups: groups.iter().map(|text| text.parse().unwrap()).collect(),
            accounts: accounts.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn the_nearest_entry_counts() {
        let quotas = quotas(
            true,
            &["symmetric=5/s", "symmetric=7/s", "key_read=off"],
            &["1111111111111111/symmetric=1/h", "1111111111111111=off", "2222222222222222=9/min"],
        );
        let rate = |account: &str, group| Allowance(quotas.rate(&account.parse().unwrap(), group)).to_string();
        assert_eq!(rate("1111111111111111", Group::Symmetric), "1/h");
        assert_eq!(rate("1111111111111111", Group::KeyCreate), "off");
        assert_eq!(rate("2222222222222222", Group::Symmetric), "9/min");
        assert_eq!(rate("3333333333333333", Group::Symmetric), "7/s");
        assert_eq!(rate("3333333333333333", Group::KeyRead), "off");
        assert_eq!(rate("3333333333333333", Group::KeyCreate), "10/s");
    }

    #[test]
    fn quotas_that_limit_nothing_count_nothing() {
        assert!(Throttle::new(CallQuotas::default()).is_none());
        assert!(Throttle::new(quotas(false, &["symmetric=off"], &["1111111111111111=off"])).is_none());
        assert!(Throttle::new(quotas(true, &[], &[])).is_some());
        assert!(Throttle::new(quotas(false, &[], &["1111111111111111=1/s"])).is_some());
    }

    #[test]
    fn entries_are_read_as_they_are_written() {
        for text in ["key_create=20/s", "secret_create=50/h", "activation=off"] {
            assert_eq!(text.parse::<GroupRate>().unwrap().to_string(), text);
        }
        for text in ["1234567890123456/trail=2/s", "1234567890123456=off"] {
            assert_eq!(text.parse::<AccountRate>().unwrap().to_string(), text);
        }
        for wrong in ["", "key_create", "nonsense=1/s", "key_create=1"] {
            assert!(wrong.parse::<GroupRate>().is_err(), "{wrong}");
        }
        for wrong in ["", "12=off", "1234567890123456", "1234567890123456/x=off", "1234567890123456=1"] {
            assert!(wrong.parse::<AccountRate>().is_err(), "{wrong}");
        }
    }
}
