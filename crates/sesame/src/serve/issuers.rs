//! The keys of issuers of OIDC tokens: fetched over HTTPS, or read from a file where the operator has named one.
//!
//! What is fetched is asked of the issuer that an account has made a provider of, never of one that only a token names.
//! Nothing but HTTPS is spoken, no redirect is followed, and sizes and times are limited.

mod trust;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{ACCEPT, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use sesame_service::issuers::{Fetching, Issuers, NotFetched};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use crate::config::Config;

/// The longest answer of an issuer.
const ANSWER_BYTES: usize = 256 << 10;
/// For both requests together: a client waits for its credentials meanwhile.
const TIME: Duration = Duration::from_secs(5);
/// Where an issuer says where its keys are (OpenID Connect Discovery 1.0, section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

type Outcome<T> = Result<T, String>;

/// Fetches the keys of issuers.
#[derive(Debug)]
pub(super) struct OidcIssuers {
    files: BTreeMap<String, PathBuf>,
    /// Whom the operating system trusts; read when it is first needed.
    system: OnceCell<Arc<Vec<CertificateDer<'static>>>>,
}

/// As the configuration says.
pub(super) fn new(config: &Config) -> Arc<OidcIssuers> {
    let files = config.settings.sts_issuers.0.iter();
    let files = files.map(|(issuer, jwks)| (issuer.clone(), config.path(jwks))).collect();
    Arc::new(OidcIssuers { files, system: OnceCell::new() })
}

impl Issuers for OidcIssuers {
    fn fetch<'a>(&'a self, issuer: &'a str, fingerprints: &'a [String]) -> Fetching<'a> {
        Box::pin(async move {
            let fetched = match self.files.get(issuer) {
                Some(path) => {
                    tokio::fs::read(path).await.map_err(|error| format!("cannot read {}: {error}", path.display()))
                }
                None => tokio::time::timeout(TIME, self.over_https(issuer, fingerprints))
                    .await
                    .unwrap_or_else(|_| Err(format!("no answer within {} s", TIME.as_secs()))),
            };
            fetched.map_err(|reason| NotFetched { issuer: issuer.to_owned(), reason })
        })
    }
}

impl OidcIssuers {
    async fn over_https(&self, issuer: &str, fingerprints: &[String]) -> Outcome<Vec<u8>> {
        let tls = Arc::new(trust::client(self.system().await, fingerprints)?);
        let discovery = format!("{}{DISCOVERY}", issuer.trim_end_matches('/'));
        let document = get(&discovery, &tls).await?;
        let document: serde_json::Value =
            serde_json::from_slice(&document).map_err(|_| format!("{discovery} is no JSON"))?;
        let member = |name: &str| document.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        if member("issuer") != issuer {
            return Err(format!("{discovery} is of another issuer"));
        }
        // The keys may be on another host, as those of the Kubernetes API are; it is trusted by the same rule.
        get(member("jwks_uri"), &tls).await
    }

    async fn system(&self) -> Arc<Vec<CertificateDer<'static>>> {
        let read = || async {
            // The files that cannot be read are those of nobody; without any, only fingerprints are of use.
            let read = tokio::task::spawn_blocking(|| rustls_native_certs::load_native_certs().certs);
            Arc::new(read.await.unwrap_or_default())
        };
        Arc::clone(self.system.get_or_init(read).await)
    }
}

/// Asks for a document.
async fn get(url: &str, tls: &Arc<rustls::ClientConfig>) -> Outcome<Vec<u8>> {
    let failed = |what: &str| format!("{url}: {what}");
    let uri: Uri = url.parse().map_err(|_| failed("it is no URL"))?;
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    if uri.scheme_str() != Some("https") || authority.contains('@') {
        return Err(failed("it must be an https URL without a user"));
    }
    // As it is written in a URL, an address of IPv6 is in brackets.
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| failed("its host is no name of a server"))?;
    let tcp = TcpStream::connect((host, uri.port_u16().unwrap_or(443))).await;
    let tcp = tcp.map_err(|error| failed(&format!("no connection: {}", error.kind())))?;
    let stream = tokio_rustls::TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await;
    let stream = stream.map_err(|error| failed(&format!("TLS failed: {error}")))?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| failed("no HTTP"))?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        let _ = connection.await;
    });
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, authority)
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, "sesame")
        .body(Empty::<Bytes>::new())
        .map_err(|_| failed("it cannot be asked for"))?;
    let answer = sender.send_request(request).await.map_err(|_| failed("it gave no answer"))?;
    if answer.status() != StatusCode::OK {
        return Err(failed(&format!("it answered {}; redirects are not followed", answer.status().as_u16())));
    }
    let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
    Ok(body.map_err(|_| failed("its answer broke off or is too long"))?.to_bytes().to_vec())
}
