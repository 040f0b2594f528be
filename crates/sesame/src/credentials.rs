//! `credentials.env`: what a client on this machine needs, in a form that a shell can source.

use std::path::Path;

use anyhow::Result;
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
        let Some(text) = read_if_present(&folder.join(CREDENTIALS))? else { return Ok(None) };
        let value = |name: &str| {
            let line = text.lines().filter_map(|line| line.split_once('=')).find(|(key, _)| *key == name);
            line.map(|(_, value)| unquoted(value)).filter(|value| !value.is_empty())
        };
        let (Some(access_key_id), Some(secret)) = (value(ID), value(SECRET)) else { return Ok(None) };
        let (endpoint, region) = (value(ENDPOINT).unwrap_or_default(), value(REGION).unwrap_or_default());
        Ok(Some(Self { access_key_id, access_key_secret: SecretText::new(secret), endpoint, region }))
    }

    /// Writes the file, together with the path of the CA when the server has one.
    pub(crate) fn write(&self, folder: &DataFolder, ca: Option<&Path>) -> Result<()> {
        // EXPOSE: this file is where the owner of the machine takes the secret from.
        let secret = self.access_key_secret.expose();
        let mut text = format!("{ID}={}\n{SECRET}={}\n", quoted(&self.access_key_id), quoted(secret));
        text.push_str(&format!("{ENDPOINT}={}\n", quoted(&self.endpoint)));
        if !self.region.is_empty() {
            text.push_str(&format!("{REGION}={}\n", quoted(&self.region)));
        }
        if let Some(ca) = ca {
            text.push_str(&format!("{CA}={}\n", quoted(&ca.to_string_lossy())));
        }
        folder.write(CREDENTIALS, PRIVATE, &text)
    }
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
        std::fs::remove_dir_all(&path).unwrap();
    }
}
