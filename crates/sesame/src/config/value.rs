//! The types a setting can have, and how each is read from and written to the configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sesame_crypto::SecretText;
use sesame_domain::{AccountId, Network, RegionId};
use sesame_service::{AccountRate, Allowance, GroupRate};

use crate::serve::SyslogTarget;

/// A value as a file, a variable or a flag gives it, before its setting has looked at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Raw {
    Text(String),
    Number(i64),
    Switch(bool),
    List(Vec<String>),
    Tables(BTreeMap<String, BTreeMap<String, Raw>>),
}

/// The form in which a setting is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Switch,
    List,
    Tables,
}

impl Kind {
    /// Reads the text of a variable or a flag; the items of a list are separated by commas.
    pub(crate) fn raw(self, text: &str) -> Result<Raw, String> {
        match self {
            Self::Text => Ok(Raw::Text(text.to_owned())),
            Self::Number => text.trim().parse().map(Raw::Number).map_err(|_| "must be a whole number".to_owned()),
            Self::Switch => match text.trim() {
                "true" | "1" | "yes" | "on" => Ok(Raw::Switch(true)),
                "false" | "0" | "no" | "off" => Ok(Raw::Switch(false)),
                _ => Err("must be true or false".to_owned()),
            },
            Self::List => Ok(Raw::List(
                text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect(),
            )),
            Self::Tables => Err("can only be set in a file".to_owned()),
        }
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Text => "must be a text in quotation marks",
            Self::Number => "must be a whole number",
            Self::Switch => "must be true or false",
            Self::List => "must be a list of texts, [\"…\", \"…\"]",
            Self::Tables => "must be tables",
        }
    }
}

/// A type that a setting can have.
pub(crate) trait Value: Sized {
    /// The form in which it is written.
    const KIND: Kind;
    /// Whether its content may be shown.
    const SECRET: bool = false;

    /// Reads it; the error completes a sentence that begins with the name of the setting.
    fn read(raw: &Raw) -> Result<Self, String>;

    /// As TOML, with anything secret masked; nothing when it is not set.
    fn toml(&self) -> Option<String>;
}

impl<T: Value> Value for Option<T> {
    const KIND: Kind = T::KIND;
    const SECRET: bool = T::SECRET;

    fn read(raw: &Raw) -> Result<Self, String> {
        T::read(raw).map(Some)
    }

    fn toml(&self) -> Option<String> {
        self.as_ref().and_then(Value::toml)
    }
}

impl<T: Value> Value for Vec<T> {
    const KIND: Kind = Kind::List;

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::List(items) = raw else { return Err(Self::KIND.expected().to_owned()) };
        items.iter().map(|item| T::read(&Raw::Text(item.clone()))).collect()
    }

    fn toml(&self) -> Option<String> {
        Some(format!("[{}]", self.iter().filter_map(Value::toml).collect::<Vec<_>>().join(", ")))
    }
}

impl Value for bool {
    const KIND: Kind = Kind::Switch;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Switch(on) => Ok(*on),
            _ => Err(Self::KIND.expected().to_owned()),
        }
    }

    fn toml(&self) -> Option<String> {
        Some(self.to_string())
    }
}

/// A number between two bounds, both allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounded<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> Bounded<MIN, MAX> {
    /// A default; a value outside the bounds is moved to the nearer one.
    pub(crate) const fn new(value: u64) -> Self {
        Self(if value < MIN {
            MIN
        } else if value > MAX {
            MAX
        } else {
            value
        })
    }

    /// The number.
    pub(crate) const fn get(self) -> u64 {
        self.0
    }

    /// The number as a count of 32 bits; bounds of such settings keep it there.
    pub(crate) fn count(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }

    /// The number as a size in memory; the bounds keep it far below what does not fit.
    pub(crate) fn size(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl<const MIN: u64, const MAX: u64> Value for Bounded<MIN, MAX> {
    const KIND: Kind = Kind::Number;

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Number(number) = raw else { return Err(Self::KIND.expected().to_owned()) };
        let number = u64::try_from(*number).ok().filter(|number| (MIN..=MAX).contains(number));
        number.map(Self).ok_or_else(|| format!("must be between {MIN} and {MAX}"))
    }

    fn toml(&self) -> Option<String> {
        Some(self.0.to_string())
    }
}

/// Implements [`Value`] for a type that is read with `FromStr` and shown with `Display`.
macro_rules! text_value {
    ($($type:ty: $expected:literal;)+) => {$(
        impl Value for $type {
            const KIND: Kind = Kind::Text;

            fn read(raw: &Raw) -> Result<Self, String> {
                let Raw::Text(text) = raw else { return Err(Self::KIND.expected().to_owned()) };
                text.parse().map_err(|_| $expected.to_owned())
            }

            fn toml(&self) -> Option<String> {
                Some(quoted(&self.to_string()))
            }
        }
    )+};
}

/// As [`text_value`], for types whose `FromStr` says itself what is wrong.
macro_rules! explained_value {
    ($($type:ty),+) => {$(
        impl Value for $type {
            const KIND: Kind = Kind::Text;

            fn read(raw: &Raw) -> Result<Self, String> {
                let Raw::Text(text) = raw else { return Err(Self::KIND.expected().to_owned()) };
                text.parse()
            }

            fn toml(&self) -> Option<String> {
                Some(quoted(&self.to_string()))
            }
        }
    )+};
}

explained_value!(AccountRate, Allowance, GroupRate);

text_value! {
    RegionId: "must be a region id such as cn-hangzhou";
    AccountId: "must be an account id of 16 digits";
    Network: "must be an address or a network such as 10.0.0.0/8";
    Listen: "must be an address such as 127.0.0.1:8600, or off";
    LogFormat: "must be text or json";
    AuditDurability: "must be process or disk";
    AuditQueries: "must be off, management or all";
    SyslogTarget: "must be udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH";
    LogLevel: "must be error, warn, info, debug or trace";
    CallRates: "must be off or original";
    SealKind: "must be file, the only seal of this version";
    TlsName: "must be a host name or an IP address";
    String: "must be a text";
}

impl Value for PathBuf {
    const KIND: Kind = Kind::Text;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) if !text.is_empty() => Ok(text.into()),
            Raw::Text(_) => Err("must be the path of a file".to_owned()),
            _ => Err(Self::KIND.expected().to_owned()),
        }
    }

    fn toml(&self) -> Option<String> {
        Some(quoted(&self.to_string_lossy()))
    }
}

impl Value for SecretText {
    const KIND: Kind = Kind::Text;
    const SECRET: bool = true;

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::Text(text) if !text.is_empty() => Ok(Self::new(text.clone())),
            Raw::Text(_) => Err("must not be empty".to_owned()),
            _ => Err(Self::KIND.expected().to_owned()),
        }
    }

    fn toml(&self) -> Option<String> {
        Some(quoted(MASK))
    }
}

/// What is shown in the place of a secret.
pub(crate) const MASK: &str = "********";

/// The URL of a database, which may hold a password.
pub(crate) struct StorageUrl(SecretText);

impl StorageUrl {
    pub(crate) fn new(url: String) -> Self {
        Self(SecretText::new(url))
    }

    /// The URL with its password.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The URL with its password, and any parameter that may hold one, masked.
    pub(crate) fn masked(&self) -> String {
        let url = self.0.expose();
        let (url, query) = url.split_once('?').map_or((url, None), |(url, query)| (url, Some(query)));
        let mut shown = match url.split_once("://") {
            // The last @ ends the credentials, since a password may hold one that somebody forgot to encode.
            Some((scheme, rest)) => match rest.rsplit_once('@') {
                Some((credentials, rest)) => match credentials.split_once(':') {
                    Some((user, _)) => format!("{scheme}://{user}:{MASK}@{rest}"),
                    None => format!("{scheme}://{credentials}@{rest}"),
                },
                None => url.to_owned(),
            },
            None => url.to_owned(),
        };
        if let Some(query) = query {
            let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
                Some((name, _)) if name.to_ascii_lowercase().contains("pass") => format!("{name}={MASK}"),
                _ => parameter.to_owned(),
            });
            shown = format!("{shown}?{}", parameters.collect::<Vec<_>>().join("&"));
        }
        shown
    }
}

impl fmt::Debug for StorageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl Value for StorageUrl {
    const KIND: Kind = Kind::Text;
    const SECRET: bool = true;

    fn read(raw: &Raw) -> Result<Self, String> {
        const EXPECTED: &str = "must be sqlite://<file> or postgres://<user>:<password>@<host>/<database>";
        let Raw::Text(text) = raw else { return Err(Self::KIND.expected().to_owned()) };
        let known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        if known { Ok(Self::new(text.clone())) } else { Err(EXPECTED.to_owned()) }
    }

    fn toml(&self) -> Option<String> {
        Some(quoted(&self.masked()))
    }
}

/// Where a listener is, or that there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    Off,
    At { host: String, port: u16 },
}

impl FromStr for Listen {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let (host, port) = text.rsplit_once(':').ok_or(())?;
        let port = port.parse().map_err(|_| ())?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        // An IPv6 address has to stand in brackets, or nobody can tell where it ends and the port begins.
        if bare.is_empty() || bare == host && host.contains(':') || bare.contains(char::is_whitespace) {
            return Err(());
        }
        Ok(Self::At { host: bare.to_owned(), port })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::At { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// Declares an enumeration whose members are the words of the configuration.
macro_rules! words {
    ($($(#[$attribute:meta])* $name:ident { $($member:ident = $word:literal),+ })+) => {$(
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($member),+ }

        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($word => Ok(Self::$member),)+ _ => Err(()) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$member => $word),+ })
            }
        }
    )+};
}

words! {
    /// How log lines look.
    LogFormat { Text = "text", Json = "json" }
    /// When a call may be answered
    AuditDurability { Process = "process", Disk = "disk" }
    /// Which audit events can be queried.
    AuditQueries { Off = "off", Management = "management", All = "all" }
    /// Which rates groups of operations have where nothing else is said.
    CallRates { Off = "off", Original = "original" }
    /// The least important line that is still logged.
    LogLevel { Error = "error", Warn = "warn", Info = "info", Debug = "debug", Trace = "trace" }
    /// Where the root key comes from.
    SealKind { File = "file" }
}

/// A host name or an IP address that the server's certificate is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsName(String);

impl TlsName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TlsName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let name = rustls::pki_types::DnsName::try_from(text.strip_prefix("*.").unwrap_or(text)).is_ok();
        let address = text.parse::<std::net::IpAddr>().is_ok();
        if name || address { Ok(Self(text.to_owned())) } else { Err(()) }
    }
}

impl fmt::Display for TlsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `text` as a TOML string.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_an_address_or_off() {
        let read = |text: &str| text.parse::<Listen>();
        assert_eq!(read("off"), Ok(Listen::Off));
        assert_eq!(read("[::1]:0"), Ok(Listen::At { host: "::1".into(), port: 0 }));
        assert_eq!(read("kms.local:443").unwrap().to_string(), "kms.local:443");
        assert_eq!(read("[::1]:1").unwrap().to_string(), "[::1]:1");
        for wrong in ["", "8600", ":8600", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", "::1:8600", "a b:1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_url_is_shown_without_its_password() {
        let shown = |url: &str| StorageUrl::new(url.into()).masked();
        assert_eq!(shown("sqlite:sesame.db"), "sqlite:sesame.db");
        assert_eq!(shown("postgres://u@db/x"), "postgres://u@db/x");
        assert_eq!(shown("postgres://u:can@ary@db:5432/x"), format!("postgres://u:{MASK}@db:5432/x"));
        assert_eq!(
            shown("postgres://db/x?user=u&password=canary&sslmode=require"),
            format!("postgres://db/x?user=u&password={MASK}&sslmode=require")
        );
        assert!(!format!("{:?}", StorageUrl::new("postgres://u:canary@db/x".into())).contains("canary"));
    }

    #[test]
    fn numbers_keep_their_bounds() {
        assert_eq!(Bounded::<1, 10>::read(&Raw::Number(10)), Ok(Bounded(10)));
        for wrong in [0, 11, -1] {
            assert_eq!(Bounded::<1, 10>::read(&Raw::Number(wrong)), Err("must be between 1 and 10".to_owned()));
        }
    }

    #[test]
    fn variables_and_flags_are_read_by_the_form_of_their_setting() {
        assert_eq!(Kind::Switch.raw("on"), Ok(Raw::Switch(true)));
        assert!(Kind::Switch.raw("maybe").is_err());
        assert_eq!(Kind::List.raw("a, b,"), Ok(Raw::List(vec!["a".into(), "b".into()])));
        assert_eq!(Kind::Number.raw(" 7 "), Ok(Raw::Number(7)));
    }
}
