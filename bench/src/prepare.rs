//! Workloads, and what each must make beforehand through the same signed client.

use crate::{acs3::Request, connection::Connection, target::Target, text};
use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde_json::Value;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// The operation that is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// Encrypt of random bytes.
    Encrypt,
    /// Decrypt of ciphertexts made beforehand.
    Decrypt,
    /// GenerateDataKey.
    GenerateDataKey,
    /// DescribeKey.
    DescribeKey,
    /// CreateKey.
    CreateKey,
    /// ListKeys, page after page.
    ListKeys,
    /// TagResource with changing values of one tag.
    TagResource,
    /// AsymmetricSign of a 32-byte digest.
    AsymmetricSign,
    /// AsymmetricVerify of signatures made beforehand.
    AsymmetricVerify,
    /// GetSecretValue of secrets made beforehand.
    GetSecretValue,
    /// An action and parameters given by the caller, with nothing made beforehand.
    Raw,
}

/// The sizes of a workload.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Bytes of plaintext, data key or secret, before Base64.
    pub size: usize,
    /// Keys, or secrets, that the requests are spread over.
    pub keys: usize,
    /// `KeySpec` of the keys; by default what fits the workload.
    pub key_spec: Option<String>,
    /// `PageSize` of lists.
    pub page_size: usize,
    /// Pages 1 to this one are listed in turn.
    pub page_max: usize,
}

impl Default for Shape {
    fn default() -> Self {
        Self { size: 64, keys: 1, key_spec: None, page_size: 100, page_max: 1 }
    }
}

/// A key made for a workload.
#[derive(Clone, Debug)]
pub struct Key {
    /// `KeyId`.
    pub id: String,
}

impl Workload {
    /// The `KeySpec` that keys for this workload have if the caller does not choose.
    #[must_use]
    pub fn default_key_spec(self) -> &'static str {
        match self {
            Self::AsymmetricSign | Self::AsymmetricVerify => "EC_P256",
            _ => "Aliyun_AES_256",
        }
    }

    /// Whether requests of this workload name keys.
    #[must_use]
    pub fn needs_keys(self) -> bool {
        !matches!(self, Self::CreateKey | Self::ListKeys | Self::GetSecretValue | Self::Raw)
    }

    /// Makes the requests of this workload, over `keys`, which the caller has made.
    ///
    /// # Errors
    /// When a preparing call fails.
    pub async fn requests(self, target: &Arc<Target>, shape: &Shape, keys: &[Key]) -> Result<Arc<[Request]>> {
        let spec = shape.key_spec.as_deref().unwrap_or(self.default_key_spec());
        let plaintext = text::base64(&random(shape.size)?);
        let mut client = Connection::open(Arc::clone(target)).await?;
        let ids = keys.iter().map(|key| key.id.as_str());
        let mut requests = Vec::new();
        match self {
            Self::Encrypt => requests.extend(ids.map(|id| encrypt(id, &plaintext))),
            Self::Decrypt => {
                for id in ids {
                    let answer = call(&mut client, &encrypt(id, &plaintext)).await?;
                    let blob = field(&answer, "/CiphertextBlob")?;
                    requests.push(Request::new("Decrypt", &[("CiphertextBlob", blob)]));
                }
            }
            Self::GenerateDataKey => {
                let size = shape.size.to_string();
                let make = |id| Request::new("GenerateDataKey", &[("KeyId", id), ("NumberOfBytes", &size)]);
                requests.extend(ids.map(make));
            }
            Self::DescribeKey => requests.extend(ids.map(|id| Request::new("DescribeKey", &[("KeyId", id)]))),
            Self::CreateKey => requests.push(create_key(spec)),
            Self::ListKeys => {
                let size = shape.page_size.to_string();
                for page in 1..=shape.page_max {
                    let page = page.to_string();
                    requests.push(Request::new("ListKeys", &[("PageNumber", &page), ("PageSize", &size)]));
                }
            }
            Self::TagResource => requests.extend(tag_requests(keys)),
            Self::AsymmetricSign => {
                for id in ids {
                    requests.push(sign_request(&mut client, id, spec).await?.0);
                }
            }
            Self::AsymmetricVerify => {
                for id in ids {
                    requests.push(verify_request(&mut client, id, spec).await?);
                }
            }
            Self::GetSecretValue => requests.extend(secret_requests(&mut client, shape).await?),
            Self::Raw => bail!("a raw workload has nothing to prepare"),
        }
        Ok(requests.into())
    }
}

/// Makes `count` keys of `spec`, through many connections at once, and says on standard error how far it is.
///
/// # Errors
/// When a call fails.
pub async fn make_keys(target: &Arc<Target>, spec: &str, count: usize, connections: usize) -> Result<Vec<Key>> {
    let left = Arc::new(AtomicUsize::new(count));
    let request = create_key(spec);
    let mut set = JoinSet::new();
    for _ in 0..connections.min(count) {
        let (target, left, request) = (Arc::clone(target), Arc::clone(&left), request.clone());
        set.spawn(async move {
            let mut client = Connection::open(target).await?;
            let mut keys = Vec::new();
            let one_less = |left: usize| left.checked_sub(1);
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok() {
                let answer = call(&mut client, &request).await?;
                keys.push(Key { id: field(&answer, "/KeyMetadata/KeyId")?.to_owned() });
            }
            anyhow::Ok(keys)
        });
    }
    let progress = tokio::spawn(report_progress(Arc::clone(&left), count));
    let mut keys = Vec::with_capacity(count);
    while let Some(made) = set.join_next().await {
        keys.extend(made??);
    }
    progress.abort();
    Ok(keys)
}

/// How many keys the account has.
///
/// # Errors
/// When ListKeys fails.
pub async fn count_keys(target: &Arc<Target>) -> Result<usize> {
    let mut client = Connection::open(Arc::clone(target)).await?;
    let answer = call(&mut client, &Request::new("ListKeys", &[("PageSize", "1")])).await?;
    let total = answer.get("TotalCount").and_then(Value::as_u64).context("ListKeys without TotalCount")?;
    Ok(usize::try_from(total)?)
}

/// One call whose answer must be 200 and JSON.
///
/// # Errors
/// When it is not; the error holds the answer.
pub async fn call(client: &mut Connection, request: &Request) -> Result<Value> {
    let answer = client.call(request).await?;
    if answer.status != 200 {
        bail!("{} {}", answer.status, String::from_utf8_lossy(answer.body));
    }
    Ok(serde_json::from_slice(answer.body)?)
}

/// An Encrypt request; `plaintext` is Base64 already.
#[must_use]
pub fn encrypt(key_id: &str, plaintext: &str) -> Request {
    Request::new("Encrypt", &[("KeyId", key_id), ("Plaintext", plaintext)])
}

fn create_key(spec: &str) -> Request {
    let usage = if spec.contains("AES") || spec.contains("SM4") { "ENCRYPT/DECRYPT" } else { "SIGN/VERIFY" };
    Request::new("CreateKey", &[("KeySpec", spec), ("KeyUsage", usage)])
}

/// Eight values per key, so that most calls change something.
fn tag_requests(keys: &[Key]) -> impl Iterator<Item = Request> {
    (0..8).flat_map(move |value| {
        let tags = format!(r#"[{{"TagKey":"bench","TagValue":"v{value}"}}]"#);
        keys.iter().map(move |key| Request::new("TagResource", &[("KeyId", &key.id), ("Tags", &tags)]))
    })
}

/// The request to sign a digest, with the parameters that a request to verify it shares.
async fn sign_request(client: &mut Connection, key_id: &str, spec: &str) -> Result<(Request, [String; 3])> {
    let algorithm = match spec {
        "EC_P256" | "EC_P256K" => "ECDSA_SHA_256",
        "EC_SM2" => "SM2DSA",
        _ => "RSA_PKCS1_SHA_256",
    };
    let answer = call(client, &Request::new("ListKeyVersions", &[("KeyId", key_id)])).await?;
    let version = field(&answer, "/KeyVersions/KeyVersion/0/KeyVersionId")?;
    let digest = text::base64(&random(32)?);
    let shared = [("Algorithm", algorithm), ("Digest", digest.as_str()), ("KeyId", key_id), ("KeyVersionId", version)];
    Ok((Request::new("AsymmetricSign", &shared), [algorithm.to_owned(), digest.clone(), version.to_owned()]))
}

async fn verify_request(client: &mut Connection, key_id: &str, spec: &str) -> Result<Request> {
    let (sign, [algorithm, digest, version]) = sign_request(client, key_id, spec).await?;
    let answer = call(client, &sign).await?;
    let parameters = [
        ("Algorithm", algorithm.as_str()),
        ("Digest", digest.as_str()),
        ("KeyId", key_id),
        ("KeyVersionId", version.as_str()),
        ("Value", field(&answer, "/Value")?),
    ];
    let verify = Request::new("AsymmetricVerify", &parameters);
    let verified = call(client, &verify).await?;
    if verified.get("Value") != Some(&Value::Bool(true)) {
        bail!("the server does not verify its own signature: {verified}");
    }
    Ok(verify)
}

async fn secret_requests(client: &mut Connection, shape: &Shape) -> Result<Vec<Request>> {
    let mut run = Vec::new();
    text::push_hex(&mut run, &random(6)?);
    let run = String::from_utf8(run)?;
    let data = "s".repeat(shape.size);
    let mut requests = Vec::new();
    for at in 0..shape.keys {
        let name = format!("bench-{run}-{at}");
        let query = [("SecretName", name.as_str()), ("VersionId", "v1")];
        call(client, &Request::with_form("CreateSecret", &query, &[("SecretData", &data)])).await?;
        requests.push(Request::new("GetSecretValue", &[("SecretName", &name)]));
    }
    Ok(requests)
}

fn field<'a>(answer: &'a Value, pointer: &str) -> Result<&'a str> {
    answer.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no {pointer} in {answer}"))
}

/// `size` random bytes.
///
/// # Errors
/// When the system gives none.
pub fn random(size: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; size];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(bytes)
}

async fn report_progress(left: Arc<AtomicUsize>, count: usize) {
    let began = Instant::now();
    while left.load(Ordering::Relaxed) > 0 {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let made = count - left.load(Ordering::Relaxed);
        eprintln!("{made} of {count} keys, {:.0} per second", made as f64 / began.elapsed().as_secs_f64());
    }
}
