//! `credentials.env`: what a client on this machine needs, in a form that a shell can source.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use sesame_crypto::SecretText;

use crate::data_folder::{CREDENTIALS, DataFolder, PRIVATE, read_if_present};

const ID: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID";
const SECRET: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
const ENDPOINT: &str = "SESAME_ENDPOINT";
const CA: &str = "SESAME_CA";
const REGION: &str = "ALIBABA_CLOUD_REGION_ID";

/// The content of the file.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) access_key_secret: SecretText,
    pub(crate) endpoint: String,
    pub(crate) region: String,
}

impl Credentials {
    /// Reads the file of a folder; nothing when there is none or it is not complete.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        Self::read_file(&folder.join(CREDENTIALS))
    }

    /// Reads a file of this form, wherever it is; as [`Credentials::read`].
    pub(crate) fn read_file(path: &Path) -> Result<Option<Self>> {
        let Some(text) = read_if_present(path)? else { return Ok(None) };
        let value = |name: &str| {
            let line = text.lines().filter_map(|line| line.split_once('=')).find(|(key, _)| *key == name);
            line.map(|(_, value)| unquoted(value)).filter(|value| !value.is_empty())
        };
        let (Some(access_key_id), Some(secret)) = (value(ID), value(SECRET)) else { return Ok(None) };
        let (endpoint, region) = (value(ENDPOINT).unwrap_or_default(), value(REGION).unwrap_or_default());
        Ok(Some(Self { access_key_id, access_key_secret: SecretText::new(secret), endpoint, region }))
    }

    /// Writes a file of this form for an account of somebody else; only its owner can read it. A file that is there is
    /// replaced.
    pub(crate) fn write_to(&self, path: &Path, ca: Option<&Path>) -> Result<()> {
        let name = path.file_name().with_context(|| format!("{} names no file", path.display()))?;
        let partial = path.with_file_name(format!(".{}.partial", name.to_string_lossy()));
        let text = self.text(ca);
        let written = write_private(&partial, &text).and_then(|()| fs::rename(&partial, path));
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// Writes the file, together with the path of the CA when the server has one.
    pub(crate) fn write(&self, folder: &DataFolder, ca: Option<&Path>) -> Result<()> {
        // EXPOSE: the file is where the owner of the machine takes the secret from.
        folder.write(CREDENTIALS, PRIVATE, self.text(ca).expose())
    }

    fn text(&self, ca: Option<&Path>) -> SecretText {
        // EXPOSE: into the text of the file.
        let secret = self.access_key_secret.expose();
        let mut text = format!("{ID}={}\n{SECRET}={}\n", quoted(&self.access_key_id), quoted(secret));
        if !self.endpoint.is_empty() {
            text.push_str(&format!("{ENDPOINT}={}\n", quoted(&self.endpoint)));
        }
        if !self.region.is_empty() {
            text.push_str(&format!("{REGION}={}\n", quoted(&self.region)));
        }
        if let Some(ca) = ca {
            text.push_str(&format!("{CA}={}\n", quoted(&ca.to_string_lossy())));
        }
        SecretText::new(text)
    }
}

/// Puts another access key in the place of `old` in the file of a data folder; whether the file held the old one.
pub(crate) fn replace_key(folder: &DataFolder, old: &str, id: &str, secret: &SecretText) -> Result<bool> {
    let Some(credentials) = Credentials::read(folder.path())?.filter(|known| known.access_key_id == old) else {
        return Ok(false);
    };
    drop(credentials);
    let text = SecretText::new(folder.read(CREDENTIALS)?.unwrap_or_default());
    // EXPOSE: the file is where the owner of the machine takes the secret from.
    let lines = text.expose().lines().map(|line| match line.split_once('=') {
        Some((ID, _)) => format!("{ID}={}\n", quoted(id)),
        Some((SECRET, _)) => format!("{SECRET}={}\n", quoted(secret.expose())),
        _ => format!("{line}\n"),
    });
    let text = SecretText::new(lines.collect());
    // EXPOSE: as above.
    folder.write(CREDENTIALS, PRIVATE, text.expose())?;
    Ok(true)
}

fn write_private(path: &Path, text: &SecretText) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(refused) if refused.kind() != io::ErrorKind::NotFound => return Err(refused),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE).open(path)?;
    // EXPOSE: the file is where its owner takes the secret from.
    file.write_all(text.expose().as_bytes())?;
    file.sync_all()
}

/// For a shell. A value that needs no quotes gets none, since `docker --env-file` would take them literally.
pub(crate) fn quoted(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&b);
    if !value.is_empty() && value.bytes().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

fn unquoted(value: &str) -> String {
    match value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')) {
        Some(inner) => inner.replace(r"'\''", "'"),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_come_only_where_a_shell_needs_them() {
        assert_eq!(quoted("http://127.0.0.1:8600"), "http://127.0.0.1:8600");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
        for value in ["plain", "with space", "it's", "$HOME", "a'b'c"] {
            assert_eq!(unquoted(&quoted(value)), value);
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let path = std::env::temp_dir().join(format!("sesame-credentials-{}", std::process::id()));
        let folder = DataFolder::open(&path).unwrap();
        assert!(Credentials::read(&path).unwrap().is_none());
        let written = Credentials {
            access_key_id: "LTAIx".into(),
            access_key_secret: SecretText::new("a$b'c".into()),
            endpoint: "http://127.0.0.1:1".into(),
            region: "cn-hangzhou".into(),
        };
        written.write(&folder, Some(Path::new("/a b/ca.pem"))).unwrap();
        let read = Credentials::read(&path).unwrap().unwrap();
        assert_eq!(read.access_key_id, "LTAIx");
        assert!(read.access_key_secret.ct_eq("a$b'c"));
        assert_eq!(read.endpoint, "http://127.0.0.1:1");
        let secret = SecretText::new("b c".into());
        assert!(!replace_key(&folder, "LTAIother", "LTAIy", &secret).unwrap());
        assert!(replace_key(&folder, "LTAIx", "LTAIy", &secret).unwrap());
        let read = Credentials::read(&path).unwrap().unwrap();
        assert_eq!((&*read.access_key_id, &*read.endpoint), ("LTAIy", "http://127.0.0.1:1"));
        assert!(read.access_key_secret.ct_eq("b c"));
        assert!(folder.read(CREDENTIALS).unwrap().unwrap().contains("SESAME_CA='/a b/ca.pem'"));
        std::fs::remove_dir_all(&path).unwrap();
    }
}
