use std::os::unix::fs::MetadataExt as _;

use super::Bed;
use super::bed::{Folder, new_key, open};
use crate::{StoreError, keys};

async fn bed(folder: &Folder) -> Bed {
    let url = folder.url();
    Bed { store: open(&url).await.unwrap(), url }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_is_refused() {
    let folder = Folder::new();
    let bed = bed(&folder).await;
    let refused = open(&bed.url).await.unwrap_err();
    assert!(matches!(refused, StoreError::InUse(_)));
    assert!(refused.to_string().contains("another Sesame server"), "{refused}");
    bed.store.close().await;
    open(&bed.url).await.unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_shows_a_secret_and_only_the_owner_reads_any() {
    const CANARY: &[u8] = b"a canary of 32 bytes, never seen";
    let folder = Folder::new();
    let bed = bed(&folder).await;
    let key = new_key();
    bed.insert(&key, CANARY).await.unwrap();
    let mut files = 0;
    let mut scan = || {
        for entry in std::fs::read_dir(&folder.0).unwrap() {
            let path = entry.unwrap().path();
            let content = std::fs::read(&path).unwrap();
            assert!(!content.windows(CANARY.len()).any(|window| window == CANARY), "{path:?}");
            assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o077, 0, "{path:?}");
            files += 1;
        }
    };
    scan();
    bed.store.close().await;
    scan();
    assert!(files >= 6, "{files}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_a_crash() {
    let folder = Folder::new();
    let bed = bed(&folder).await;
    let key = new_key();
    bed.insert(&key, b"m").await.unwrap();
    // What a power failure leaves: the files as they are after the answer, without any closing.
    let after = Folder::new();
    for name in ["sesame.db", "sesame.db-wal"] {
        std::fs::copy(folder.0.join(name), after.0.join(name)).unwrap();
    }
    let survivor = open(&after.url()).await.unwrap();
    assert_eq!(keys::get(&mut survivor.reader().await.unwrap(), &key.id).await.unwrap(), Some(key));
    survivor.close().await;
    bed.store.close().await;
}

#[tokio::test]
async fn a_path_may_hold_any_character() {
    let folder = Folder::new();
    let odd = folder.0.join("a b%20?c#d&é");
    std::fs::create_dir(&odd).unwrap();
    let store = open(&format!("sqlite://{}/x.db", odd.display())).await.unwrap();
    assert!(odd.join("x.db").exists());
    store.close().await;
}

#[tokio::test]
async fn other_urls_are_refused() {
    for url in ["sqlite://relative.db", "mysql://x/y", "", "sqlite:///no/such/folder/x.db"] {
        let refused = open(url).await.unwrap_err();
        assert!(matches!(refused, StoreError::Unusable(_)), "{url}: {refused}");
    }
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let folder = Folder::new();
    let bed = bed(&folder).await;
    bed.store.close().await;
    let refused = bed.insert(&new_key(), b"m").await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)) && refused.is_temporary());
}
