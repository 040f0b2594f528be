//! STS: who may assume a role, what comes of it, and how long it works.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a fixture that cannot be made fails its test")]

#[path = "sts/oidc.rs"]
mod oidc;
#[path = "sts/support.rs"]
mod support;

use serde_json::Value;
use sesame_domain::Clock as _;
use sesame_policy::{Action, Caller, NoContext, Request, Resource};
use sesame_service::{Identity, Principal};
use support::{ACCOUNT, Credentials, STRANGER, World, code};

#[tokio::test]
async fn a_user_assumes_a_role_and_acts_as_it() {
    let world = World::new().await;
    let answer = world.assume(&world.alice, &[]).await.unwrap();
    let role = &world.role.id;
    assert_eq!(answer["AssumedRoleUser"]["Arn"], format!("acs:ram::{ACCOUNT}:role/app/me"));
    assert_eq!(answer["AssumedRoleUser"]["AssumedRoleId"], format!("{role}:me"));
    assert_eq!(answer["Credentials"]["Expiration"], "2026-01-02T04:04:05Z");
    assert!(answer.get("SourceIdentity").is_none());
    let credentials = Credentials::of(&answer);
    assert!(credentials.id.starts_with("STS.") && credentials.id.len() == 29);
    assert!((30..=44).contains(&credentials.secret.len()));
    assert!(credentials.token.len() < 8_192);
    let principal = world.sign_in(&credentials).await.unwrap();
    let who = world.kms.call_as(&principal, "GetCallerIdentity", &[]).await.unwrap();
    let expected = serde_json::json!({
        "IdentityType": "AssumedRoleUser",
        "AccountId": ACCOUNT,
        "RoleId": role.to_string(),
        "PrincipalId": format!("{role}:me"),
        "Arn": format!("acs:ram::{ACCOUNT}:role/app/me"),
    });
    assert_eq!(who, expected);
}

#[tokio::test]
async fn callers_are_told_who_they_are() {
    let world = World::new().await;
    let root = world.kms.call("GetCallerIdentity", &[]).await.unwrap();
    let expected = serde_json::json!({
        "IdentityType": "Account",
        "AccountId": ACCOUNT,
        "UserId": ACCOUNT,
        "PrincipalId": ACCOUNT,
        "Arn": format!("acs:ram::{ACCOUNT}:root"),
    });
    assert_eq!(root, expected);
    let user = world.kms.call_as(&world.alice, "GetCallerIdentity", &[]).await.unwrap();
    assert_eq!(user["IdentityType"], "RAMUser");
    assert_eq!(user["UserId"], user["PrincipalId"]);
    assert_eq!(user["Arn"], format!("acs:ram::{ACCOUNT}:user/alice"));
    assert!(user.get("RoleId").is_none());
}

#[tokio::test]
async fn who_is_not_trusted_is_refused_as_the_api_says() {
    let world = World::new().await;
    let root = Principal::root(ACCOUNT.parse().unwrap(), "LTAI");
    let refused = world.assume(&root, &[]).await.unwrap_err();
    assert_eq!((refused.status, refused.code), (403, "NoPermission"));
    assert_eq!(refused.message, "Roles may not be assumed by root accounts.");
    let bob = world.kms.user("bob", &["AliyunSTSAssumeRoleAccess"]).await;
    let refused = world.assume(&bob, &[]).await.unwrap_err();
    assert_eq!((refused.status, refused.code), (403, "NoPermission"));
    assert_eq!(refused.message, "No permission perform sts:AssumeRole on this Role.");
    let missing = world.assume(&world.alice, &[("RoleArn", "acs:ram::1234567890123456:role/none")]).await.unwrap_err();
    assert_eq!((missing.status, missing.code), (404, "EntityNotExist.Role"));
    assert_eq!(missing.message, "The specified Role not exists .");
}

#[tokio::test]
async fn every_wrong_parameter_has_its_code() {
    let world = World::new().await;
    let long = "x".repeat(2_049);
    for (name, value, expected) in [
        ("RoleArn", "app", "InvalidParameter.RoleArn"),
        ("RoleSessionName", "m", "InvalidParameter.RoleSessionName"),
        ("RoleSessionName", "me and you", "InvalidParameter.RoleSessionName"),
        ("DurationSeconds", "899", "InvalidParameter.DurationSeconds"),
        ("DurationSeconds", "7201", "InvalidParameter.DurationSeconds"),
        ("DurationSeconds", "long", "InvalidParameter.DurationSeconds"),
        ("ExternalId", "x", "InvalidParameter.ExternalId"),
        ("SourceIdentity", "a\nb", "InvalidParameter.SourceIdentity"),
        ("Policy", "{}", "InvalidParameter.PolicyGrammar"),
        ("Policy", &long, "InvalidParameter.PolicySize"),
    ] {
        let refused = world.assume(&world.alice, &[(name, value)]).await;
        assert_eq!(code(refused), (400, expected), "{name}={value}");
    }
    let refused = world.kms.call_as(&world.alice, "AssumeRole", &[("RoleSessionName", "me")]).await;
    assert_eq!(code(refused), (400, "MissingParameter"));
    let refused = world.assume(&world.alice, &[("DurationSeconds", "7201")]).await.unwrap_err();
    assert_eq!(refused.message, "The Min/Max value of DurationSeconds is 15min/2hr.");
}

#[tokio::test]
async fn a_session_lasts_as_long_as_was_asked_and_the_role_allows() {
    let world = World::new().await;
    for (seconds, expiration) in [("900", "2026-01-02T03:19:05Z"), ("7200", "2026-01-02T05:04:05Z")] {
        let answer = world.assume(&world.alice, &[("DurationSeconds", seconds)]).await.unwrap();
        assert_eq!(answer["Credentials"]["Expiration"], expiration);
    }
    let credentials = Credentials::of(&world.assume(&world.alice, &[("DurationSeconds", "900")]).await.unwrap());
    world.sign_in(&credentials).await.unwrap();
    world.kms.clock.advance_seconds(899);
    world.sign_in(&credentials).await.unwrap();
    world.kms.clock.advance_seconds(1);
    // Whether or not the node has it in memory.
    assert_eq!(world.sign_in(&credentials).await.unwrap_err(), "InvalidSecurityToken.Expired");
    world.touch_identities().await;
    assert_eq!(world.sign_in(&credentials).await.unwrap_err(), "InvalidSecurityToken.Expired");
}

#[tokio::test]
async fn a_temporary_key_works_with_its_own_token_only() {
    let world = World::new().await;
    let one = Credentials::of(&world.assume(&world.alice, &[]).await.unwrap());
    let other = Credentials::of(&world.assume(&world.alice, &[]).await.unwrap());
    let with = |token: &str, secret: &str| Credentials {
        id: one.id.clone(),
        secret: secret.to_owned(),
        token: token.to_owned(),
    };
    // The same before and after the session is in memory.
    for _ in 0..2 {
        assert_eq!(world.sign_in(&with("", &one.secret)).await.unwrap_err(), "MissingSecurityToken");
        assert_eq!(world.sign_in(&with("CAIS", &one.secret)).await.unwrap_err(), "InvalidSecurityToken.Malformed");
        let mismatch = world.sign_in(&with(&other.token, &one.secret)).await.unwrap_err();
        assert_eq!(mismatch, "InvalidSecurityToken.MismatchWithAccessKey");
        let wrong = world.sign_in(&with(&one.token, &other.secret)).await.unwrap_err();
        assert_eq!(wrong, "SignatureDoesNotMatch");
        world.sign_in(&one).await.unwrap();
    }
    let spoilt = one.token.replacen(&one.token[60..61], if &one.token[60..61] == "A" { "B" } else { "A" }, 1);
    assert_eq!(world.sign_in(&with(&spoilt, &one.secret)).await.unwrap_err(), "InvalidSecurityToken.Malformed");
}

#[tokio::test]
async fn a_permanent_key_has_no_token() {
    let world = World::new().await;
    let session = Credentials::of(&world.assume(&world.alice, &[]).await.unwrap());
    let permanent = world.access_key().await;
    world.sign_in(&permanent).await.unwrap();
    let with_token = Credentials { token: session.token, ..permanent };
    assert_eq!(world.sign_in(&with_token).await.unwrap_err(), "InvalidSecurityToken.MismatchWithAccessKey");
}

#[tokio::test]
async fn a_session_ends_with_its_role_and_a_new_role_of_the_name_does_not_revive_it() {
    let world = World::new().await;
    let credentials = Credentials::of(&world.assume(&world.alice, &[]).await.unwrap());
    world.sign_in(&credentials).await.unwrap();
    world.delete_role().await;
    assert_eq!(world.sign_in(&credentials).await.unwrap_err(), "InvalidSecurityToken.Expired");
    world.add_role("app", &support::trusting(&["user/alice"])).await;
    assert_eq!(world.sign_in(&credentials).await.unwrap_err(), "InvalidSecurityToken.Expired");
    // A new session is one of the new role.
    let credentials = Credentials::of(&world.assume(&world.alice, &[]).await.unwrap());
    world.sign_in(&credentials).await.unwrap();
}

#[tokio::test]
async fn a_session_works_on_another_node_and_after_a_restart() {
    let world = World::new().await;
    let credentials = Credentials::of(&world.assume(&world.alice, &[]).await.unwrap());
    let other = world.kms.another_node(&world.kms.clock);
    support::sign_in(&other, &credentials, world.kms.clock.now()).await.unwrap();
    world.kms.store.close().await;
    let restarted = world.kms.another_server().await;
    support::sign_in(&restarted.service, &credentials, restarted.clock.now()).await.unwrap();
}

#[tokio::test]
async fn a_session_carries_the_policy_that_narrows_it() {
    let world = World::new().await;
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}]}"#;
    let answer = world.assume(&world.alice, &[("Policy", policy)]).await.unwrap();
    let principal = world.sign_in(&Credentials::of(&answer)).await.unwrap();
    let Identity::Session(session) = &principal.identity else { panic!("{principal:?}") };
    let narrow = session.policy.as_ref().unwrap();
    assert_eq!(&*narrow.sources()[0].name, "session");
    let allows = |action| {
        let caller = Caller::Session { account: ACCOUNT, role: "app", session: "me" };
        let resource = Resource { product: "kms", region: "cn-hangzhou", account: ACCOUNT, names: &["key/k"] };
        let actions = &[Action::kms(action)];
        narrow.effect(&Request { actions, resource, caller, context: &NoContext }, None).is_some()
    };
    assert!(allows("Encrypt") && !allows("Decrypt"));
    let wide = world.sign_in(&Credentials::of(&world.assume(&world.alice, &[]).await.unwrap())).await.unwrap();
    let Identity::Session(session) = &wide.identity else { panic!("{wide:?}") };
    assert!(session.policy.is_none());
}

#[tokio::test]
async fn a_session_can_assume_the_next_role_and_its_source_identity_stays() {
    let world = World::new().await;
    let next = "acs:ram::1234567890123456:role/next";
    let both = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:SetSourceIdentity"],
        "Principal":{"RAM":["acs:ram::1234567890123456:root"]}}]}"#;
    world.add_role("first", both).await;
    world.add_role("next", both).await;
    world.kms.attach("Role", "first", &["AliyunSTSAssumeRoleAccess"]).await;
    let first = [("RoleArn", "acs:ram::1234567890123456:role/first"), ("SourceIdentity", "Alice")];
    let answer = world.assume(&world.alice, &first).await.unwrap();
    assert_eq!(answer["SourceIdentity"], "Alice");
    let session = world.sign_in(&Credentials::of(&answer)).await.unwrap();
    let chained = world.assume(&session, &[("RoleArn", next)]).await.unwrap();
    assert_eq!(chained["SourceIdentity"], "Alice");
    assert_eq!(chained["AssumedRoleUser"]["Arn"], format!("{next}/me"));
    let changed = world.assume(&session, &[("RoleArn", next), ("SourceIdentity", "Bob")]).await;
    assert_eq!(code(changed), (400, "InvalidParameter.SourceIdentity"));
    // A role that does not let anybody name others.
    let named = world.assume(&world.alice, &[("SourceIdentity", "Bob")]).await;
    assert_eq!(code(named), (403, "NoPermission"));
}

#[tokio::test]
async fn an_external_id_is_what_the_trust_policy_asks_for() {
    let world = World::new().await;
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"RAM":["acs:ram::1234567890123456:user/alice"]},
        "Condition":{"StringEquals":{"sts:ExternalId":"partner-7"}}}]}"#;
    world.add_role("partner", policy).await;
    let role = ("RoleArn", "acs:ram::1234567890123456:role/partner");
    world.assume(&world.alice, &[role, ("ExternalId", "partner-7")]).await.unwrap();
    assert_eq!(code(world.assume(&world.alice, &[role, ("ExternalId", "partner-8")]).await), (403, "NoPermission"));
    assert_eq!(code(world.assume(&world.alice, &[role]).await), (403, "NoPermission"));
}

#[tokio::test]
async fn the_audit_trail_says_which_session_began_and_none_of_its_secrets() {
    let world = World::new().await;
    let credentials = Credentials::of(&world.assume(&world.alice, &[]).await.unwrap());
    let events = world.kms.events();
    let event = events.iter().find(|event| event["eventName"] == "AssumeRole").unwrap();
    assert_eq!(event["additionalEventData"]["assumedRole"]["accessKeyId"], credentials.id.as_str());
    assert_eq!(event["serviceName"], "Sts");
    let text = Value::Array(events).to_string();
    assert!(!text.contains(&credentials.secret) && !text.contains(&credentials.token));
}

#[tokio::test]
async fn a_role_of_another_account_is_assumed_by_whom_it_names() {
    let world = World::new().await;
    let carol = world.kms.user_of(STRANGER, "carol").await;
    let may = [("PolicyType", "System"), ("PolicyName", "AliyunSTSAssumeRoleAccess"), ("UserName", "carol")];
    world.kms.call_from(STRANGER, "AttachPolicyToUser", &may).await.unwrap();
    let role = ("RoleArn", "acs:ram::1234567890123456:role/open");
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"RAM":["acs:ram::6543210987654321:root"]}}]}"#;
    world.add_role("open", policy).await;
    let answer = world.assume(&carol, &[role]).await.unwrap();
    let principal = world.sign_in(&Credentials::of(&answer)).await.unwrap();
    assert_eq!(principal.account.as_str(), ACCOUNT);
    // Both accounts see it in their trails.
    for account in [ACCOUNT, STRANGER] {
        let seen = world.kms.call_from(account, "LookupEvents", &[]).await.unwrap().to_string();
        assert!(seen.contains("role/open/me"), "{account}");
    }
    assert_eq!(code(world.assume(&world.alice, &[role]).await), (403, "NoPermission"));
}
