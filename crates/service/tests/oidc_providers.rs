//! OIDC providers: facts about each operation of IMS as a caller sees them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a call that must succeed fails its test")]

use serde_json::{Value, json};
use sesame_domain::Clock as _;
use sesame_testkit::TestKms;

const OTHER: &str = "6543210987654321";
const NAME: (&str, &str) = ("OIDCProviderName", "login");
const ISSUER: (&str, &str) = ("IssuerUrl", "https://login.example/realms/one");
const DIGEST: &str = "902ef2deeb3c5b13ea4c3d5193629309e231ae55";

type Params<'a> = &'a [(&'a str, &'a str)];

async fn ok(kms: &TestKms, operation: &str, params: Params<'_>) -> Value {
    kms.call(operation, params).await.unwrap_or_else(|refused| panic!("{operation} {params:?}: {refused:?}"))
}

async fn code(kms: &TestKms, operation: &str, params: Params<'_>) -> (u16, &'static str) {
    let refused = kms.call(operation, params).await.map(|answer| format!("{operation} {params:?}: {answer}"));
    let refused = refused.unwrap_err();
    (refused.status, refused.code)
}

#[tokio::test]
async fn a_provider_is_shown_as_it_was_made() {
    let kms = TestKms::new().await;
    let make = [
        NAME,
        ISSUER,
        ("ClientIds", "app-1,https://other/aud"),
        ("Fingerprints", DIGEST),
        ("IssuanceLimitTime", "6"),
        ("Description", "for people"),
    ];
    let made = ok(&kms, "CreateOIDCProvider", &make).await;
    let now = kms.clock.now();
    let expected = json!({
        "OIDCProviderName": "login", "Arn": "acs:ram::1234567890123456:oidc-provider/login",
        "IssuerUrl": "https://login.example/realms/one", "ClientIds": "app-1,https://other/aud",
        "Fingerprints": DIGEST, "IssuanceLimitTime": 6, "Description": "for people", "CreateDate": now.to_string(),
        "UpdateDate": now.to_string(), "GmtCreate": now.millis().to_string(), "GmtModified": now.millis().to_string(),
    });
    assert_eq!(made, json!({ "OIDCProvider": expected }));
    assert_eq!(ok(&kms, "GetOIDCProvider", &[NAME]).await, made);
    let listed = ok(&kms, "ListOIDCProviders", &[]).await;
    assert_eq!(listed, json!({ "OIDCProviders": { "OIDCProvider": [expected] }, "IsTruncated": false }));
}

#[tokio::test]
async fn what_is_not_given_has_a_default() {
    let kms = TestKms::new().await;
    let made = ok(&kms, "CreateOIDCProvider", &[NAME, ISSUER]).await;
    let provider = &made["OIDCProvider"];
    assert_eq!(provider["IssuanceLimitTime"], 12);
    assert!(["ClientIds", "Fingerprints", "Description"].iter().all(|member| provider[*member] == ""), "{provider}");
}

#[tokio::test]
async fn names_and_issuers_are_used_once_in_an_account() {
    let kms = TestKms::new().await;
    ok(&kms, "CreateOIDCProvider", &[NAME, ISSUER]).await;
    let name = code(&kms, "CreateOIDCProvider", &[NAME, ("IssuerUrl", "https://b.example")]).await;
    assert_eq!(name, (409, "EntityAlreadyExists.OIDCProvider"));
    let issuer = code(&kms, "CreateOIDCProvider", &[("OIDCProviderName", "b"), ISSUER]).await;
    assert_eq!(issuer, (409, "EntityAlreadyExists.OIDCProvider.Url"));
    kms.call_from(OTHER, "CreateOIDCProvider", &[NAME, ISSUER]).await.unwrap();
}

#[tokio::test]
async fn a_provider_is_changed_in_what_is_given() {
    let kms = TestKms::new().await;
    ok(&kms, "CreateOIDCProvider", &[NAME, ISSUER, ("ClientIds", "a,b"), ("Fingerprints", DIGEST)]).await;
    kms.clock.advance_seconds(60);
    let changed = ok(&kms, "UpdateOIDCProvider", &[NAME, ("NewDescription", "new")]).await;
    let provider = &changed["OIDCProvider"];
    assert_eq!((&provider["Description"], &provider["ClientIds"]), (&json!("new"), &json!("a,b")));
    assert_eq!(provider["UpdateDate"], json!(kms.clock.now().to_string()));
    let more = [NAME, ("ClientIds", "c"), ("IssuanceLimitTime", "168"), ("NewDescription", "")];
    let changed = ok(&kms, "UpdateOIDCProvider", &more).await;
    let provider = &changed["OIDCProvider"];
    assert_eq!((&provider["Description"], &provider["ClientIds"]), (&json!(""), &json!("c")));
    assert_eq!((&provider["IssuanceLimitTime"], &provider["Fingerprints"]), (&json!(168), &json!(DIGEST)));
    assert_eq!(ok(&kms, "GetOIDCProvider", &[NAME]).await, changed);
}

#[tokio::test]
async fn client_ids_and_fingerprints_are_added_and_removed_one_by_one() {
    let kms = TestKms::new().await;
    ok(&kms, "CreateOIDCProvider", &[NAME, ISSUER, ("ClientIds", "a")]).await;
    for (thing, member, start) in [("ClientId", "ClientIds", "a,"), ("Fingerprint", "Fingerprints", "")] {
        let [add, remove] = [format!("Add{thing}ToOIDCProvider"), format!("Remove{thing}FromOIDCProvider")];
        // Once or twice, it is there; and then, it is not.
        for _ in 0..2 {
            let added = ok(&kms, &add, &[NAME, (thing, "b1")]).await;
            assert_eq!(added["OIDCProvider"][member], json!(format!("{start}b1")));
        }
        for _ in 0..2 {
            let removed = ok(&kms, &remove, &[NAME, (thing, "b1")]).await;
            assert_eq!(removed["OIDCProvider"][member], json!(start.trim_end_matches(',')));
        }
        assert_eq!(code(&kms, &add, &[NAME]).await, (400, "MissingParameter"));
        assert_eq!(code(&kms, &add, &[NAME, (thing, "a b")]).await, (400, "InvalidParameter"));
    }
}

#[tokio::test]
async fn a_provider_has_so_many_client_ids_and_fingerprints_and_no_more() {
    let kms = TestKms::new().await;
    let numbered = |count: usize| (0..count).map(|number| format!("c{number}")).collect::<Vec<_>>().join(",");
    let (fifty, more, five) = (numbered(50), numbered(51), numbered(5));
    ok(&kms, "CreateOIDCProvider", &[NAME, ISSUER, ("ClientIds", &fifty), ("Fingerprints", &five)]).await;
    let add = code(&kms, "AddClientIdToOIDCProvider", &[NAME, ("ClientId", "one-more")]).await;
    assert_eq!(add, (409, "LimitExceeded.OIDCProvider.ClientId"));
    let replace = code(&kms, "UpdateOIDCProvider", &[NAME, ("ClientIds", &more)]).await;
    assert_eq!(replace, (409, "LimitExceeded.OIDCProvider.ClientId"));
    let add = code(&kms, "AddFingerprintToOIDCProvider", &[NAME, ("Fingerprint", "more")]).await;
    assert_eq!(add, (409, "LimitExceeded.OIDCProvider.Fingerprint"));
    let other = [("OIDCProviderName", "b"), ("IssuerUrl", "https://b.example"), ("ClientIds", &more)];
    assert_eq!(code(&kms, "CreateOIDCProvider", &other).await, (409, "LimitExceeded.OIDCProvider.ClientId"));
}

#[tokio::test]
async fn an_account_has_a_hundred_providers_at_most() {
    let kms = TestKms::new().await;
    for number in 0..100 {
        let (name, issuer) = (format!("p{number:02}"), format!("https://{number}.example"));
        ok(&kms, "CreateOIDCProvider", &[("OIDCProviderName", &name), ("IssuerUrl", &issuer)]).await;
    }
    assert_eq!(code(&kms, "CreateOIDCProvider", &[NAME, ISSUER]).await, (409, "LimitExceeded.OIDCProvider"));
    let first = ok(&kms, "ListOIDCProviders", &[("MaxItems", "99")]).await;
    assert_eq!(first["IsTruncated"], true);
    let rest = ok(&kms, "ListOIDCProviders", &[("Marker", first["Marker"].as_str().unwrap())]).await;
    assert_eq!(rest["OIDCProviders"]["OIDCProvider"][0]["OIDCProviderName"], "p99");
    assert_eq!(rest["IsTruncated"], false);
}

#[tokio::test]
async fn a_deleted_provider_is_gone() {
    let kms = TestKms::new().await;
    ok(&kms, "CreateOIDCProvider", &[NAME, ISSUER]).await;
    let foreign = kms.call_from(OTHER, "DeleteOIDCProvider", &[NAME]).await.unwrap_err();
    assert_eq!(foreign.code, "EntityNotExist.OIDCProvider");
    assert_eq!(ok(&kms, "DeleteOIDCProvider", &[NAME]).await, json!({}));
    for (operation, more) in [
        ("DeleteOIDCProvider", NAME),
        ("GetOIDCProvider", NAME),
        ("UpdateOIDCProvider", ("NewDescription", "x")),
        ("AddClientIdToOIDCProvider", ("ClientId", "x")),
        ("RemoveClientIdFromOIDCProvider", ("ClientId", "x")),
        ("AddFingerprintToOIDCProvider", ("Fingerprint", "x")),
        ("RemoveFingerprintFromOIDCProvider", ("Fingerprint", "x")),
    ] {
        assert_eq!(code(&kms, operation, &[NAME, more]).await, (404, "EntityNotExist.OIDCProvider"), "{operation}");
    }
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    let kms = TestKms::new().await;
    let (long, url) = ("x".repeat(129), format!("https://{}.example", "x".repeat(250)));
    let name = |name| [("OIDCProviderName", name), ISSUER];
    for (params, expected) in [
        (&name("a b")[..], "InvalidParameter.OIDCProviderName.InvalidChars"),
        (&name("-a"), "InvalidParameter.OIDCProviderName.InvalidChars"),
        (&name("a_"), "InvalidParameter.OIDCProviderName.InvalidChars"),
        (&name(&long), "InvalidParameter.OIDCProviderName.Length"),
        (&[ISSUER], "MissingParameter"),
        (&[NAME], "MissingParameter"),
        (&[NAME, ("IssuerUrl", "http://a.example")], "InvalidParameter.IssuerUrl.Format"),
        (&[NAME, ("IssuerUrl", "https://a.example?x")], "InvalidParameter.IssuerUrl.Format"),
        (&[NAME, ("IssuerUrl", &url)], "InvalidParameter.IssuerUrl.Length"),
        (&[NAME, ISSUER, ("ClientIds", "a,")], "InvalidParameter"),
        (&[NAME, ISSUER, ("ClientIds", "-a")], "InvalidParameter"),
        (&[NAME, ISSUER, ("Fingerprints", "ab:cd")], "InvalidParameter"),
        (&[NAME, ISSUER, ("IssuanceLimitTime", "0")], "InvalidParameter"),
        (&[NAME, ISSUER, ("IssuanceLimitTime", "169")], "InvalidParameter"),
    ] {
        assert_eq!(code(&kms, "CreateOIDCProvider", params).await, (400, expected), "{params:?}");
    }
    let description = "字".repeat(257);
    let refused = code(&kms, "CreateOIDCProvider", &[NAME, ISSUER, ("Description", &description)]).await;
    assert_eq!(refused, (400, "InvalidParameter.Description.Length"));
}
