use super::bed::{new_key, open, open_with};
use super::{Bed, on_both_engines};
use crate::{StoreError, key_versions};

async fn material(bed: &Bed, version: &sesame_domain::KeyVersionId) -> Result<Vec<u8>, StoreError> {
    let mut conn = bed.store.reader().await.unwrap();
    key_versions::get(&mut conn, version).await.map(|found| found.unwrap().1.expose().to_vec())
}

/// On SQLite the store must be closed while another connection changes the file from under its readers.
async fn reopened(mut bed: Bed) -> Bed {
    bed.store.close().await;
    bed.store = open(&bed.url).await.unwrap();
    bed
}

on_both_engines! {
    sealed_material_does_not_open_in_another_place(bed) {
        let (one, two) = (new_key(), new_key());
        bed.insert(&one, b"material of one").await.unwrap();
        bed.insert(&two, b"material of two").await.unwrap();
        let moved = format!(
            "UPDATE key_versions SET material = (SELECT material FROM key_versions WHERE id = '{}') WHERE id = '{}'",
            one.primary_version, two.primary_version
        );
        assert_eq!(bed.tamper(&moved).await, 1);
        assert!(matches!(material(&bed, &two.primary_version).await, Err(StoreError::Corrupt(_))));
        assert_eq!(material(&bed, &one.primary_version).await.unwrap(), b"material of one");
        let reparented =
            format!("UPDATE key_versions SET key_id = '{}' WHERE id = '{}'", two.id, one.primary_version);
        assert_eq!(bed.tamper(&reparented).await, 1);
        assert!(matches!(material(&bed, &one.primary_version).await, Err(StoreError::Corrupt(_))));
    }

    another_root_key_is_refused(bed) {
        bed.store.close().await;
        let refused = open_with(&bed.url, 8).await;
        assert!(matches!(refused, Err(StoreError::WrongRootKey)), "{refused:?}");
        let bed = reopened(bed).await;
        bed.store.close().await;
    }

    all_terms_open_after_a_rotation(bed) {
        let (old, new) = (new_key(), new_key());
        bed.insert(&old, b"sealed in term 1").await.unwrap();
        assert_eq!(bed.store.barrier_term(), 1);
        bed.store.rotate().await.unwrap();
        assert_eq!(bed.store.barrier_term(), 2);
        bed.insert(&new, b"sealed in term 2").await.unwrap();
        let bed = reopened(bed).await;
        assert_eq!(bed.store.barrier_term(), 2);
        assert_eq!(material(&bed, &old.primary_version).await.unwrap(), b"sealed in term 1");
        assert_eq!(material(&bed, &new.primary_version).await.unwrap(), b"sealed in term 2");
        bed.store.close().await;
    }

    a_used_up_term_is_followed_by_the_next(bed) {
        assert_eq!(bed.tamper("UPDATE barrier_keys SET uses = 1073741824").await, 1);
        let bed = reopened(bed).await;
        assert_eq!(bed.store.barrier_term(), 2);
        bed.insert(&new_key(), b"m").await.unwrap();
        bed.store.close().await;
    }
}
