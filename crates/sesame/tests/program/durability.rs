//! `kill -9` under write load: whatever was acknowledged is there afterwards, and the database is whole.
//!
//! Each connection owns the keys that it makes, so it knows what each must look like: everything acknowledged, and
//! beside that at most the one change that was under way when the server died.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use sesame_crypto::{Random as _, SystemRandom};

use crate::client::Client;
use crate::server::{Server, sourced};

const CONNECTIONS: usize = 4;
/// Kills in all; `SESAME_TEST_KILLS` asks for more or fewer.
const KILLS: u64 = 200;

/// What one connection knows of one of its keys.
#[derive(Debug, Default)]
struct Known {
    id: String,
    description: String,
    tags: BTreeSet<String>,
    aliases: BTreeSet<String>,
    enabled: bool,
    ciphertext: Option<String>,
    /// The change that was not acknowledged.
    doubt: Option<Doubt>,
}

#[derive(Clone, Debug)]
enum Doubt {
    Description(String),
    Tag(String),
    Alias(String),
    Enabled(bool),
}

#[derive(Debug, Default)]
struct Ledger {
    keys: Vec<Known>,
    acknowledged: u64,
    /// Keys that may or may not exist.
    doubtful_keys: u64,
}

#[test]
fn no_acknowledged_write_is_lost() {
    let kills = std::env::var("SESAME_TEST_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut ledgers: Vec<Ledger> = (0..CONNECTIONS).map(|_| Ledger::default()).collect();
    // The files that a start makes are waited for once; then the credentials never change.
    assert!(Server::start(&data).stop().success());
    let credentials = sourced(&data.join("credentials.env"));
    let mut done = 0;
    while done < kills {
        // Now and then a server is killed while it starts, with what its predecessor left to recover.
        if below(8) == 0 {
            let mut child = Server::command(&data)
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_micros(below(40_000)));
            child.kill().unwrap();
            child.wait().unwrap();
            done += 1;
            continue;
        }
        let server = Server::start(&data);
        let host = server.http().to_owned();
        let verified = AtomicBool::new(true);
        std::thread::scope(|scope| {
            let workers: Vec<_> = ledgers
                .iter_mut()
                .map(|ledger| {
                    let (host, credentials) = (&host, &credentials);
                    scope.spawn(move || {
                        let mut client = Client::connect_as(host, &credentials[0], &credentials[1]).unwrap();
                        // What this round is to write on, and what the last one wrote, is looked at first.
                        if ledger.verify(&mut client, RECENT).is_some() {
                            ledger.write_until_killed(&mut client);
                        }
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(30) + Duration::from_micros(below(120_000)));
            server.kill();
            for worker in workers {
                if worker.join().is_err() {
                    verified.store(false, Ordering::Relaxed);
                }
            }
        });
        assert!(verified.into_inner(), "after {done} kills");
        done += 1;
    }

    let server = Server::start(&data);
    let mut client = Client::connect_as(server.http(), &credentials[0], &credentials[1]).unwrap();
    for ledger in &mut ledgers {
        ledger.verify(&mut client, usize::MAX).unwrap();
    }
    let keys: u64 = ledgers.iter().map(|ledger| ledger.keys.len() as u64).sum();
    let doubtful: u64 = ledgers.iter().map(|ledger| ledger.doubtful_keys).sum();
    let (_, answer) = client.call("ListKeys", &[]).unwrap();
    let total = answer["TotalCount"].as_u64().unwrap();
    assert!((keys..=keys + doubtful).contains(&total), "{keys} keys acknowledged, {doubtful} in doubt, {total} listed");
    assert!(server.stop().success());
    check_file(&data.join("sesame.db"));
    let acknowledged: u64 = ledgers.iter().map(|ledger| ledger.acknowledged).sum();
    assert!(acknowledged > kills, "only {acknowledged} writes in {kills} rounds prove little");
    println!("{done} kills, {acknowledged} acknowledged writes, {keys} keys, all there");
}

/// Keys of a connection that are looked at after each kill; all of them are at the end.
const RECENT: usize = 3;

impl Ledger {
    /// Writes until the connection breaks, and remembers what was under way then.
    fn write_until_killed(&mut self, client: &mut Client) {
        while self.write(client).is_some() {
            self.acknowledged += 1;
        }
    }

    fn write(&mut self, client: &mut Client) -> Option<()> {
        let recent = self.keys.len().saturating_sub(RECENT);
        if self.keys.is_empty() || below(6) == 0 {
            self.doubtful_keys += 1;
            let answer = answered(client, "CreateKey", &[])?;
            self.doubtful_keys -= 1;
            let id = answer["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
            self.keys.push(Known { id, enabled: true, ..Known::default() });
            return Some(());
        }
        let count = (self.keys.len() - recent) as u64;
        let chosen = recent + usize::try_from(below(count)).unwrap();
        self.keys[chosen].change(client)
    }

    /// Looks at the newest keys, and settles what was in doubt; nothing when the server is killed meanwhile. What is
    /// not settled then is settled next time, so nothing may be written before.
    fn verify(&mut self, client: &mut Client, newest: usize) -> Option<()> {
        let from = self.keys.len().saturating_sub(newest);
        self.keys[from..].iter_mut().try_for_each(|key| key.verify(client))
    }
}

impl Known {
    fn change(&mut self, client: &mut Client) -> Option<()> {
        let id = self.id.clone();
        let unique = format!("{:016x}", below(u64::MAX));
        let (action, doubt, parameters): (_, _, Vec<(&str, &str)>) = match below(6) {
            0 => (
                "UpdateKeyDescription",
                Doubt::Description(unique.clone()),
                vec![("KeyId", &id), ("Description", &unique)],
            ),
            1 => {
                let name = format!("alias/{unique}");
                self.doubt = Some(Doubt::Alias(name.clone()));
                answered(client, "CreateAlias", &[("KeyId", &id), ("AliasName", &name)])?;
                self.settle();
                return Some(());
            }
            2 if !self.tags.is_empty() => {
                let tag = self.tags.pop_first()?;
                // In doubt it may be there or not, exactly like one that is being added.
                self.doubt = Some(Doubt::Tag(tag.clone()));
                let list =
                    [("RegionId", "cn-hangzhou"), ("ResourceType", "key"), ("ResourceId.1", &*id), ("TagKey.1", &*tag)];
                answered(client, "UntagResources", &list)?;
                self.doubt = None;
                return Some(());
            }
            3 => {
                let action = if self.enabled { "DisableKey" } else { "EnableKey" };
                (action, Doubt::Enabled(!self.enabled), vec![("KeyId", &id)])
            }
            4 if self.enabled && self.ciphertext.is_none() => {
                // Nothing is written, but what was encrypted has to stay readable.
                let answer = answered(client, "Encrypt", &[("KeyId", &id), ("Plaintext", "aGk=")])?;
                self.ciphertext = Some(answer["CiphertextBlob"].as_str().unwrap().to_owned());
                return Some(());
            }
            // A key holds 20 tags at most.
            _ if self.tags.len() >= 15 => return Some(()),
            _ => {
                let list = [
                    ("RegionId", "cn-hangzhou"),
                    ("ResourceType", "key"),
                    ("ResourceId.1", &*id),
                    ("Tag.1.Key", &*unique),
                    ("Tag.1.Value", "v"),
                ];
                ("TagResources", Doubt::Tag(unique.clone()), list.to_vec())
            }
        };
        self.doubt = Some(doubt);
        answered(client, action, &parameters)?;
        self.settle();
        Some(())
    }

    /// What was in doubt has happened.
    fn settle(&mut self) {
        match self.doubt.take() {
            Some(Doubt::Description(text)) => self.description = text,
            Some(Doubt::Tag(tag)) => drop(self.tags.insert(tag)),
            Some(Doubt::Alias(name)) => drop(self.aliases.insert(name)),
            Some(Doubt::Enabled(enabled)) => self.enabled = enabled,
            None => {}
        }
    }

    fn verify(&mut self, client: &mut Client) -> Option<()> {
        let id = self.id.clone();
        let described = answered(client, "DescribeKey", &[("KeyId", &id)])?;
        let tags = answered(client, "ListResourceTags", &[("KeyId", &id)])?;
        let aliases = answered(client, "ListAliasesByKeyId", &[("KeyId", &id), ("PageSize", "100")])?;
        let metadata = &described["KeyMetadata"];
        let description = metadata["Description"].as_str().unwrap_or_default();
        let enabled = metadata["KeyState"] == "Enabled";
        let tags = names(&tags["Tags"]["Tag"], "TagKey");
        let total = aliases["TotalCount"].as_u64().unwrap();
        let aliases = names(&aliases["Aliases"]["Alias"], "AliasName");
        let happened = match &self.doubt {
            Some(Doubt::Description(text)) => description == text,
            Some(Doubt::Tag(tag)) => tags.contains(tag),
            Some(Doubt::Alias(name)) => aliases.contains(name),
            Some(Doubt::Enabled(wanted)) => enabled == *wanted,
            None => false,
        };
        if happened {
            self.settle();
        }
        self.doubt = None;
        assert_eq!(description, self.description, "{id}");
        assert_eq!(enabled, self.enabled, "{id}");
        assert_eq!(tags, self.tags, "{id}");
        assert_eq!(total, self.aliases.len() as u64, "{id}");
        assert!(aliases.is_subset(&self.aliases), "{id}: {aliases:?}");
        if let (true, Some(blob)) = (enabled, &self.ciphertext) {
            assert_eq!(answered(client, "Decrypt", &[("CiphertextBlob", blob)])?["Plaintext"], "aGk=", "{id}");
        }
        Some(())
    }
}

/// The answer; nothing when the server died before it gave one.
fn answered(client: &mut Client, action: &str, parameters: &[(&str, &str)]) -> Option<Value> {
    let (status, answer) = client.call(action, parameters).ok()?;
    assert_eq!(status, 200, "{action} {:?}: {answer}", BTreeMap::from_iter(parameters.iter().copied()));
    Some(answer)
}

fn names(list: &Value, member: &str) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

fn below(limit: u64) -> u64 {
    let mut bytes = [0; 8];
    SystemRandom.fill(&mut bytes).unwrap();
    u64::from_be_bytes(bytes) % limit
}

/// The checks of the engine itself, over every page and every reference.
fn check_file(path: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::{Connection as _, Row as _};
        sqlx::any::install_default_drivers();
        let mut connection = sqlx::AnyConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
        let row = sqlx::query("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
        assert_eq!(row.get::<String, _>(0), "ok");
        let broken = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut connection).await.unwrap();
        assert!(broken.is_empty());
    });
}

/// A first start that is cut short leaves nothing that the next one cannot go on from.
#[test]
fn a_first_start_can_be_killed_at_any_moment() {
    for round in 0..40_u64 {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut child = Server::command(&data)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(round * 1_500 + below(1_500)));
        child.kill().unwrap();
        child.wait().unwrap();
        let server = Server::start(&data);
        assert!(server.answer(&["ListKeys"])["TotalCount"].is_u64());
    }
}
