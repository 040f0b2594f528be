//! Lists of secrets against a plain filter in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sesame_domain::secret::{Secret, SecretType};
use sesame_domain::tag::ResourceType;
use sesame_domain::{Page, Tag, Timestamp};

use super::bed::{account, open};
use super::secrets::{insert, new_secret};
use super::{Bed, on_both_engines};
use crate::secrets::{self, SecretFilter};
use crate::tables::secret_list::SOUGHT_BY_TAG;
use crate::tables::secret_ranges;
use crate::{StoreError, tags};

const KINDS: [SecretType; 3] = [SecretType::Generic, SecretType::Rds, SecretType::Ecs];
const WORDS: [&str; 5] = ["a", "B", "c/d", "e", ""];

/// Numbers that look drawn by lot and are the same in every run.
struct Lots(u64);

impl Lots {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }

    /// Often none.
    fn some<T: Clone>(&mut self, of: &[T]) -> Vec<T> {
        if self.below(3) > 0 {
            return Vec::new();
        }
        (0..=self.below(of.len())).map(|_| of[self.below(of.len())].clone()).collect()
    }
}

/// What should be there.
#[derive(Default)]
struct Model(BTreeMap<String, (Secret, BTreeMap<String, String>)>);

impl Model {
    fn list(&self, filter: &SecretFilter) -> Vec<String> {
        let among = |list: &[String], value: &str| list.is_empty() || list.iter().any(|one| one == value);
        let mut found: Vec<(&str, &str, &str)> = Vec::new();
        for (name, (_, tags)) in &self.0 {
            for (key, value) in tags {
                if among(&filter.tag_keys, key) && among(&filter.tag_values, value) {
                    let key = if filter.tag_keys.is_empty() { "" } else { key };
                    found.push((key, value, name));
                }
            }
        }
        found.sort_unstable();
        let tagged: BTreeSet<_> = found.iter().take(SOUGHT_BY_TAG as usize).map(|(.., name)| *name).collect();
        let by_tag = !filter.tag_keys.is_empty() || !filter.tag_values.is_empty();
        let passes = |name: &str, secret: &Secret| {
            (!by_tag || tagged.contains(name))
                && (filter.names.is_empty() || filter.names.contains(&secret.name))
                && among(&filter.descriptions, &secret.description)
                && (filter.kinds.is_empty() || filter.kinds.contains(&secret.kind))
                && among(&filter.creators, &secret.creator)
                && among(&filter.instance_ids, &secret.instance_id)
        };
        self.0.iter().filter(|(name, (secret, _))| passes(name, secret)).map(|(name, _)| name.clone()).collect()
    }

    fn drawn(&self, lots: &mut Lots) -> Option<Secret> {
        let position = lots.below(self.0.len().max(1));
        self.0.values().nth(position).map(|(secret, _)| secret.clone())
    }

    /// One thing that happens to secrets, there and here.
    async fn step(&mut self, bed: &Bed, lots: &mut Lots) {
        let what = lots.below(20);
        let (key, value) = (["k", "K", "l"][lots.below(3)], lots.word());
        match (what, self.drawn(lots)) {
            (0..8, _) | (_, None) => {
                let name = ["a", "b/", "B", "c0", "c1", "z"][lots.below(6)].to_owned() + &lots.below(40).to_string();
                let secret = Secret {
                    kind: KINDS[lots.below(3)],
                    creator: lots.word().to_owned(),
                    instance_id: ["", "kst-1"][lots.below(2)].to_owned(),
                    description: lots.word().to_owned(),
                    ..new_secret(&name)
                };
                match (insert(bed, &secret).await, self.0.contains_key(&name)) {
                    (Err(StoreError::AlreadyExists), true) => {}
                    (Ok(()), false) => drop(self.0.insert(name, (secret, BTreeMap::new()))),
                    unexpected => panic!("{unexpected:?}"),
                }
            }
            (8..10, Some(secret)) => {
                self.0.remove(secret.name.as_str());
                remove(bed, secret).await;
            }
            (10..12, Some(secret)) => {
                self.0.get_mut(secret.name.as_str()).unwrap().0.description = value.to_owned();
                let now = Timestamp::from_millis(1);
                bed.write(move |tx| {
                    let secret = secret.clone();
                    Box::pin(async move { secrets::set_description_and_config(tx, &secret, value, "", now).await })
                })
                .await
                .unwrap();
            }
            (12..17, Some(secret)) => {
                self.0.get_mut(secret.name.as_str()).unwrap().1.insert(key.to_owned(), value.to_owned());
                bed.write(move |tx| {
                    let name = secret.name.clone();
                    let tag = Tag { key: key.parse().unwrap(), value: value.parse().unwrap() };
                    Box::pin(
                        async move { tags::put(tx, &account(), ResourceType::Secret, &[name.as_str()], &[tag]).await },
                    )
                })
                .await
                .unwrap();
            }
            (17, Some(secret)) => {
                self.0.get_mut(secret.name.as_str()).unwrap().1.remove(key);
                bed.write(move |tx| {
                    let name = secret.name.clone();
                    let key = [key.parse().unwrap()];
                    Box::pin(
                        async move { tags::remove(tx, &account(), ResourceType::Secret, &[name.as_str()], &key).await },
                    )
                })
                .await
                .unwrap();
            }
            _ => fold(bed).await,
        }
    }

    /// Compares every page of some lists.
    async fn check(&self, bed: &Bed, lots: &mut Lots) {
        let mut filters =
            vec![SecretFilter::default(), SecretFilter { kinds: KINDS.to_vec(), ..SecretFilter::default() }];
        let words = WORDS.map(str::to_owned);
        for _ in 0..4 {
            let creators = lots.some(&words);
            let kinds = lots.some(&KINDS);
            let instance_ids = lots.some(&[String::new(), "kst-1".to_owned()]);
            let coarse = SecretFilter { creators, kinds, instance_ids, ..SecretFilter::default() };
            let keys = lots.some(&["k".to_owned(), "K".to_owned(), "l".to_owned()]);
            let names: Vec<_> = self.0.values().map(|(secret, _)| secret.name.clone()).take(5).collect();
            let names = if names.is_empty() { Vec::new() } else { lots.some(&names) };
            let tagged = SecretFilter { tag_keys: keys, tag_values: lots.some(&words), ..coarse.clone() };
            let described = SecretFilter { descriptions: lots.some(&words), ..coarse.clone() };
            filters.push(SecretFilter { descriptions: lots.some(&words), names, ..tagged.clone() });
            filters.extend([coarse, tagged, described]);
        }
        for filter in filters {
            let expected = self.list(&filter);
            let size = 1 + lots.below(7);
            for number in 0..=expected.len().div_ceil(size) {
                let page = Page { number: number as u32 + 1, size: size as u32 };
                let mut conn = bed.store.reader().await.unwrap();
                let (listed, total) = secrets::list(&mut conn, &account(), &filter, page).await.unwrap();
                let listed: Vec<_> = listed.iter().map(|secret| secret.name.as_str()).collect();
                let on_page: Vec<_> = expected.iter().skip(number * size).take(size).collect();
                assert_eq!(
                    (listed, total as usize),
                    (on_page.into_iter().map(String::as_str).collect(), expected.len(),),
                    "{page:?} {filter:?}"
                );
            }
        }
    }
}

async fn remove(bed: &Bed, secret: Secret) {
    bed.write(move |tx| {
        let secret = secret.clone();
        Box::pin(async move { secrets::remove(tx, &secret).await })
    })
    .await
    .unwrap();
}

async fn fold(bed: &Bed) {
    bed.write(|tx| Box::pin(async move { secret_ranges::fold(tx, &account()).await })).await.unwrap();
}

/// Folds, and compares what is counted in ranges, and kept beside tags, with secrets and tags themselves.
async fn settle(bed: &Bed) {
    fold(bed).await;
    assert_eq!(bed.number("SELECT count(*) FROM secret_range_changes").await, 0);
    let wrong = "SELECT count(*) FROM secret_ranges AS r WHERE n <> (SELECT count(*) FROM secrets AS s \
        WHERE s.account = r.account AND s.kind = r.kind AND s.creator = r.creator AND s.instance_id = r.instance_id \
        AND s.name >= r.first_name AND NOT EXISTS (SELECT 1 FROM secret_ranges AS x \
        WHERE x.account = r.account AND x.first_name > r.first_name AND x.first_name <= s.name))";
    assert_eq!(bed.number(wrong).await, 0);
    let missing =
        "SELECT (SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM secret_ranges) - (SELECT count(*) FROM secrets)";
    assert_eq!(bed.number(missing).await, 0);
    let joined = "SELECT s.account, s.name, tag_key, tag_value, kind, creator, instance_id, sought_description \
        FROM tags AS t JOIN secrets AS s ON s.account = t.account AND s.name = t.resource \
        WHERE resource_type = 'secret'";
    let kept =
        "SELECT account, name, tag_key, tag_value, kind, creator, instance_id, sought_description FROM secret_tags";
    for (some, others) in [(joined, kept), (kept, joined)] {
        let differ = format!("SELECT count(*) FROM ({some} EXCEPT {others}) AS d");
        assert_eq!(bed.number(&differ).await, 0);
    }
}

/// Makes it a database of an older server; the store has to be closed.
pub(super) async fn undo_step_11(bed: &Bed) {
    let triggers = if bed.url.starts_with("sqlite") {
        "DROP TRIGGER secrets_tagged; DROP TRIGGER secrets_retagged; DROP TRIGGER secrets_untagged; \
         DROP TRIGGER secrets_with_tags_redescribed; DROP TRIGGER secrets_in_range; DROP TRIGGER secrets_out_of_range"
    } else {
        "DROP FUNCTION keep_secret_tags CASCADE; DROP FUNCTION redescribe_secret_tags CASCADE; \
         DROP FUNCTION note_secret_in_range CASCADE"
    };
    bed.tamper(triggers).await;
    bed.tamper(
        "DROP TABLE secret_tags; DROP TABLE secret_ranges; DROP TABLE secret_range_changes; \
        DELETE FROM schema_migrations WHERE version >= 11",
    )
    .await;
}

on_both_engines! {
    every_page_is_what_a_plain_filter_leaves(bed) {
        let (mut model, mut lots) = (Model::default(), Lots(2_026));
        for round in 0..24 {
            // Also without any fold for a while, and over an empty list.
            model.check(&bed, &mut lots).await;
            for _ in 0..25 {
                model.step(&bed, &mut lots).await;
            }
            if round % 4 == 3 {
                settle(&bed).await;
            }
        }
        assert!(model.0.len() > 40, "long lists were checked");
        assert!(bed.number("SELECT count(DISTINCT first_name) FROM secret_ranges").await > 5);
        // Written by an older server, before these tables were there, and beside a newer one.
        bed.store.close().await;
        undo_step_11(&bed).await;
        let upgraded = Bed { store: open(&bed.url).await.unwrap(), url: bed.url.clone() };
        model.check(&upgraded, &mut lots).await;
        settle(&upgraded).await;
        model.check(&upgraded, &mut lots).await;
        // All go, as a purge takes them one by one.
        while let Some(secret) = model.drawn(&mut lots) {
            model.0.remove(secret.name.as_str());
            remove(&upgraded, secret).await;
            if model.0.len() % 16 == 1 {
                model.check(&upgraded, &mut lots).await;
                settle(&upgraded).await;
            }
        }
        settle(&upgraded).await;
        model.check(&upgraded, &mut lots).await;
        assert_eq!(upgraded.number("SELECT count(*) FROM secret_ranges").await, 0);
        upgraded.store.close().await;
    }

    changes_are_folded_while_others_write(bed) {
        let done = Arc::new(AtomicBool::new(false));
        let other = if bed.url.starts_with("sqlite") { bed.clone() } else {
            Bed { store: open(&bed.url).await.unwrap(), url: bed.url.clone() }
        };
        let beds = [(bed.clone(), Arc::clone(&done)), (other.clone(), Arc::clone(&done))];
        let folds: Vec<_> = beds.into_iter().map(|(bed, done)| tokio::spawn(async move {
            let mut folds = 0;
            while !done.load(Ordering::Acquire) {
                fold(&bed).await;
                folds += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            folds
        })).collect();
        let writers: Vec<_> = (0..4).map(|writer| {
            let bed = if writer % 2 == 0 { bed.clone() } else { other.clone() };
            tokio::spawn(async move {
                for number in 0..30 {
                    let name = format!("s{number:02}-{writer}");
                    let secret = Secret { creator: format!("c{writer}"), ..new_secret(&name) };
                    insert(&bed, &secret).await.unwrap();
                    if number % 3 == 0 {
                        remove(&bed, secret).await;
                    }
                }
            })
        }).collect();
        for writer in writers {
            writer.await.unwrap();
        }
        done.store(true, Ordering::Release);
        for folds in folds {
            assert!(folds.await.unwrap() > 0);
        }
        settle(&bed).await;
        assert_eq!(bed.number("SELECT CAST(sum(n) AS BIGINT) FROM secret_ranges").await, 80);
        if !bed.url.starts_with("sqlite") {
            other.store.close().await;
        }
    }

    many_changes_are_folded_without_being_asked(bed) {
        for number in 0..150 {
            insert(&bed, &new_secret(&format!("s{number}"))).await.unwrap();
        }
        let start = Instant::now();
        while bed.number("SELECT count(*) FROM secret_range_changes").await >= 100 {
            assert!(start.elapsed() < Duration::from_secs(10));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        settle(&bed).await;
    }
}
