//! `[rotation.instances."rm-…"]` and `[rotation.webhooks."…"]`: how the systems are reached whose credentials are
//! rotated, and who is asked to rotate generic secrets.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sesame_domain::AccountId;
use sesame_domain::secret::SecretName;

use super::value::{Bounded, Kind, Raw, Value};

/// What an instance speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstanceKind {
    Postgresql,
    Mysql,
    Redis,
    Ssh,
}

impl InstanceKind {
    const ALL: [(Self, &'static str, u16); 4] = [
        (Self::Postgresql, "postgresql", 5432),
        (Self::Mysql, "mysql", 3306),
        (Self::Redis, "redis", 6379),
        (Self::Ssh, "ssh", 22),
    ];
}

/// One instance as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InstanceSetting {
    pub(crate) kind: InstanceKind,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) account: Option<AccountId>,
    pub(crate) tls: bool,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) administrator_secret: Option<SecretName>,
    pub(crate) accounts: Vec<String>,
    pub(crate) database: String,
    pub(crate) host_keys: Vec<String>,
    pub(crate) authorized_keys: String,
    pub(crate) sudo: bool,
    written: BTreeMap<String, Raw>,
}

/// Every instance by its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Instances(pub(crate) BTreeMap<String, InstanceSetting>);

impl Value for Instances {
    const KIND: Kind = Kind::Tables;

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Tables(tables) = raw else { return Err("must be tables, [rotation.instances.\"rm-…\"]".to_owned()) };
        let read = |(id, members): (&String, &BTreeMap<String, Raw>)| {
            let instance = InstanceSetting::read(members).map_err(|problem| format!("of {id}: {problem}"))?;
            Ok((id.clone(), instance))
        };
        tables.iter().map(read).collect::<Result<_, String>>().map(Self)
    }

    fn toml(&self) -> Option<String> {
        inline(self.0.iter().map(|(id, instance)| (id, &instance.written)))
    }
}

fn written(raw: &Raw) -> String {
    match raw {
        Raw::Text(text) => format!("{text:?}"),
        Raw::Number(number) => number.to_string(),
        Raw::Switch(on) => on.to_string(),
        Raw::List(items) => format!("{items:?}"),
        Raw::Tables(_) => String::new(),
    }
}

/// A webhook as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebhookSetting {
    pub(crate) url: String,
    pub(crate) ca: PathBuf,
    pub(crate) signing_secret: SecretName,
    pub(crate) account: Option<AccountId>,
    written: BTreeMap<String, Raw>,
}

/// Every webhook by the secrets that it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WebhookSettings(pub(crate) BTreeMap<String, WebhookSetting>);

impl Value for WebhookSettings {
    const KIND: Kind = Kind::Tables;

    fn read(raw: &Raw) -> Result<Self, String> {
        let Raw::Tables(tables) = raw else { return Err("must be tables, [rotation.webhooks.\"…\"]".to_owned()) };
        let read = |(secrets, members): (&String, &BTreeMap<String, Raw>)| {
            let webhook = WebhookSetting::read(members).map_err(|problem| format!("of {secrets}: {problem}"))?;
            Ok((secrets.clone(), webhook))
        };
        tables.iter().map(read).collect::<Result<_, String>>().map(Self)
    }

    fn toml(&self) -> Option<String> {
        inline(self.0.iter().map(|(secrets, webhook)| (secrets, &webhook.written)))
    }
}

impl WebhookSetting {
    fn read(members: &BTreeMap<String, Raw>) -> Result<Self, String> {
        let mut from = Members(members.clone());
        let setting = Self {
            url: from.take("url")?.ok_or("url is missing")?,
            ca: from.take("ca")?.ok_or("ca is missing, the certificate that the server is checked with")?,
            signing_secret: from
                .parsed("signing_secret", "the name of a secret")?
                .ok_or("signing_secret is missing, the name of the secret that signs what is sent")?,
            account: from.parsed("account", "the id of an account, 16 digits")?,
            written: members.clone(),
        };
        if let Some(unknown) = from.0.keys().next() {
            return Err(format!("there is no {unknown}"));
        }
        if !setting.url.starts_with("https://") {
            return Err("url must begin with https://".to_owned());
        }
        Ok(setting)
    }
}

/// Tables on one line; `None` without any.
pub(super) fn inline<'a>(tables: impl Iterator<Item = (&'a String, &'a BTreeMap<String, Raw>)>) -> Option<String> {
    let table = |(name, members): (&String, &BTreeMap<String, Raw>)| {
        let members: Vec<String> = members.iter().map(|(name, raw)| format!("{name} = {}", written(raw))).collect();
        format!("{name:?} = {{ {} }}", members.join(", "))
    };
    let tables: Vec<String> = tables.map(table).collect();
    if tables.is_empty() { None } else { Some(format!("{{ {} }}", tables.join(", "))) }
}

/// The members of one instance, taken out one after the other.
pub(super) struct Members(pub(super) BTreeMap<String, Raw>);

impl Members {
    pub(super) fn take<T: Value>(&mut self, name: &str) -> Result<Option<T>, String> {
        self.0.remove(name).map(|raw| T::read(&raw).map_err(|problem| format!("{name} {problem}"))).transpose()
    }

    pub(super) fn parsed<T: std::str::FromStr>(&mut self, name: &str, what: &str) -> Result<Option<T>, String> {
        let text: Option<String> = self.take(name)?;
        text.map(|text| text.parse().map_err(|_| format!("{name} must be {what}"))).transpose()
    }
}

impl InstanceSetting {
    fn read(members: &BTreeMap<String, Raw>) -> Result<Self, String> {
        let mut from = Members(members.clone());
        let kind: String = from.take("kind")?.ok_or("kind is missing")?;
        let known = InstanceKind::ALL.into_iter().find(|(_, name, _)| *name == kind);
        let (kind, _, port) = known.ok_or("kind must be postgresql, mysql, redis or ssh")?;
        let tls: Option<String> = from.take("tls")?;
        let ca: Option<PathBuf> = from.take("ca")?;
        let tls = match tls.as_deref() {
            None | Some("verify") => true,
            Some("off") => false,
            Some(_) => return Err("tls must be \"verify\" or \"off\"".to_owned()),
        };
        if kind != InstanceKind::Ssh && tls && ca.is_none() {
            return Err(
                "ca is missing, the certificate that the server is checked with; or say tls = \"off\"".to_owned()
            );
        }
        let number: Option<Bounded<1, 65_535>> = from.take("port")?;
        let setting = Self {
            kind,
            host: from.take("host")?.ok_or("host is missing")?,
            port: number.map_or(port, |number| u16::try_from(number.get()).unwrap_or(port)),
            account: from.parsed("account", "the id of an account, 16 digits")?,
            tls,
            ca,
            administrator_secret: from.parsed("administrator_secret", "the name of a secret")?,
            accounts: from.take("accounts")?.unwrap_or_default(),
            database: from.take("database")?.unwrap_or_default(),
            host_keys: from.take("host_keys")?.unwrap_or_default(),
            authorized_keys: from.take("authorized_keys")?.unwrap_or_else(|| ".ssh/authorized_keys".to_owned()),
            sudo: from.take("sudo")?.unwrap_or(true),
            written: members.clone(),
        };
        if let Some(unknown) = from.0.keys().next() {
            return Err(format!("there is no {unknown}"));
        }
        if setting.host.is_empty() {
            return Err("host is empty".to_owned());
        }
        if kind == InstanceKind::Ssh && setting.host_keys.is_empty() {
            return Err("host_keys is missing, the keys that the host is known by".to_owned());
        }
        if setting.administrator_secret.is_none() && kind != InstanceKind::Ssh {
            return Err(
                "administrator_secret is missing, the name of the secret with the administrator's login".to_owned()
            );
        }
        Ok(setting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(members: &[(&str, &str)]) -> Result<Instances, String> {
        let members = members.iter().map(|(name, text)| ((*name).to_owned(), Raw::Text((*text).to_owned())));
        Instances::read(&Raw::Tables([("rm-1".to_owned(), members.collect())].into_iter().collect()))
    }

    #[test]
    fn an_instance_says_how_it_is_reached_and_who_changes_it() {
        let right = [("kind", "postgresql"), ("host", "db"), ("tls", "off"), ("administrator_secret", "db/admin")];
        let instances = read(&right).unwrap();
        let one = &instances.0["rm-1"];
        assert_eq!((one.kind, one.port, one.tls), (InstanceKind::Postgresql, 5432, false));
        assert!(instances.toml().unwrap().starts_with("{ \"rm-1\" = { administrator_secret = \"db/admin\""));
        assert_eq!(Instances::default().toml(), None);
    }

    #[test]
    fn a_webhook_is_asked_over_https_only() {
        let read = |url: &str| {
            let members = [("url", url), ("ca", "ca.pem"), ("signing_secret", "hook")];
            let members = members.iter().map(|(name, text)| ((*name).to_owned(), Raw::Text((*text).to_owned())));
            WebhookSettings::read(&Raw::Tables([("app/*".to_owned(), members.collect())].into_iter().collect()))
        };
        let right = read("https://hook.internal/rotate").unwrap();
        assert!(right.toml().unwrap().starts_with("{ \"app/*\" = { ca = \"ca.pem\", signing_secret = \"hook\""));
        assert!(read("http://hook.internal/").unwrap_err().contains("must begin with https://"));
        assert_eq!(WebhookSettings::default().toml(), None);
    }

    #[test]
    fn what_does_not_do_is_named() {
        for (members, problem) in [
            (&[("host", "db")][..], "kind is missing"),
            (&[("kind", "oracle")], "kind must be"),
            (&[("kind", "redis"), ("host", "x")], "ca is missing"),
            (&[("kind", "redis"), ("host", "x"), ("tls", "off")], "administrator_secret"),
            (&[("kind", "ssh"), ("host", "x")], "host_keys is missing"),
            (&[("kind", "redis"), ("host", "x"), ("tls", "off"), ("what", "x")], "there is no what"),
        ] {
            let refusal = read(members).unwrap_err();
            assert!(refusal.starts_with("of rm-1: ") && refusal.contains(problem), "{refusal}");
        }
    }
}
