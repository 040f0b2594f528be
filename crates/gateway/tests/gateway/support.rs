//! A gateway over a service and a database of its own, and clients that send raw bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sesame_crypto::digest::{hex_lower, sha256};
use sesame_crypto::hmac::{HmacHash, HmacKey};
use sesame_crypto::random::SystemRandom;
use sesame_crypto::secret::SecretText;
use sesame_domain::{AccountId, Clock, Timestamp};
use sesame_gateway::{Gateway, Listener, Options};
use sesame_seal::FileSeal;
use sesame_service::{CallQuotas, Limits, RotationPace, Service, ServiceOptions};
use sesame_store::access_keys::AccessKeyRecord;
use sesame_store::{Store, StoreError};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The moment at which the recorded requests of the gateway reference were signed.
pub(crate) const NOW: &str = "2026-11-24T11:16:15Z";

#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::parse(NOW).unwrap()
    }
}

/// A running gateway with the access key `testid` / `testsecret`.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) service: Arc<Service>,
    pub(crate) store: Store,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    _folder: TempDir,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self::with_quotas(options, Limits::default(), CallQuotas::default()).await
    }

    pub(crate) async fn with_quotas(options: Options, limits: Limits, call_quotas: CallQuotas) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (service, store) = service(&folder, limits, call_quotas).await;
        let gateway = Gateway::new(Arc::clone(&service), options);
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(gateway.serve(vec![Listener { tcp, tls: None }], async {
            let _ = stopped.await;
        }));
        Self { address, service, store, stop, served, _folder: folder }
    }

    /// Asks the gateway to stop; the handle ends when it has.
    pub(crate) fn stop(self) -> JoinHandle<()> {
        self.stop.send(()).unwrap();
        self.served
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes on a new connection and reads one answer.
    pub(crate) async fn send(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        read_answer(&mut stream).await.expect("an answer")
    }
}

async fn service(folder: &TempDir, limits: Limits, call_quotas: CallQuotas) -> (Arc<Service>, Store) {
    let root_key = FileSeal::create(&folder.path().join("root.key"), &SystemRandom).unwrap();
    let url = format!("sqlite://{}", folder.path().join("sesame.db").display());
    let options = sesame_store::Options::new(url, root_key, Arc::new(SystemRandom), Arc::new(Still));
    let store = Store::open(options).await.unwrap();
    let added: Result<(), StoreError> = store
        .write(|tx| {
            Box::pin(async move {
                let account: AccountId = "1234567890123456".parse().unwrap();
                let created_at = Timestamp::parse(NOW).unwrap();
                sesame_store::accounts::insert(tx, &account, created_at).await?;
                let secret = SecretText::new("testsecret".to_owned());
                let key = AccessKeyRecord { id: "testid".to_owned(), account, secret, active: true, created_at };
                sesame_store::access_keys::insert(tx, &key).await
            })
        })
        .await;
    added.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(Still);
    let audit = sesame_service::audit::testing::options(&folder.path().join("audit"), &clock).unwrap();
    let service = Service::new(ServiceOptions {
        store: store.clone(),
        audit,
        region: "cn-hangzhou".parse().unwrap(),
        sister_regions: Vec::new(),
        clock,
        random: Arc::new(SystemRandom),
        clock_window_seconds: 900,
        require_nonce: false,
        limits,
        call_quotas,
        rotation_pace: RotationPace::default(),
    });
    (service, store)
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Status and code, after checking that an error has the shape of the API.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let json = self.json();
        assert_eq!(self.header("content-type"), Some("application/json;charset=utf-8"));
        assert_eq!(json["HttpStatus"], self.status);
        assert_eq!(json["RequestId"].as_str(), self.header("x-acs-request-id"));
        assert!(json["HostId"].is_string() && json["Message"].is_string());
        (self.status, json["Code"].as_str().unwrap().to_owned())
    }
}

/// Reads one answer; `None` when the connection ends before it.
pub(crate) async fn read_answer(stream: &mut TcpStream) -> Option<Answer> {
    tokio::time::timeout(Duration::from_secs(20), read_whole(stream)).await.expect("an answer in time")
}

async fn read_whole(stream: &mut TcpStream) -> Option<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1)?.parse().unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Answer { status, head, body: String::from_utf8(body).unwrap() })
}

/// What a client signs with; the token is empty for a permanent key.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: String,
}

/// A request signed with ACS3-HMAC-SHA256; `query` must be canonical. Every call needs a nonce of its own.
pub(crate) fn acs3(action: &str, query: &str, nonce: &str, host: &str) -> Vec<u8> {
    let testid = Credentials { id: "testid".into(), secret: "testsecret".into(), token: String::new() };
    acs3_as(&testid, "2016-01-20", action, query, nonce, host)
}

/// As [`acs3`], of any product and with any credentials.
pub(crate) fn acs3_as(who: &Credentials, version: &str, action: &str, query: &str, nonce: &str, host: &str) -> Vec<u8> {
    let Credentials { id, secret, token } = who;
    let hash = hex(&sha256(b""));
    let (mut signed, mut canonical_token, mut header) =
        ("host;x-acs-action;x-acs-content-sha256;x-acs-date".to_owned(), String::new(), String::new());
    if !token.is_empty() {
        signed.push_str(";x-acs-security-token");
        canonical_token = format!("x-acs-security-token:{token}\n");
        header = format!("x-acs-security-token: {token}\r\n");
    }
    signed.push_str(";x-acs-signature-nonce;x-acs-version");
    let canonical = format!(
        "POST\n/\n{query}\nhost:{host}\nx-acs-action:{action}\nx-acs-content-sha256:{hash}\nx-acs-date:{NOW}\n\
         {canonical_token}x-acs-signature-nonce:{nonce}\nx-acs-version:{version}\n\n{signed}\n{hash}"
    );
    let text = format!("ACS3-HMAC-SHA256\n{}", hex(&sha256(canonical.as_bytes())));
    let key = HmacKey::new(HmacHash::Sha256, secret.as_bytes());
    let signature = hex(key.sign(&[text.as_bytes()]).as_bytes());
    format!(
        "POST /?{query} HTTP/1.1\r\nhost: {host}\r\nx-acs-action: {action}\r\nx-acs-version: {version}\r\n\
         x-acs-date: {NOW}\r\nx-acs-signature-nonce: {nonce}\r\nx-acs-content-sha256: {hash}\r\n\
         Authorization: ACS3-HMAC-SHA256 Credential={id},SignedHeaders={signed},Signature={signature}\r\n\
         {header}Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    hex_lower(bytes, &mut out);
    out
}
