//! An account with a user, a role that trusts it, and clients that sign.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sesame_crypto::hmac::{HmacHash, HmacKey};
use sesame_crypto::random::{SystemRandom, alphanumeric};
use sesame_crypto::secret::SecretText;
use sesame_domain::ram::{IdentityId, Role};
use sesame_domain::{Clock as _, Timestamp};
use sesame_service::request::{Signature, V1Method};
use sesame_service::{Principal, Service, SignedRequest};
use sesame_store::access_keys::AccessKeyRecord;
use sesame_store::{BoxFuture, Change, StoreError, Tx, access_keys, ram_roles};
use sesame_testkit::{Refusal, TestKms};

pub(crate) const ACCOUNT: &str = "1234567890123456";
pub(crate) const STRANGER: &str = "6543210987654321";

/// What a client signs with.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) secret: String,
    /// Empty for a permanent key.
    pub(crate) token: String,
}

impl Credentials {
    pub(crate) fn of(answer: &Value) -> Self {
        let member = |name: &str| answer["Credentials"][name].as_str().unwrap().to_owned();
        Self { id: member("AccessKeyId"), secret: member("AccessKeySecret"), token: member("SecurityToken") }
    }
}

pub(crate) struct World {
    pub(crate) kms: TestKms,
    pub(crate) alice: Principal,
    /// `app`, which trusts `alice` for two hours.
    pub(crate) role: Role,
}

impl World {
    pub(crate) async fn new() -> Self {
        let kms = TestKms::new().await;
        let alice = kms.user("alice", &["AliyunSTSAssumeRoleAccess"]).await;
        let role = add_role(&kms, "app", &trusting(&["user/alice"])).await;
        Self { kms, alice, role }
    }

    pub(crate) async fn add_role(&self, name: &str, trust_policy: &str) -> Role {
        add_role(&self.kms, name, trust_policy).await
    }

    pub(crate) async fn delete_role(&self) {
        let role = Arc::new(self.role.clone());
        write(&self.kms, move |tx| {
            let role = Arc::clone(&role);
            Box::pin(async move { ram_roles::delete(tx, &role).await })
        })
        .await;
    }

    /// Something happens to some user, so that nodes forget what they know of identities.
    pub(crate) async fn touch_identities(&self) {
        write(&self.kms, |tx| {
            Box::pin(async move {
                tx.touch(Change::Identities(ACCOUNT.parse().unwrap()));
                Ok(())
            })
        })
        .await;
    }

    /// A permanent access key of the account.
    pub(crate) async fn access_key(&self) -> Credentials {
        let credentials = Credentials { id: "LTAIroot".into(), secret: "rootsecret".into(), token: String::new() };
        let (kept, now) = (credentials.clone(), self.kms.clock.now());
        write(&self.kms, move |tx| {
            let key = AccessKeyRecord {
                id: kept.id.clone(),
                account: ACCOUNT.parse().unwrap(),
                secret: SecretText::new(kept.secret.clone()),
                active: true,
                created_at: now,
            };
            Box::pin(async move { access_keys::insert(tx, &key).await })
        })
        .await;
        credentials
    }

    /// AssumeRole of `app` as `me`, unless the parameters say otherwise.
    pub(crate) async fn assume(&self, who: &Principal, params: &[(&str, &str)]) -> Result<Value, Refusal> {
        let usual = [("RoleArn", "acs:ram::1234567890123456:role/app"), ("RoleSessionName", "me")];
        let missing = usual.iter().filter(|(name, _)| params.iter().all(|(given, _)| given != name));
        let params: Vec<_> = params.iter().chain(missing).copied().collect();
        self.kms.call_as(who, "AssumeRole", &params).await
    }

    /// Who a client with these credentials is; else the code of the refusal.
    pub(crate) async fn sign_in(&self, credentials: &Credentials) -> Result<Principal, &'static str> {
        sign_in(&self.kms.service, credentials, self.kms.clock.now()).await
    }
}

/// A request signed with these credentials, as the service sees it.
pub(crate) async fn sign_in(
    service: &Service,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<Principal, &'static str> {
    let key = HmacKey::new(HmacHash::Sha1, format!("{}&", credentials.secret).as_bytes());
    let signature = STANDARD.encode(key.sign(&[b"POST&%2F&a"]).as_bytes());
    let (stamp, nonce) = (now.to_string(), alphanumeric(&SystemRandom, 32).unwrap());
    let signed = SignedRequest {
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        access_key_id: &credentials.id,
        security_token: Some(credentials.token.as_str()).filter(|token| !token.is_empty()),
        timestamp: Some(&stamp),
        nonce: Some(&nonce),
        signature: Signature::V1 {
            method: V1Method::HmacSha1,
            string_to_sign: "POST&%2F&a",
            alternative: &|| None,
            signature: &signature,
        },
    };
    service.authenticate(&signed).await.map_err(|error| error.code.name())
}

/// A trust policy that admits these of the account.
pub(crate) fn trusting(who: &[&str]) -> String {
    let names: Vec<_> = who.iter().map(|name| format!("\"acs:ram::{ACCOUNT}:{name}\"")).collect();
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{{"RAM":[{}]}}}}]}}"#,
        names.join(",")
    )
}

pub(crate) fn code(outcome: Result<Value, Refusal>) -> (u16, &'static str) {
    let refusal = outcome.unwrap_err();
    (refusal.status, refusal.code)
}

pub(crate) async fn add_role(kms: &TestKms, name: &str, trust_policy: &str) -> Role {
    let mut random = [0; 8];
    sesame_crypto::random::Random::fill(&SystemRandom, &mut random).unwrap();
    let role = Role {
        id: IdentityId::from_random(random),
        account: ACCOUNT.parse().unwrap(),
        name: name.parse().unwrap(),
        description: String::new(),
        trust_policy: trust_policy.to_owned(),
        max_session_seconds: 7_200,
        created_at: kms.clock.now(),
        updated_at: kms.clock.now(),
    };
    let kept = Arc::new(role.clone());
    write(kms, move |tx| {
        let role = Arc::clone(&kept);
        Box::pin(async move { ram_roles::insert(tx, &role).await })
    })
    .await;
    role
}

pub(crate) async fn write<F>(kms: &TestKms, body: F)
where
    F: for<'t> Fn(&'t mut Tx<'_>) -> BoxFuture<'t, Result<(), StoreError>> + Send + Sync + 'static,
{
    kms.store.write::<_, StoreError, _>(body).await.unwrap();
}
