use std::sync::{Arc, Mutex};

use sesame_crypto::secret::SecretText;
use sesame_domain::{AccountId, Timestamp};

use super::bed::{account, new_key};
use super::{Bed, on_both_engines};
use crate::access_keys::{self, AccessKeyRecord};
use crate::accounts::{self, Account};
use crate::{Change, StoreError};

const NEVER: &str = "9999999999999999";

/// Accounts with the ids 1111111111111111, 2222222222222222, …, the later ones made earlier.
async fn make(bed: &Bed, count: usize) -> Vec<AccountId> {
    let ids: Vec<AccountId> = (1..=count).map(|digit| digit.to_string().repeat(16).parse().unwrap()).collect();
    let made = ids.clone();
    bed.write(move |tx| {
        let ids = ids.clone();
        Box::pin(async move {
            for (at, id) in ids.iter().enumerate() {
                accounts::insert(tx, id, Timestamp::from_millis(100 - at as i64)).await?;
            }
            Ok(())
        })
    })
    .await
    .unwrap();
    made
}

async fn get(bed: &Bed, id: &AccountId) -> Option<Account> {
    accounts::get(&mut bed.store.reader().await.unwrap(), id).await.unwrap()
}

async fn set_disabled_at(bed: &Bed, id: &AccountId, at: Option<Timestamp>) -> Result<(), StoreError> {
    let id = id.clone();
    bed.write(move |tx| {
        let id = id.clone();
        Box::pin(async move { accounts::set_disabled_at(tx, &id, at).await })
    })
    .await
}

on_both_engines! {
    an_account_is_named_disabled_and_enabled(bed) {
        let ids = make(&bed, 1).await;
        let id = &ids[0];
        let new = get(&bed, id).await.unwrap();
        assert_eq!((new.name.as_str(), new.created_at, new.disabled_at), ("", Timestamp::from_millis(100), None));
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        bed.store.on_change(Arc::new(move |changes| listener.lock().unwrap().extend_from_slice(changes)));
        let since = Timestamp::from_millis(7);
        set_disabled_at(&bed, id, Some(since)).await.unwrap();
        assert_eq!(get(&bed, id).await.unwrap().disabled_at, Some(since));
        assert_eq!(accounts::is_enabled(&mut bed.store.reader().await.unwrap(), id).await.unwrap(), Some(false));
        set_disabled_at(&bed, id, None).await.unwrap();
        assert_eq!(accounts::is_enabled(&mut bed.store.reader().await.unwrap(), id).await.unwrap(), Some(true));
        assert_eq!(*told.lock().unwrap(), [Change::Account(id.clone()), Change::Account(id.clone())]);
        let named = id.clone();
        bed.write(move |tx| {
            let id = named.clone();
            Box::pin(async move { accounts::set_name(tx, &id, &"团队 B".parse().unwrap()).await })
        })
        .await
        .unwrap();
        assert_eq!(get(&bed, id).await.unwrap().name.as_str(), "团队 B");
    }

    an_account_that_is_not_there_is_not_changed(bed) {
        let never: AccountId = NEVER.parse().unwrap();
        assert_eq!(get(&bed, &never).await, None);
        assert_eq!(accounts::is_enabled(&mut bed.store.reader().await.unwrap(), &never).await.unwrap(), None);
        assert!(matches!(set_disabled_at(&bed, &never, None).await, Err(StoreError::Conflict)));
        let named = bed.write(move |tx| {
            let never = never.clone();
            Box::pin(async move { accounts::set_name(tx, &never, &"n".parse().unwrap()).await })
        });
        assert!(matches!(named.await, Err(StoreError::Conflict)));
    }

    accounts_page_by_id_with_what_is_in_them(bed) {
        let ids = make(&bed, 5).await;
        bed.write(move |tx| {
            Box::pin(async move {
                accounts::insert(tx, &account(), Timestamp::from_millis(1)).await?;
                let secret = SecretText::new("s".to_owned());
                let created_at = Timestamp::from_millis(1);
                let key = AccessKeyRecord { id: "LTAI1".into(), account: account(), secret, active: false, created_at };
                access_keys::insert(tx, &key).await
            })
        })
        .await
        .unwrap();
        bed.insert(&new_key(), b"m").await.unwrap();
        bed.insert(&new_key(), b"m").await.unwrap();
        let mut conn = bed.store.reader().await.unwrap();
        let first = accounts::page(&mut conn, None, 3).await.unwrap();
        let listed: Vec<_> = first.iter().map(|summary| summary.account.id.clone()).collect();
        assert_eq!(listed, [ids[0].clone(), account(), ids[1].clone()]);
        assert_eq!((first[1].root_keys, first[1].users, first[1].keys, first[1].secrets), (1, 0, 2, 0));
        assert_eq!(accounts::summary(&mut conn, &account()).await.unwrap().as_ref(), Some(&first[1]));
        assert_eq!(accounts::summary(&mut conn, &NEVER.parse().unwrap()).await.unwrap(), None);
        assert_eq!((first[2].root_keys, first[2].keys), (0, 0));
        let rest = accounts::page(&mut conn, Some(&listed[2]), 100).await.unwrap();
        let rest: Vec<_> = rest.into_iter().map(|summary| summary.account.id).collect();
        assert_eq!(rest, ids[2..]);
        assert!(accounts::page(&mut conn, Some(&ids[4]), 100).await.unwrap().is_empty());
    }
}
