//! One HTTP request and its answer.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::tls::{provider, roots};

/// More than any answer of the API has.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) tls: bool,
    /// Host and port as they stand in the `Host` header.
    pub(crate) authority: String,
    host: String,
    port: u16,
}

/// What a client trusts.
#[derive(Debug)]
pub(crate) enum Trust {
    /// The certificates of this file only.
    Only(PathBuf),
    /// The system's certificates, and those of this file when it is there.
    SystemAnd(PathBuf),
}

impl Endpoint {
    /// Reads `http://host[:port]` or `https://host[:port]`.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let wrong = || format!("the endpoint must be http://host:port or https://host:port, not {url}");
        let (scheme, rest) = url.split_once("://").with_context(wrong)?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => bail!(wrong()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok().with_context(wrong)?),
            _ => (authority, if tls { 443 } else { 80 }),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() || host.contains(['/', '?', '#', '@']) {
            bail!(wrong());
        }
        Ok(Self { tls, authority: authority.to_owned(), host: host.to_owned(), port })
    }

    /// The endpoint as a URL.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority)
    }
}

/// A request as it goes out.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// Sends a request; the status and the body of the answer.
pub(crate) async fn post(
    endpoint: &Endpoint,
    trust: &Trust,
    request: Outgoing,
    timeout: Duration,
) -> Result<(u16, Bytes)> {
    let url = endpoint.url();
    let answer = tokio::time::timeout(timeout, exchange(endpoint, trust, request));
    answer.await.with_context(|| format!("no answer from {url} within {} seconds", timeout.as_secs()))?
}

async fn exchange(endpoint: &Endpoint, trust: &Trust, request: Outgoing) -> Result<(u16, Bytes)> {
    let url = endpoint.url();
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.with_context(|| {
        format!("cannot connect to {url}; is the server running? `sesame serve` starts one on this machine")
    })?;
    stream.set_nodelay(true)?;
    if !endpoint.tls {
        return over(stream, request).await;
    }
    let name = ServerName::try_from(endpoint.host.clone()).with_context(|| format!("{url} names no valid host"))?;
    let connector = TlsConnector::from(Arc::new(client_config(trust)?));
    let stream = connector.connect(name, stream).await.with_context(|| {
        format!("no TLS connection with {url}; --ca names the CA that its certificate must come from")
    })?;
    over(stream, request).await
}

async fn over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    outgoing: Outgoing,
) -> Result<(u16, Bytes)> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let mut request = Request::post(outgoing.path);
    for (name, value) in &outgoing.headers {
        request = request.header(*name, value);
    }
    let request = request.body(Full::new(Bytes::from(outgoing.body))).context("a value cannot stand in a header")?;
    let response = sender.send_request(request).await.context("the server closed the connection without an answer")?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
    let body = body.map_err(|cause| anyhow::anyhow!("the answer broke off: {cause}"))?.to_bytes();
    driver.abort();
    Ok((status, body))
}

fn client_config(trust: &Trust) -> Result<ClientConfig> {
    let roots = match trust {
        Trust::Only(path) => roots(path)?,
        Trust::SystemAnd(path) => {
            let mut both = system_roots();
            if path.exists() {
                both.extend(roots(path)?.roots);
            }
            if both.is_empty() {
                bail!("no CA is known to check the server with; name its file with --ca");
            }
            both
        }
    };
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The system's certificates, from the places where the usual distributions keep them.
fn system_roots() -> RootCertStore {
    const PLACES: [&str; 4] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let places = named.into_iter().chain(PLACES.map(PathBuf::from));
    places.filter(|place| place.exists()).find_map(|place| roots(&place).ok()).unwrap_or_else(RootCertStore::empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_scheme_and_an_authority() {
        let endpoint = Endpoint::parse("https://[::1]:8643/").unwrap();
        assert_eq!((endpoint.tls, &*endpoint.host, endpoint.port), (true, "::1", 8643));
        assert_eq!(endpoint.url(), "https://[::1]:8643");
        assert_eq!(Endpoint::parse("http://kms.local").unwrap().port, 80);
        assert_eq!(Endpoint::parse("https://[::1]").unwrap().port, 443);
        for wrong in ["127.0.0.1:8600", "ftp://x", "http://", "http://x:y", "http://x/path", "http://u@x"] {
            assert!(Endpoint::parse(wrong).is_err(), "{wrong}");
        }
    }
}
