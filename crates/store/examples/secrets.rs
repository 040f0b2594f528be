//! Measures lists of secrets: `cargo run --release -p sesame-store --example secrets -- <url> [secrets] [calls]`.
//!
//! Fills an account up to the number, half of it with a tag and a description in common, then reads pages.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sesame_crypto::random::{SystemRandom, alphanumeric};
use sesame_crypto::secret::SecretBytes;
use sesame_domain::secret::{DataType, Keep, Secret, SecretRotation, SecretType, SecretVersion, Versions};
use sesame_domain::tag::ResourceType;
use sesame_domain::{AccountId, Clock as _, KeyId, Page, SystemClock, Tag};
use sesame_seal::RootKey;
use sesame_store::secrets::{self, NewSecretVersion, SecretFilter};
use sesame_store::{Options, Store, StoreError, tags};

type Failure = Box<dyn Error + Send + Sync>;

/// Secrets made in one transaction.
const BATCH: u64 = 1_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("a URL is wanted")?;
    let mut number = |default: u64| arguments.next().map_or(Ok(default), |text| text.parse::<u64>());
    let (wanted, calls) = (number(100_000)?, number(300)?);
    let root_key = RootKey::from_secret(SecretBytes::new(vec![7; 32]))?;
    let store = Store::open(Options::new(url, root_key, Arc::new(SystemRandom), Arc::new(SystemClock))).await?;
    let account: AccountId = "1234567890123456".parse()?;
    let mut stored = u64::try_from(secrets::count(&mut store.reader().await?, &account).await?)?;
    while stored < wanted {
        let account = account.clone();
        store.write::<_, StoreError, _>(move |tx| Box::pin(fill(tx, account.clone(), stored))).await?;
        stored += BATCH;
    }
    let text = |text: &str| vec![text.to_owned()];
    let last = u32::try_from(stored / 100)?;
    let creators = |count: u32| (0..count).map(|number| format!("user-{number}")).collect::<Vec<_>>();
    let none = SecretFilter::default;
    for (name, filter, number) in [
        ("first page of 100", none(), 1),
        ("middle page", none(), last / 2),
        ("last page", none(), last),
        ("one name", SecretFilter { names: vec!["secret-00000777".parse()?], ..none() }, 1),
        ("half: type Generic", SecretFilter { kinds: vec![SecretType::Generic], ..none() }, 1),
        ("all types", SecretFilter { kinds: SecretType::ALL.to_vec(), ..none() }, 1),
        ("all types, middle page", SecretFilter { kinds: SecretType::ALL.to_vec(), ..none() }, last / 2),
        ("one creator in ten", SecretFilter { creators: text("user-7"), ..none() }, 1),
        ("nine creators in ten, middle", SecretFilter { creators: creators(9), ..none() }, last * 9 / 20),
        ("three creators in ten, middle", SecretFilter { creators: creators(3), ..none() }, last * 3 / 20),
        ("half: description", SecretFilter { descriptions: text("in common"), ..none() }, 1),
        ("half: description, middle", SecretFilter { descriptions: text("in common"), ..none() }, last / 4),
        (
            "description and type",
            SecretFilter { descriptions: text("in common"), kinds: vec![SecretType::Generic], ..none() },
            1,
        ),
        (
            "three descriptions, middle",
            SecretFilter {
                descriptions: ["in common", "number 2", "number 778"].map(str::to_owned).to_vec(),
                ..none()
            },
            last / 4,
        ),
        ("one description", SecretFilter { descriptions: text("number 778"), ..none() }, 1),
        ("half: tag key and value", SecretFilter { tag_keys: text("env"), tag_values: text("prod"), ..none() }, 1),
        ("half: tag value", SecretFilter { tag_values: text("prod"), ..none() }, 1),
        (
            "tag value and type",
            SecretFilter { tag_values: text("prod"), kinds: vec![SecretType::Generic], ..none() },
            1,
        ),
        (
            "tag value and description",
            SecretFilter { tag_values: text("prod"), descriptions: text("in common"), ..none() },
            1,
        ),
        ("no such tag", SecretFilter { tag_keys: text("no"), ..none() }, 1),
    ] {
        let page = Page::new(Some(number.max(1)), Some(100)).ok_or("page")?;
        let mut times = Vec::new();
        let mut found = (0, 0);
        for _ in 0..calls {
            let (account, filter) = (account.clone(), filter.clone());
            let start = Instant::now();
            let read =
                store.read(move |conn| Box::pin(async move { secrets::list(conn, &account, &filter, page).await }));
            let (listed, total) = read.await?;
            times.push(start.elapsed());
            found = (listed.len(), total);
        }
        times.sort_unstable();
        let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or(Duration::ZERO);
        println!("{name:<30} {:>4} of {:>7}   p50 {:>9.1?}   p99 {:>9.1?}", found.0, found.1, at(50), at(99));
    }
    store.close().await;
    Ok(())
}

async fn fill(tx: &mut sesame_store::Tx<'_>, account: AccountId, from: u64) -> Result<(), StoreError> {
    const WRONG: StoreError = StoreError::Corrupt("made up");
    let now = SystemClock.now();
    let key: KeyId = "key-hzz0123456789abcdefgh".parse().map_err(|_| WRONG)?;
    let value = SecretBytes::new(vec![1; 64]);
    for number in from..from + BATCH {
        let even = number % 2 == 0;
        let secret = Secret {
            id: alphanumeric(&SystemRandom, 24)?.parse().map_err(|_| WRONG)?,
            account: account.clone(),
            name: format!("secret-{number:08}").parse().map_err(|_| WRONG)?,
            kind: if even { SecretType::Generic } else { SecretType::Rds },
            description: if even { "in common".to_owned() } else { format!("number {}", number + 1) },
            key: key.clone(),
            instance_id: String::new(),
            extended_config: String::new(),
            rotation: (!even).then_some(SecretRotation::OFF),
            created_at: now,
            updated_at: now,
            delete_at: None,
            owing_service: String::new(),
            creator: format!("user-{}", number % 10),
        };
        let mut versions = Versions::default();
        let version = SecretVersion {
            id: "v1".parse().map_err(|_| WRONG)?,
            number: 1,
            created_at: now,
            data_type: DataType::Text,
        };
        versions.put(version.clone(), &BTreeSet::new(), Keep::Newest).map_err(|_| WRONG)?;
        secrets::insert(tx, &secret, &[NewSecretVersion { version: &version, value: &value }], &versions).await?;
        if even {
            let tag = Tag { key: "env".parse().map_err(|_| WRONG)?, value: "prod".parse().map_err(|_| WRONG)? };
            tags::put(tx, &account, ResourceType::Secret, &[secret.name.as_str()], &[tag]).await?;
        }
    }
    Ok(())
}
