//! TLS of the connectors that bring none.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sesame_service::connector::Outcome;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::{As, Instance, Tls};

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects as the instance says.
pub(crate) async fn connect(instance: &Instance, who: As) -> Outcome<Box<dyn Stream>> {
    let tcp = TcpStream::connect((instance.host.as_str(), instance.port)).await;
    let tcp = tcp.map_err(|error| who.unreachable(error.kind()))?;
    let Tls::Verify(ca) = &instance.tls else { return Ok(Box::new(tcp)) };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca) {
        let certificate = certificate.map_err(|_| who.unreachable("the CA of the instance is not in PEM form"))?;
        roots.add(certificate).map_err(|_| who.unreachable("the CA of the instance is no certificate"))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| who.unreachable("TLS cannot be set up"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name =
        ServerName::try_from(instance.host.clone()).map_err(|_| who.unreachable("the host is no name of a server"))?;
    let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
    Ok(Box::new(stream.map_err(|_| who.unreachable("TLS failed"))?))
}
