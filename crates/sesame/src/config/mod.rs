//! The configuration: a file, then the environment, then flags, each stronger than the one before.

mod file;
pub(crate) mod instances;
pub(crate) mod print;
mod settings;
pub(crate) mod sts;
mod value;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use sesame_crypto::SecretText;

pub(crate) use settings::{KEYS, Key, Settings};
pub(crate) use value::{AuditDurability, AuditQueries, CallRates, Listen, LogFormat, LogLevel, StorageUrl};

use crate::nearest::suggestion;
use value::Raw;

/// The data folder when nothing else is said.
pub(crate) const DEFAULT_DATA: &str = "sesame-data";

/// The configuration file that is read from the data folder when no other is named.
const FILE_IN_DATA: &str = "sesame.toml";

/// The effective settings, and where each came from.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) settings: Settings,
    /// Remarks for the log: nothing that keeps the server from starting.
    pub(crate) remarks: Vec<String>,
    origins: BTreeMap<&'static str, Origin>,
}

/// Where the value of a setting came from.
#[derive(Clone, Debug)]
enum Origin {
    File(PathBuf, usize),
    Variable(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
        }
    }
}

/// What the configuration is made from.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// `--config`.
    pub(crate) file: Option<PathBuf>,
    /// Settings given as flags: setting, flag, text.
    pub(crate) flags: Vec<(&'static str, &'static str, String)>,
    /// `--set name=value`.
    pub(crate) sets: Vec<String>,
    /// The variables of the environment.
    pub(crate) environment: Vec<(OsString, OsString)>,
}

impl Config {
    /// Reads the configuration.
    pub(crate) fn load(sources: &Sources) -> Result<Self> {
        let mut config = Self { settings: Settings::default(), remarks: Vec::new(), origins: BTreeMap::new() };
        let variables = config.variables(&sources.environment)?;
        let flags = flags(sources)?;

        let named = sources.file.clone().or_else(|| variable(&sources.environment, "SESAME_CONFIG").map(PathBuf::from));
        // The data folder decides which file is read, so it is looked up before that.
        let data = flags.iter().chain(&variables).find(|found| found.key.name == "data");
        let file = match &named {
            Some(path) => Some(path.clone()),
            None => {
                let folder = data.map_or_else(|| PathBuf::from(DEFAULT_DATA), |found| found.text.clone().into());
                Some(folder.join(FILE_IN_DATA)).filter(|path| path.exists())
            }
        };
        if let Some(path) = file {
            config.read_file(&path, named.is_some())?;
        }
        for found in variables.into_iter().chain(flags) {
            let problem = || format!("{} in {}", found.key.name, found.origin);
            let raw = found.key.kind.raw(&found.text).map_err(anyhow::Error::msg).with_context(problem)?;
            config.set(found.key, &raw, found.origin.clone())?;
        }
        config.read_secret_files()?;
        config.check()?;
        Ok(config)
    }

    /// Where a setting came from, as text.
    fn origin(&self, name: &str) -> String {
        self.origins.get(name).map_or_else(|| "default".to_owned(), Origin::to_string)
    }

    /// A path of the configuration, taken from the data folder when it is relative.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.settings.data.join(path)
    }

    /// The URL of the database with a relative file taken from the data folder.
    pub(crate) fn storage_url(&self) -> Result<StorageUrl> {
        let url = self.settings.storage_url.expose();
        match url.strip_prefix("sqlite:") {
            Some(file) => {
                let file = self.path(Path::new(file.strip_prefix("//").unwrap_or(file)));
                let file = std::path::absolute(file).context("storage.url names no file")?;
                Ok(StorageUrl::new(format!("sqlite://{}", file.display())))
            }
            None => Ok(StorageUrl::new(url.to_owned())),
        }
    }

    fn set(&mut self, key: &'static Key, raw: &Raw, origin: Origin) -> Result<()> {
        self.settings.set(key.name, raw).map_err(|problem| anyhow::anyhow!("{origin}: {} {problem}", key.name))?;
        self.origins.insert(key.name, origin);
        Ok(())
    }

    fn read_file(&mut self, path: &Path, named: bool) -> Result<()> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
        for found in file::read(&text).map_err(|problem| anyhow::anyhow!("{}:{problem}", path.display()))? {
            let origin = Origin::File(path.to_owned(), found.line);
            if found.key.name == "data" && !named {
                bail!(
                    "{origin}: the file in a data folder cannot name another data folder; use --config for this file"
                );
            }
            if found.key.secret && file::readable_by_others(path) {
                self.remarks.push(format!("{origin} holds {}, and others can read the file", found.key.name));
            }
            self.set(found.key, &found.raw, origin)?;
        }
        Ok(())
    }

    /// The settings in the environment. A variable that nobody knows is remarked and not refused: orchestrators put
    /// variables of their own beside ours (`SESAME_SERVICE_HOST` for a service called sesame).
    fn variables(&mut self, environment: &[(OsString, OsString)]) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for (name, value) in environment {
            let Some(name) = name.to_str().filter(|name| name.starts_with("SESAME_")) else { continue };
            if let Some(key) = KEYS.iter().find(|key| key.variable() == name) {
                let Some(text) = value.to_str() else { bail!("{name} is not UTF-8 text") };
                // An empty variable is how compose files and shells say that one is not set.
                if !text.is_empty() {
                    found.push(Found { key, text: text.to_owned(), origin: Origin::Variable(name.to_owned()) });
                }
            } else if !ignored(name) {
                let known: Vec<String> = KEYS.iter().map(Key::variable).collect();
                let hint = suggestion(name, known.iter().map(String::as_str));
                self.remarks.push(format!("the variable {name} is not a setting and has no effect.{hint}"));
            }
        }
        Ok(found)
    }

    fn read_secret_files(&mut self) -> Result<()> {
        if let Some(path) = self.settings.storage_url_file.clone() {
            let text = read_secret(&self.path(&path), "storage.url_file")?;
            let origin = Origin::File(path, 1);
            let key = KEYS.iter().find(|key| key.name == "storage.url").context("storage.url is a setting")?;
            self.set(key, &Raw::Text(text), origin)?;
        }
        if let Some(path) = self.settings.root_access_key_secret_file.clone() {
            let text = read_secret(&self.path(&path), "root_access_key.secret_file")?;
            self.settings.root_access_key_secret = Some(SecretText::new(text));
            self.origins.insert("root_access_key.secret", Origin::File(path, 1));
        }
        Ok(())
    }

    /// What no single setting can see.
    fn check(&self) -> Result<()> {
        let settings = &self.settings;
        if settings.http == Listen::Off && settings.https == Listen::Off {
            bail!("http and https are both off, so there is nothing to serve; set one of them to an address");
        }
        match (&settings.root_access_key_id, &settings.root_access_key_secret) {
            (Some(_), None) => bail!(
                "root_access_key.id is set without its secret; set SESAME_ROOT_ACCESS_KEY_SECRET or \
                 SESAME_ROOT_ACCESS_KEY_SECRET_FILE as well"
            ),
            (None, Some(_)) => {
                bail!("root_access_key.secret is set without its id; set SESAME_ROOT_ACCESS_KEY_ID as well")
            }
            (Some(id), Some(secret)) => check_access_key(id, secret)?,
            (None, None) => {}
        }
        match (&settings.tls_certificate, &settings.tls_key) {
            (Some(_), None) => bail!("tls.certificate is set without tls.key; set both or neither"),
            (None, Some(_)) => bail!("tls.key is set without tls.certificate; set both or neither"),
            _ => Ok(()),
        }
    }
}

/// A setting found in the environment or among the flags.
#[derive(Debug)]
struct Found {
    key: &'static Key,
    text: String,
    origin: Origin,
}

fn flags(sources: &Sources) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for set in &sources.sets {
        let Some((name, text)) = set.split_once('=') else { bail!("--set takes name=value, not {set}") };
        let Some(key) = KEYS.iter().find(|key| key.name == name.trim()) else {
            bail!("--set {name}: there is no such setting.{}", suggestion(name, KEYS.iter().map(|key| key.name)));
        };
        if key.secret {
            bail!(
                "--set {name}: a secret cannot be a flag, which every user of the machine can read; use {} or a file",
                key.variable()
            );
        }
        found.push(Found { key, text: text.trim().to_owned(), origin: Origin::Flag("--set".to_owned()) });
    }
    for (name, flag, text) in &sources.flags {
        let key = KEYS.iter().find(|key| key.name == *name).context("a flag names no setting")?;
        found.push(Found { key, text: text.clone(), origin: Origin::Flag((*flag).to_owned()) });
    }
    Ok(found)
}

/// Variables that belong to `sesame call`, to the harness of the tests, or are read elsewhere.
fn ignored(name: &str) -> bool {
    matches!(name, "SESAME_BIN" | "SESAME_CA" | "SESAME_CONFIG" | "SESAME_ENDPOINT") || name.starts_with("SESAME_TEST_")
}

fn variable(environment: &[(OsString, OsString)], name: &str) -> Option<OsString> {
    environment.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.clone())
}

/// The content of a file that holds one secret, without the line end that editors leave.
fn read_secret(path: &Path, setting: &str) -> Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{setting}: cannot read {}", path.display()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        bail!("{setting}: {} is empty", path.display());
    }
    Ok(text.to_owned())
}

/// The characters that every client can send in a header and a shell can source without quoting.
fn check_access_key(id: &str, secret: &SecretText) -> Result<()> {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if !(4..=128).contains(&id.len()) || !plain(id) {
        bail!("root_access_key.id must have 4 to 128 letters, digits, dashes, dots or underscores");
    }
    // EXPOSE: only length and alphabet are looked at.
    let secret = secret.expose();
    if !(16..=128).contains(&secret.len()) || !secret.bytes().all(|b| b.is_ascii_graphic()) {
        bail!("root_access_key.secret must have 16 to 128 printable ASCII characters without spaces");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
