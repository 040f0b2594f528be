//! TLS on both ends, with the one crypto library of the product.

use anyhow::{Context, Result, bail};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{path::Path, sync::Arc};
use tokio_rustls::TlsAcceptor;

/// A client that trusts the certificates of a PEM file and nothing else.
///
/// # Errors
/// When the file cannot be read or holds no certificate.
pub fn client(ca: &Path) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca)? {
        roots.add(certificate)?;
    }
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// A server that shows the certificate chain of one PEM file, with the private key of another.
///
/// # Errors
/// When a file cannot be read or the two do not fit each other.
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let key_der = PrivateKeyDer::from_pem_file(key).with_context(|| format!("private key in {}", key.display()))?;
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let config = builder.with_no_client_auth().with_single_cert(certificates(certificate)?, key_der)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).with_context(|| format!("reading {}", path.display()))?.collect();
    let found = found.with_context(|| format!("certificates in {}", path.display()))?;
    if found.is_empty() {
        bail!("no certificate in {}", path.display());
    }
    Ok(found)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
