use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::Mutex;
use sesame_domain::{Key, KeyState, Page};

use super::bed::{account, first_version, new_key};
use super::{Bed, on_both_engines};
use crate::{Change, StoreError, keys, meta};

/// Adds one to a counter kept in `meta`, by reading and writing it.
async fn increment(bed: &Bed) -> Result<(), StoreError> {
    bed.write(|tx| {
        Box::pin(async move {
            let old: u32 = meta::get(tx, "n").await?.map_or(0, |text| text.parse().unwrap());
            meta::put(tx, "n", &(old + 1).to_string()).await
        })
    })
    .await
}

async fn value(bed: &Bed, name: &str) -> Option<String> {
    meta::get(&mut bed.store.reader().await.unwrap(), name).await.unwrap()
}

/// Writes a value and then fails.
async fn write_and_fail(bed: &Bed, name: &'static str) -> Result<(), StoreError> {
    bed.write(move |tx| {
        Box::pin(async move {
            meta::put(tx, name, "must not stay").await?;
            Err(StoreError::Corrupt("on purpose"))
        })
    })
    .await
}

on_both_engines! {
    a_write_that_fails_leaves_nothing(bed) {
        assert!(matches!(write_and_fail(&bed, "x").await, Err(StoreError::Corrupt("on purpose"))));
        assert_eq!(value(&bed, "x").await, None);
        increment(&bed).await.unwrap();
    }

    no_update_is_lost(bed) {
        const TASKS: u32 = 8;
        const EACH: u32 = 12;
        let retried = Arc::new(AtomicU32::new(0));
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let (bed, retried) = (bed.clone(), Arc::clone(&retried));
                tokio::spawn(async move {
                    for _ in 0..EACH {
                        while let Err(cause) = increment(&bed).await {
                            assert!(matches!(cause, StoreError::Contended), "{cause}");
                            retried.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(value(&bed, "n").await, Some((TASKS * EACH).to_string()));
    }

    neighbours_of_a_failing_write_are_committed(bed) {
        let tasks: Vec<_> = (0..60_u32)
            .map(|number| {
                let bed = bed.clone();
                tokio::spawn(async move {
                    match number % 6 {
                        0 => assert!(write_and_fail(&bed, "failing").await.is_err()),
                        1 => {
                            let panicking = bed.write::<(), _>(|tx| {
                                Box::pin(async move {
                                    meta::put(tx, "panicking", "must not stay").await?;
                                    panic!("on purpose")
                                })
                            });
                            assert!(matches!(panicking.await, Err(StoreError::Panicked)));
                        }
                        _ => bed.insert(&new_key(), b"m").await.unwrap(),
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(value(&bed, "failing").await, None);
        assert_eq!(value(&bed, "panicking").await, None);
        let mut conn = bed.store.reader().await.unwrap();
        assert_eq!(keys::count(&mut conn, &account()).await.unwrap(), 40);
        let page = Page { number: 1, size: 100 };
        let (ids, total) = keys::list(&mut conn, &account(), &keys::KeyFilter::default(), page).await.unwrap();
        assert_eq!((ids.len(), total), (40, 40));
    }

    a_read_sees_one_moment(bed) {
        let key = new_key();
        bed.insert(&key, b"m").await.unwrap();
        let id = key.id.clone();
        let writer = bed.clone();
        let seen = bed.store.read::<_, StoreError, _>(move |conn| {
            Box::pin(async move {
                let before = keys::get(conn, &id).await?.unwrap().description;
                let changed = id.clone();
                writer
                    .write(move |tx| {
                        let id = changed.clone();
                        Box::pin(async move { keys::set_description(tx, &id, "new").await })
                    })
                    .await?;
                Ok((before, keys::get(conn, &id).await?.unwrap().description))
            })
        });
        assert_eq!(seen.await.unwrap(), (String::new(), String::new()));
        assert_eq!(bed.key(&key.id).await.unwrap().description, "new");
    }

    reads_go_on_during_writes(bed) {
        let key = new_key();
        bed.insert(&key, b"m").await.unwrap();
        let writers: Vec<_> = (0..4)
            .map(|_| {
                let bed = bed.clone();
                tokio::spawn(async move {
                    for _ in 0..40 {
                        bed.insert(&new_key(), b"m").await.unwrap();
                    }
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            assert_eq!(bed.key(&key.id).await.as_ref(), Some(&key));
        }
        for writer in writers {
            writer.await.unwrap();
        }
        assert_eq!(keys::count(&mut bed.store.reader().await.unwrap(), &account()).await.unwrap(), 161);
    }

    one_of_two_conditional_writes_wins(bed) {
        for _ in 0..10 {
            let key = new_key();
            bed.insert(&key, b"m").await.unwrap();
            let disable = || {
                let (bed, id) = (bed.clone(), key.id.clone());
                tokio::spawn(async move {
                    bed.write(move |tx| {
                        let id = id.clone();
                        Box::pin(async move {
                            keys::set_state(tx, &id, KeyState::Enabled, KeyState::Disabled, None).await
                        })
                    })
                    .await
                })
            };
            let (one, two) = (disable(), disable());
            let won = [one.await.unwrap(), two.await.unwrap()].iter().filter(|outcome| outcome.is_ok()).count();
            assert_eq!(won, 1);
        }
    }

    listeners_know_before_the_writer_does(bed) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&told);
        bed.store.on_change(Arc::new(move |changes| list.lock().extend_from_slice(changes)));
        bed.store.on_change(Arc::new(|_| panic!("a listener may panic")));
        let key = new_key();
        bed.insert(&key, b"m").await.unwrap();
        assert_eq!(std::mem::take(&mut *told.lock()), [Change::KeyList(account())]);
        let id = key.id.clone();
        bed.write(move |tx| {
            let id = id.clone();
            Box::pin(async move { keys::set_description(tx, &id, "x").await })
        })
        .await
        .unwrap();
        assert_eq!(std::mem::take(&mut *told.lock()), [Change::Key(key.id)]);
        write_and_fail(&bed, "x").await.unwrap_err();
        assert!(told.lock().is_empty());
        assert!(bed.store.is_current());
    }

    a_failed_write_announces_nothing_of_a_group(bed) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&told);
        bed.store.on_change(Arc::new(move |changes| list.lock().extend_from_slice(changes)));
        let key: Key = new_key();
        let failing = bed.write::<(), _>(move |tx| {
            let key = key.clone();
            Box::pin(async move {
                let material = sesame_crypto::secret::SecretBytes::from_slice(b"m");
                keys::insert(tx, &key, &[first_version(&key, &material)]).await?;
                Err(StoreError::Conflict)
            })
        });
        assert!(matches!(failing.await, Err(StoreError::Conflict)));
        assert!(told.lock().is_empty());
        assert_eq!(keys::count(&mut bed.store.reader().await.unwrap(), &account()).await.unwrap(), 0);
    }
}
