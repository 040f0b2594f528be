use parking_lot::Mutex;
use sesame_domain::ram::{EntityType, Group, Policy, PolicyName, PolicyType, PolicyVersionId, User};
use sesame_domain::tag::ResourceType;
use sesame_domain::{Tag, Timestamp};

use super::bed::account;
use super::{Bed, on_both_engines};
use crate::ram_attachments::{self, Attached, Entity, PolicyRef};
use crate::{Change, StoreError, accounts, ram_groups, ram_policies, ram_users, tags};

const MADE: Timestamp = Timestamp::from_seconds(1_700_000_000);
const LATER: Timestamp = Timestamp::from_seconds(1_700_000_060);

fn name(text: &str) -> PolicyName {
    text.parse().unwrap()
}

fn version(number: i64) -> PolicyVersionId {
    PolicyVersionId::from_number(number).unwrap()
}

fn policy(text: &str) -> Policy {
    Policy {
        account: account(),
        name: name(text),
        description: format!("what {text} is for"),
        default_version: PolicyVersionId::FIRST,
        created_at: MADE,
        updated_at: MADE,
    }
}

pub(super) async fn with_account(bed: &Bed) {
    bed.write(|tx| Box::pin(async move { accounts::insert(tx, &account(), MADE).await })).await.unwrap();
}

async fn insert(bed: &Bed, text: &'static str) -> Result<(), StoreError> {
    bed.write(move |tx| Box::pin(async move { ram_policies::insert(tx, &policy(text), "document 1").await })).await
}

async fn get(bed: &Bed, text: &str) -> Option<Policy> {
    ram_policies::get(&mut bed.store.reader().await.unwrap(), &account(), &name(text)).await.unwrap()
}

async fn add_version(bed: &Bed, text: &'static str, document: &'static str) -> Result<PolicyVersionId, StoreError> {
    bed.write(move |tx| {
        Box::pin(async move { ram_policies::add_version(tx, &account(), &name(text), document, LATER).await })
    })
    .await
}

async fn set_default(bed: &Bed, text: &'static str, number: i64) -> Result<(), StoreError> {
    bed.write(move |tx| {
        Box::pin(
            async move { ram_policies::set_default_version(tx, &account(), &name(text), version(number), LATER).await },
        )
    })
    .await
}

async fn remove_version(bed: &Bed, text: &'static str, number: i64) -> bool {
    let removed = bed.write(move |tx| {
        Box::pin(async move { ram_policies::remove_version(tx, &account(), &name(text), version(number)).await })
    });
    removed.await.unwrap()
}

async fn versions(bed: &Bed, text: &str) -> String {
    let mut conn = bed.store.reader().await.unwrap();
    let versions = ram_policies::versions(&mut conn, &account(), &name(text)).await.unwrap();
    versions.iter().map(|version| format!("{}={}", version.id, version.document)).collect::<Vec<_>>().join(" ")
}

/// `name:attachments` of a page.
async fn page(bed: &Bed, tag: Option<(&str, Option<&str>)>, after: &str, limit: u32) -> String {
    let tags: Vec<_> =
        tag.map(|(key, value)| (key.parse().unwrap(), value.map(|value| value.parse().unwrap()))).into_iter().collect();
    let mut conn = bed.store.reader().await.unwrap();
    let page = ram_policies::page(&mut conn, &account(), &tags, after, limit).await.unwrap();
    page.iter().map(|(policy, count)| format!("{}:{count}", policy.name)).collect::<Vec<_>>().join(" ")
}

fn custom(text: &str) -> PolicyRef {
    PolicyRef { kind: PolicyType::Custom, name: name(text) }
}

fn system(text: &str) -> PolicyRef {
    PolicyRef { kind: PolicyType::System, name: name(text) }
}

fn alice() -> Entity {
    Entity { kind: EntityType::User, id: "200000000000000001".parse().unwrap() }
}

fn admins() -> Entity {
    Entity { kind: EntityType::Group, id: "g-0000000000000001".parse().unwrap() }
}

async fn with_alice_and_admins(bed: &Bed) {
    with_account(bed).await;
    bed.write(|tx| {
        Box::pin(async move {
            let user = User {
                id: alice().id,
                account: account(),
                name: "alice".parse().unwrap(),
                display_name: "Alice".to_owned(),
                mobile_phone: String::new(),
                email: String::new(),
                comments: String::new(),
                created_at: MADE,
                updated_at: MADE,
            };
            ram_users::insert(tx, &user).await?;
            let group = Group {
                id: admins().id,
                account: account(),
                name: "admins".parse().unwrap(),
                comments: "all rights".to_owned(),
                created_at: MADE,
                updated_at: MADE,
            };
            ram_groups::insert(tx, &group).await
        })
    })
    .await
    .unwrap();
}

async fn attach(bed: &Bed, entity: Entity, policy: PolicyRef) -> Result<(), StoreError> {
    bed.write(move |tx| {
        let (entity, policy) = (entity.clone(), policy.clone());
        Box::pin(async move { ram_attachments::attach(tx, &account(), &entity, &policy, LATER).await })
    })
    .await
}

async fn detach(bed: &Bed, entity: Entity, policy: PolicyRef) -> bool {
    let detached = bed.write(move |tx| {
        let (entity, policy) = (entity.clone(), policy.clone());
        Box::pin(async move { ram_attachments::detach(tx, &account(), &entity, &policy).await })
    });
    detached.await.unwrap()
}

async fn of_entity(bed: &Bed, entity: &Entity) -> Vec<Attached> {
    ram_attachments::of_entity(&mut bed.store.reader().await.unwrap(), &entity.id).await.unwrap()
}

on_both_engines! {
    a_policy_is_kept_as_it_was_made(bed) {
        with_account(&bed).await;
        insert(&bed, "p").await.unwrap();
        assert!(matches!(insert(&bed, "p").await, Err(StoreError::AlreadyExists)));
        assert_eq!(get(&bed, "p").await, Some(policy("p")));
        assert_eq!(get(&bed, "P").await, None, "names are told apart by case");
        assert_eq!(versions(&bed, "p").await, "v1=document 1");
        bed.write(|tx| {
            Box::pin(async move { ram_policies::set_description(tx, &account(), &name("p"), "new", LATER).await })
        })
        .await
        .unwrap();
        let changed = Policy { description: "new".to_owned(), updated_at: LATER, ..policy("p") };
        assert_eq!(get(&bed, "p").await, Some(changed));
    }

    a_policy_of_another_account_is_another_one(bed) {
        with_account(&bed).await;
        insert(&bed, "p").await.unwrap();
        let other = "6543210987654321".parse().unwrap();
        let mut conn = bed.store.reader().await.unwrap();
        assert_eq!(ram_policies::get(&mut conn, &other, &name("p")).await.unwrap(), None);
        assert_eq!(ram_policies::count(&mut conn, &other).await.unwrap(), 0);
        assert_eq!(ram_policies::count(&mut conn, &account()).await.unwrap(), 1);
        assert!(ram_policies::page(&mut conn, &other, &[], "", 10).await.unwrap().is_empty());
    }

    a_number_of_a_version_is_never_used_again(bed) {
        with_account(&bed).await;
        insert(&bed, "p").await.unwrap();
        assert_eq!(add_version(&bed, "p", "two").await.unwrap(), version(2));
        assert_eq!(add_version(&bed, "p", "three").await.unwrap(), version(3));
        assert!(remove_version(&bed, "p", 3).await);
        assert!(!remove_version(&bed, "p", 3).await);
        assert_eq!(add_version(&bed, "p", "four").await.unwrap(), version(4));
        assert_eq!(versions(&bed, "p").await, "v1=document 1 v2=two v4=four");
        assert!(matches!(add_version(&bed, "no", "x").await, Err(StoreError::Conflict)));
        let mut conn = bed.store.reader().await.unwrap();
        let found = ram_policies::version(&mut conn, &account(), &name("p"), version(2)).await.unwrap().unwrap();
        assert_eq!((found.document.as_str(), found.created_at), ("two", LATER));
        assert_eq!(ram_policies::version(&mut conn, &account(), &name("p"), version(3)).await.unwrap(), None);
    }

    the_default_version_is_one_that_exists_and_stays(bed) {
        with_account(&bed).await;
        insert(&bed, "p").await.unwrap();
        add_version(&bed, "p", "two").await.unwrap();
        assert_eq!(get(&bed, "p").await.unwrap().default_version, version(1));
        assert!(matches!(set_default(&bed, "p", 3).await, Err(StoreError::Conflict)));
        assert!(matches!(set_default(&bed, "no", 1).await, Err(StoreError::Conflict)));
        set_default(&bed, "p", 2).await.unwrap();
        let changed = get(&bed, "p").await.unwrap();
        assert_eq!((changed.default_version, changed.updated_at), (version(2), LATER));
        assert!(!remove_version(&bed, "p", 2).await, "it applies");
        assert!(remove_version(&bed, "p", 1).await);
    }

    a_deleted_policy_leaves_no_versions_and_no_tags(bed) {
        with_account(&bed).await;
        insert(&bed, "p").await.unwrap();
        bed.write(|tx| {
            Box::pin(async move {
                let tag = Tag { key: "k".parse().unwrap(), value: "v".parse().unwrap() };
                tags::put(tx, &account(), ResourceType::Policy, &["p"], &[tag]).await
            })
        })
        .await
        .unwrap();
        let delete = async || {
            bed.write(|tx| Box::pin(async move { ram_policies::delete(tx, &account(), &name("p")).await })).await
        };
        delete().await.unwrap();
        assert!(matches!(delete().await, Err(StoreError::Conflict)));
        insert(&bed, "p").await.unwrap();
        assert_eq!(versions(&bed, "p").await, "v1=document 1");
        assert_eq!(page(&bed, Some(("k", None)), "", 10).await, "");
    }

    policies_are_listed_by_name_with_what_hangs_on_them(bed) {
        with_alice_and_admins(&bed).await;
        for text in ["b", "a", "c", "B"] {
            insert(&bed, text).await.unwrap();
        }
        attach(&bed, alice(), custom("b")).await.unwrap();
        attach(&bed, admins(), custom("b")).await.unwrap();
        attach(&bed, alice(), system("c")).await.unwrap();
        assert_eq!(page(&bed, None, "", 10).await, "B:0 a:0 b:2 c:0");
        assert_eq!(page(&bed, None, "a", 1).await, "b:2");
        bed.write(|tx| {
            Box::pin(async move {
                let tag = Tag { key: "k".parse().unwrap(), value: "v".parse().unwrap() };
                tags::put(tx, &account(), ResourceType::Policy, &["b", "c"], std::slice::from_ref(&tag)).await?;
                tags::put(tx, &account(), ResourceType::Role, &["a"], &[tag]).await
            })
        })
        .await
        .unwrap();
        assert_eq!(page(&bed, Some(("k", None)), "", 10).await, "b:2 c:0");
        assert_eq!(page(&bed, Some(("k", Some("v"))), "b", 10).await, "c:0");
        assert_eq!(page(&bed, Some(("k", Some("w"))), "", 10).await, "");
    }

    a_policy_is_attached_once_to_each(bed) {
        with_alice_and_admins(&bed).await;
        insert(&bed, "p").await.unwrap();
        attach(&bed, alice(), custom("p")).await.unwrap();
        assert!(matches!(attach(&bed, alice(), custom("p")).await, Err(StoreError::AlreadyExists)));
        attach(&bed, alice(), system("p")).await.unwrap();
        let of_the_account = Attached {
            policy: custom("p"),
            attached_at: LATER,
            description: "what p is for".to_owned(),
            default_version: Some(version(1)),
        };
        let of_the_service =
            Attached { policy: system("p"), attached_at: LATER, description: String::new(), default_version: None };
        assert_eq!(of_entity(&bed, &alice()).await, [of_the_account, of_the_service.clone()]);
        assert_eq!(of_entity(&bed, &admins()).await, []);
        assert!(detach(&bed, alice(), custom("p")).await);
        assert!(!detach(&bed, alice(), custom("p")).await);
        assert!(!detach(&bed, admins(), system("p")).await);
        assert_eq!(of_entity(&bed, &alice()).await, [of_the_service]);
    }

    attachments_are_counted_from_both_ends(bed) {
        with_alice_and_admins(&bed).await;
        insert(&bed, "p").await.unwrap();
        attach(&bed, alice(), custom("p")).await.unwrap();
        attach(&bed, admins(), custom("p")).await.unwrap();
        attach(&bed, alice(), system("s")).await.unwrap();
        let mut conn = bed.store.reader().await.unwrap();
        let both = ram_attachments::counts_of_policy(&mut conn, &account(), &custom("p")).await.unwrap();
        assert_eq!(both, [(EntityType::Group, 1), (EntityType::User, 1)]);
        assert_eq!(ram_attachments::counts_of_policy(&mut conn, &account(), &system("p")).await.unwrap(), []);
        let count = ram_attachments::count_of_entity(&mut conn, &alice().id, PolicyType::Custom).await.unwrap();
        assert_eq!(count, 1);
        let of_the_service = ram_attachments::counts_of_system_policies(&mut conn, &account()).await.unwrap();
        assert_eq!(of_the_service, [("s".to_owned(), 1)]);
        let holders = ram_attachments::holders(&mut conn, &account(), &custom("p")).await.unwrap();
        let shown: Vec<_> = holders.iter().map(|h| (h.entity.clone(), h.name.as_str(), h.text.as_str())).collect();
        assert_eq!(shown, [(admins(), "admins", "all rights"), (alice(), "alice", "Alice")]);
    }

    caches_are_told_of_every_change_of_what_is_granted(bed) {
        with_alice_and_admins(&bed).await;
        let told = std::sync::Arc::new(Mutex::new(0));
        let count = std::sync::Arc::clone(&told);
        bed.store.on_change(std::sync::Arc::new(move |changes| {
            *count.lock() += changes.iter().filter(|change| **change == Change::Identities(account())).count();
        }));
        insert(&bed, "p").await.unwrap();
        add_version(&bed, "p", "two").await.unwrap();
        set_default(&bed, "p", 2).await.unwrap();
        attach(&bed, alice(), custom("p")).await.unwrap();
        detach(&bed, alice(), custom("p")).await;
        bed.write(|tx| Box::pin(async move { ram_policies::delete(tx, &account(), &name("p")).await })).await.unwrap();
        assert_eq!(*told.lock(), 6);
    }
}
