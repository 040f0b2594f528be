//! The server's side of TLS: which certificate is shown, and when it is replaced.

mod authority;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};
use parking_lot::RwLock;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

use crate::config::Config;
use crate::data_folder::DataFolder;
use authority::Authority;

/// An own certificate is replaced at this age, a long time before it expires.
const RENEWAL_AGE: Duration = Duration::from_secs(60 * 86_400);

/// The certificate that the server shows, and how to make the next one.
#[derive(Debug)]
pub(crate) struct ServerTls {
    shown: Arc<Shown>,
    source: Source,
}

/// Where certificates come from.
#[derive(Debug)]
enum Source {
    Given { certificate: PathBuf, key: PathBuf },
    Own { authority: Box<Authority>, names: Vec<String> },
}

#[derive(Debug)]
struct Shown(RwLock<(Arc<CertifiedKey>, SystemTime)>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().0))
    }
}

impl ServerTls {
    /// Reads the given certificate, or issues one from the CA of the data folder, which is made when there is none.
    /// The certificate of the own CA is never stored: it is issued at each start, for the names of that moment.
    pub(crate) fn prepare(config: &Config, folder: &DataFolder) -> Result<Self> {
        let source = match (&config.settings.tls_certificate, &config.settings.tls_key) {
            (Some(certificate), Some(key)) => {
                Source::Given { certificate: config.path(certificate), key: config.path(key) }
            }
            _ => Source::Own { authority: Box::new(Authority::open(folder)?), names: names(config) },
        };
        let shown = Arc::new(Shown(RwLock::new((Arc::new(source.make()?), SystemTime::now()))));
        Ok(Self { shown, source })
    }

    /// Whether clients have to be given the CA of the data folder.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.source, Source::Own { .. })
    }

    /// TLS 1.2 and 1.3, HTTP/1.1, with the certificate of the moment for each connection.
    pub(crate) fn server_config(&self) -> Result<Arc<ServerConfig>> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Shown>::clone(&self.shown));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Tickets keep no state in the server, however many clients come back.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(Arc::new(config))
    }

    /// Reads the given files again, or issues a new certificate. On failure the old one stays.
    pub(crate) fn reload(&self) -> Result<()> {
        let next = Arc::new(self.source.make()?);
        *self.shown.0.write() = (next, SystemTime::now());
        Ok(())
    }

    /// Issues a new certificate when the own one has become old; says whether it did.
    pub(crate) fn renew(&self) -> Result<bool> {
        let issued = self.shown.0.read().1;
        // A clock that was set back makes no certificate younger than it is; replace it then as well.
        let old = issued.elapsed().map_or(true, |age| age >= RENEWAL_AGE);
        if !old || !self.is_own() {
            return Ok(false);
        }
        self.reload().map(|()| true)
    }
}

impl Source {
    fn make(&self) -> Result<CertifiedKey> {
        match self {
            Self::Given { certificate, key } => given(certificate, key),
            Self::Own { authority, names } => authority.issue(names),
        }
    }
}

/// The one crypto library of the product, named wherever rustls is used so that no other can slip in.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The certificates of a PEM file as roots to trust; those that are no valid roots are left out.
pub(crate) fn roots(path: &Path) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(path)?);
    if roots.is_empty() {
        bail!("{} holds no certificate that can be trusted", path.display());
    }
    Ok(roots)
}

fn given(certificate: &Path, key: &Path) -> Result<CertifiedKey> {
    let chain = certificates(certificate)?;
    let key_der = PrivateKeyDer::from_pem_file(key).with_context(|| format!("no private key in {}", key.display()))?;
    let signing_key = aws_lc_rs::sign::any_supported_type(&key_der)
        .with_context(|| format!("the private key in {} is of no supported type", key.display()))?;
    let certified = CertifiedKey::new(chain, signing_key);
    certified.keys_match().with_context(|| {
        format!("the private key in {} does not belong to the certificate in {}", key.display(), certificate.display())
    })?;
    Ok(certified)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found: Vec<_> = read.with_context(|| format!("cannot read certificates from {}", path.display()))?;
    if found.is_empty() {
        bail!("{} holds no certificate", path.display());
    }
    Ok(found)
}

/// The names and addresses that the own certificate is for.
fn names(config: &Config) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    let mut add = |name: &str| {
        if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            names.push(name.to_owned());
        }
    };
    // A machine may be called something that no certificate can hold; then it goes without.
    let hostname = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    if let Some(name) = hostname.filter(|name| rustls::pki_types::DnsName::try_from(name.as_str()).is_ok()) {
        add(&name);
    }
    config.settings.tls_names.iter().for_each(|name| add(name.as_str()));
    names
}
