use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sesame_domain::KeyVersionId;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::Bed;
use super::bed::{new_key, on_postgres, open};
use crate::{Change, Store, key_versions, keys};

/// Waits until something holds, for at most this long.
async fn within(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < limit {
        if holds() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    holds()
}

fn record(store: &Store) -> Arc<Mutex<Vec<Change>>> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&told);
    store.on_change(Arc::new(move |changes| list.lock().extend_from_slice(changes)));
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_nodes_learn_of_a_change_within_a_second_and_once() {
    on_postgres(|bed: Bed| async move {
        let other = open(&bed.url).await.unwrap();
        let told = record(&other);
        let key = new_key();
        bed.insert(&key, b"m").await.unwrap();
        let id = key.id.clone();
        bed.write(move |tx| {
            let id = id.clone();
            Box::pin(async move { keys::set_description(tx, &id, "new").await })
        })
        .await
        .unwrap();
        let change = Change::Key(key.id.clone());
        assert!(within(Duration::from_secs(1), || told.lock().contains(&change)).await);
        tokio::time::sleep(Duration::from_millis(800)).await;
        assert_eq!(told.lock().iter().filter(|told| **told == change).count(), 1);
        assert!(other.is_current() && bed.store.is_current());
        other.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_together_make_the_tables_once() {
    on_postgres(|bed: Bed| async move {
        bed.store.close().await;
        bed.tamper("DROP SCHEMA public CASCADE").await;
        bed.tamper("CREATE SCHEMA public").await;
        let starts: Vec<_> = (0..4)
            .map(|_| {
                let url = bed.url.clone();
                tokio::spawn(async move { open(&url).await })
            })
            .collect();
        for start in starts {
            start.await.unwrap().unwrap().close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_term_begun_elsewhere_is_looked_up() {
    on_postgres(|bed: Bed| async move {
        let other = open(&bed.url).await.unwrap();
        other.rotate().await.unwrap();
        let key = new_key();
        let other_bed = Bed { store: other.clone(), url: bed.url.clone() };
        other_bed.insert(&key, b"sealed in term 2").await.unwrap();
        let version: &KeyVersionId = &key.primary_version;
        let mut conn = bed.store.reader().await.unwrap();
        let (_, material) = key_versions::get(&mut conn, version).await.unwrap().unwrap();
        assert_eq!(material.expose(), b"sealed in term 2");
        other.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_its_database_is_not_current_and_recovers() {
    on_postgres(|bed: Bed| async move {
        let line = Line::to(&bed.url).await;
        let store = open(&line.url).await.unwrap();
        let told = record(&store);
        assert!(store.is_current());
        line.cut();
        assert!(within(Duration::from_millis(950), || !store.is_current()).await);
        let refused = Bed { store: store.clone(), url: String::new() }.insert(&new_key(), b"m").await.unwrap_err();
        assert!(refused.is_temporary(), "{refused:?}");
        let key = new_key();
        bed.insert(&key, b"m").await.unwrap();
        line.mend().await;
        assert!(within(Duration::from_secs(3), || store.is_current()).await);
        assert!(told.lock().contains(&Change::KeyList(key.account.clone())));
        Bed { store: store.clone(), url: String::new() }.insert(&new_key(), b"m").await.unwrap();
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_goes_on_after_the_server_dropped_its_connections() {
    on_postgres(|bed: Bed| async move {
        for _ in 0..8 {
            bed.insert(&new_key(), b"m").await.unwrap();
        }
        bed.tamper(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
            AND datname = current_database()",
        )
        .await;
        let key = new_key();
        bed.insert(&key, b"m").await.unwrap();
        assert_eq!(bed.key(&key.id).await, Some(key));
    })
    .await;
}

/// A connection to the server that can be cut.
struct Line {
    url: String,
    port: u16,
    target: String,
    relay: Mutex<Option<JoinHandle<()>>>,
}

impl Line {
    async fn to(url: &str) -> Self {
        let (head, tail) = url.split_once('@').unwrap_or_else(|| url.split_once("://").unwrap());
        let (target, path) = tail.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let joint = if url.contains('@') { "@" } else { "://" };
        let line = Self {
            url: format!("{head}{joint}127.0.0.1:{port}/{path}"),
            port,
            target: target.to_owned(),
            relay: Mutex::new(None),
        };
        line.serve(listener);
        line
    }

    fn serve(&self, listener: TcpListener) {
        let target = self.target.clone();
        let relay = tokio::spawn(async move {
            // Dropped with this task, and all connections with it.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let target = target.clone();
                connections.spawn(async move {
                    let mut far = TcpStream::connect(target).await.unwrap();
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        *self.relay.lock() = Some(relay);
    }

    fn cut(&self) {
        if let Some(relay) = self.relay.lock().take() {
            relay.abort();
        }
    }

    async fn mend(&self) {
        loop {
            if let Ok(listener) = TcpListener::bind(("127.0.0.1", self.port)).await {
                return self.serve(listener);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
