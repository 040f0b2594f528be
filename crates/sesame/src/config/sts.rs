//! `[sts.issuers."https://…"]` and `[sts.credentials."name"]`: whose keys are not fetched, and who gets credentials
//! without asking STS for them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sesame_crypto::SecretText;
use sesame_domain::AccountId;
use sesame_domain::ram::RoleName;

use super::instances::{Members, inline};
use super::value::{Bounded, Kind, MASK, Raw, Value};

/// The fewest characters of a handle: 190 bits, when they are drawn at random from letters and digits.
const HANDLE_CHARACTERS: usize = 32;

/// The files that hold the keys of some issuers, by issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Issuers(pub(crate) BTreeMap<String, PathBuf>);

impl Value for Issuers {
    const KIND: Kind = Kind::Tables;

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Tables(tables) = raw else { return Err("must be tables, [sts.issuers.\"https://…\"]".to_owned()) };
        let read = |(issuer, members): (&String, &BTreeMap<String, Raw>)| {
            let mut from = Members(members.clone());
            let jwks = from.take("jwks")?.ok_or_else(|| format!("of {issuer}: jwks is missing, a file with its keys"));
            match from.0.keys().next() {
                Some(unknown) => Err(format!("of {issuer}: there is no {unknown}")),
                None => Ok((issuer.clone(), jwks?)),
            }
        };
        tables.iter().map(read).collect::<Result<_, String>>().map(Self)
    }

    fn toml(&self) -> Option<String> {
        let tables: BTreeMap<_, _> =
            self.0.iter().map(|(issuer, jwks)| (issuer, one("jwks", &jwks.display()))).collect();
        inline(tables.iter().map(|(issuer, members)| (*issuer, members)))
    }
}

/// Credentials that whoever knows their handle gets.
#[derive(Debug)]
pub(crate) struct HandleSetting {
    pub(crate) handle: SecretText,
    pub(crate) account: Option<AccountId>,
    pub(crate) role: RoleName,
    pub(crate) seconds: u32,
    written: BTreeMap<String, Raw>,
}

/// All of them, by the name that their sessions have.
#[derive(Debug, Default)]
pub(crate) struct Handles(pub(crate) BTreeMap<String, HandleSetting>);

impl Value for Handles {
    const KIND: Kind = Kind::Tables;
    const SECRET: bool = true;

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Tables(tables) = raw else { return Err("must be tables, [sts.credentials.\"name\"]".to_owned()) };
        let read = |(name, members): (&String, &BTreeMap<String, Raw>)| {
            let setting = HandleSetting::read(members).map_err(|problem| format!("of {name}: {problem}"))?;
            Ok((name.clone(), setting))
        };
        tables.iter().map(read).collect::<Result<_, String>>().map(Self)
    }

    fn toml(&self) -> Option<String> {
        inline(self.0.iter().map(|(name, handle)| (name, &handle.written)))
    }
}

impl HandleSetting {
    fn read(members: &BTreeMap<String, Raw>) -> Result<Self, String> {
        let mut from = Members(members.clone());
        let handle: String =
            from.take("handle")?.ok_or("handle is missing, the end of the URL that nobody can guess")?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if handle.len() < HANDLE_CHARACTERS || !handle.bytes().all(allowed) {
            return Err(format!("handle must have {HANDLE_CHARACTERS} letters, digits, - or _, or more"));
        }
        let seconds: Option<Bounded<900, 43_200>> = from.take("seconds")?;
        let mut written = members.clone();
        written.insert("handle".to_owned(), Raw::Text(MASK.to_owned()));
        let setting = Self {
            handle: SecretText::new(handle),
            account: from.parsed("account", "the id of an account, 16 digits")?,
            role: from.parsed("role", "the name of a role")?.ok_or("role is missing, the name of a role")?,
            seconds: seconds.map_or(3_600, |seconds| u32::try_from(seconds.get()).unwrap_or(3_600)),
            written,
        };
        match from.0.keys().next() {
            Some(unknown) => Err(format!("there is no {unknown}")),
            None => Ok(setting),
        }
    }
}

fn one(name: &str, value: &impl ToString) -> BTreeMap<String, Raw> {
    [(name.to_owned(), Raw::Text(value.to_string()))].into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(name: &str, members: &[(&str, &str)]) -> Raw {
        let members = members.iter().map(|(name, text)| ((*name).to_owned(), Raw::Text((*text).to_owned())));
        Raw::Tables([(name.to_owned(), members.collect())].into_iter().collect())
    }

    #[test]
    fn an_issuer_has_a_file() {
        let read = Issuers::read(&tables("https://issuer", &[("jwks", "keys.json")])).unwrap();
        assert_eq!(read.toml().unwrap(), "{ \"https://issuer\" = { jwks = \"keys.json\" } }");
        assert!(Issuers::read(&tables("https://issuer", &[])).unwrap_err().contains("jwks is missing"));
        assert!(Issuers::read(&tables("x", &[("jwks", "a"), ("b", "c")])).unwrap_err().contains("there is no b"));
    }

    #[test]
    fn a_handle_is_long_and_never_shown() {
        let long = "0123456789abcdefghijklmnopqrstuv";
        let read = Handles::read(&tables("build", &[("handle", long), ("role", "ci")])).unwrap();
        assert_eq!((read.0["build"].role.as_str(), read.0["build"].seconds), ("ci", 3_600));
        assert_eq!(read.toml().unwrap(), "{ \"build\" = { handle = \"********\", role = \"ci\" } }");
        for (members, problem) in [
            (&[("role", "ci")][..], "handle is missing"),
            (&[("handle", "short"), ("role", "ci")], "handle must have 32"),
            (&[("handle", long)], "role is missing"),
            (&[("handle", long), ("role", "a_b")], "role must be"),
            (&[("handle", long), ("role", "ci"), ("x", "y")], "there is no x"),
        ] {
            let refusal = Handles::read(&tables("build", members)).unwrap_err();
            assert!(refusal.contains(problem) && !refusal.contains(long), "{refusal}");
        }
    }
}
