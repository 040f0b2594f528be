use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use sesame_crypto::digest::{sha1, sha256, to_hex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

/// An issuer with a CA of its own, which answers what a test says.
struct Served {
    issuer: String,
    ca: CertificateDer<'static>,
    asked: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

/// What is answered for a path: the head and the body.
type Answer = fn(&str) -> (&'static str, String);

/// `answer` gives the head and the body for a path; `{issuer}` in it is the issuer.
async fn serve(host: &str, answer: Answer) -> Served {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(rcgen::DnType::CommonName, "a CA of the test");
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![host.to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    let chain = vec![certificate.der().clone(), ca_certificate.der().clone()];
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let issuer = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let (asked, own) = (Arc::new(AtomicUsize::new(0)), issuer.clone());
    let counted = Arc::clone(&asked);
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut buffer = [0; 4_096];
            let count = stream.read(&mut buffer).await.unwrap();
            counted.fetch_add(1, Ordering::Relaxed);
            let request = String::from_utf8_lossy(&buffer[..count]).into_owned();
            let (head, body) = answer(request.split(' ').nth(1).unwrap());
            let body = body.replace("{issuer}", &own);
            let answer = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    Served { issuer, ca: ca_certificate.der().clone(), asked, _serving: serving }
}

fn issuers() -> OidcIssuers {
    OidcIssuers { files: BTreeMap::new(), system: OnceCell::new() }
}

async fn fetch(issuers: &OidcIssuers, issuer: &str, fingerprints: &[String]) -> Outcome<String> {
    let fetched = issuers.fetch(issuer, fingerprints).await.map_err(|failed| failed.reason)?;
    Ok(String::from_utf8(fetched).unwrap())
}

fn discovered(path: &str) -> (&'static str, String) {
    match path {
        DISCOVERY => ("200 OK", r#"{"issuer":"{issuer}","jwks_uri":"{issuer}/keys"}"#.to_owned()),
        _ => ("200 OK", r#"{"keys":[]}"#.to_owned()),
    }
}

#[tokio::test]
async fn keys_are_fetched_from_whom_the_fingerprint_names() {
    let served = serve("localhost", discovered).await;
    let issuers = issuers();
    let colons = to_hex(&sha1(&served.ca))
        .to_uppercase()
        .as_bytes()
        .chunks(2)
        .map(String::from_utf8_lossy)
        .collect::<Vec<_>>()
        .join(":");
    for fingerprint in [to_hex(&sha256(&served.ca)), to_hex(&sha1(&served.ca)), colons] {
        let keys = fetch(&issuers, &served.issuer, &["00".repeat(20), fingerprint]).await;
        assert_eq!(keys.unwrap(), r#"{"keys":[]}"#);
    }
    assert_eq!(served.asked.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn a_server_that_is_certified_by_another_is_asked_nothing() {
    let served = serve("localhost", discovered).await;
    let issuers = issuers();
    // Neither does the operating system trust it.
    for fingerprints in [vec!["00".repeat(20)], vec![]] {
        let refused = fetch(&issuers, &served.issuer, &fingerprints).await.unwrap_err();
        assert!(refused.contains("TLS failed"), "{refused}");
    }
    let of_another_host = serve("elsewhere", discovered).await;
    let named = [to_hex(&sha256(&of_another_host.ca))];
    let refused = fetch(&issuers, &of_another_host.issuer, &named).await.unwrap_err();
    assert!(refused.contains("TLS failed"), "{refused}");
    assert_eq!(served.asked.load(Ordering::Relaxed) + of_another_host.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn whatever_leads_elsewhere_is_not_followed() {
    let elsewhere: [(Answer, &str); 5] = [
        (|_| ("302 Found\r\nlocation: https://localhost/", String::new()), "redirects are not followed"),
        (|_| ("200 OK", r#"{"issuer":"https://other","jwks_uri":"{issuer}/keys"}"#.to_owned()), "of another issuer"),
        (|_| ("200 OK", r#"{"issuer":"{issuer}","jwks_uri":"http://localhost/keys"}"#.to_owned()), "https URL"),
        (|_| ("200 OK", r#"{"issuer":"{issuer}"}"#.to_owned()), "URL"),
        (|_| ("200 OK", "x".repeat(ANSWER_BYTES + 1)), "too long"),
    ];
    for (answer, problem) in elsewhere {
        let served = serve("localhost", answer).await;
        let named = [to_hex(&sha256(&served.ca))];
        let refused = fetch(&issuers(), &served.issuer, &named).await.unwrap_err();
        assert!(refused.contains(problem), "{refused}");
        assert_eq!(served.asked.load(Ordering::Relaxed), 1);
    }
    for wrong in ["http://localhost", "https://user@localhost", "file:///etc/passwd", ""] {
        assert!(fetch(&issuers(), wrong, &["00".repeat(20)]).await.unwrap_err().contains("URL"), "{wrong}");
    }
}

#[tokio::test]
async fn an_issuer_that_has_a_file_is_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    std::fs::write(&file, "{}").unwrap();
    let files = [("https://issuer".to_owned(), file), ("https://none".to_owned(), folder.path().join("none"))];
    let issuers = OidcIssuers { files: files.into_iter().collect(), system: OnceCell::new() };
    assert_eq!(fetch(&issuers, "https://issuer", &[]).await.unwrap(), "{}");
    assert!(fetch(&issuers, "https://none", &[]).await.unwrap_err().contains("cannot read"));
}
