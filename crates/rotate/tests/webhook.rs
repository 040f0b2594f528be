//! A generic secret is rotated by the program behind a webhook.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails should stop")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;
use sesame_crypto::digest::to_hex;
use sesame_crypto::{HmacHash, HmacKey};
use sesame_rotate::{Webhook, Webhooks};
use sesame_service::rotations::{RotationOptions, Rotations};
use sesame_testkit::TestKms;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const KEY: &str = "the key of the signature";

/// The program: stores what it is asked for, and answers with a status.
struct Program {
    kms: TestKms,
    status: AtomicU16,
    asked: AtomicUsize,
}

impl Program {
    async fn serve(self: Arc<Self>, listener: TcpListener, acceptor: TlsAcceptor) {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut read = Vec::new();
            let mut buffer = [0; 4_096];
            let (head, body) = loop {
                let count = stream.read(&mut buffer).await.unwrap();
                read.extend_from_slice(&buffer[..count]);
                let text = String::from_utf8(read.clone()).unwrap();
                if let Some((head, body)) = text.split_once("\r\n\r\n")
                    && body.ends_with('}')
                {
                    break (head.to_owned(), body.to_owned());
                }
            };
            self.asked.fetch_add(1, Ordering::Relaxed);
            assert!(head.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{head}");
            let header = |name: &str| {
                let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
                line.unwrap().to_owned()
            };
            let signed = format!("{}.{body}", header("x-sesame-timestamp"));
            let signature = HmacKey::new(HmacHash::Sha256, KEY.as_bytes()).sign(&[signed.as_bytes()]);
            assert_eq!(header("x-sesame-signature"), format!("sha256={}", to_hex(signature.as_bytes())));
            let asked: Value = serde_json::from_str(&body).unwrap();
            assert_eq!(asked["event"], "Secret:RotateSecret");
            assert_eq!(asked["secretArn"], "acs:kms:cn-hangzhou:1234567890123456:secret/app/one");
            let status = self.status.load(Ordering::Relaxed);
            if status == 200 {
                let name = asked["secretName"].as_str().unwrap();
                let version = asked["versionId"].as_str().unwrap();
                let params = [("SecretName", name), ("VersionId", version), ("SecretData", "made by the program")];
                self.kms.call("PutSecretValue", &params).await.unwrap();
            }
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nlocation: https://elsewhere/\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_generic_secret_is_rotated_by_whom_the_webhook_asks() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let kms = TestKms::new().await;
    let webhook = |secrets: &str, ca: &str| Webhook {
        account: "1234567890123456".parse().unwrap(),
        secrets: secrets.to_owned(),
        url: format!("https://localhost:{port}/hook?x=1").parse().unwrap(),
        ca: ca.as_bytes().to_vec(),
        signing_secret: "hook".parse().unwrap(),
    };
    let stranger = generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    let webhooks = Webhooks::new(vec![webhook("app/two", &stranger), webhook("app/*", &cert.pem())]);
    let options = RotationOptions { concurrency: 1, attempts: 2, retry_seconds: 30 };
    let rotations = Rotations::new(&kms.service, vec![Arc::new(webhooks)], options).unwrap();
    rotations.install();
    let clock = Arc::clone(&kms.clock);
    let program = Arc::new(Program { kms, status: AtomicU16::new(200), asked: AtomicUsize::new(0) });
    let serving = tokio::spawn(Arc::clone(&program).serve(listener, TlsAcceptor::from(Arc::new(config))));
    let kms = &program.kms;
    for (name, data) in [("hook", KEY), ("app/one", "first"), ("app/two", "first"), ("other", "first")] {
        let params = [("SecretName", name), ("VersionId", "v1"), ("SecretData", data)];
        kms.call("CreateSecret", &params).await.unwrap();
    }
    let rotate = async |name: &str, version: &str| {
        let asked = kms.call("RotateSecret", &[("SecretName", name), ("VersionId", version)]).await;
        rotations.round().await;
        asked
    };
    let current = async |name: &str| {
        let value = kms.call("GetSecretValue", &[("SecretName", name)]).await.unwrap();
        (value["VersionId"].as_str().unwrap().to_owned(), value["SecretData"].as_str().unwrap().to_owned())
    };

    rotate("app/one", "v2").await.unwrap();
    assert_eq!(current("app/one").await, ("v2".to_owned(), "made by the program".to_owned()));
    rotate("app/one", "v2").await.unwrap();
    assert_eq!(program.asked.load(Ordering::Relaxed), 1, "the version is there");

    // Whatever is not a success is tried again with the same version, and redirects are not followed.
    for status in [500, 302, 202] {
        program.status.store(status, Ordering::Relaxed);
        let (version, before) = (format!("v{status}"), program.asked.load(Ordering::Relaxed));
        rotate("app/one", &version).await.unwrap();
        assert_ne!(current("app/one").await.0, version);
        clock.advance_seconds(29);
        rotations.round().await;
        assert_eq!(program.asked.load(Ordering::Relaxed), before + 1, "the next attempt waits");
        program.status.store(200, Ordering::Relaxed);
        clock.advance_seconds(1);
        rotations.round().await;
        assert_eq!(current("app/one").await.0, version);
        assert_eq!(program.asked.load(Ordering::Relaxed), before + 2);
    }
    let metrics = kms.service.metrics().encode();
    assert!(
        metrics.contains(r#"secret_rotations_total{type="Generic",result="failed",reason="refused"} 3"#),
        "{metrics}"
    );

    // A server that another CA vouches for is not asked.
    let before = program.asked.load(Ordering::Relaxed);
    rotate("app/two", "v2").await.unwrap();
    clock.advance_seconds(30);
    rotations.round().await;
    assert_eq!((program.asked.load(Ordering::Relaxed), current("app/two").await.0.as_str()), (before, "v1"));
    let metrics = kms.service.metrics().encode();
    assert!(metrics.contains(r#"type="Generic",result="given_up",reason="unreachable"} 1"#), "{metrics}");

    // Without a webhook it is as on the original.
    let refusal = rotate("other", "v2").await.unwrap_err();
    assert_eq!((refusal.status, refusal.code), (400, "UnsupportedOperation"));
    serving.abort();
}
