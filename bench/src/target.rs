//! Where the load goes and under which access key.

use crate::{acs3::Credentials, tls};
use anyhow::{Context, Result, bail};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    fs,
    net::{SocketAddr, ToSocketAddrs},
    path::Path,
    sync::Arc,
};

/// The file of a data folder that names the endpoint and the first access key.
pub const CREDENTIALS_FILE: &str = "credentials.env";

/// A server to call: its address, its TLS identity if any, and the credentials to sign with.
#[derive(Clone, Debug)]
pub struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) host: String,
    pub(crate) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(crate) credentials: Credentials,
}

impl Target {
    /// Resolves `endpoint`, a URL of scheme `http` or `https`; the latter needs the CA's certificate.
    ///
    /// # Errors
    /// When the URL has another form, the host does not resolve, or the CA is missing or unreadable.
    pub fn new(endpoint: &str, ca: Option<&Path>, credentials: Credentials) -> Result<Self> {
        let (scheme, rest) = endpoint.split_once("://").with_context(|| format!("{endpoint} is not a URL"))?;
        let host = rest.trim_end_matches('/');
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, port.parse().context("the port is not a number")?),
            _ => (host, if scheme == "https" { 443 } else { 80 }),
        };
        let name = name.trim_matches(['[', ']']);
        let address = (name, port).to_socket_addrs().with_context(|| format!("resolving {name}"))?.next();
        let tls = match (scheme, ca) {
            ("http", _) => None,
            ("https", Some(ca)) => Some((tls::client(ca)?, ServerName::try_from(name.to_owned())?)),
            ("https", None) => bail!("https needs the CA's certificate: --ca FILE"),
            _ => bail!("{endpoint} is neither http nor https"),
        };
        let address = address.with_context(|| format!("{name} has no address"))?;
        Ok(Self { address, host: host.to_owned(), tls, credentials })
    }
}

/// What a data folder's [`CREDENTIALS_FILE`] says, as far as it says it.
#[derive(Default)]
#[expect(missing_debug_implementations, reason = "holds a secret in clear")]
pub struct DataFolder {
    /// `SESAME_ENDPOINT`.
    pub endpoint: Option<String>,
    /// `ALIBABA_CLOUD_ACCESS_KEY_ID`.
    pub access_key_id: Option<String>,
    /// `ALIBABA_CLOUD_ACCESS_KEY_SECRET`.
    pub access_key_secret: Option<String>,
}

impl DataFolder {
    /// Reads the file in `folder`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(CREDENTIALS_FILE);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(Self::parse(&text))
    }

    /// The access key.
    ///
    /// # Errors
    /// When the file named none.
    pub fn credentials(&self) -> Result<Credentials> {
        match (&self.access_key_id, &self.access_key_secret) {
            (Some(id), Some(secret)) => Ok(Credentials::new(id, secret)),
            _ => bail!("{CREDENTIALS_FILE} names no access key"),
        }
    }

    /// Lines `KEY=value` or `export KEY=value`, the value bare or in quotes; everything else is passed over.
    fn parse(text: &str) -> Self {
        let mut folder = Self::default();
        for line in text.lines() {
            let line = line.trim();
            let Some((name, value)) = line.strip_prefix("export ").unwrap_or(line).split_once('=') else { continue };
            let value = Some(value.trim().trim_matches(['"', '\'']).to_owned());
            match name.trim() {
                "SESAME_ENDPOINT" => folder.endpoint = value,
                "ALIBABA_CLOUD_ACCESS_KEY_ID" => folder.access_key_id = value,
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET" => folder.access_key_secret = value,
                _ => {}
            }
        }
        folder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_lines_with_and_without_export() {
        let folder = DataFolder::parse(
            "# made at first start\nexport ALIBABA_CLOUD_ACCESS_KEY_ID=LTAIx\nALIBABA_CLOUD_ACCESS_KEY_SECRET='s=1'\n\
             export SESAME_ENDPOINT=\"http://127.0.0.1:9\"\n",
        );
        assert_eq!(folder.access_key_id.as_deref(), Some("LTAIx"));
        assert_eq!(folder.access_key_secret.as_deref(), Some("s=1"));
        assert_eq!(folder.endpoint.as_deref(), Some("http://127.0.0.1:9"));
    }

    #[test]
    fn the_host_header_keeps_the_port_and_drops_the_slash() {
        let target = Target::new("http://127.0.0.1:8080/", None, Credentials::new("a", "b")).unwrap();
        assert_eq!((target.host.as_str(), target.address.port()), ("127.0.0.1:8080", 8080));
        assert!(Target::new("https://127.0.0.1", None, Credentials::new("a", "b")).is_err());
        assert!(Target::new("ftp://127.0.0.1", None, Credentials::new("a", "b")).is_err());
    }
}
