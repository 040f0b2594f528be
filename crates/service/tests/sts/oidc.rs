//! `AssumeRoleWithOIDC`: tokens that other programs signed, and those that must be refused.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use serde_json::{Value, json};
use sesame_crypto::{Ed25519, SecretBytes};
use sesame_domain::Clock as _;
use sesame_domain::ram::OidcProvider;
use sesame_service::issuers::{Fetching, Issuers, NotFetched};
use sesame_service::{Identity, Principal};
use sesame_store::oidc_providers;
use sesame_testkit::Refusal;

use crate::support::{ACCOUNT, Credentials, World, code, write};

/// The moment at which the clock of the tests stands still.
const NOW: i64 = 1_767_323_045;
const ISSUER: &str = "https://issuer.example";
const PROVIDER: &str = "acs:ram::1234567890123456:oidc-provider/k8s";

/// An issuer whose set of keys a test decides.
#[derive(Debug, Default)]
struct Issuer {
    set: Mutex<Option<Value>>,
    asked: Mutex<Vec<(String, Vec<String>)>>,
}

impl Issuers for Issuer {
    fn fetch<'a>(&'a self, issuer: &'a str, fingerprints: &'a [String]) -> Fetching<'a> {
        self.asked.lock().push((issuer.to_owned(), fingerprints.to_vec()));
        let set = self.set.lock().as_ref().map(|set| set.to_string().into_bytes());
        let failed = || NotFetched { issuer: issuer.to_owned(), reason: "it is a test".to_owned() };
        Box::pin(async move { set.ok_or_else(failed) })
    }
}

struct Federation {
    world: World,
    issuer: Arc<Issuer>,
}

impl Federation {
    async fn new() -> Self {
        let world = World::new().await;
        let issuer = Arc::new(Issuer::default());
        *issuer.set.lock() = Some(vectors()["jwks"].clone());
        world.kms.service.set_issuers(Arc::clone(&issuer) as _);
        add_provider(&world).await;
        let trust = format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole",
                "Principal":{{"Federated":["{PROVIDER}"]}},
                "Condition":{{"StringEquals":{{"oidc:iss":"{ISSUER}","oidc:aud":"sts.test"}},
                "StringLike":{{"oidc:sub":"system:serviceaccount:prod:*"}}}}}}]}}"#
        );
        world.add_role("pod", &trust).await;
        Self { world, issuer }
    }

    async fn assume(&self, token: &str, more: &[(&str, &str)]) -> Result<Value, Refusal> {
        let usual = [
            ("OIDCProviderArn", PROVIDER),
            ("OIDCToken", token),
            ("RoleArn", "acs:ram::1234567890123456:role/pod"),
            ("RoleSessionName", "pod-1"),
        ];
        let missing = usual.iter().filter(|(name, _)| more.iter().all(|(given, _)| given != name));
        let params: Vec<_> = more.iter().chain(missing).copied().collect();
        let nobody = self.nobody();
        self.world.kms.call_as(&nobody, "AssumeRoleWithOIDC", &params).await
    }

    fn nobody(&self) -> Principal {
        self.world.kms.service.anonymous("127.0.0.1".parse().unwrap()).unwrap()
    }
}

async fn add_provider(world: &World) {
    let now = world.kms.clock.now();
    write(&world.kms, move |tx| {
        let provider = OidcProvider {
            account: ACCOUNT.parse().unwrap(),
            name: "k8s".parse().unwrap(),
            description: String::new(),
            issuer_url: ISSUER.to_owned(),
            client_ids: vec!["sts.test".to_owned()],
            fingerprints: vec!["AB".repeat(20)],
            issuance_limit_hours: 12,
            created_at: now,
            updated_at: now,
        };
        Box::pin(async move { oidc_providers::insert(tx, &provider).await })
    })
    .await;
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("tokens.json")).unwrap()
}

fn vector(name: &str) -> String {
    vectors()["tokens"][name].as_str().unwrap().to_owned()
}

/// A key of our own, for tokens that say what a test wants.
fn own_key() -> Ed25519 {
    Ed25519::from_seed(&SecretBytes::new(vec![5; 32])).unwrap()
}

fn own_set(id: &str) -> Value {
    let x = URL_SAFE_NO_PAD.encode(own_key().public());
    json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": id }] })
}

fn signed(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(own_key().sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "sub": "system:serviceaccount:prod:app", "aud": "sts.test", "exp": NOW + 600, "iat": NOW })
}

fn with(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    signed(&json!({ "alg": "EdDSA", "kid": "own" }), &claims)
}

#[tokio::test]
async fn a_token_of_every_algorithm_is_exchanged_for_credentials() {
    let federation = Federation::new().await;
    for name in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"] {
        let answer = federation.assume(&vector(name), &[]).await;
        let answer = answer.unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
        let info = json!({
            "Subject": "system:serviceaccount:prod:app",
            "Issuer": ISSUER,
            "ClientIds": "sts.test,other",
            "ExpirationTime": "2026-01-02T03:14:05Z",
            "IssuanceTime": "2026-01-02T03:03:55Z",
            "VerificationInfo": "Success",
        });
        assert_eq!(answer["OIDCTokenInfo"], info);
        let principal = federation.world.sign_in(&Credentials::of(&answer)).await.unwrap();
        let Identity::Session(session) = &principal.identity else { panic!("{principal:?}") };
        assert_eq!((session.role_name.as_str(), session.name.as_str()), ("pod", "pod-1"));
    }
    // The keys of the issuer were fetched once, with what the provider says of its certificates.
    assert_eq!(*federation.issuer.asked.lock(), [(ISSUER.to_owned(), vec!["AB".repeat(20)])]);
}

#[tokio::test]
async fn a_token_that_anyone_could_make_is_refused() {
    let federation = Federation::new().await;
    let rs256 = vector("RS256");
    let (message, _) = rs256.rsplit_once('.').unwrap();
    let other = vector("ES256");
    let (_, signature) = other.rsplit_once('.').unwrap();
    let unsigned = format!("{message}.");
    let foreign = format!("{message}.{signature}");
    for token in [&vector("HS256"), &vector("none"), &unsigned, &foreign, "a.b.c", "nothing", "....", "a.b.c.d"] {
        let refused = federation.assume(token, &[]).await;
        assert_eq!(code(refused), (400, "AuthenticationFail.OIDCToken.Invalid"), "{token}");
    }
}

#[tokio::test]
async fn a_token_says_the_right_things_at_the_right_time() {
    let federation = Federation::new().await;
    *federation.issuer.set.lock() = Some(own_set("own"));
    federation.assume(&with("aud", json!(["x", "sts.test"])), &[]).await.unwrap();
    let (invalid, expired) = ("AuthenticationFail.OIDCToken.Invalid", "AuthenticationFail.OIDCToken.Expired");
    for (name, value, expected) in [
        ("iss", json!("https://issuer.example/"), invalid),
        ("aud", json!("other"), invalid),
        ("aud", json!([]), invalid),
        ("aud", json!(7), invalid),
        ("sub", json!(null), invalid),
        ("exp", json!(NOW - 61), expired),
        ("exp", json!("soon"), invalid),
        ("exp", json!(-1), invalid),
        ("exp", json!(1e300), invalid),
        ("iat", json!(NOW + 61), invalid),
        ("iat", json!(NOW - 12 * 3_600 - 61), expired),
        ("nbf", json!(NOW + 61), invalid),
    ] {
        let refused = federation.assume(&with(name, value.clone()), &[]).await;
        assert_eq!(code(refused), (400, expected), "{name} {value}");
    }
    for (name, value) in
        [("exp", json!(NOW - 59)), ("iat", json!(NOW + 59)), ("nbf", json!(NOW + 59)), ("exp", json!(1_767_323_100.5))]
    {
        federation.assume(&with(name, value), &[]).await.unwrap();
    }
}

#[tokio::test]
async fn the_trust_policy_decides_about_the_holder() {
    let federation = Federation::new().await;
    *federation.issuer.set.lock() = Some(own_set("own"));
    let other = with("sub", json!("system:serviceaccount:test:app"));
    assert_eq!(code(federation.assume(&other, &[]).await), (400, "AuthenticationFail.NoPermission"));
    let right = with("sub", json!("system:serviceaccount:prod:x"));
    // A role that trusts users only.
    let app = ("RoleArn", "acs:ram::1234567890123456:role/app");
    assert_eq!(code(federation.assume(&right, &[app]).await), (400, "AuthenticationFail.NoPermission"));
    let none = ("RoleArn", "acs:ram::1234567890123456:role/none");
    assert_eq!(code(federation.assume(&right, &[none]).await), (404, "EntityNotExist.Role"));
    let none = ("OIDCProviderArn", "acs:ram::1234567890123456:oidc-provider/none");
    assert_eq!(code(federation.assume(&right, &[none]).await), (404, "EntityNotExist.OIDCProvider"));
    for (name, value, expected) in [
        ("OIDCProviderArn", "k8s", "InvalidParameter.OIDCProviderArn"),
        ("RoleSessionName", "x", "InvalidParameter.RoleSessionName"),
        ("DurationSeconds", "60", "InvalidParameter.DurationSeconds"),
        ("Policy", "{}", "InvalidParameter.PolicyGrammar"),
    ] {
        assert_eq!(code(federation.assume(&right, &[(name, value)]).await), (400, expected));
    }
}

#[tokio::test]
async fn keys_are_fetched_again_for_a_new_one_but_not_for_every_stranger() {
    let federation = Federation::new().await;
    federation.assume(&vector("RS256"), &[]).await.unwrap();
    let fetches = || federation.issuer.asked.lock().len();
    let advance = |seconds| federation.world.kms.clock.advance_seconds(seconds);
    *federation.issuer.set.lock() = Some(own_set("own"));
    let own = with("nbf", json!(NOW));
    // The last fetch was just now.
    assert_eq!(code(federation.assume(&own, &[]).await), (400, "AuthenticationFail.OIDCToken.Invalid"));
    assert_eq!(fetches(), 1);
    advance(10);
    federation.assume(&own, &[]).await.unwrap();
    assert_eq!(fetches(), 2);
    for _ in 0..3 {
        let unknown = signed(&json!({ "alg": "EdDSA", "kid": "unknown" }), &claims());
        assert_eq!(code(federation.assume(&unknown, &[]).await), (400, "AuthenticationFail.OIDCToken.Invalid"));
    }
    assert_eq!(fetches(), 2);
    // An issuer that is down leaves the keys that are kept alone; after an hour they are not used any more.
    *federation.issuer.set.lock() = None;
    advance(500);
    federation.assume(&own, &[]).await.unwrap();
    advance(3_100);
    let late = with("exp", json!(NOW + 9_000));
    assert_eq!(code(federation.assume(&late, &[]).await), (503, "ServiceUnavailableTemporary"));
    assert_eq!(code(federation.assume(&late, &[]).await), (503, "ServiceUnavailableTemporary"));
    assert_eq!(fetches(), 3);
    *federation.issuer.set.lock() = Some(own_set("own"));
    advance(10);
    federation.assume(&late, &[]).await.unwrap();
}

#[tokio::test]
async fn a_key_is_used_for_what_it_is_and_says_it_is() {
    let federation = Federation::new().await;
    let vectors = vectors();
    let key =
        |id: &str| vectors["jwks"]["keys"].as_array().unwrap().iter().find(|key| key["kid"] == id).unwrap().clone();
    for (name, id, member, value) in [
        ("RS256", "rsa", "use", json!("enc")),
        ("RS256", "rsa", "alg", json!("PS256")),
        ("RS256", "rsa", "kid", json!("other")),
        ("ES256", "p256", "alg", json!("ES384")),
        ("EdDSA", "ed", "alg", json!("HS256")),
    ] {
        let mut key = key(id);
        key[member] = value;
        *federation.issuer.set.lock() = Some(json!({ "keys": [key] }));
        federation.world.kms.clock.advance_seconds(10);
        let outcome = federation.assume(&vector(name), &[]).await;
        assert_eq!(code(outcome), (400, "AuthenticationFail.OIDCToken.Invalid"), "{name} {member}");
    }
    // A token without the id of a key may be signed with any that fits.
    *federation.issuer.set.lock() = Some(own_set("own"));
    federation.world.kms.clock.advance_seconds(10);
    federation.assume(&signed(&json!({ "alg": "EdDSA" }), &claims()), &[]).await.unwrap();
    for set in [json!([]), json!({ "keys": 1 }), json!({})] {
        *federation.issuer.set.lock() = Some(set);
        federation.world.kms.clock.advance_seconds(3_600);
        let outcome = federation.assume(&vector("RS256"), &[]).await;
        assert_eq!(code(outcome), (503, "ServiceUnavailableTemporary"));
    }
}

#[tokio::test]
async fn who_tries_tokens_too_often_is_not_heard_any_more() {
    let federation = Federation::new().await;
    for _ in 0..120 {
        federation.assume("a.b.c", &[]).await.unwrap_err();
    }
    let refused = federation.world.kms.service.anonymous("127.0.0.1".parse().unwrap()).unwrap_err();
    assert_eq!(refused.code.name(), "Rejected.Throttling");
    federation.world.kms.service.anonymous("127.0.0.2".parse().unwrap()).unwrap();
}

#[tokio::test]
async fn without_anybody_who_fetches_keys_no_token_is_accepted() {
    let world = World::new().await;
    add_provider(&world).await;
    let nobody = world.kms.service.anonymous("127.0.0.1".parse().unwrap()).unwrap();
    let (rs256, role) = (vector("RS256"), "acs:ram::1234567890123456:role/app");
    let params = [("OIDCProviderArn", PROVIDER), ("OIDCToken", &rs256), ("RoleArn", role), ("RoleSessionName", "me")];
    let refused = world.kms.call_as(&nobody, "AssumeRoleWithOIDC", &params).await;
    assert_eq!(code(refused), (503, "ServiceUnavailableTemporary"));
}
