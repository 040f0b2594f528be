use sesame_domain::alias::Alias;
use sesame_domain::{KeyId, Page, Timestamp};

use super::bed::{account, new_key};
use super::{Bed, on_both_engines};
use crate::{StoreError, aliases};

const FULL: Page = Page { number: 1, size: 100 };

async fn insert(bed: &Bed, name: &str, key: &KeyId) -> Result<(), StoreError> {
    let alias = Alias { name: name.parse().unwrap(), key: key.clone() };
    bed.write(move |tx| {
        let alias = alias.clone();
        Box::pin(async move { aliases::insert(tx, &account(), &alias, Timestamp::default()).await })
    })
    .await
}

on_both_engines! {
    an_alias_stands_for_one_key_at_a_time(bed) {
        let (one, two) = (new_key(), new_key());
        bed.insert(&one, b"m").await.unwrap();
        bed.insert(&two, b"m").await.unwrap();
        insert(&bed, "alias/a", &one.id).await.unwrap();
        assert!(matches!(insert(&bed, "alias/a", &two.id).await, Err(StoreError::AlreadyExists)));
        let name: sesame_domain::AliasName = "alias/a".parse().unwrap();
        let get = async || aliases::get(&mut bed.store.reader().await.unwrap(), &account(), &name).await.unwrap();
        assert_eq!(get().await, Some(one.id.clone()));
        let id = two.id.clone();
        bed.write(move |tx| {
            let id = id.clone();
            Box::pin(async move { aliases::set_key(tx, &account(), &"alias/a".parse().unwrap(), &id).await })
        })
        .await
        .unwrap();
        assert_eq!(get().await, Some(two.id.clone()));
        let missing = bed.write(move |tx| {
            let id = two.id.clone();
            Box::pin(async move { aliases::set_key(tx, &account(), &"alias/no".parse().unwrap(), &id).await })
        });
        assert!(matches!(missing.await, Err(StoreError::Conflict)));
        for expected in [true, false] {
            let delete =
                bed.write(|tx| Box::pin(async move { aliases::delete(tx, &account(), &"alias/a".parse().unwrap()).await }));
            assert_eq!(delete.await.unwrap(), expected);
        }
        assert_eq!(get().await, None);
    }

    an_alias_needs_a_key(bed) {
        assert!(insert(&bed, "alias/a", &new_key().id).await.is_err());
    }

    aliases_are_listed_by_name(bed) {
        let (one, two) = (new_key(), new_key());
        bed.insert(&one, b"m").await.unwrap();
        bed.insert(&two, b"m").await.unwrap();
        for (name, key) in [("alias/c", &one), ("alias/a", &two), ("alias/b", &one)] {
            insert(&bed, name, &key.id).await.unwrap();
        }
        let mut conn = bed.store.reader().await.unwrap();
        let names = |(list, total): (Vec<Alias>, i64)| {
            (list.into_iter().map(|alias| alias.name.to_string()).collect::<Vec<_>>().join(" "), total)
        };
        let all = aliases::list(&mut conn, &account(), FULL).await.unwrap();
        assert_eq!(names(all), ("alias/a alias/b alias/c".into(), 3));
        let second = aliases::list(&mut conn, &account(), Page { number: 2, size: 2 }).await.unwrap();
        assert_eq!(names(second), ("alias/c".into(), 3));
        let of_one = aliases::list_by_key(&mut conn, &one.id, FULL).await.unwrap();
        assert_eq!(names(of_one), ("alias/b alias/c".into(), 2));
    }
}
