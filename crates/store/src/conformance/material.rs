//! Import tokens, rotation dates and certificates.

use sesame_crypto::WrappingAlgorithm;
use sesame_crypto::secret::SecretBytes;
use sesame_crypto::spec::KeySpec;
use sesame_domain::certificate::{Certificate, CertificateStatus};
use sesame_domain::tag::ResourceType;
use sesame_domain::{Tag, Timestamp};

use super::bed::{account, new_key};
use super::{Bed, on_both_engines};
use crate::import_tokens::{self, ImportToken};
use crate::keys::NewVersion;
use crate::{StoreError, certificates, key_versions, keys, tags};

const DAY: i64 = 86_400_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

async fn add_token(bed: &Bed, token: &ImportToken) {
    let token = token.clone();
    bed.write(move |tx| {
        let token = token.clone();
        Box::pin(async move { import_tokens::insert(tx, &token, &SecretBytes::from_slice(b"private")).await })
    })
    .await
    .unwrap();
}

fn certificate(id: &str) -> Certificate {
    Certificate {
        id: id.into(),
        account: account(),
        spec: KeySpec::EcP256,
        status: CertificateStatus::Pending,
        subject: "CN=a".into(),
        alternative_names: vec!["a.example".into(), "b.example".into()],
        exportable: true,
        public_key: vec![1, 2, 3],
        csr: "csr".into(),
        certificate: String::new(),
        chain: String::new(),
        created_at: at(1),
        updated_at: at(1),
    }
}

async fn add_certificate(bed: &Bed, certificate: &Certificate) -> Result<(), StoreError> {
    let certificate = certificate.clone();
    bed.write(move |tx| {
        let certificate = certificate.clone();
        Box::pin(async move { certificates::insert(tx, &certificate, &SecretBytes::from_slice(b"secret")).await })
    })
    .await
}

on_both_engines! {
    a_token_is_found_until_it_expires(bed) {
        let token = ImportToken {
            id: "t1".into(),
            key: new_key().id,
            algorithm: WrappingAlgorithm::Sm2Pke,
            expires_at: at(1_000),
        };
        add_token(&bed, &token).await;
        add_token(&bed, &ImportToken { id: "t2".into(), expires_at: at(2_000), ..token.clone() }).await;
        let mut conn = bed.store.reader().await.unwrap();
        let (found, private) = import_tokens::get(&mut conn, "t1").await.unwrap().unwrap();
        assert_eq!((found, private.expose()), (token, &b"private"[..]));
        assert!(!import_tokens::any_expired(&mut conn, at(999)).await.unwrap());
        assert!(import_tokens::any_expired(&mut conn, at(1_000)).await.unwrap());
        drop(conn);
        bed.tamper("UPDATE import_tokens SET key_id = 'key-hzz0123456789abcdefgh' WHERE id = 't2'").await;
        let mut conn = bed.store.reader().await.unwrap();
        assert!(matches!(import_tokens::get(&mut conn, "t2").await, Err(StoreError::Corrupt(_))), "bound to its key");
        drop(conn);
        let gone = bed.write(|tx| Box::pin(async move { import_tokens::delete_expired(tx, at(1_000)).await })).await;
        assert_eq!(gone.unwrap(), 1);
        let mut conn = bed.store.reader().await.unwrap();
        assert!(import_tokens::get(&mut conn, "t1").await.unwrap().is_none());
        assert!(!import_tokens::any_expired(&mut conn, at(1_999)).await.unwrap());
    }

    rotations_of_the_future_are_pulled_back(bed) {
        let mut key = new_key();
        key.rotation_interval = Some("7d".parse().unwrap());
        key.last_rotated_at = at(500 * DAY);
        let mut unchanged = new_key();
        unchanged.last_rotated_at = at(500 * DAY);
        bed.insert(&key, b"1").await.unwrap();
        bed.insert(&unchanged, b"1").await.unwrap();
        for expected in [1, 0] {
            let moved = bed.write(|tx| {
                Box::pin(async move { keys::pull_back_rotations(tx, at(11 * DAY), at(10 * DAY)).await })
            });
            assert_eq!(moved.await.unwrap(), expected);
        }
        let pulled = bed.key(&key.id).await.unwrap();
        assert_eq!(pulled.next_rotation_at(), Some(at(17 * DAY)));
        assert_eq!(bed.key(&unchanged.id).await.unwrap(), unchanged);
        let mut conn = bed.store.reader().await.unwrap();
        assert!(keys::due_for_rotation(&mut conn, at(17 * DAY), 9).await.unwrap().contains(&key.id));
    }

    versions_of_a_stretch_of_time_are_noticed(bed) {
        let key = new_key();
        bed.insert(&key, b"1").await.unwrap();
        let made = key.created_at.millis() + 1_000;
        let version = sesame_domain::KeyVersion {
            id: sesame_domain::KeyVersionId::new(&key.id, "abcdefghij").unwrap(),
            key: key.id.clone(),
            created_at: at(made),
        };
        let added = version.clone();
        bed.write(move |tx| {
            let version = added.clone();
            Box::pin(async move {
                key_versions::insert(tx, &NewVersion { version, material: &SecretBytes::from_slice(b"2") }, true).await
            })
        })
        .await
        .unwrap();
        let mut conn = bed.store.reader().await.unwrap();
        assert_eq!(key_versions::describe(&mut conn, &version.id).await.unwrap(), Some(version));
        for (after, until, expected) in [(made - 1, made, true), (made, made + 9, false), (made - 9, made - 1, false)] {
            assert_eq!(key_versions::any_made(&mut conn, &key.id, at(after), at(until)).await.unwrap(), expected);
        }
    }

    versions_of_an_account_are_counted_up_to_a_bound(bed) {
        let (key, other) = (new_key(), new_key());
        let stranger = sesame_domain::Key { account: "6543210987654321".parse().unwrap(), ..new_key() };
        for key in [&key, &other, &stranger] {
            bed.insert(key, b"1").await.unwrap();
        }
        for tail in ["abcdefghij", "bcdefghijk"] {
            let id = sesame_domain::KeyVersionId::new(&key.id, tail).unwrap();
            let version = sesame_domain::KeyVersion { id, key: key.id.clone(), created_at: key.created_at };
            bed.write(move |tx| {
                let version = version.clone();
                Box::pin(async move {
                    let new = NewVersion { version, material: &SecretBytes::from_slice(b"2") };
                    key_versions::insert(tx, &new, true).await
                })
            })
            .await
            .unwrap();
        }
        let mut conn = bed.store.reader().await.unwrap();
        for (account, most, expected) in [(&key.account, 9, 4), (&key.account, 3, 3), (&stranger.account, 9, 1)] {
            assert_eq!(key_versions::count_of_account(&mut conn, account, most).await.unwrap(), expected);
        }
    }

    a_certificate_is_kept_changed_and_removed(bed) {
        let one = certificate("c1");
        add_certificate(&bed, &one).await.unwrap();
        assert!(matches!(add_certificate(&bed, &one).await, Err(StoreError::AlreadyExists)));
        let mut conn = bed.store.reader().await.unwrap();
        assert_eq!(certificates::get(&mut conn, "c1").await.unwrap().unwrap(), one);
        assert_eq!(certificates::private_key(&mut conn, "c1").await.unwrap().unwrap().expose(), b"secret");
        assert!(certificates::get(&mut conn, "c2").await.unwrap().is_none());
        drop(conn);
        let status = |from, to| {
            bed.write(move |tx| {
                Box::pin(async move { certificates::set_status(tx, "c1", from, to, at(2)).await })
            })
        };
        status(CertificateStatus::Pending, CertificateStatus::Active).await.unwrap();
        let late = status(CertificateStatus::Pending, CertificateStatus::Active).await;
        assert!(matches!(late, Err(StoreError::Conflict)));
        bed.write(|tx| {
            Box::pin(async move {
                certificates::set_certificate(tx, "c1", "cert", "chain", at(3)).await?;
                let tag = Tag { key: "k".parse().unwrap(), value: "v".parse().unwrap() };
                tags::put(tx, &account(), ResourceType::Certificate, &["c1"], &[tag]).await
            })
        })
        .await
        .unwrap();
        let expected = Certificate {
            status: CertificateStatus::Active,
            certificate: "cert".into(),
            chain: "chain".into(),
            updated_at: at(3),
            ..one
        };
        let mut conn = bed.store.reader().await.unwrap();
        assert_eq!(certificates::get(&mut conn, "c1").await.unwrap().unwrap(), expected);
        drop(conn);
        bed.write(|tx| Box::pin(async move { certificates::delete(tx, &account(), "c1").await })).await.unwrap();
        let again = bed.write(|tx| Box::pin(async move { certificates::delete(tx, &account(), "c1").await })).await;
        assert!(matches!(again, Err(StoreError::Conflict)));
        let mut conn = bed.store.reader().await.unwrap();
        assert!(certificates::private_key(&mut conn, "c1").await.unwrap().is_none());
        assert_eq!(tags::list(&mut conn, &account(), ResourceType::Certificate, "c1").await.unwrap(), []);
    }
}
