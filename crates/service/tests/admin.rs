//! What an operator does on the server's machine: accounts, their access keys, explanations.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what must succeed fails its test")]

use std::sync::Arc;

use sesame_domain::ram::Role;
use sesame_domain::{AccountId, Clock as _};
use sesame_service::admin::{
    AccountReport, AdminAnswer, AdminRequest, Explanation, IssuedKey, Order, Question, Refusal, RefusalCode,
};
use sesame_store::{accounts, meta, ram_roles};
use sesame_testkit::TestKms;

const FIRST: &str = "1234567890123456";
const UID: u32 = 4_711;

/// A service whose first account was made, as at the first start, before anything else.
async fn kms() -> TestKms {
    let kms = TestKms::without_accounts().await;
    let now = kms.clock.now();
    kms.store
        .write(move |tx| Box::pin(async move { accounts::insert(tx, &FIRST.parse().unwrap(), now).await }))
        .await
        .unwrap();
    kms
}

async fn ask(kms: &TestKms, request: AdminRequest) -> Result<AdminAnswer, Refusal> {
    kms.service
        .administer(Order { uid: UID, request: &request, fixed_key: Some("fixed"), held_key: Some("held") })
        .await
}

async fn issue(kms: &TestKms, request: AdminRequest) -> IssuedKey {
    match ask(kms, request).await.unwrap() {
        AdminAnswer::Issued(issued) => issued,
        other => panic!("{other:?}"),
    }
}

async fn report(kms: &TestKms, account: &str) -> AccountReport {
    match ask(kms, AdminRequest::GetAccount { account: account.into() }).await.unwrap() {
        AdminAnswer::Account(report) => report,
        other => panic!("{other:?}"),
    }
}

async fn explain(kms: &TestKms, question: Question) -> Explanation {
    match ask(kms, AdminRequest::ExplainAccess(question)).await.unwrap() {
        AdminAnswer::Explanation(explanation) => explanation,
        other => panic!("{other:?}"),
    }
}

fn code(outcome: Result<AdminAnswer, Refusal>) -> RefusalCode {
    outcome.unwrap_err().code
}

fn delete(key: &str, last: bool) -> AdminRequest {
    AdminRequest::DeleteRootAccessKey { account: FIRST.into(), access_key_id: key.into(), last }
}

fn rotate(replaced: Option<&str>) -> AdminRequest {
    AdminRequest::RotateRootAccessKey { account: FIRST.into(), replaced: replaced.map(str::to_owned) }
}

#[tokio::test]
async fn the_first_account_stays_the_first_when_the_clock_goes_back() {
    let kms = kms().await;
    kms.clock.advance_seconds(-1_000);
    issue(&kms, AdminRequest::CreateAccount { name: "second".into(), account: Some("1111111111111111".into()) }).await;
    assert!(report(&kms, FIRST).await.is_first);
    assert!(!report(&kms, "1111111111111111").await.is_first);
}

#[tokio::test]
async fn without_a_first_account_none_is_made() {
    let kms = TestKms::without_accounts().await;
    let refused = ask(&kms, AdminRequest::CreateAccount { name: String::new(), account: None }).await;
    assert_eq!(code(refused), RefusalCode::NotFound);
}

#[tokio::test]
async fn disabling_again_keeps_the_time_of_the_first() {
    let kms = kms().await;
    ask(&kms, AdminRequest::DisableAccount { account: FIRST.into() }).await.unwrap();
    let since = report(&kms, FIRST).await.account.disabled_at;
    assert_eq!(since, kms.clock.now().to_string());
    kms.clock.advance_seconds(60);
    ask(&kms, AdminRequest::DisableAccount { account: FIRST.into() }).await.unwrap();
    assert_eq!(report(&kms, FIRST).await.account.disabled_at, since);
    for _ in 0..2 {
        ask(&kms, AdminRequest::EnableAccount { account: FIRST.into() }).await.unwrap();
        assert_eq!(report(&kms, FIRST).await.account.disabled_at, "");
    }
}

#[tokio::test]
async fn an_account_has_five_root_keys_at_most_and_loses_the_last_only_on_purpose() {
    let kms = kms().await;
    assert_eq!(code(ask(&kms, rotate(None)).await), RefusalCode::NotFound);
    let mut keys = Vec::new();
    for _ in 0..5 {
        kms.clock.advance_seconds(1);
        keys.push(issue(&kms, AdminRequest::CreateRootAccessKey { account: FIRST.into() }).await.access_key_id);
    }
    let further = ask(&kms, AdminRequest::CreateRootAccessKey { account: FIRST.into() }).await;
    assert_eq!(code(further), RefusalCode::Refused);
    assert_eq!(code(ask(&kms, rotate(None)).await), RefusalCode::Refused);
    let last = keys.pop().unwrap();
    for key in &keys {
        ask(&kms, delete(key, false)).await.unwrap();
        assert_eq!(code(ask(&kms, delete(key, false)).await), RefusalCode::NotFound);
    }
    assert_eq!(code(ask(&kms, delete(&last, false)).await), RefusalCode::Refused);
    // The successor works, so the old one is not the last any more.
    let new = issue(&kms, rotate(None)).await;
    assert_eq!(new.replaced, last);
    ask(&kms, delete(&last, false)).await.unwrap();
    let disable = |last| AdminRequest::DisableRootAccessKey {
        account: FIRST.into(),
        access_key_id: new.access_key_id.clone(),
        last,
    };
    assert_eq!(code(ask(&kms, disable(false)).await), RefusalCode::Refused);
    ask(&kms, disable(true)).await.unwrap();
    ask(&kms, delete(&new.access_key_id, false)).await.unwrap();
    assert!(report(&kms, FIRST).await.root_access_key_list.is_empty());
}

#[tokio::test]
async fn the_heir_of_the_first_access_key_is_the_one_that_a_configuration_replaces() {
    let kms = kms().await;
    let first = issue(&kms, AdminRequest::CreateRootAccessKey { account: FIRST.into() }).await.access_key_id;
    let named = first.clone();
    kms.store
        .write(move |tx| {
            let named = named.clone();
            Box::pin(async move { meta::put(tx, meta::FIRST_ACCESS_KEY, &named).await })
        })
        .await
        .unwrap();
    let get = async || meta::get(&mut kms.store.reader().await.unwrap(), meta::FIRST_ACCESS_KEY).await.unwrap();
    kms.clock.advance_seconds(1);
    let second = issue(&kms, rotate(None)).await.access_key_id;
    assert_eq!(get().await.as_ref(), Some(&first));
    ask(&kms, delete(&first, false)).await.unwrap();
    assert_eq!(get().await, Some(second));
    for (key, part) in [("fixed", "root_access_key.id"), ("held", "credentials.env")] {
        let refused = ask(&kms, delete(key, true)).await.unwrap_err();
        assert!(refused.code == RefusalCode::Refused && refused.message.contains(part), "{refused}");
    }
}

#[tokio::test]
async fn refusals_are_recorded_too_and_secrets_never() {
    let kms = kms().await;
    let issued =
        issue(&kms, AdminRequest::CreateAccount { name: "b".into(), account: Some("1111111111111111".into()) }).await;
    let refused = ask(&kms, AdminRequest::EnableAccount { account: "x\"y".into() }).await;
    assert_eq!(code(refused), RefusalCode::Invalid);
    ask(&kms, AdminRequest::ListAccounts { after: None }).await.unwrap();
    let events = kms.events();
    let [made, refused, listed] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((&made["eventName"], &made["eventRW"]), (&"CreateAccount".into(), &"Write".into()));
    assert_eq!((&made["recipientAccountId"], &made["serviceName"]), (&"1111111111111111".into(), &"Sesame".into()));
    assert_eq!(made["userIdentity"]["userName"], "uid:4711");
    assert_eq!(made["requestParameters"]["Name"], "b");
    assert_eq!((&refused["errorCode"], &refused["requestParameters"]["Account"]), (&"Invalid".into(), &"x\"y".into()));
    assert_eq!((&listed["eventRW"], listed.get("recipientAccountId")), (&"Read".into(), None));
    // EXPOSE: sought where it must not be.
    let secret = issued.access_key_secret.expose();
    assert!(events.iter().all(|event| !event.to_string().contains(secret)));
}

/// A role of the first account, without policies of its own.
async fn role(kms: &TestKms) {
    let now = kms.clock.now();
    let role = Arc::new(Role {
        id: "300000000000000001".parse().unwrap(),
        account: FIRST.parse().unwrap(),
        name: "app".parse().unwrap(),
        description: String::new(),
        trust_policy: "{}".into(),
        max_session_seconds: 3_600,
        created_at: now,
        updated_at: now,
    });
    kms.store
        .write(move |tx| {
            let role = Arc::clone(&role);
            Box::pin(async move { ram_roles::insert(tx, &role).await })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn an_explanation_names_what_decides_and_what_is_not_known() {
    let kms = kms().await;
    role(&kms).await;
    let key = kms.key(&[]).await;
    let question = |principal: &str, resource: String| Question {
        principal: format!("acs:ram::{FIRST}:{principal}"),
        action: "kms:Decrypt".into(),
        resource: format!("acs:kms:cn-hangzhou:{FIRST}:{resource}"),
        ..Question::default()
    };
    let on_key = || format!("key/{key}");
    assert!(explain(&kms, question("root", on_key())).await.is_allowed);
    let nothing = explain(&kms, question("role/app", on_key())).await;
    assert!(!nothing.is_allowed && nothing.decision.deciding.is_empty(), "{nothing:?}");

    let policy = format!(
        r#"{{"Version":"1","Statement":[
        {{"Effect":"Allow","Principal":{{"RAM":["acs:ram::{FIRST}:*"]}},"Action":["kms:*"],"Resource":["*"]}},
        {{"Sid":"app","Effect":"Allow","Principal":{{"RAM":["acs:ram::{FIRST}:role/app"]}},"Action":["kms:Decrypt"],
        "Resource":["*"],"Condition":{{"IpAddress":{{"acs:SourceIp":["192.0.2.0/24"]}}}}}}]}}"#
    );
    kms.call("SetKeyPolicy", &[("KeyId", &key), ("PolicyName", "default"), ("Policy", &policy)]).await.unwrap();
    kms.call("CreateAlias", &[("KeyId", &key), ("AliasName", "alias/app")]).await.unwrap();
    let unknown = explain(&kms, question("role/app/pod-1", on_key())).await;
    assert!(!unknown.is_allowed);
    assert_eq!(unknown.decision.absent_keys, ["acs:SourceIp"]);
    let near =
        Question { source_ip: Some([192, 0, 2, 1].into()), ..question("role/app/pod-1", "alias/app".to_owned()) };
    let near = explain(&kms, near).await;
    assert!(near.is_allowed, "{near:?}");
    assert_eq!(near.resource, format!("acs:kms:cn-hangzhou:{FIRST}:key/{key}"));
    let [deciding] = near.decision.deciding.as_slice() else { panic!("{near:?}") };
    assert_eq!((deciding.statement, deciding.sid.as_deref(), &*deciding.source.name), (1, Some("app"), &*key));
    let far = Question { source_ip: Some([198, 51, 100, 1].into()), ..question("role/app", on_key()) };
    assert!(!explain(&kms, far).await.is_allowed);

    let missing = explain(&kms, question("root", "key/key-hzz0000000000000000000".to_owned())).await;
    assert!(missing.notes.iter().any(|note| note.contains("There is no key/key-hzz")), "{missing:?}");
    let never = AdminRequest::ExplainAccess(question("user/never", on_key()));
    assert_eq!(code(ask(&kms, never).await), RefusalCode::NotFound);
}

#[tokio::test]
async fn accounts_are_listed_page_by_page() {
    let kms = kms().await;
    let now = kms.clock.now();
    kms.store
        .write(move |tx| {
            Box::pin(async move {
                for number in 0..250_u64 {
                    let id: AccountId = format!("{}", 2_000_000_000_000_000 + number).parse().unwrap();
                    accounts::insert(tx, &id, now).await?;
                }
                Ok::<_, sesame_store::StoreError>(())
            })
        })
        .await
        .unwrap();
    let (mut ids, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let Ok(AdminAnswer::Accounts { accounts, next }) = ask(&kms, AdminRequest::ListAccounts { after }).await else {
            panic!("no list")
        };
        pages += 1;
        ids.extend(accounts.into_iter().map(|account| account.account));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((pages, ids.len()), (2, 251));
    assert!(ids.is_sorted());
}
