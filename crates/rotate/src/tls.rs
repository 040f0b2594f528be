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
    let ca = match &instance.tls {
        Tls::Verify(ca) => Some(ca.as_slice()),
        Tls::Off => None,
    };
    connect_to(&instance.host, instance.port, ca, who).await
}

/// Connects, over TLS where there is a CA to check the server with.
pub(crate) async fn connect_to(host: &str, port: u16, ca: Option<&[u8]>, who: As) -> Outcome<Box<dyn Stream>> {
    // As it is written in a URL, an address of IPv6 is in brackets.
    let host = host.trim_matches(['[', ']']);
    let tcp = TcpStream::connect((host, port)).await;
    let tcp = tcp.map_err(|error| who.unreachable(error.kind()))?;
    let Some(ca) = ca else { return Ok(Box::new(tcp)) };
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
    let name = ServerName::try_from(host.to_owned()).map_err(|_| who.unreachable("the host is no name of a server"))?;
    let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
    Ok(Box::new(stream.map_err(|_| who.unreachable("TLS failed"))?))
}
