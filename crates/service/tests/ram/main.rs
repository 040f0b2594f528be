//! RAM: users with their access keys and logins, and groups.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a call that must succeed fails its test"
)]

mod access_keys;
mod groups;
mod limits;
mod logins;
mod users;

use std::sync::Arc;

use serde_json::Value;
use sesame_service::{Identity, Principal, UserIdentity};
use sesame_testkit::{Refusal, TestKms};

const STRANGER: &str = "6543210987654321";

/// Status and code of a refusal.
fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> (u16, &'static str) {
    let refusal = result.unwrap_err();
    (refusal.status, refusal.code)
}

async fn user(kms: &TestKms, name: &str) {
    kms.call("CreateUser", &[("UserName", name)]).await.unwrap();
}

async fn group(kms: &TestKms, name: &str) {
    kms.call("CreateGroup", &[("GroupName", name)]).await.unwrap();
}

/// Id and secret of a new access key; of the account itself without a name.
async fn access_key(kms: &TestKms, user: Option<&str>) -> (String, String) {
    let name: Vec<_> = user.map(|name| ("UserName", name)).into_iter().collect();
    let made = kms.call("CreateAccessKey", &name).await.unwrap();
    let part = |name: &str| made["AccessKey"][name].as_str().unwrap().to_owned();
    (part("AccessKeyId"), part("AccessKeySecret"))
}

/// Lets a user do everything with users.
async fn allow(kms: &TestKms, name: &str) {
    let policy = [("PolicyType", "System"), ("PolicyName", "AliyunRAMFullAccess"), ("UserName", name)];
    kms.call("AttachPolicyToUser", &policy).await.unwrap();
}

/// The user of a name, as who calls.
async fn as_user(kms: &TestKms, name: &str) -> Principal {
    let found = kms.call("GetUser", &[("UserName", name)]).await.unwrap();
    let id = found["User"]["UserId"].as_str().unwrap().parse().unwrap();
    let identity = Identity::User(Arc::new(UserIdentity { id, name: name.parse().unwrap() }));
    Principal { account: "1234567890123456".parse().unwrap(), access_key_id: "LTAIuser".into(), identity }
}

/// A member of every row of a list.
fn column(answer: &Value, pointer: &str, member: &str) -> Vec<String> {
    let rows = answer.pointer(pointer).unwrap().as_array().unwrap();
    rows.iter().map(|row| row[member].as_str().unwrap().to_owned()).collect()
}

/// Goes through a list page by page; the column of each page.
async fn pages(
    kms: &TestKms,
    operation: &str,
    params: &[(&str, &str)],
    pointer: &str,
    member: &str,
) -> Vec<Vec<String>> {
    let (mut pages, mut marker) = (Vec::new(), None::<String>);
    loop {
        let mut call = params.to_vec();
        if let Some(marker) = &marker {
            call.push(("Marker", marker));
        }
        let answer = kms.call(operation, &call).await.unwrap();
        pages.push(column(&answer, pointer, member));
        marker = answer["Marker"].as_str().map(str::to_owned);
        assert_eq!(answer["IsTruncated"], marker.is_some());
        if marker.is_none() {
            return pages;
        }
    }
}
