use sesame_crypto::secret::SecretBytes;
use sesame_domain::Timestamp;

use super::bed::{account, new_key};
use super::{Bed, on_both_engines};
use crate::audit_events::{self, Event, Place, Query};
use crate::key_uses::KeyUse;
use crate::{StoreError, key_uses, server_keys};

const NOW: Timestamp = Timestamp::from_seconds(1_767_323_045);

fn event(number: i64) -> Event {
    let place = Place { time: Timestamp::from_millis(number / 3), seq: number, id: format!("e{number}") };
    let parity = if number % 2 == 0 { "n=even" } else { "n=odd" };
    Event { account: account(), place, body: format!("{{\"n\":{number}}}"), terms: vec![parity.into(), "all".into()] }
}

async fn put(bed: &Bed, trail: &'static str, numbers: std::ops::Range<i64>) {
    let through = u64::try_from(numbers.end).unwrap();
    let events: std::sync::Arc<Vec<_>> = std::sync::Arc::new(numbers.map(event).collect());
    bed.write(move |tx| {
        let events = std::sync::Arc::clone(&events);
        Box::pin(async move { audit_events::insert(tx, trail, through, &events).await })
    })
    .await
    .unwrap();
}

async fn page(bed: &Bed, query: &Query<'_>) -> Vec<i64> {
    let rows = audit_events::page(&mut bed.store.reader().await.unwrap(), query).await.unwrap();
    rows.iter()
        .map(|(place, body)| {
            assert_eq!(*body, format!("{{\"n\":{}}}", place.seq));
            place.seq
        })
        .collect()
}

on_both_engines! {
    the_first_key_of_a_name_stays(bed) {
        let key = |byte: u8| SecretBytes::new(vec![byte; 32]);
        let first = server_keys::get_or_put(&bed.store, "mask", key(1), NOW).await.unwrap();
        let again = server_keys::get_or_put(&bed.store, "mask", key(2), NOW).await.unwrap();
        let other = server_keys::get_or_put(&bed.store, "signature", key(3), NOW).await.unwrap();
        assert_eq!((first.expose(), again.expose(), other.expose()), (&[1; 32][..], &[1; 32][..], &[3; 32][..]));
        // A key that was moved does not open.
        bed.tamper("UPDATE audit_keys SET secret = (SELECT secret FROM audit_keys WHERE name = 'signature')").await;
        let moved = server_keys::get(&mut bed.store.reader().await.unwrap(), "mask").await;
        assert!(matches!(moved, Err(StoreError::Corrupt(_))), "{moved:?}");
    }

    events_are_kept_once_and_paged_both_ways(bed) {
        put(&bed, "t", 1..200).await;
        put(&bed, "t", 150..201).await;
        assert_eq!(audit_events::position(&mut bed.store.reader().await.unwrap(), "t").await.unwrap(), 201);
        assert_eq!(audit_events::position(&mut bed.store.reader().await.unwrap(), "u").await.unwrap(), 0);
        let (from, to) = (Timestamp::from_millis(10), Timestamp::from_millis(19));
        let all = Query { account: &account(), term: None, from, to, after: None, oldest_first: true, limit: 100 };
        assert_eq!(page(&bed, &all).await, (30..60).collect::<Vec<_>>());
        let newest = Query { oldest_first: false, ..all };
        assert_eq!(page(&bed, &newest).await, (30..60).rev().collect::<Vec<_>>());
        let odd = Query { term: Some("n=odd"), limit: 4, ..newest };
        assert_eq!(page(&bed, &odd).await, [59, 57, 55, 53]);
        let after = event(53).place;
        assert_eq!(page(&bed, &Query { after: Some(&after), ..odd }).await, [51, 49, 47, 45]);
        let forth = Query { term: Some("n=odd"), after: Some(&after), limit: 2, ..all };
        assert_eq!(page(&bed, &forth).await, [55, 57]);
        assert!(page(&bed, &Query { term: Some("n=none"), ..all }).await.is_empty());
        let stranger = "6543210987654321".parse().unwrap();
        assert!(page(&bed, &Query { account: &stranger, ..all }).await.is_empty());
    }

    old_events_are_removed_with_their_terms(bed) {
        put(&bed, "t", 1..100).await;
        let moment = Timestamp::from_millis(20);
        assert!(audit_events::any_before(&mut bed.store.reader().await.unwrap(), moment).await.unwrap());
        let more = bed.write(move |tx| Box::pin(async move { audit_events::remove_before(tx, moment).await })).await;
        assert!(!more.unwrap());
        assert!(!audit_events::any_before(&mut bed.store.reader().await.unwrap(), moment).await.unwrap());
        let (from, to) = (Timestamp::from_millis(0), Timestamp::from_millis(21));
        for term in [None, Some("all")] {
            let query = Query { account: &account(), term, from, to, after: None, oldest_first: true, limit: 100 };
            assert_eq!(page(&bed, &query).await, (60..66).collect::<Vec<_>>());
        }
    }

    uses_of_a_key_add_up_and_go_with_it(bed) {
        let key = new_key();
        bed.insert(&key, b"material").await.unwrap();
        let of = |operation: &str, uses, at, by: &str| KeyUse {
            key: key.id.clone(), operation: operation.into(), uses, last_at: Timestamp::from_seconds(at), last_by: by.into(),
        };
        let add = async |uses: Vec<KeyUse>| {
            bed.write(move |tx| {
                let uses = uses.clone();
                Box::pin(async move { key_uses::add(tx, &uses).await })
            })
            .await
            .unwrap();
        };
        add(vec![of("Encrypt", 2, 20, "a"), of("Decrypt", 1, 5, "b")]).await;
        // A node that is late does not take the last use back.
        add(vec![of("Encrypt", 3, 10, "c"), of("Decrypt", 1, 6, "d")]).await;
        let known = key_uses::of_key(&mut bed.store.reader().await.unwrap(), &key.id).await.unwrap();
        assert_eq!(known, [of("Decrypt", 2, 6, "d"), of("Encrypt", 5, 20, "a")]);
        // What comes after a key is gone leaves nothing.
        let gone = KeyUse { key: new_key().id, ..of("Encrypt", 1, 1, "a") };
        add(vec![gone.clone()]).await;
        assert!(key_uses::of_key(&mut bed.store.reader().await.unwrap(), &gone.key).await.unwrap().is_empty());
    }
}
