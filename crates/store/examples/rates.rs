//! Measures a store: `cargo run --release -p sesame-store --example rates -- <url> [seconds] [callers] [keys]`.
//!
//! With a number of keys it first fills an account up to it, then measures pages of the list. The root key is fixed,
//! so that a database can be measured again.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sesame_crypto::random::{Random as _, SystemRandom, alphanumeric};
use sesame_crypto::secret::SecretBytes;
use sesame_crypto::spec::{KeySpec, KeyUsage};
use sesame_domain::{
    AccountId, Clock as _, Key, KeyId, KeyState, KeyVersion, KeyVersionId, Origin, Page, ProtectionLevel, SystemClock,
};
use sesame_seal::RootKey;
use sesame_store::{Options, Store, StoreError, key_versions, keys};

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("a URL is wanted")?;
    let mut number = |default: u64| arguments.next().map_or(Ok(default), |text| text.parse::<u64>());
    let (seconds, callers, fill) = (number(5)?, number(16)?, number(0)?);

    let started = Instant::now();
    let root_key = RootKey::from_secret(SecretBytes::new(vec![7; 32]))?;
    let store = Store::open(Options::new(url, root_key, Arc::new(SystemRandom), Arc::new(SystemClock))).await?;
    println!("open                         {:>10.1} ms", started.elapsed().as_secs_f64() * 1e3);

    let account: AccountId = "1234567890123456".parse()?;
    let stored = keys::count(&mut store.reader().await?, &account).await?;
    println!("keys stored                  {stored:>10}");
    fill_up(&store, &account, fill.saturating_sub(u64::try_from(stored)?)).await?;

    let with_account = (store.clone(), account.clone());
    let time = (seconds, callers);
    rate(
        "CreateKey",
        time,
        &with_account,
        |(store, account)| async move { create_key(&store, &account).await.map(|_| ()) },
    )
    .await?;

    let (key, version) = create_key(&store, &account).await?;
    for (name, callers) in [("get key, 1 caller", 1), ("get key", callers)] {
        rate(name, (seconds, callers), &(store.clone(), key.clone()), |(store, key)| async move {
            keys::get(&mut store.reader().await?, &key).await.map(|_| ())
        })
        .await?;
    }
    rate("get version with material", (seconds, callers), &(store.clone(), version), |(store, version)| async move {
        key_versions::get(&mut store.reader().await?, &version).await.map(|_| ())
    })
    .await?;

    let total = keys::count(&mut store.reader().await?, &account).await?;
    let last = u32::try_from(total / 100)?;
    for (name, number) in [("first page of 100", 1), ("middle page", last / 2 + 1), ("last page", last)] {
        let page = Page::new(Some(number.max(1)), Some(100)).ok_or("page")?;
        rate(name, (seconds, callers), &(with_account.clone(), page), |((store, account), page)| async move {
            let filter = keys::KeyFilter::default();
            keys::list(&mut store.reader().await?, &account, &filter, page).await.map(|_| ())
        })
        .await?;
    }
    rate("filtered page, no match", time, &with_account, |(store, account)| async move {
        let filter = keys::KeyFilter { states: vec![KeyState::Disabled], ..keys::KeyFilter::default() };
        let page = Page { number: 1, size: 100 };
        keys::list(&mut store.reader().await?, &account, &filter, page).await.map(|_| ())
    })
    .await?;
    store.close().await;
    Ok(())
}

/// Prints calls per second, and the time of one call at the 50th and 99th percentile.
async fn rate<C, F>(name: &str, (seconds, callers): (u64, u64), with: &C, call: fn(C) -> F) -> Result<(), Failure>
where
    C: Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), StoreError>> + Send + 'static,
{
    let cpu_before = cpu_seconds()?;
    let (count, until) = (Arc::new(AtomicU64::new(0)), Instant::now() + Duration::from_secs(seconds));
    let mut tasks = Vec::new();
    for _ in 0..callers {
        let (with, count) = (with.clone(), Arc::clone(&count));
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < until {
                let start = Instant::now();
                call(with.clone()).await?;
                times.push(start.elapsed());
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, StoreError>(times)
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    times.sort_unstable();
    let at = |part: f64| times.get((times.len() as f64 * part) as usize).copied().unwrap_or_default();
    let (calls, p50, p99) = (count.load(Ordering::Relaxed) as f64, at(0.5), at(0.99));
    let (rate, cpu_micros) = (calls / seconds as f64, (cpu_seconds()? - cpu_before) * 1e6 / calls);
    println!("{name:<28} {rate:>10.0} /s   p50 {p50:>10.1?}   p99 {p99:>10.1?}   CPU {cpu_micros:>8.1} µs each");
    Ok(())
}

/// CPU time of this process, which a busy machine changes less than it changes rates.
fn cpu_seconds() -> Result<f64, Failure> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // After the name in brackets, user and system time are the 12th and 13th fields (man 5 proc).
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = fields.get(11..13).ok_or("short /proc/self/stat")?;
    let ticks: f64 = ticks.iter().filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS_PER_SECOND)
}

async fn create_key(store: &Store, account: &AccountId) -> Result<(KeyId, KeyVersionId), StoreError> {
    let key = Arc::new(new_key(account)?);
    let mut material = SecretBytes::zeroed(32);
    SystemRandom.fill(material.expose_mut())?;
    let (names, material) = ((key.id.clone(), key.primary_version.clone()), Arc::new(material));
    store
        .write::<_, StoreError, _>(move |tx| {
            let (key, material) = (Arc::clone(&key), Arc::clone(&material));
            Box::pin(async move { keys::insert(tx, &key, &[version(&key, &material)]).await })
        })
        .await?;
    Ok(names)
}

async fn fill_up(store: &Store, account: &AccountId, mut missing: u64) -> Result<(), Failure> {
    while missing > 0 {
        let now = missing.min(2_000);
        let account = account.clone();
        let insert = store.write::<_, StoreError, _>(move |tx| {
            let account = account.clone();
            Box::pin(async move {
                let material = SecretBytes::new(vec![1; 32]);
                for _ in 0..now {
                    let key = new_key(&account)?;
                    keys::insert(tx, &key, &[version(&key, &material)]).await?;
                }
                Ok(())
            })
        });
        insert.await?;
        missing -= now;
    }
    Ok(())
}

fn version<'a>(key: &Key, material: &'a SecretBytes) -> keys::NewVersion<'a> {
    let version = KeyVersion { id: key.primary_version.clone(), key: key.id.clone(), created_at: key.created_at };
    keys::NewVersion { version, material }
}

fn new_key(account: &AccountId) -> Result<Key, StoreError> {
    const WRONG: StoreError = StoreError::Corrupt("a made-up id");
    let id: KeyId = format!("key-hzz{}", alphanumeric(&SystemRandom, 18)?).parse().map_err(|_| WRONG)?;
    let primary_version = KeyVersionId::new(&id, &alphanumeric(&SystemRandom, 10)?).map_err(|_| WRONG)?;
    let now = SystemClock.now();
    Ok(Key {
        id,
        account: account.clone(),
        spec: KeySpec::Aes256,
        usage: KeyUsage::EncryptDecrypt,
        origin: Origin::AliyunKms,
        protection_level: ProtectionLevel::Software,
        state: KeyState::Enabled,
        description: String::new(),
        creator: account.as_str().to_owned(),
        created_at: now,
        delete_at: None,
        deletion_protection: false,
        deletion_protection_description: String::new(),
        instance_id: String::new(),
        primary_version,
        rotation_interval: None,
        last_rotated_at: now,
        material_expires_at: None,
    })
}
