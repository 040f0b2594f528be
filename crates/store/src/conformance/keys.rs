use sesame_crypto::secret::SecretBytes;
use sesame_crypto::spec::KeySpec;
use sesame_domain::alias::Alias;
use sesame_domain::tag::ResourceType;
use sesame_domain::{AccountId, Key, KeyId, KeyState, KeyVersion, KeyVersionId, Page, ProtectionLevel, Tag, Timestamp};

use super::bed::{account, first_version, new_key};
use super::{Bed, on_both_engines};
use crate::keys::{self, CreatorType, KeyFilter, NewVersion};
use crate::{StoreError, access_keys, accounts, aliases, key_policies, key_versions, meta, tags};

const FULL: Page = Page { number: 1, size: 100 };

async fn ids(bed: &Bed, filter: KeyFilter, page: Page) -> (Vec<KeyId>, i64) {
    keys::list(&mut bed.store.reader().await.unwrap(), &account(), &filter, page).await.unwrap()
}

fn full_key() -> Key {
    Key {
        description: "a key; with 'quotes' and 中文".into(),
        state: KeyState::PendingDeletion,
        delete_at: Some(Timestamp::from_millis(1_800_000_000_123)),
        deletion_protection: true,
        deletion_protection_description: "why".into(),
        instance_id: "kst-1".into(),
        rotation_interval: Some("7d".parse().unwrap()),
        material_expires_at: Some(Timestamp::from_millis(5)),
        protection_level: ProtectionLevel::Hsm,
        ..new_key()
    }
}

on_both_engines! {
    a_key_comes_back_as_it_was_stored(bed) {
        let (plain, full) = (new_key(), full_key());
        for key in [&plain, &full] {
            bed.insert(key, b"material").await.unwrap();
            assert_eq!(bed.key(&key.id).await.as_ref(), Some(key));
        }
        let mut conn = bed.store.reader().await.unwrap();
        let mut both = keys::get_many(&mut conn, &[plain.id.clone(), full.id.clone(), new_key().id]).await.unwrap();
        both.sort_by_key(|key| key.created_at);
        assert_eq!(both, [plain, full]);
        assert_eq!(keys::get_many(&mut conn, &[]).await.unwrap(), []);
        assert_eq!(keys::get(&mut conn, &new_key().id).await.unwrap(), None);
    }

    an_id_is_taken_once(bed) {
        let key = new_key();
        bed.insert(&key, b"first").await.unwrap();
        assert!(matches!(bed.insert(&key, b"second").await, Err(StoreError::AlreadyExists)));
        let mut conn = bed.store.reader().await.unwrap();
        let (_, material) = key_versions::get(&mut conn, &key.primary_version).await.unwrap().unwrap();
        assert_eq!(material.expose(), b"first");
        assert_eq!(keys::count(&mut conn, &account()).await.unwrap(), 1);
    }

    a_state_changes_only_from_the_expected_one(bed) {
        let key = new_key();
        bed.insert(&key, b"m").await.unwrap();
        let at = Some(Timestamp::from_millis(99));
        let change = |from, to, at| {
            let (bed, id) = (bed.clone(), key.id.clone());
            async move {
                bed.write(move |tx| {
                    let id = id.clone();
                    Box::pin(async move { keys::set_state(tx, &id, from, to, at).await })
                })
                .await
            }
        };
        change(KeyState::Enabled, KeyState::PendingDeletion, at).await.unwrap();
        let stored = bed.key(&key.id).await.unwrap();
        assert_eq!((stored.state, stored.delete_at), (KeyState::PendingDeletion, at));
        let late = change(KeyState::Enabled, KeyState::Disabled, None).await;
        assert!(matches!(late, Err(StoreError::Conflict)));
        change(KeyState::PendingDeletion, KeyState::Enabled, None).await.unwrap();
        assert_eq!(bed.key(&key.id).await.unwrap(), key);
    }

    properties_change_one_by_one(bed) {
        let key = new_key();
        bed.insert(&key, b"m").await.unwrap();
        let id = key.id.clone();
        bed.write(move |tx| {
            let id = id.clone();
            Box::pin(async move {
                keys::set_description(tx, &id, "new").await?;
                keys::set_deletion_protection(tx, &id, true, "kept").await?;
                keys::set_rotation(tx, &id, Some("7d".parse().unwrap())).await?;
                keys::set_material_expiry(tx, &id, Some(Timestamp::from_millis(77))).await?;
                keys::set_material_fingerprint(tx, &id, "abc").await?;
                key_policies::set(tx, &id, "{}").await?;
                key_policies::set(tx, &id, "{1}").await
            })
        })
        .await
        .unwrap();
        let expected = Key {
            description: "new".into(),
            deletion_protection: true,
            deletion_protection_description: "kept".into(),
            rotation_interval: Some("7d".parse().unwrap()),
            material_expires_at: Some(Timestamp::from_millis(77)),
            ..key.clone()
        };
        assert_eq!(bed.key(&key.id).await.unwrap(), expected);
        let mut conn = bed.store.reader().await.unwrap();
        assert_eq!(keys::material_fingerprint(&mut conn, &key.id).await.unwrap(), "abc");
        assert_eq!(key_policies::get(&mut conn, &key.id).await.unwrap().as_deref(), Some("{1}"));
        let due = expected.next_rotation_at().unwrap();
        let early = Timestamp::from_millis(due.millis() - 1);
        assert_eq!(keys::due_for_rotation(&mut conn, early, 9).await.unwrap(), []);
        assert_eq!(keys::due_for_rotation(&mut conn, due, 9).await.unwrap(), std::slice::from_ref(&key.id));
        assert_eq!(keys::due_for_expiry(&mut conn, Timestamp::from_millis(77), 9).await.unwrap(), std::slice::from_ref(&key.id));
        let nobody = new_key().id;
        let missing = bed.write(move |tx| {
            let nobody = nobody.clone();
            Box::pin(async move { keys::set_description(tx, &nobody, "x").await })
        });
        assert!(matches!(missing.await, Err(StoreError::Conflict)));
    }

    versions_are_listed_newest_first_and_open(bed) {
        let key = Key { rotation_interval: Some("7d".parse().unwrap()), ..new_key() };
        bed.insert(&key, b"one").await.unwrap();
        let second = KeyVersionId::new(&key.id, "zzzzzzzzzz").unwrap();
        let at = key.created_at.plus_seconds(60);
        let (id, version) = (key.id.clone(), KeyVersion { id: second.clone(), key: key.id.clone(), created_at: at });
        bed.write(move |tx| {
            let version = version.clone();
            Box::pin(async move {
                let material = SecretBytes::from_slice(b"two");
                key_versions::insert(tx, &NewVersion { version, material: &material }, true).await
            })
        })
        .await
        .unwrap();
        let stored = bed.key(&id).await.unwrap();
        assert_eq!((&stored.primary_version, stored.last_rotated_at), (&second, at));
        let mut conn = bed.store.reader().await.unwrap();
        let due = stored.next_rotation_at().unwrap();
        assert_eq!(keys::due_for_rotation(&mut conn, Timestamp::from_millis(due.millis() - 1), 1).await.unwrap(), []);
        assert_eq!(keys::due_for_rotation(&mut conn, due, 1).await.unwrap(), std::slice::from_ref(&id));
        let (versions, total) = key_versions::list(&mut conn, &id, FULL).await.unwrap();
        let names: Vec<_> = versions.iter().map(|version| version.id.clone()).collect();
        assert_eq!((names, total), (vec![second.clone(), key.primary_version.clone()], 2));
        assert_eq!(key_versions::count(&mut conn, &id).await.unwrap(), 2);
        assert_eq!(key_versions::latest(&mut conn, &id).await.unwrap().unwrap().id, second);
        for (version, material) in [(&second, b"two"), (&key.primary_version, b"one")] {
            assert_eq!(key_versions::get(&mut conn, version).await.unwrap().unwrap().1.expose(), material);
        }
    }

    imported_material_comes_and_goes(bed) {
        let key = new_key();
        bed.insert(&key, b"").await.unwrap();
        let material = async || {
            let mut conn = bed.store.reader().await.unwrap();
            key_versions::get(&mut conn, &key.primary_version).await.unwrap().unwrap().1.expose().to_vec()
        };
        assert_eq!(material().await, b"");
        let (id, version) = (key.id.clone(), key.primary_version.clone());
        bed.write(move |tx| {
            let (id, version) = (id.clone(), version.clone());
            Box::pin(async move {
                key_versions::set_material(tx, &id, &version, &SecretBytes::from_slice(b"imported")).await
            })
        })
        .await
        .unwrap();
        assert_eq!(material().await, b"imported");
        let (id, version) = (key.id.clone(), key.primary_version.clone());
        bed.write(move |tx| {
            let (id, version) = (id.clone(), version.clone());
            Box::pin(async move { key_versions::clear_material(tx, &id, &version).await })
        })
        .await
        .unwrap();
        assert_eq!(material().await, b"");
    }

    a_list_is_newest_first_and_pages_without_gaps(bed) {
        let mut made = Vec::new();
        for _ in 0..25 {
            let key = new_key();
            bed.insert(&key, b"m").await.unwrap();
            made.insert(0, key.id);
        }
        bed.insert(&Key { account: "9999999999999999".parse().unwrap(), ..new_key() }, b"m").await.unwrap();
        let mut seen = Vec::new();
        for number in 1..=4 {
            let (page, total) = ids(&bed, KeyFilter::default(), Page { number, size: 10 }).await;
            assert_eq!(total, 25);
            seen.extend(page);
        }
        assert_eq!(seen, made);
        let (none, total) = ids(&bed, KeyFilter::default(), Page { number: u32::MAX, size: 100 }).await;
        assert_eq!((none.len(), total), (0, 25));
    }

    a_page_far_from_the_newest_key_is_found_from_the_other_end(bed) {
        const KEYS: i64 = 12_000;
        let made = bed.write(|tx| {
            Box::pin(async move {
                let material = SecretBytes::from_slice(b"m");
                let mut made = Vec::new();
                for _ in 0..KEYS {
                    let key = new_key();
                    keys::insert(tx, &key, &[first_version(&key, &material)]).await?;
                    made.insert(0, key.id);
                }
                Ok(made)
            })
        });
        let made = made.await.unwrap();
        for number in [51, 60, 61, 119, 120, 121] {
            let (page, total) = ids(&bed, KeyFilter::default(), Page { number, size: 100 }).await;
            let start = (number as usize - 1) * 100;
            assert_eq!(page, made.get(start..start + 100).unwrap_or_default(), "{number}");
            assert_eq!(total, KEYS);
        }
        let (page, _) = ids(&bed, KeyFilter::default(), Page { number: 172, size: 70 }).await;
        assert_eq!(page, made[11_970..]);
    }

    a_filter_takes_alternatives_within_and_all_across(bed) {
        let a = new_key();
        let b = Key { spec: KeySpec::Rsa2048, state: KeyState::Disabled, ..new_key() };
        let c = Key { creator: "ecs".into(), instance_id: "kst-1".into(), protection_level: ProtectionLevel::Hsm,
            ..new_key() };
        for key in [&a, &b, &c] {
            bed.insert(key, b"m").await.unwrap();
        }
        let (a_id, b_id) = (a.id.clone(), b.id.clone());
        bed.write(move |tx| {
            let (a, b) = (a_id.clone(), b_id.clone());
            Box::pin(async move {
                let alias = Alias { name: "alias/a".parse().unwrap(), key: a.clone() };
                aliases::insert(tx, &account(), &alias, Timestamp::default()).await?;
                let tag = |key: &str, value: &str| Tag { key: key.parse().unwrap(), value: value.parse().unwrap() };
                tags::put(tx, &account(), ResourceType::Key, &[a.as_str()], &[tag("x", "1"), tag("y", "2")]).await?;
                tags::put(tx, &account(), ResourceType::Key, &[b.as_str()], &[tag("x", "2")]).await
            })
        })
        .await
        .unwrap();
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let all = KeyFilter::default;
        let cases = [
            (KeyFilter { states: vec![KeyState::Disabled], ..all() }, vec![&b]),
            (KeyFilter { states: vec![KeyState::Disabled, KeyState::Enabled], ..all() }, vec![&c, &b, &a]),
            (KeyFilter { specs: vec![KeySpec::Rsa2048], states: vec![KeyState::Enabled], ..all() }, vec![]),
            (KeyFilter { usages: vec![a.usage], ..all() }, vec![&c, &b, &a]),
            (KeyFilter { protection_levels: vec![ProtectionLevel::Hsm], ..all() }, vec![&c]),
            (KeyFilter { creators: texts(&["ecs", "rds"]), ..all() }, vec![&c]),
            (KeyFilter { creator_types: vec![CreatorType::User], ..all() }, vec![&b, &a]),
            (KeyFilter { creator_types: vec![CreatorType::Service], ..all() }, vec![&c]),
            (KeyFilter { creator_types: vec![CreatorType::Service, CreatorType::User], ..all() }, vec![&c, &b, &a]),
            (KeyFilter { instance_ids: texts(&[""]), ..all() }, vec![&b, &a]),
            (KeyFilter { key_ids: texts(&[a.id.as_str(), c.id.as_str(), "no"]), ..all() }, vec![&c, &a]),
            (KeyFilter { alias_names: texts(&["alias/a", "alias/no"]), ..all() }, vec![&a]),
            (KeyFilter { tag_keys: texts(&["x"]), ..all() }, vec![&b, &a]),
            (KeyFilter { tag_values: texts(&["2"]), ..all() }, vec![&b, &a]),
            (KeyFilter { tag_keys: texts(&["x"]), tag_values: texts(&["2"]), ..all() }, vec![&b]),
        ];
        for (filter, expected) in cases {
            let expected: Vec<_> = expected.into_iter().map(|key| key.id.clone()).collect();
            let total = expected.len() as i64;
            assert_eq!(ids(&bed, filter.clone(), FULL).await, (expected, total), "{filter:?}");
        }
    }

    a_key_is_destroyed_with_all_it_has_when_its_window_ends(bed) {
        let end = Timestamp::from_millis(1_000_000);
        let key = Key { state: KeyState::PendingDeletion, delete_at: Some(end), ..new_key() };
        let (other, kept) = (new_key(), new_key());
        for key in [&key, &other, &kept] {
            bed.insert(key, b"m").await.unwrap();
        }
        let id = key.id.clone();
        bed.write(move |tx| {
            let id = id.clone();
            Box::pin(async move {
                let alias = Alias { name: "alias/a".parse().unwrap(), key: id.clone() };
                aliases::insert(tx, &account(), &alias, Timestamp::default()).await?;
                let tag = Tag { key: "k".parse().unwrap(), value: "v".parse().unwrap() };
                tags::put(tx, &account(), ResourceType::Key, &[id.as_str()], &[tag]).await?;
                key_policies::set(tx, &id, "{}").await
            })
        })
        .await
        .unwrap();
        let destroy = |id: &KeyId, now: i64| {
            let (bed, id) = (bed.clone(), id.clone());
            async move {
                let now = Timestamp::from_millis(now);
                bed.write(move |tx| {
                    let id = id.clone();
                    Box::pin(async move { keys::destroy(tx, &id, now).await })
                })
                .await
            }
        };
        let mut conn = bed.store.reader().await.unwrap();
        assert_eq!(keys::due_for_deletion(&mut conn, Timestamp::from_millis(999_999), 9).await.unwrap(), []);
        assert_eq!(keys::due_for_deletion(&mut conn, end, 9).await.unwrap(), std::slice::from_ref(&key.id));
        assert!(matches!(destroy(&key.id, 999_999).await, Err(StoreError::Conflict)));
        assert!(matches!(destroy(&other.id, 2_000_000).await, Err(StoreError::Conflict)));
        destroy(&key.id, 1_000_000).await.unwrap();
        assert!(matches!(destroy(&key.id, 1_000_000).await, Err(StoreError::Conflict)));
        assert_eq!(keys::get(&mut conn, &key.id).await.unwrap(), None);
        assert!(key_versions::get(&mut conn, &key.primary_version).await.unwrap().is_none());
        assert_eq!(aliases::get(&mut conn, &account(), &"alias/a".parse().unwrap()).await.unwrap(), None);
        assert_eq!(tags::list(&mut conn, &account(), ResourceType::Key, key.id.as_str()).await.unwrap(), []);
        assert_eq!(key_policies::get(&mut conn, &key.id).await.unwrap(), None);
        assert_eq!(keys::count(&mut conn, &account()).await.unwrap(), 2);
        drop(conn);
        assert_eq!(ids(&bed, KeyFilter::default(), FULL).await, (vec![kept.id, other.id], 2));
    }

    accounts_access_keys_and_small_values(bed) {
        let other: AccountId = "2222222222222222".parse().unwrap();
        let second = other.clone();
        bed.write(move |tx| {
            let second = second.clone();
            Box::pin(async move {
                accounts::insert(tx, &second, Timestamp::from_millis(2)).await?;
                accounts::insert(tx, &account(), Timestamp::from_millis(1)).await?;
                meta::put(tx, "a", "1").await?;
                meta::put(tx, "a", "2").await?;
                access_keys::insert(tx, &access_key("LTAI1")).await?;
                access_keys::insert(tx, &access_key("LTAI2")).await?;
                access_keys::set_active(tx, "LTAI2", false).await
            })
        })
        .await
        .unwrap();
        let mut conn = bed.store.reader().await.unwrap();
        assert_eq!(accounts::first(&mut conn).await.unwrap(), Some(account()));
        assert!(accounts::exists(&mut conn, &other).await.unwrap());
        assert!(!accounts::exists(&mut conn, &"3333333333333333".parse().unwrap()).await.unwrap());
        assert_eq!(meta::get(&mut conn, "a").await.unwrap().as_deref(), Some("2"));
        assert_eq!(meta::get(&mut conn, "b").await.unwrap(), None);
        let stored = access_keys::get(&mut conn, "LTAI1").await.unwrap().unwrap();
        assert_eq!((stored.secret.expose(), stored.active, stored.account), ("secret of LTAI1", true, account()));
        assert!(access_keys::get(&mut conn, "no").await.unwrap().is_none());
        let listed = access_keys::list(&mut conn, &account()).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|key| (key.id.as_str(), key.active)).collect();
        assert_eq!(listed, [("LTAI1", true), ("LTAI2", false)]);
        drop(conn);
        let again = bed.write(|tx| Box::pin(async move { access_keys::insert(tx, &access_key("LTAI1")).await }));
        assert!(matches!(again.await, Err(StoreError::AlreadyExists)));
        let again = bed.write(|tx| Box::pin(async move { accounts::insert(tx, &account(), Timestamp::default()).await }));
        assert!(matches!(again.await, Err(StoreError::AlreadyExists)));
        for expected in [true, false] {
            let deleted = bed.write(|tx| Box::pin(async move { access_keys::delete(tx, "LTAI1").await }));
            assert_eq!(deleted.await.unwrap(), expected);
        }
    }
}

fn access_key(id: &str) -> access_keys::AccessKeyRecord {
    access_keys::AccessKeyRecord {
        id: id.into(),
        account: account(),
        secret: sesame_crypto::secret::SecretText::new(format!("secret of {id}")),
        active: true,
        created_at: Timestamp::from_millis(5),
    }
}
