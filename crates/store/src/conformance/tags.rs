use sesame_domain::tag::{ResourceType, TagRow};
use sesame_domain::{Tag, TagKey, TagValue};

use super::bed::account;
use super::{Bed, on_both_engines};
use crate::tags;

const KIND: ResourceType = ResourceType::Secret;

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.parse().unwrap(), value: value.parse().unwrap() }
}

async fn put(bed: &Bed, resources: &'static [&'static str], list: &'static [(&'static str, &'static str)]) {
    bed.write(move |tx| {
        Box::pin(async move {
            let list: Vec<_> = list.iter().map(|(key, value)| tag(key, value)).collect();
            tags::put(tx, &account(), KIND, resources, &list).await
        })
    })
    .await
    .unwrap();
}

async fn rows(
    bed: &Bed,
    resources: &[&str],
    wanted: &[(&str, Option<&str>)],
    after: Option<(&str, &str)>,
    limit: u32,
) -> String {
    let resources: Vec<_> = resources.iter().map(|name| (*name).to_owned()).collect();
    let wanted: Vec<(TagKey, Option<TagValue>)> =
        wanted.iter().map(|(key, value)| (key.parse().unwrap(), value.map(|value| value.parse().unwrap()))).collect();
    let after = after.map(|(resource, key)| (resource.to_owned(), key.to_owned()));
    let mut conn = bed.store.reader().await.unwrap();
    let rows = tags::rows(&mut conn, &account(), KIND, &resources, &wanted, after, limit).await.unwrap();
    let show = |TagRow { resource, tag }: TagRow| format!("{resource}:{}={}", tag.key, tag.value.as_str());
    rows.into_iter().map(show).collect::<Vec<_>>().join(" ")
}

on_both_engines! {
    tags_are_put_on_many_resources_and_removed(bed) {
        put(&bed, &["r1", "r2"], &[("b", "1"), ("a", "1")]).await;
        put(&bed, &["r2"], &[("a", "2"), ("c", "")]).await;
        let list = async |resource: &str| {
            let mut conn = bed.store.reader().await.unwrap();
            tags::list(&mut conn, &account(), KIND, resource).await.unwrap()
        };
        assert_eq!(list("r1").await, [tag("a", "1"), tag("b", "1")]);
        assert_eq!(list("r2").await, [tag("a", "2"), tag("b", "1"), tag("c", "")]);
        bed.write(|tx| {
            Box::pin(async move {
                let keys = ["a".parse().unwrap(), "no".parse().unwrap()];
                tags::remove(tx, &account(), KIND, &["r1", "r2", "r3"], &keys).await
            })
        })
        .await
        .unwrap();
        assert_eq!(list("r1").await, [tag("b", "1")]);
        bed.write(|tx| Box::pin(async move { tags::remove_all(tx, &account(), KIND, &["r2"]).await })).await.unwrap();
        assert_eq!(list("r2").await, []);
        put(&bed, &[], &[("a", "1")]).await;
        put(&bed, &["r1"], &[]).await;
        assert_eq!(list("r1").await, [tag("b", "1")]);
    }

    the_number_of_tags_after_a_put_is_known_before(bed) {
        put(&bed, &["r1", "r2"], &[("a", "1"), ("b", "1")]).await;
        put(&bed, &["r2"], &[("c", "1")]).await;
        let mut conn = bed.store.reader().await.unwrap();
        let new = [tag("c", "2"), tag("d", "2"), tag("d", "3")];
        for (resources, expected) in [(&["r1"][..], 4), (&["r2"], 4), (&["r1", "r2"], 4), (&["r3"], 2), (&[], 2)] {
            let after = tags::count_after(&mut conn, &account(), KIND, resources, &new).await.unwrap();
            assert_eq!(after, expected, "{resources:?}");
        }
    }

    rows_are_filtered_and_paged_by_resource_and_key(bed) {
        put(&bed, &["r1", "r2", "R3"], &[("a", "1"), ("b", "1")]).await;
        put(&bed, &["r2"], &[("b", "2"), ("c", "3")]).await;
        let all = "R3:a=1 R3:b=1 r1:a=1 r1:b=1 r2:a=1 r2:b=2 r2:c=3";
        assert_eq!(rows(&bed, &[], &[], None, 200).await, all);
        assert_eq!(rows(&bed, &[], &[], None, 3).await, "R3:a=1 R3:b=1 r1:a=1");
        assert_eq!(rows(&bed, &[], &[], Some(("r1", "a")), 2).await, "r1:b=1 r2:a=1");
        assert_eq!(rows(&bed, &["r1", "no"], &[], None, 200).await, "r1:a=1 r1:b=1");
        assert_eq!(rows(&bed, &[], &[("c", None)], None, 200).await, "r2:a=1 r2:b=2 r2:c=3");
        assert_eq!(rows(&bed, &[], &[("a", Some("1")), ("b", Some("1"))], Some(("R3", "b")), 9).await, "r1:a=1 r1:b=1");
        assert_eq!(rows(&bed, &["r1"], &[("c", None)], None, 200).await, "");
    }
}
