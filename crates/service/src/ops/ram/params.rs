//! The parameters of RAM. What is wrong with one has a code of its own, which names the parameter.

use std::net::IpAddr;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sesame_domain::ram::{
    GroupName, InvalidName, OidcProviderName, PolicyName, RoleName, SecurityPreference, UserName, limits,
};

use crate::error::{Fault, KmsError, Result};
use crate::params::{Kind, Param, Params};

type Wrong = (Fault, String);

/// A type that is read from one text and says itself what is wrong with it.
trait Read: Sized {
    const KIND: Kind = Kind::Text;

    fn read(text: &str) -> std::result::Result<Self, Wrong>;
}

macro_rules! params {
    ($($type:ty),+) => {$(
        impl Param for $type {
            const KIND: Kind = <Self as Read>::KIND;

            fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
                let text = params.get(name).unwrap_or_default();
                Read::read(text).map_err(|(fault, what_is_right)| KmsError::faulty(name, fault, what_is_right))
            }
        }
    )+};
}

macro_rules! names {
    ($($name:ty),+) => {$(
        impl Read for $name {
            fn read(text: &str) -> std::result::Result<Self, Wrong> {
                text.parse().map_err(|wrong| match wrong {
                    InvalidName::Length => length(Self::LIMIT),
                    InvalidName::Characters => (
                        Fault::Characters,
                        format!("it may have letters and digits of ASCII, and the characters {}", Self::OTHERS),
                    ),
                })
            }
        }
    )+};
}

names!(UserName, GroupName, RoleName, PolicyName, OidcProviderName);
params!(
    UserName,
    GroupName,
    RoleName,
    PolicyName,
    OidcProviderName,
    DisplayName,
    Comments,
    MobilePhone,
    Email,
    Status,
    MaxItems,
    NetworkMasks
);

fn length(most: usize) -> Wrong {
    (Fault::Length, format!("it may have 1 to {most} characters"))
}

/// A name that people read.
#[derive(Debug)]
pub(crate) struct DisplayName(pub(crate) String);

impl Read for DisplayName {
    fn read(text: &str) -> std::result::Result<Self, Wrong> {
        if text.chars().count() > limits::DISPLAY_NAME_CHARS {
            return Err(length(limits::DISPLAY_NAME_CHARS));
        }
        // Letters of every script: the original names Chinese ones. One page names spaces, too.
        if !text.chars().all(|c| c.is_alphanumeric() || "@._- ".contains(c)) {
            return Err((Fault::Characters, "it may have letters, digits, spaces, and the characters @._-".to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

/// What a user or a group is for.
#[derive(Debug)]
pub(crate) struct Comments(pub(crate) String);

impl Read for Comments {
    fn read(text: &str) -> std::result::Result<Self, Wrong> {
        let fits = text.chars().count() <= limits::COMMENTS_CHARS;
        fits.then(|| Self(text.to_owned())).ok_or_else(|| length(limits::COMMENTS_CHARS))
    }
}

/// A telephone number; the code of the country may be left away.
#[derive(Debug)]
pub(crate) struct MobilePhone(pub(crate) String);

impl Read for MobilePhone {
    fn read(text: &str) -> std::result::Result<Self, Wrong> {
        let (country, number) = text.split_once('-').unwrap_or(("0", text));
        let is = |text: &str, length: std::ops::RangeInclusive<usize>| {
            length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let right = is(country, 1..=4) && is(number, 4..=20);
        right
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| (Fault::Format, "it must be the code of a country, a hyphen and a number".to_owned()))
    }
}

/// An address for mail. Whether it exists, only a letter would tell.
#[derive(Debug)]
pub(crate) struct Email(pub(crate) String);

impl Read for Email {
    fn read(text: &str) -> std::result::Result<Self, Wrong> {
        let right = text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !domain.starts_with('.')
        });
        let right = right
            && text.chars().count() <= limits::EMAIL_CHARS
            && !text.chars().any(|c| c.is_whitespace() || c.is_control());
        right
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| (Fault::Format, "it must be an address such as name@example.com".to_owned()))
    }
}

/// Whether an access key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It may.
    Active,
    /// It may not.
    Inactive,
}

impl Status {
    /// The status of an access key.
    pub(crate) fn of(active: bool) -> Self {
        if active { Self::Active } else { Self::Inactive }
    }

    /// The word in the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
        }
    }
}

impl Read for Status {
    fn read(text: &str) -> std::result::Result<Self, Wrong> {
        let known = [Self::Active, Self::Inactive].into_iter().find(|status| status.name() == text);
        known.ok_or_else(|| (Fault::Value, "it must be Active or Inactive".to_owned()))
    }
}

/// A number between two bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranged<const MIN: u32, const MAX: u32>(pub(crate) u32);

impl<const MIN: u32, const MAX: u32> Param for Ranged<MIN, MAX> {
    const KIND: Kind = Kind::Integer;

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let text = params.get(name).unwrap_or_default();
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| text.parse().ok()).flatten().filter(|number| (MIN..=MAX).contains(number));
        number.map(Self).ok_or_else(|| {
            KmsError::faulty(name, Fault::Range, format_args!("it must be a number from {MIN} to {MAX}"))
        })
    }
}

/// Rows on a page of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaxItems(u32);

impl MaxItems {
    /// The number asked for, or the one of the original.
    pub(crate) fn or_default(this: Option<Self>) -> u32 {
        this.map_or(limits::PAGE.1, |Self(number)| number)
    }
}

impl Read for MaxItems {
    const KIND: Kind = Kind::Integer;

    fn read(text: &str) -> std::result::Result<Self, Wrong> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.then(|| text.parse().ok()).flatten().filter(|number| (1..=limits::PAGE.0).contains(number));
        number.map(Self).ok_or_else(|| (Fault::Range, format!("it must be a number from 1 to {}", limits::PAGE.0)))
    }
}

/// Where the page before ended: the key of its last row.
#[derive(Debug)]
pub(crate) struct Marker<T>(pub(crate) T);

impl<T: FromStr> Param for Marker<T> {
    const KIND: Kind = Kind::Text;

    fn decode(params: &Params<'_>, name: &'static str) -> Result<Self> {
        let decoded = URL_SAFE_NO_PAD.decode(params.get(name).unwrap_or_default()).ok();
        let key = decoded.and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|text| text.parse().ok());
        key.map(Self).ok_or_else(|| KmsError::faulty(name, Fault::Format, "it must be the Marker of the page before"))
    }
}

/// Cuts a list that was read with one row more than a page; the marker of the next page, when there is one.
pub(crate) fn cut<T>(rows: &mut Vec<T>, size: u32, key: impl Fn(&T) -> &str) -> Option<String> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    rows.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(key(last)))
}

/// Addresses and networks that users may log on from.
#[derive(Debug)]
pub(crate) struct NetworkMasks(pub(crate) String);

impl Read for NetworkMasks {
    fn read(text: &str) -> std::result::Result<Self, Wrong> {
        let is_network = |text: &str| {
            let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
            let most = match address.parse() {
                Ok(IpAddr::V4(_)) => 32,
                Ok(IpAddr::V6(_)) => 128,
                Err(_) => return false,
            };
            bits.is_none_or(|bits| bits.parse().is_ok_and(|bits: u8| bits <= most))
        };
        let masks = text.split(';');
        let right = text.len() <= SecurityPreference::NETWORK_MASKS_CHARS
            && masks.clone().count() <= SecurityPreference::NETWORK_MASKS
            && masks.clone().all(is_network);
        right.then(|| Self(text.to_owned())).ok_or_else(|| {
            let most = SecurityPreference::NETWORK_MASKS;
            (Fault::Format, format!("it must be up to {most} addresses or networks such as 10.0.0.0/8, joined by ;"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_right<T: Param>(text: &str) -> bool {
        T::decode(&Params::new(vec![("X".into(), text.into())]), "X").is_ok()
    }

    #[test]
    fn telephone_numbers_and_addresses_have_a_form() {
        for right in ["86-18600008888", "18600008888", "1-5550100"] {
            assert!(is_right::<MobilePhone>(right), "{right}");
        }
        for wrong in ["+86-18600008888", "86-", "-18600008888", "86-1860000x", "86-186-0000", "123"] {
            assert!(!is_right::<MobilePhone>(wrong), "{wrong}");
        }
        for right in ["a@b", "a.b+c@d.example"] {
            assert!(is_right::<Email>(right), "{right}");
        }
        for wrong in ["a", "@b", "a@", "a@b@c", "a b@c", "a@.b"] {
            assert!(!is_right::<Email>(wrong), "{wrong}");
        }
    }

    #[test]
    fn names_for_people_may_be_of_every_script() {
        for right in ["张三", "Zhang San", "a@b.c_d-e"] {
            assert!(is_right::<DisplayName>(right), "{right}");
        }
        assert!(!is_right::<DisplayName>("a/b"));
        assert!(!is_right::<DisplayName>(&"字".repeat(129)));
        assert!(is_right::<Comments>(&"字".repeat(128)));
        assert!(!is_right::<Comments>(&"字".repeat(129)));
    }

    #[test]
    fn networks_are_addresses_with_or_without_a_length() {
        for right in ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32;10.1.2.3"] {
            assert!(is_right::<NetworkMasks>(right), "{right}");
        }
        for wrong in ["10.0.0.0/33", "10.0.0", "10.0.0.1;", "10.0.0.1,10.0.0.2", "::/129"] {
            assert!(!is_right::<NetworkMasks>(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_marker_leads_to_the_key_of_the_last_row() {
        let mut rows: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let marker = cut(&mut rows, 2, |row| row).unwrap();
        assert_eq!(rows, ["a", "b"]);
        let read = Marker::<UserName>::decode(&Params::new(vec![("Marker".into(), marker.into())]), "Marker");
        assert_eq!(read.unwrap().0.as_str(), "b");
        assert_eq!(cut(&mut rows, 2, |row| row), None);
        assert!(!is_right::<Marker<UserName>>("!"));
    }
}
