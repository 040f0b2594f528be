//! Credentials for an OIDC token, asked for without a signature, and requests that are signed with them.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sesame_crypto::hmac::{HmacHash, HmacKey};
use sesame_crypto::{Ed25519, SecretBytes, SecretText};
use sesame_domain::Timestamp;
use sesame_domain::ram::{IdentityId, OidcProvider, Role};
use sesame_gateway::Options;
use sesame_service::handles::Handle;
use sesame_service::issuers::{Fetching, Issuers};
use sesame_service::{CallQuotas, Limits, Rate};
use sesame_store::{StoreError, oidc_providers, ram_roles};

use crate::support::{Credentials, NOW, Running, acs3_as};

const HOST: &str = "127.0.0.1:18081";
const STS: &str = "2015-04-01";
const ROLE: &str = "acs:ram::1234567890123456:role/pod";
const SECRET: &str = "0123456789abcdefghijklmnopqrstuv";

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[derive(Debug)]
struct OneKey;

fn key() -> Ed25519 {
    Ed25519::from_seed(&SecretBytes::new(vec![5; 32])).unwrap()
}

impl Issuers for OneKey {
    fn fetch<'a>(&'a self, _: &'a str, _: &'a [String]) -> Fetching<'a> {
        let x = URL_SAFE_NO_PAD.encode(key().public());
        let set = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}]}}"#);
        Box::pin(async move { Ok(set.into_bytes()) })
    }
}

fn token() -> String {
    let now = Timestamp::parse(NOW).unwrap().seconds();
    let claims = format!(r#"{{"iss":"https://issuer","sub":"me","aud":"sts.test","iat":{now},"exp":{}}}"#, now + 600);
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(key().sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// A gateway whose account has the role `pod` for holders of tokens and for machines.
async fn start(limits: Limits) -> Running {
    let kms = Running::with_quotas(Options::default(), limits, CallQuotas::default()).await;
    kms.service.set_issuers(Arc::new(OneKey));
    kms.service.set_handles(vec![Handle {
        name: "build".to_owned(),
        secret: SecretText::new(SECRET.to_owned()),
        account: "1234567890123456".parse().unwrap(),
        role: "pod".parse().unwrap(),
        seconds: 1_800,
    }]);
    let added: Result<(), StoreError> = kms
        .store
        .write(|tx| {
            Box::pin(async move {
                let now = Timestamp::parse(NOW).unwrap();
                let account: sesame_domain::AccountId = "1234567890123456".parse().unwrap();
                let provider = OidcProvider {
                    account: account.clone(),
                    name: "k8s".parse().unwrap(),
                    description: String::new(),
                    issuer_url: "https://issuer".to_owned(),
                    client_ids: vec!["sts.test".to_owned()],
                    fingerprints: Vec::new(),
                    issuance_limit_hours: 12,
                    created_at: now,
                    updated_at: now,
                };
                oidc_providers::insert(tx, &provider).await?;
                let trust_policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":
                    {"Federated":"acs:ram::1234567890123456:oidc-provider/k8s","Service":"ecs.aliyuncs.com"}}]}"#;
                let role = Role {
                    id: IdentityId::from_random([7; 8]),
                    account,
                    name: "pod".parse().unwrap(),
                    description: String::new(),
                    trust_policy: trust_policy.to_owned(),
                    max_session_seconds: 3_600,
                    created_at: now,
                    updated_at: now,
                };
                ram_roles::insert(tx, &role).await
            })
        })
        .await;
    added.unwrap();
    kms
}

fn parameters(token: &str) -> String {
    format!(
        "OIDCProviderArn={}&OIDCToken={}&RoleArn={}&RoleSessionName=pod-1",
        encode("acs:ram::1234567890123456:oidc-provider/k8s"),
        encode(token),
        encode(ROLE)
    )
}

const ACTION: &str = "Action=AssumeRoleWithOIDC&Version=2015-04-01&Format=JSON";

async fn assume(kms: &Running) -> Credentials {
    let request = format!("GET /?{ACTION}&{} HTTP/1.1\r\nhost: {HOST}\r\n\r\n", parameters(&token()));
    credentials(&kms.send(request.as_bytes()).await.json()["Credentials"])
}

fn credentials(answer: &serde_json::Value) -> Credentials {
    let member = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    Credentials { id: member("AccessKeyId"), secret: member("AccessKeySecret"), token: member("SecurityToken") }
}

/// GetCallerIdentity signed as V1, by GET with everything in the query.
fn v1(who: &Credentials, nonce: &str) -> Vec<u8> {
    let mut pairs = vec![
        ("AccessKeyId", who.id.as_str()),
        ("Action", "GetCallerIdentity"),
        ("Format", "JSON"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", nonce),
        ("SignatureVersion", "1.0"),
        ("Timestamp", NOW),
        ("Version", STS),
    ];
    if !who.token.is_empty() {
        pairs.insert(3, ("SecurityToken", &who.token));
    }
    let query: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let query = query.join("&");
    let key = HmacKey::new(HmacHash::Sha1, format!("{}&", who.secret).as_bytes());
    let text = format!("GET&%2F&{}", encode(&query));
    let signature = STANDARD.encode(key.sign(&[text.as_bytes()]).as_bytes());
    format!("GET /?{query}&Signature={} HTTP/1.1\r\nhost: {HOST}\r\n\r\n", encode(&signature)).into_bytes()
}

#[tokio::test]
async fn a_token_is_exchanged_without_a_signature_in_every_form_that_clients_send() {
    let kms = start(Limits::default()).await;
    let parameters = parameters(&token());
    let form = format!(
        "POST / HTTP/1.1\r\nhost: {HOST}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n\
         {ACTION}&{parameters}",
        ACTION.len() + 1 + parameters.len()
    );
    let split = format!(
        "POST /?{ACTION}&Timestamp={}&SignatureNonce=n HTTP/1.1\r\nhost: {HOST}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{parameters}",
        encode(NOW),
        parameters.len()
    );
    let headers = format!(
        "POST /?{parameters} HTTP/1.1\r\nhost: {HOST}\r\nx-acs-action: AssumeRoleWithOIDC\r\nx-acs-version: {STS}\r\n\
         content-length: 0\r\n\r\n"
    );
    for request in [form, split, headers] {
        let answer = kms.send(request.as_bytes()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = answer.json();
        assert_eq!(answer["AssumedRoleUser"]["Arn"], format!("{ROLE}/pod-1"));
        assert_eq!(answer["Credentials"]["Expiration"], "2026-11-24T12:16:15Z");
    }
}

#[tokio::test]
async fn requests_are_signed_with_temporary_credentials_in_both_dialects() {
    let kms = start(Limits::default()).await;
    let who = assume(&kms).await;
    let bare = Credentials { token: String::new(), ..who.clone() };
    let wrong = Credentials { secret: "x".repeat(44), ..who.clone() };
    let spoilt = Credentials { token: "CAIS".to_owned(), ..who.clone() };
    let ask = |who: &Credentials, nonce: &str| acs3_as(who, STS, "GetCallerIdentity", "", nonce, HOST);
    for answer in [kms.send(&v1(&who, "1")).await, kms.send(&ask(&who, "2")).await] {
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["Arn"], format!("{ROLE}/pod-1"));
    }
    for (who, code) in [
        (&bare, "MissingSecurityToken"),
        (&spoilt, "InvalidSecurityToken.Malformed"),
        (&wrong, "SignatureDoesNotMatch"),
    ] {
        assert_eq!(kms.send(&v1(who, code)).await.refusal(), refusal(400, code));
        assert_eq!(kms.send(&ask(who, code)).await.refusal(), refusal(400, code));
    }
    // A token that is not signed proves nothing.
    let signed = ask(&bare, "3");
    let added = String::from_utf8(signed)
        .unwrap()
        .replace("Content-Length", &format!("x-acs-security-token: {}\r\nContent-Length", who.token));
    assert_eq!(kms.send(added.as_bytes()).await.status, 400);
}

#[tokio::test]
async fn nothing_else_is_answered_without_a_signature() {
    let kms = start(Limits::default()).await;
    for action in ["Action=GetCallerIdentity&Version=2015-04-01", "Action=ListKeys&Version=2016-01-20"] {
        let answer = kms.send(format!("GET /?{action} HTTP/1.1\r\nhost: {HOST}\r\n\r\n").as_bytes()).await;
        assert_eq!(answer.refusal(), refusal(400, "MissingAccessKeyId"));
    }
    // What brings half a proof is held to it.
    let parameters = parameters(&token());
    for (more, header) in [("&AccessKeyId=testid", ""), ("&BearerToken=x", ""), ("", "authorization: Bearer x\r\n")] {
        let request = format!("GET /?{ACTION}&{parameters}{more} HTTP/1.1\r\nhost: {HOST}\r\n{header}\r\n");
        assert_eq!(kms.send(request.as_bytes()).await.status, 400, "{more}{header}");
    }
}

#[tokio::test]
async fn tokens_that_are_guessed_are_braked() {
    let limits = Limits { failures_per_access_key: Rate::per_minute(3), ..Limits::default() };
    let kms = start(limits).await;
    let guess = format!("GET /?{ACTION}&{} HTTP/1.1\r\nhost: {HOST}\r\n\r\n", parameters("a.b.c"));
    for _ in 0..3 {
        let answer = kms.send(guess.as_bytes()).await;
        assert_eq!(answer.refusal(), refusal(400, "AuthenticationFail.OIDCToken.Invalid"));
    }
    assert_eq!(kms.send(guess.as_bytes()).await.refusal(), refusal(429, "Rejected.Throttling"));
}

#[tokio::test]
async fn a_client_on_this_machine_gets_credentials_by_their_url() {
    let kms = start(Limits { failures_per_access_key: Rate::per_minute(3), ..Limits::default() }).await;
    let ask = |secret: &str, header: &str| {
        format!("GET /credentials/{secret} HTTP/1.1\r\nhost: {HOST}\r\n{header}\r\n").into_bytes()
    };
    let answer = kms.send(&ask(SECRET, "")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    assert_eq!((json["Code"].as_str(), json["Expiration"].as_str()), (Some("Success"), Some("2026-11-24T11:46:15Z")));
    let identity = kms.send(&v1(&credentials(&json), "1")).await.json();
    assert_eq!(identity["Arn"], format!("{ROLE}/build"));
    // Whoever is behind a proxy is not on this machine.
    let forwarded = kms.send(&ask(SECRET, "X-Forwarded-For: 192.0.2.1\r\n")).await;
    assert_eq!(forwarded.refusal(), refusal(404, "InvalidApi.NotFound"));
    for guess in ["", "guess", &SECRET[1..]] {
        assert_eq!(kms.send(&ask(guess, "")).await.refusal(), refusal(404, "InvalidAccessKeyId.NotFound"));
    }
    assert_eq!(kms.send(&ask(SECRET, "")).await.refusal(), refusal(429, "Rejected.Throttling"));
}
