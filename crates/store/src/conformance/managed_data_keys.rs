//! Managed data keys.

use sesame_crypto::secret::SecretBytes;
use sesame_domain::{AccountId, Page, Timestamp};

use super::bed::account;
use super::{Bed, on_both_engines};
use crate::StoreError;
use crate::managed_data_keys::{self, Which};

fn other_account() -> AccountId {
    "6543210987654321".parse().unwrap()
}

async fn add(bed: &Bed, account: AccountId, name: &'static str, version: &'static str) -> Result<(), StoreError> {
    bed.write(move |tx| {
        let account = account.clone();
        Box::pin(async move {
            let material = SecretBytes::from_slice(format!("{account} {name} {version}").as_bytes());
            managed_data_keys::add(tx, &account, name, version, &material, Timestamp::from_millis(1)).await
        })
    })
    .await
}

/// The version that is found, and what was kept as its material.
async fn get(
    bed: &Bed,
    account: &AccountId,
    name: &str,
    which: &Which,
) -> Result<Option<(String, String)>, StoreError> {
    let mut conn = bed.store.reader().await.unwrap();
    let found = managed_data_keys::get(&mut conn, account, name, which).await?;
    Ok(found.map(|(version, material)| (version, String::from_utf8(material.expose().to_vec()).unwrap())))
}

async fn list(bed: &Bed, account: &AccountId, name: &str, number: u32, size: u32) -> (Vec<String>, i64) {
    let mut conn = bed.store.reader().await.unwrap();
    managed_data_keys::list(&mut conn, account, name, Page { number, size }).await.unwrap()
}

on_both_engines! {
    versions_are_found_first_latest_and_by_name(bed) {
        // Not in the order of their names, and all made in the same millisecond.
        for version in ["m", "z", "a"] {
            add(&bed, account(), "app", version).await.unwrap();
        }
        for (which, expected) in [
            (Which::First, Some("m")),
            (Which::Latest, Some("a")),
            (Which::Version("z".into()), Some("z")),
            (Which::Version("x".into()), None),
        ] {
            let found = get(&bed, &account(), "app", &which).await.unwrap();
            let expected = expected.map(|version| (version.to_owned(), format!("{} app {version}", account())));
            assert_eq!(found, expected, "{which:?}");
        }
        for which in [Which::First, Which::Latest, Which::Version("m".into())] {
            assert_eq!(get(&bed, &account(), "none", &which).await.unwrap(), None);
        }
    }

    a_version_is_added_once(bed) {
        add(&bed, account(), "app", "one").await.unwrap();
        assert!(matches!(add(&bed, account(), "app", "one").await, Err(StoreError::AlreadyExists)));
        assert_eq!(list(&bed, &account(), "app", 1, 9).await, (vec!["one".to_owned()], 1));
    }

    versions_are_listed_newest_first_in_pages(bed) {
        for version in ["m", "z", "a"] {
            add(&bed, account(), "app", version).await.unwrap();
        }
        assert_eq!(list(&bed, &account(), "app", 1, 2).await, (vec!["a".to_owned(), "z".to_owned()], 3));
        assert_eq!(list(&bed, &account(), "app", 2, 2).await, (vec!["m".to_owned()], 3));
        assert_eq!(list(&bed, &account(), "app", 3, 2).await, (Vec::new(), 3));
        assert_eq!(list(&bed, &account(), "none", 1, 2).await, (Vec::new(), 0));
    }

    names_and_accounts_do_not_mix(bed) {
        for (account, name) in [(account(), "app"), (account(), "app2"), (other_account(), "app")] {
            add(&bed, account, name, "v").await.unwrap();
        }
        for (account, name) in [(account(), "app"), (account(), "app2"), (other_account(), "app")] {
            let expected = ("v".to_owned(), format!("{account} {name} v"));
            assert_eq!(get(&bed, &account, name, &Which::Latest).await.unwrap(), Some(expected));
            assert_eq!(list(&bed, &account, name, 1, 9).await.1, 1);
        }
    }

    material_opens_only_in_its_place(bed) {
        for name in ["a", "b", "c"] {
            add(&bed, account(), name, "v").await.unwrap();
        }
        bed.tamper("UPDATE managed_data_keys SET name = 'moved' WHERE name = 'a'").await;
        bed.tamper("UPDATE managed_data_keys SET version = 'w' WHERE name = 'b'").await;
        bed.tamper("UPDATE managed_data_keys SET account = '6543210987654321' WHERE name = 'c'").await;
        for (account, name) in [(account(), "moved"), (account(), "b"), (other_account(), "c")] {
            let opened = get(&bed, &account, name, &Which::Latest).await;
            assert!(matches!(opened, Err(StoreError::Corrupt(_))), "{name}");
        }
    }
}
