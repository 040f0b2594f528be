use std::collections::BTreeSet;

use sesame_crypto::random::{SystemRandom, alphanumeric};
use sesame_crypto::secret::SecretBytes;
use sesame_domain::secret::{
    DataType, Keep, Secret, SecretId, SecretName, SecretRotation, SecretType, SecretVersion, StageLabel, Versions,
};
use sesame_domain::tag::ResourceType;
use sesame_domain::{KeyId, Page, Tag, Timestamp};

use super::bed::{account, new_key, open};
use super::secret_lists::undo_step_11;
use super::{Bed, on_both_engines};
use crate::secret_rotations::{self, Claim};
use crate::secrets::{self, NewSecretVersion, SecretFilter};
use crate::{StoreError, tags};

const FULL: Page = Page { number: 1, size: 100 };
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

const fn page(number: u32, size: u32) -> Page {
    Page { number, size }
}

pub(super) fn new_secret(name: &str) -> Secret {
    let id: SecretId = alphanumeric(&SystemRandom, 24).unwrap().parse().unwrap();
    let key: KeyId = new_key().id;
    Secret {
        id,
        account: account(),
        name: name.parse().unwrap(),
        kind: SecretType::Generic,
        description: String::new(),
        key,
        instance_id: String::new(),
        extended_config: String::new(),
        rotation: None,
        created_at: NOW,
        updated_at: NOW,
        delete_at: None,
        owing_service: String::new(),
        creator: "alice".into(),
    }
}

fn managed(name: &str) -> Secret {
    let rotation = SecretRotation::OFF.with_policy(Some("7d".parse().unwrap()), NOW);
    Secret {
        kind: SecretType::Rds,
        description: "it's 中文".into(),
        instance_id: "kst-1".into(),
        extended_config: r#"{"SecretSubType":"SingleUser"}"#.into(),
        rotation: Some(SecretRotation { last: Some(NOW), ..rotation }),
        delete_at: Some(NOW.plus_seconds(5)),
        owing_service: "rds".into(),
        creator: "bob".into(),
        ..new_secret(name)
    }
}

fn version(id: &str, number: i64) -> SecretVersion {
    SecretVersion { id: id.parse().unwrap(), number, created_at: NOW, data_type: DataType::Binary }
}

fn labels(names: &[&str]) -> BTreeSet<StageLabel> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

pub(super) async fn insert(bed: &Bed, secret: &Secret) -> Result<(), StoreError> {
    let secret = secret.clone();
    bed.write(move |tx| {
        let secret = secret.clone();
        Box::pin(async move {
            let mut versions = Versions::default();
            versions.put(version("v1", 1), &BTreeSet::new(), Keep::Newest).unwrap();
            let value = SecretBytes::from_slice(b"sealed by the caller");
            let first = NewSecretVersion { version: &version("v1", 1), value: &value };
            secrets::insert(tx, &secret, &[first], &versions).await
        })
    })
    .await
}

async fn get(bed: &Bed, name: &str) -> Option<Secret> {
    let name: SecretName = name.parse().unwrap();
    secrets::by_name(&mut bed.store.reader().await.unwrap(), &account(), &name).await.unwrap()
}

async fn names(bed: &Bed, filter: SecretFilter, page: Page) -> (String, i64) {
    let mut conn = bed.store.reader().await.unwrap();
    let (listed, total) = secrets::list(&mut conn, &account(), &filter, page).await.unwrap();
    let names: Vec<_> = listed.iter().map(|secret| secret.name.as_str()).collect();
    (names.join(" "), total)
}

async fn tag(bed: &Bed, name: &'static str, key: &'static str, value: &'static str) {
    bed.write(move |tx| {
        let tag = Tag { key: key.parse().unwrap(), value: value.parse().unwrap() };
        Box::pin(async move { tags::put(tx, &account(), ResourceType::Secret, &[name], &[tag]).await })
    })
    .await
    .unwrap();
}

on_both_engines! {
    a_secret_comes_back_as_it_was_stored(bed) {
        let (plain, full) = (new_secret("a"), managed("b/c"));
        for secret in [&plain, &full] {
            insert(&bed, secret).await.unwrap();
            assert_eq!(get(&bed, secret.name.as_str()).await.as_ref(), Some(secret));
            let mut conn = bed.store.reader().await.unwrap();
            assert_eq!(secrets::get(&mut conn, &secret.id).await.unwrap().as_ref(), Some(secret));
        }
        assert_eq!(get(&bed, "A").await, None);
        assert!(matches!(insert(&bed, &new_secret("a")).await, Err(StoreError::AlreadyExists)));
        assert_eq!(secrets::count(&mut bed.store.reader().await.unwrap(), &account()).await.unwrap(), 2);
    }

    versions_and_labels_are_replaced_together(bed) {
        let secret = new_secret("a");
        insert(&bed, &secret).await.unwrap();
        let id = secret.id.clone();
        let add = async |name: &'static str, number: i64, names: &'static [&'static str]| {
            let secret = secret.clone();
            bed.write(move |tx| {
                let secret = secret.clone();
                Box::pin(async move {
                    let mut versions = secrets::versions(tx, &secret.id).await?;
                    let new = version(name, number);
                    let gone = versions.put(new.clone(), &labels(names), Keep::Labelled).unwrap();
                    let value = SecretBytes::from_slice(name.as_bytes());
                    let value = NewSecretVersion { version: &new, value: &value };
                    secrets::add_version(tx, &secret, &value, &versions, &gone, NOW.plus_seconds(1)).await
                })
            })
            .await
        };
        add("v2", 2, &["ACSCurrent", "x"]).await.unwrap();
        add("v3", 3, &[]).await.unwrap();
        assert!(matches!(add("v3", 4, &[]).await, Err(StoreError::AlreadyExists)));
        let mut conn = bed.store.reader().await.unwrap();
        let versions = secrets::versions(&mut conn, &id).await.unwrap();
        assert_eq!(versions.list(), [version("v2", 2), version("v3", 3)]);
        assert_eq!(format!("{:?}", versions.stages()), "{ACSCurrent: v3, ACSPrevious: v2, x: v2}");
        assert_eq!(secrets::value(&mut conn, &id, 3).await.unwrap().unwrap().expose(), b"v3");
        assert_eq!(secrets::value(&mut conn, &id, 1).await.unwrap(), None);
        assert_eq!(get(&bed, "a").await.unwrap().updated_at, NOW.plus_seconds(1));
    }

    a_value_opens_in_its_place_only(bed) {
        let (one, two) = (new_secret("a"), new_secret("b"));
        insert(&bed, &one).await.unwrap();
        insert(&bed, &two).await.unwrap();
        let sql = format!(
            "UPDATE secret_versions SET value = (SELECT value FROM secret_versions WHERE secret_id = '{}') \
             WHERE secret_id = '{}'", one.id, two.id
        );
        assert_eq!(bed.tamper(&sql).await, 1);
        let mut conn = bed.store.reader().await.unwrap();
        assert!(secrets::value(&mut conn, &one.id, 1).await.is_ok());
        assert!(matches!(secrets::value(&mut conn, &two.id, 1).await, Err(StoreError::Corrupt(_))));
    }

    properties_change_one_by_one_and_everything_goes_at_once(bed) {
        let secret = managed("r");
        let live = Secret { delete_at: None, ..secret.clone() };
        insert(&bed, &live).await.unwrap();
        tag(&bed, "r", "k", "v").await;
        let writes = live.clone();
        bed.write(move |tx| {
            let secret = writes.clone();
            Box::pin(async move {
                secrets::set_description_and_config(tx, &secret, "new", "{}", NOW).await?;
                secrets::set_rotation(tx, &secret, SecretRotation::OFF, NOW).await?;
                secrets::set_policy(tx, &secret, "{1}").await?;
                secrets::set_policy(tx, &secret, "{2}").await?;
                secrets::set_delete_at(tx, &secret, Some(NOW)).await
            })
        })
        .await
        .unwrap();
        let changed = get(&bed, "r").await.unwrap();
        assert_eq!((changed.description.as_str(), changed.extended_config.as_str()), ("new", "{}"));
        assert_eq!((changed.rotation, changed.delete_at), (Some(SecretRotation::OFF), Some(NOW)));
        let late = live.clone();
        let late = bed.write(move |tx| {
            let secret = late.clone();
            Box::pin(async move { secrets::set_delete_at(tx, &secret, Some(NOW)).await })
        });
        assert!(matches!(late.await, Err(StoreError::Conflict)));
        let mut conn = bed.store.reader().await.unwrap();
        assert_eq!(secrets::policy(&mut conn, &live.id).await.unwrap().as_deref(), Some("{2}"));
        assert_eq!(secrets::due_for_purge(&mut conn, NOW, 9).await.unwrap(), std::slice::from_ref(&live.id));
        let early = Timestamp::from_millis(NOW.millis() - 1);
        assert_eq!(secrets::due_for_purge(&mut conn, early, 9).await.unwrap(), []);
        bed.write(move |tx| {
            let secret = changed.clone();
            Box::pin(async move { secrets::remove(tx, &secret).await })
        })
        .await
        .unwrap();
        assert_eq!(get(&bed, "r").await, None);
        assert_eq!(secrets::count(&mut conn, &account()).await.unwrap(), 0);
        assert_eq!(tags::list(&mut conn, &account(), ResourceType::Secret, "r").await.unwrap(), []);
        insert(&bed, &new_secret("r")).await.unwrap();
    }

    a_list_is_filtered_counted_and_paged(bed) {
        for name in ["a", "b", "C", "d"] {
            insert(&bed, &Secret { description: name.to_uppercase(), ..new_secret(name) }).await.unwrap();
        }
        insert(&bed, &managed("r")).await.unwrap();
        tag(&bed, "a", "env", "prod").await;
        tag(&bed, "b", "env", "test").await;
        tag(&bed, "b", "x", "prod").await;
        let none = SecretFilter::default;
        assert_eq!(names(&bed, none(), FULL).await, ("C a b d r".into(), 5));
        assert_eq!(names(&bed, none(), page(2, 2)).await, ("b d".into(), 5));
        assert_eq!(names(&bed, none(), page(4, 2)).await, (String::new(), 5));
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        for (filter, expected) in [
            (SecretFilter { names: vec!["a".parse().unwrap(), "z".parse().unwrap()], ..none() }, "a"),
            (SecretFilter { descriptions: texts(&["A", "B"]), ..none() }, "a b"),
            (SecretFilter { tag_keys: texts(&["env"]), ..none() }, "a b"),
            (SecretFilter { tag_values: texts(&["prod"]), ..none() }, "a b"),
            (SecretFilter { tag_keys: texts(&["env"]), tag_values: texts(&["prod"]), ..none() }, "a"),
            (SecretFilter { kinds: vec![SecretType::Rds], ..none() }, "r"),
            (SecretFilter { kinds: vec![SecretType::Rds, SecretType::Generic], ..none() }, "C a b d r"),
            (SecretFilter { creators: texts(&["alice"]), ..none() }, "C a b d"),
            (SecretFilter { instance_ids: texts(&["kst-1", ""]), ..none() }, "C a b d r"),
            (SecretFilter { instance_ids: texts(&["kst-2"]), ..none() }, ""),
            (SecretFilter { creators: texts(&["bob"]), tag_keys: texts(&["env"]), ..none() }, ""),
        ] {
            let count = expected.split_whitespace().count() as i64;
            assert_eq!(names(&bed, filter.clone(), FULL).await, (expected.to_owned(), count), "{filter:?}");
        }
        let alice = SecretFilter { creators: texts(&["alice", "bob"]), ..none() };
        assert_eq!(names(&bed, alice, page(2, 3)).await, ("d r".into(), 5));
        // However a page is found, the pages together are the list.
        for number in 0..24 {
            let creator = format!("creator-{}", number % 6);
            let described = Secret { description: "many".to_owned(), creator, ..new_secret(&format!("p{number:02}")) };
            insert(&bed, &described).await.unwrap();
        }
        let creators = |count: usize| (0..count).map(|number| format!("creator-{number}")).collect::<Vec<_>>();
        for filter in [
            none(),
            SecretFilter { descriptions: texts(&["many"]), ..none() },
            SecretFilter { descriptions: texts(&["many"]), creators: creators(2), ..none() },
            SecretFilter { creators: creators(2), ..none() },
            SecretFilter { creators: creators(5), ..none() },
            SecretFilter { creators: [creators(6), texts(&["alice"])].concat(), ..none() },
            SecretFilter { descriptions: texts(&["many", "A", "none"]), ..none() },
            SecretFilter { tag_values: texts(&["prod"]), kinds: vec![SecretType::Generic], ..none() },
            SecretFilter { kinds: vec![SecretType::Generic], ..none() },
            SecretFilter { kinds: SecretType::ALL.to_vec(), ..none() },
            SecretFilter { names: vec!["p01".parse().unwrap(), "p20".parse().unwrap(), "a".parse().unwrap()], ..none() },
        ] {
            let (all, total) = names(&bed, filter.clone(), FULL).await;
            let mut found = Vec::new();
            for number in 1..=20 {
                let (some, of) = names(&bed, filter.clone(), page(number, 3)).await;
                assert_eq!(of, total, "{filter:?}");
                found.extend(some.split_whitespace().map(str::to_owned));
            }
            assert_eq!((found.join(" "), found.len() as i64), (all, total), "{filter:?}");
        }
    }

    a_description_is_counted_as_secrets_get_and_lose_it(bed) {
        let described = |name: &str| Secret { description: "x".into(), ..new_secret(name) };
        let sought = || SecretFilter { descriptions: vec!["x".into(), "y".into()], ..SecretFilter::default() };
        let counts = "SELECT count(*) FROM secret_description_counts";
        for name in ["a", "b", "c"] {
            insert(&bed, &described(name)).await.unwrap();
        }
        assert!(matches!(insert(&bed, &described("c")).await, Err(StoreError::AlreadyExists)));
        assert_eq!(names(&bed, sought(), FULL).await, ("a b c".into(), 3));
        let (changed, gone) = (get(&bed, "a").await.unwrap(), get(&bed, "b").await.unwrap());
        bed.write(move |tx| {
            let (changed, gone) = (changed.clone(), gone.clone());
            Box::pin(async move {
                secrets::set_description_and_config(tx, &changed, "y", "", NOW).await?;
                secrets::set_description_and_config(tx, &changed, "y", "{}", NOW).await?;
                secrets::remove(tx, &gone).await
            })
        })
        .await
        .unwrap();
        assert_eq!(names(&bed, sought(), FULL).await, ("a c".into(), 2));
        let only_y = SecretFilter { descriptions: vec!["y".into()], ..SecretFilter::default() };
        assert_eq!(names(&bed, only_y, FULL).await, ("a".into(), 1));
        assert_eq!(bed.number(counts).await, 2, "what no secret has is not counted");

        // An older server's database.
        bed.store.close().await;
        undo_step_11(&bed).await;
        let triggers = if bed.url.starts_with("sqlite") {
            "DROP TRIGGER secrets_described; DROP TRIGGER secrets_undescribed; DROP TRIGGER secrets_redescribed"
        } else {
            "DROP FUNCTION count_secret_description CASCADE"
        };
        bed.tamper(triggers).await;
        bed.tamper("DROP TABLE secret_description_counts; DELETE FROM schema_migrations WHERE version >= 10").await;
        let upgraded = Bed { store: open(&bed.url).await.unwrap(), url: bed.url.clone() };
        assert_eq!(names(&upgraded, sought(), FULL).await, ("a c".into(), 2));
        upgraded.tamper("UPDATE secrets SET description = 'x', sought_description = 'x' WHERE name = 'a'").await;
        assert_eq!(names(&upgraded, sought(), page(2, 1)).await, ("c".into(), 2));
        assert_eq!(bed.number("SELECT CAST(sum(n) AS BIGINT) FROM secret_description_counts").await, 2);
        upgraded.store.close().await;
    }

    a_rotation_is_recorded_once_and_held_by_one(bed) {
        let secret = Secret { delete_at: None, ..managed("r") };
        insert(&bed, &secret).await.unwrap();
        let due = NOW.plus_seconds(8 * 86_400);
        let mut conn = bed.store.reader().await.unwrap();
        assert_eq!(secrets::due_for_rotation(&mut conn, due, 9).await.unwrap(), std::slice::from_ref(&secret.id));
        let counted = async |at, late| {
            let mut conn = bed.store.reader().await.unwrap();
            secrets::count_due_for_rotation(&mut conn, at, late).await.unwrap()
        };
        assert_eq!((counted(NOW, NOW).await, counted(due, NOW).await, counted(due, due).await), ((0, 0), (1, 0), (1, 1)));
        let request = async |version: &'static str| {
            let secret = secret.clone();
            bed.write(move |tx| {
                let secret = secret.clone();
                Box::pin(async move { secret_rotations::request(tx, &secret, &version.parse().unwrap(), NOW).await })
            })
            .await
            .unwrap()
        };
        assert!(request("v2").await);
        assert!(!request("v3").await);
        assert_eq!(secrets::due_for_rotation(&mut conn, due, 9).await.unwrap(), []);
        assert_eq!((counted(due, due).await, secret_rotations::count(&mut conn).await.unwrap()), ((0, 0), 1));
        let claim = async |holder: &'static str, seconds: i64| {
            let now = NOW.plus_seconds(seconds);
            let claim = Claim { now, until: now.plus_seconds(60), limit: 9, most_attempts: 0 };
            let claimed =
                bed.write(move |tx| Box::pin(async move { secret_rotations::claim(tx, holder, claim).await }));
            claimed.await.unwrap().len()
        };
        assert_eq!(claim("one", 1).await, 1);
        assert_eq!(claim("two", 2).await, 0);
        let step = async |holder: &'static str| {
            let id = secret.id.clone();
            bed.write(move |tx| {
                let id = id.clone();
                Box::pin(async move {
                    let value = SecretBytes::from_slice(b"next");
                    secret_rotations::set_step(tx, &id, holder, "Applying", &value, NOW.plus_seconds(60)).await
                })
            })
            .await
        };
        step("one").await.unwrap();
        assert!(matches!(step("two").await, Err(StoreError::Conflict)));
        assert_eq!(claim("two", 61).await, 1, "its holder has not been heard of");
        assert!(matches!(step("one").await, Err(StoreError::Conflict)));
        let pending = secret_rotations::of(&mut conn, &secret.id).await.unwrap().unwrap();
        assert_eq!((pending.step.as_str(), pending.version.as_str(), pending.attempts), ("Applying", "v2", 0));
        assert_eq!(secret_rotations::value(&mut conn, &secret.id).await.unwrap().unwrap().expose(), b"next");
        let id = secret.id.clone();
        bed.write(move |tx| {
            let id = id.clone();
            Box::pin(async move {
                secret_rotations::failed(tx, &id, "two", NOW).await?;
                assert_eq!(secret_rotations::of(tx, &id).await?.unwrap().attempts, 1);
                let mut claim = Claim { now: NOW, until: NOW, limit: 1, most_attempts: 0 };
                assert!(!secret_rotations::waiting(tx, NOW, 0).await? && secret_rotations::waiting(tx, NOW, 1).await?);
                assert_eq!(secret_rotations::claim(tx, "two", claim).await?, []);
                claim.most_attempts = 1;
                assert_eq!(secret_rotations::claim(tx, "two", claim).await?.len(), 1);
                secret_rotations::finish(tx, &id, "two").await
            })
        })
        .await
        .unwrap();
        assert_eq!(secret_rotations::of(&mut conn, &secret.id).await.unwrap(), None);
    }
}
