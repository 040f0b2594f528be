use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sesame_crypto::{HmacHash, HmacKey};
use sesame_domain::Clock as _;
use sesame_service::request::{Signature, V1Method};
use sesame_service::{Identity, Principal, SignedRequest};
use sesame_testkit::TestKms;

use super::{STRANGER, access_key, allow, as_user, code, column, user};

/// Signs a request with an access key, as a client does, and has it authenticated.
async fn sign_in(kms: &TestKms, (id, secret): &(String, String)) -> Result<Principal, &'static str> {
    let text = "GET&%2F&Action%3DListKeys";
    let tag = HmacKey::new(HmacHash::Sha1, format!("{secret}&").as_bytes()).sign(&[text.as_bytes()]);
    let now = kms.clock.now().to_string();
    let signed = SignedRequest {
        address: [192, 0, 2, 7].into(),
        access_key_id: id,
        security_token: None,
        timestamp: Some(&now),
        nonce: None,
        signature: Signature::V1 {
            method: V1Method::HmacSha1,
            string_to_sign: text,
            alternative: &|| None,
            signature: &STANDARD.encode(tag.as_bytes()),
        },
    };
    kms.service.authenticate(&signed).await.map_err(|error| error.code.name())
}

async fn last_used(kms: &TestKms, user: Option<&str>, id: &str) -> String {
    let mut call = vec![("UserAccessKeyId", id)];
    call.extend(user.map(|name| ("UserName", name)));
    let answer = kms.call("GetAccessKeyLastUsed", &call).await.unwrap();
    answer["AccessKeyLastUsed"]["LastUsedDate"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_access_key_of_a_user_signs_as_the_user() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    let key = access_key(&kms, Some("alice")).await;
    let principal = sign_in(&kms, &key).await.unwrap();
    assert_eq!((principal.account.as_str(), &*principal.access_key_id), ("1234567890123456", key.0.as_str()));
    let Identity::User(who) = &principal.identity else { panic!("{principal:?}") };
    assert_eq!(who.name.as_str(), "alice");
    assert_eq!(sign_in(&kms, &(key.0.clone(), "wrong".to_owned())).await.unwrap_err(), "SignatureDoesNotMatch");
    // A new name is known with the next call.
    kms.call("UpdateUser", &[("UserName", "alice"), ("NewUserName", "bob")]).await.unwrap();
    let Identity::User(who) = sign_in(&kms, &key).await.unwrap().identity else { panic!("no user") };
    assert_eq!(who.name.as_str(), "bob");
}

#[tokio::test]
async fn an_access_key_is_listed_switched_off_and_removed() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    let made = kms.call("CreateAccessKey", &[("UserName", "alice")]).await.unwrap();
    let (id, secret) = (&made["AccessKey"]["AccessKeyId"], &made["AccessKey"]["AccessKeySecret"]);
    let (id, secret) = (id.as_str().unwrap(), secret.as_str().unwrap());
    assert!(id.starts_with("LTAI5t") && id.len() == 24 && secret.len() == 30, "{made}");
    let now = kms.clock.now().to_string();
    let row = json!({ "AccessKeyId": id, "Status": "Active", "CreateDate": now });
    let mut with_secret = row.clone();
    with_secret["AccessKeySecret"] = json!(secret);
    assert_eq!(made, json!({ "AccessKey": with_secret }));
    let named = [("UserName", "alice"), ("UserAccessKeyId", id)];
    let list = async || kms.call("ListAccessKeys", &named[..1]).await.unwrap();
    assert_eq!(list().await, json!({ "AccessKeys": { "AccessKey": [row] } }));

    let key = (id.to_owned(), secret.to_owned());
    sign_in(&kms, &key).await.unwrap();
    let set = async |status| kms.call("UpdateAccessKey", &[named[0], named[1], ("Status", status)]).await.unwrap();
    assert_eq!(set("Inactive").await, json!({}));
    assert_eq!(column(&list().await, "/AccessKeys/AccessKey", "Status"), ["Inactive"]);
    assert_eq!(sign_in(&kms, &key).await.unwrap_err(), "InvalidAccessKeyId.Inactive");
    set("Active").await;
    sign_in(&kms, &key).await.unwrap();
    assert_eq!(kms.call("DeleteAccessKey", &named).await.unwrap(), json!({}));
    assert_eq!(sign_in(&kms, &key).await.unwrap_err(), "InvalidAccessKeyId.NotFound");
    assert_eq!(list().await, json!({ "AccessKeys": { "AccessKey": [] } }));
}

#[tokio::test]
async fn what_is_not_there_is_refused() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    user(&kms, "bob").await;
    let (key, _) = access_key(&kms, Some("alice")).await;
    let (active, bob, nobody) = (("Status", "Active"), ("UserName", "bob"), ("UserName", "nobody"));
    for operation in ["UpdateAccessKey", "DeleteAccessKey", "GetAccessKeyLastUsed"] {
        // The key of another user, and no key at all.
        for id in [key.as_str(), "LTAInone"] {
            let refused = kms.call(operation, &[bob, ("UserAccessKeyId", id), active]).await;
            assert_eq!(code(refused), (404, "EntityNotExist.User.AccessKey"), "{operation}");
        }
        let refused = kms.call(operation, &[nobody, ("UserAccessKeyId", &key), active]).await;
        assert_eq!(code(refused), (404, "EntityNotExist.User"), "{operation}");
        assert_eq!(code(kms.call(operation, &[bob]).await), (400, "MissingParameter"), "{operation}");
        let stranger = kms.call_from(STRANGER, operation, &[("UserAccessKeyId", &key), active]).await;
        assert_eq!(code(stranger), (404, "EntityNotExist.User.AccessKey"), "{operation}");
    }
    for operation in ["CreateAccessKey", "ListAccessKeys"] {
        assert_eq!(code(kms.call(operation, &[nobody]).await), (404, "EntityNotExist.User"));
    }
    let status = [("UserName", "alice"), ("UserAccessKeyId", key.as_str()), ("Status", "active")];
    assert_eq!(code(kms.call("UpdateAccessKey", &status).await), (400, "InvalidParameter.Status"));
}

#[tokio::test]
async fn a_user_without_a_name_acts_on_itself() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    let alice = as_user(&kms, "alice").await;
    assert_eq!(code(kms.call_as(&alice, "CreateAccessKey", &[]).await), (403, "NoPermission"));
    allow(&kms, "alice").await;
    let made = kms.call_as(&alice, "CreateAccessKey", &[]).await.unwrap();
    let id = made["AccessKey"]["AccessKeyId"].as_str().unwrap();
    let of_alice = kms.call("ListAccessKeys", &[("UserName", "alice")]).await.unwrap();
    assert_eq!(column(&of_alice, "/AccessKeys/AccessKey", "AccessKeyId"), [id]);
    assert_eq!(kms.call_as(&alice, "ListAccessKeys", &[]).await.unwrap(), of_alice);
    kms.call_as(&alice, "UpdateAccessKey", &[("UserAccessKeyId", id), ("Status", "Inactive")]).await.unwrap();
    kms.call_as(&alice, "DeleteAccessKey", &[("UserAccessKeyId", id)]).await.unwrap();
    let of_alice = kms.call("ListAccessKeys", &[("UserName", "alice")]).await.unwrap();
    assert_eq!(of_alice, json!({ "AccessKeys": { "AccessKey": [] } }));
}

#[tokio::test]
async fn an_account_manages_its_own_access_keys() {
    let kms = TestKms::new().await;
    let key = access_key(&kms, None).await;
    assert!(matches!(sign_in(&kms, &key).await.unwrap().identity, Identity::Root));
    let listed = kms.call("ListAccessKeys", &[]).await.unwrap();
    assert_eq!(column(&listed, "/AccessKeys/AccessKey", "AccessKeyId"), [key.0.as_str()]);
    assert_eq!(kms.call_from(STRANGER, "ListAccessKeys", &[]).await.unwrap()["AccessKeys"], json!({ "AccessKey": [] }));
    let named = ("UserAccessKeyId", key.0.as_str());
    kms.call("UpdateAccessKey", &[named, ("Status", "Inactive")]).await.unwrap();
    assert_eq!(sign_in(&kms, &key).await.unwrap_err(), "InvalidAccessKeyId.Inactive");
    kms.call("DeleteAccessKey", &[named]).await.unwrap();
    assert_eq!(sign_in(&kms, &key).await.unwrap_err(), "InvalidAccessKeyId.NotFound");
    for _ in 0..5 {
        access_key(&kms, None).await;
    }
    assert_eq!(code(kms.call("CreateAccessKey", &[]).await), (409, "LimitExceeded.User.AccessKey"));
}

#[tokio::test]
async fn the_last_use_of_an_access_key_is_known() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    let (of_user, of_root) = (access_key(&kms, Some("alice")).await, access_key(&kms, None).await);
    for (name, key) in [(Some("alice"), &of_user), (None, &of_root)] {
        assert_eq!(last_used(&kms, name, &key.0).await, "");
        // A request that is not authenticated is no use.
        sign_in(&kms, &(key.0.clone(), "wrong".to_owned())).await.unwrap_err();
        assert_eq!(last_used(&kms, name, &key.0).await, "");
        sign_in(&kms, key).await.unwrap();
        let first = kms.clock.now().to_string();
        assert_eq!(last_used(&kms, name, &key.0).await, first);
        // Within ten seconds it is not written again.
        kms.clock.advance_seconds(9);
        sign_in(&kms, key).await.unwrap();
        assert_eq!(last_used(&kms, name, &key.0).await, first);
        kms.clock.advance_seconds(1);
        sign_in(&kms, key).await.unwrap();
        assert_eq!(last_used(&kms, name, &key.0).await, kms.clock.now().to_string());
    }
}

#[tokio::test]
async fn the_last_use_is_kept_by_the_job_that_keeps_uses() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    let key = access_key(&kms, Some("alice")).await;
    sign_in(&kms, &key).await.unwrap();
    let known = async || {
        let id = as_user(&kms, "alice").await;
        let Identity::User(user) = &id.identity else { panic!("{id:?}") };
        let mut conn = kms.store.reader().await.unwrap();
        sesame_store::ram_access_keys::facts(&mut conn, &user.id).await.unwrap()[0].last_used_at
    };
    assert_eq!(known().await, None);
    kms.service.settle().await;
    assert_eq!(known().await, Some(kms.clock.now()));
}

#[tokio::test]
async fn the_secret_is_told_once_and_recorded_nowhere() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    let (id, secret) = access_key(&kms, Some("alice")).await;
    let listed = kms.call("ListAccessKeys", &[("UserName", "alice")]).await.unwrap();
    assert!(!listed.to_string().contains(&secret));
    let events = kms.events();
    let made = events.iter().find(|event| event["eventName"] == "CreateAccessKey").unwrap();
    assert_eq!(made["additionalEventData"]["UserAccessKeyId"], id);
    assert_eq!((&made["resourceName"], &made["eventAttributes"]["SensitiveAction"]), (&json!("alice"), &json!("true")));
    assert!(!json!(events).to_string().contains(&secret));
}
