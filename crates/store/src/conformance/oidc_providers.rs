use sesame_domain::Timestamp;
use sesame_domain::ram::{OidcProvider, OidcProviderName};

use super::bed::account;
use super::ram_policies::with_account;
use super::{Bed, on_both_engines};
use crate::{StoreError, oidc_providers};

const MADE: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn provider(name: &str, issuer: &str) -> OidcProvider {
    OidcProvider {
        account: account(),
        name: name.parse().unwrap(),
        description: "d".to_owned(),
        issuer_url: issuer.to_owned(),
        client_ids: vec!["one".to_owned(), "two".to_owned()],
        fingerprints: Vec::new(),
        issuance_limit_hours: 12,
        created_at: MADE,
        updated_at: MADE,
    }
}

async fn insert(bed: &Bed, name: &'static str, issuer: &'static str) -> Result<(), StoreError> {
    bed.write(move |tx| Box::pin(async move { oidc_providers::insert(tx, &provider(name, issuer)).await })).await
}

async fn by_name(bed: &Bed, name: &str) -> Option<OidcProvider> {
    let name: OidcProviderName = name.parse().unwrap();
    oidc_providers::by_name(&mut bed.store.reader().await.unwrap(), &account(), &name).await.unwrap()
}

on_both_engines! {
    a_provider_has_a_name_and_an_issuer_of_its_own(bed) {
        with_account(&bed).await;
        insert(&bed, "p", "https://a.example").await.unwrap();
        assert_eq!(by_name(&bed, "p").await, Some(provider("p", "https://a.example")));
        for (name, issuer) in [("p", "https://b.example"), ("q", "https://a.example")] {
            assert!(matches!(insert(&bed, name, issuer).await, Err(StoreError::AlreadyExists)), "{name} {issuer}");
        }
        insert(&bed, "q", "https://a.example/").await.unwrap();
    }

    a_provider_is_changed_and_deleted(bed) {
        with_account(&bed).await;
        insert(&bed, "p", "https://a.example").await.unwrap();
        let changed = || OidcProvider {
            description: "new".to_owned(),
            client_ids: Vec::new(),
            fingerprints: vec!["ab".to_owned(), "cd".to_owned()],
            issuance_limit_hours: 168,
            updated_at: MADE.plus_seconds(60),
            ..provider("p", "https://a.example")
        };
        let update =
            async || bed.write(move |tx| Box::pin(async move { oidc_providers::update(tx, &changed()).await })).await;
        update().await.unwrap();
        assert_eq!(by_name(&bed, "p").await, Some(changed()));
        for expected in [true, false] {
            let delete = bed.write(|tx| {
                Box::pin(async move { oidc_providers::delete(tx, &account(), &"p".parse().unwrap()).await })
            });
            assert_eq!(delete.await.unwrap(), expected);
        }
        assert!(matches!(update().await, Err(StoreError::Conflict)));
    }

    providers_are_listed_by_name(bed) {
        with_account(&bed).await;
        for (name, issuer) in [("b", "https://1.example"), ("a", "https://2.example"), ("c", "https://3.example")] {
            insert(&bed, name, issuer).await.unwrap();
        }
        let mut conn = bed.store.reader().await.unwrap();
        assert_eq!(oidc_providers::count(&mut conn, &account()).await.unwrap(), 3);
        let after: OidcProviderName = "a".parse().unwrap();
        let page = oidc_providers::page(&mut conn, &account(), Some(&after), 1).await.unwrap();
        assert_eq!(page, [provider("b", "https://1.example")]);
    }
}
