use sesame_service::Limits;
use sesame_testkit::TestKms;

use super::{access_key, code, group, user};

#[tokio::test]
async fn a_user_has_two_access_keys_and_five_groups() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    let named = ("UserName", "alice");
    let (first, _) = access_key(&kms, Some("alice")).await;
    access_key(&kms, Some("alice")).await;
    assert_eq!(code(kms.call("CreateAccessKey", &[named]).await), (409, "LimitExceeded.User.AccessKey"));
    kms.call("DeleteAccessKey", &[named, ("UserAccessKeyId", &first)]).await.unwrap();
    access_key(&kms, Some("alice")).await;

    let groups: Vec<_> = (1..=6).map(|number| format!("g{number}")).collect();
    for name in &groups {
        group(&kms, name).await;
    }
    let join = async |name: &str| kms.call("AddUserToGroup", &[named, ("GroupName", name)]).await;
    for name in &groups[..5] {
        join(name).await.unwrap();
    }
    assert_eq!(code(join(&groups[5]).await), (409, "LimitExceeded.User.Group"));
    // Who is in a group already, does not hit the limit, and a refused user is in no further group.
    assert_eq!(code(join(&groups[0]).await), (409, "EntityAlreadyExists.User.Group"));
    let of_alice = kms.call("ListGroupsForUser", &[named]).await.unwrap();
    assert_eq!(super::column(&of_alice, "/Groups/Group", "GroupName"), groups[..5]);
}

#[tokio::test]
async fn users_and_groups_of_an_account_have_quotas_when_the_operator_sets_them() {
    let limits = Limits {
        users_per_account: 1,
        groups_per_account: 1,
        groups_per_user: 0,
        access_keys_per_user: 1,
        ..Limits::default()
    };
    let kms = TestKms::with_limits(limits).await;
    user(&kms, "alice").await;
    group(&kms, "ops").await;
    access_key(&kms, Some("alice")).await;
    assert_eq!(code(kms.call("CreateUser", &[("UserName", "bob")]).await), (409, "LimitExceeded.User"));
    assert_eq!(code(kms.call("CreateUser", &[("UserName", "alice")]).await), (409, "EntityAlreadyExists.User"));
    assert_eq!(code(kms.call("CreateGroup", &[("GroupName", "dev")]).await), (409, "LimitExceeded.Group"));
    assert_eq!(
        code(kms.call("CreateAccessKey", &[("UserName", "alice")]).await),
        (409, "LimitExceeded.User.AccessKey")
    );
    kms.call("AddUserToGroup", &[("UserName", "alice"), ("GroupName", "ops")]).await.unwrap();
}
