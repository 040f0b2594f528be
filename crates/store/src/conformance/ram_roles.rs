use sesame_domain::ram::{Role, RoleName};
use sesame_domain::tag::ResourceType;
use sesame_domain::{Tag, Timestamp};

use super::bed::account;
use super::ram_policies::with_account;
use super::{Bed, on_both_engines};
use crate::{StoreError, ram_roles, tags};

const MADE: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn role(number: u32, name: &str) -> Role {
    Role {
        id: format!("3{number:017}").parse().unwrap(),
        account: account(),
        name: name.parse().unwrap(),
        description: "d".to_owned(),
        trust_policy: "who".to_owned(),
        max_session_seconds: 3_600,
        created_at: MADE,
        updated_at: MADE,
    }
}

async fn insert(bed: &Bed, number: u32, name: &'static str) -> Result<(), StoreError> {
    bed.write(move |tx| Box::pin(async move { ram_roles::insert(tx, &role(number, name)).await })).await
}

async fn by_name(bed: &Bed, name: &str) -> Option<Role> {
    let name: RoleName = name.parse().unwrap();
    ram_roles::by_name(&mut bed.store.reader().await.unwrap(), &account(), &name).await.unwrap()
}

async fn page(bed: &Bed, tag: Option<(&str, Option<&str>)>, after: &str, limit: u32) -> String {
    let tags: Vec<_> =
        tag.map(|(key, value)| (key.parse().unwrap(), value.map(|value| value.parse().unwrap()))).into_iter().collect();
    let after: Option<RoleName> = after.parse().ok();
    let mut conn = bed.store.reader().await.unwrap();
    let page = ram_roles::page(&mut conn, &account(), &tags, after.as_ref(), limit).await.unwrap();
    page.iter().map(|role| role.name.to_string()).collect::<Vec<_>>().join(" ")
}

on_both_engines! {
    a_role_is_kept_changed_and_deleted(bed) {
        with_account(&bed).await;
        insert(&bed, 1, "r").await.unwrap();
        assert!(matches!(insert(&bed, 2, "r").await, Err(StoreError::AlreadyExists)));
        assert_eq!(by_name(&bed, "r").await, Some(role(1, "r")));
        let changed = || Role {
            description: "new".to_owned(),
            trust_policy: "others".to_owned(),
            max_session_seconds: 43_200,
            updated_at: MADE.plus_seconds(60),
            ..role(1, "r")
        };
        bed.write(move |tx| Box::pin(async move { ram_roles::update(tx, &changed()).await })).await.unwrap();
        assert_eq!(by_name(&bed, "r").await, Some(changed()));
        let missing = bed.write(|tx| Box::pin(async move { ram_roles::update(tx, &role(2, "r")).await })).await;
        assert!(matches!(missing, Err(StoreError::Conflict)));
        let delete = async || bed.write(|tx| Box::pin(async move { ram_roles::delete(tx, &role(1, "r")).await })).await;
        delete().await.unwrap();
        assert!(matches!(delete().await, Err(StoreError::Conflict)));
        assert_eq!(by_name(&bed, "r").await, None);
    }

    roles_are_listed_by_name_and_by_tag(bed) {
        with_account(&bed).await;
        for (number, name) in [(1, "b"), (2, "a"), (3, "c")] {
            insert(&bed, number, name).await.unwrap();
        }
        assert_eq!(page(&bed, None, "", 10).await, "a b c");
        assert_eq!(page(&bed, None, "a", 1).await, "b");
        bed.write(|tx| {
            Box::pin(async move {
                let tag = Tag { key: "k".parse().unwrap(), value: "v".parse().unwrap() };
                tags::put(tx, &account(), ResourceType::Role, &["b"], &[tag]).await
            })
        })
        .await
        .unwrap();
        assert_eq!(page(&bed, Some(("k", Some("v"))), "", 10).await, "b");
        let count = ram_roles::count(&mut bed.store.reader().await.unwrap(), &account()).await.unwrap();
        assert_eq!(count, 3);
        bed.write(|tx| Box::pin(async move { ram_roles::delete(tx, &role(1, "b")).await })).await.unwrap();
        insert(&bed, 4, "b").await.unwrap();
        assert_eq!(page(&bed, Some(("k", None)), "", 10).await, "", "a new role has no tags of an old one");
    }
}
