//! What slow cryptography costs other calls, and how much of it gets through: a service in process, without a gateway.
//!
//! `cargo run --release -p sesame-service --example signing`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for the terminal that has nothing to recover")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sesame_crypto::{KeySpec, SignatureAlgorithm, SystemRandom, UnlockedKey};
use sesame_testkit::TestKms;
use tokio::runtime::Handle;

const ROUND: Duration = Duration::from_secs(4);
/// Base64 of 32 bytes.
const DIGEST: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let kms = Arc::new(runtime.block_on(TestKms::new()));
    let handle = runtime.handle();

    let key = runtime.block_on(kms.key(&[]));
    println!("Encrypt alone: {}", encrypt_latency(handle, &kms, &key));
    for (what, spec, tasks) in
        [("64 callers signing RSA_4096", "RSA_4096", 64), ("64 callers signing EC_SM2", "EC_SM2", 64)]
    {
        let load = Load::sign(handle, &kms, spec, tasks);
        println!("Encrypt beside {what}: {}", encrypt_latency(handle, &kms, &key));
        runtime.block_on(load.stop());
    }
    let load = Load::generate(handle, &kms);
    println!("Encrypt beside 4 callers making RSA_4096 keys: {}", encrypt_latency(handle, &kms, &key));
    let made = runtime.block_on(load.stop());
    println!("  keys made: {made}");

    for spec in [KeySpec::Rsa2048, KeySpec::EcP256, KeySpec::EcSm2] {
        let bare = bare_rate(spec);
        let load = Load::sign(handle, &kms, spec.name(), 64);
        std::thread::sleep(Duration::from_millis(300));
        let (began, before) = (Instant::now(), load.done.load(Ordering::Relaxed));
        std::thread::sleep(ROUND);
        let done = load.done.load(Ordering::Relaxed) - before;
        let rate = done as f64 / began.elapsed().as_secs_f64();
        runtime.block_on(load.stop());
        println!(
            "AsymmetricSign {spec}: {rate:.0}/s; the primitive on every core: {bare:.0}/s; {:.0} %",
            100.0 * rate / bare
        );
    }
}

/// Encrypt by a client on a thread of its own, 1,000 times a second or a little less.
fn encrypt_latency(handle: &Handle, kms: &Arc<TestKms>, key: &str) -> String {
    let (answer, answered) = mpsc::channel();
    let mut taken = Vec::new();
    let began = Instant::now();
    while began.elapsed() < ROUND {
        let (kms, key, answer) = (Arc::clone(kms), key.to_owned(), answer.clone());
        let sent = Instant::now();
        handle.spawn(async move {
            kms.call("Encrypt", &[("KeyId", &key), ("Plaintext", "aGVsbG8=")]).await.unwrap();
            answer.send(()).unwrap();
        });
        answered.recv().unwrap();
        taken.push(sent.elapsed());
        std::thread::sleep(Duration::from_millis(1));
    }
    taken.sort_unstable();
    let at = |percent: usize| taken.get(taken.len() * percent / 100).copied().unwrap_or_default().as_micros();
    format!("p50 {} µs, p99 {} µs ({} calls)", at(50), at(99), taken.len())
}

/// Callers that repeat a call until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn sign(handle: &Handle, kms: &Arc<TestKms>, spec: &str, callers: usize) -> Self {
        let key = handle.block_on(kms.key(&[("KeySpec", spec)]));
        let version = handle.block_on(kms.call("ListKeyVersions", &[("KeyId", &key)])).unwrap();
        let version = version.pointer("/KeyVersions/KeyVersion/0/KeyVersionId").unwrap().as_str().unwrap().to_owned();
        let algorithm = SignatureAlgorithm::default_for(spec.parse().unwrap()).unwrap().name();
        let params =
            [("KeyId", key), ("KeyVersionId", version), ("Algorithm", algorithm.into()), ("Digest", DIGEST.into())];
        Self::new(handle, kms, "AsymmetricSign", &params, callers)
    }

    fn generate(handle: &Handle, kms: &Arc<TestKms>) -> Self {
        Self::new(handle, kms, "CreateKey", &[("KeySpec", "RSA_4096".into())], 4)
    }

    fn new(
        handle: &Handle,
        kms: &Arc<TestKms>,
        operation: &'static str,
        params: &[(&'static str, String)],
        callers: usize,
    ) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let tasks = (0..callers).map(|_| {
            let (kms, stop, done, params) = (Arc::clone(kms), Arc::clone(&stop), Arc::clone(&done), params.to_vec());
            handle.spawn(async move {
                let params: Vec<_> = params.iter().map(|(name, value)| (*name, value.as_str())).collect();
                while !stop.load(Ordering::Relaxed) {
                    kms.call(operation, &params).await.unwrap();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        Self { tasks: tasks.collect(), stop, done }
    }

    async fn stop(self) -> u64 {
        let done = self.done.load(Ordering::Relaxed);
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        done
    }
}

/// Signatures per second with nothing around them, on as many threads as there are cores.
fn bare_rate(spec: KeySpec) -> f64 {
    let algorithm = SignatureAlgorithm::default_for(spec).unwrap();
    let key = UnlockedKey::generate(spec, &SystemRandom).unwrap().0;
    let done = AtomicU64::new(0);
    let began = Instant::now();
    std::thread::scope(|threads| {
        for _ in 0..std::thread::available_parallelism().unwrap().get() {
            threads.spawn(|| {
                while began.elapsed() < ROUND {
                    key.sign_digest(algorithm, &[0; 32]).unwrap();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}
