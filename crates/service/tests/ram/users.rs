use serde_json::json;
use sesame_domain::Clock as _;
use sesame_testkit::TestKms;

use super::{STRANGER, access_key, allow, as_user, code, column, pages, user};

#[tokio::test]
async fn a_user_is_made_read_changed_and_removed() {
    let kms = TestKms::new().await;
    let named = [("UserName", "alice")];
    let made = kms
        .call(
            "CreateUser",
            &[
                named[0],
                ("DisplayName", "Alice 张"),
                ("MobilePhone", "86-18600008888"),
                ("Email", "alice@example.com"),
                ("Comments", "a cloud engineer"),
            ],
        )
        .await
        .unwrap();
    let now = kms.clock.now().to_string();
    let id = made["User"]["UserId"].as_str().unwrap();
    assert!(id.len() == 18 && id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    let mut expected = json!({
        "UserId": id, "UserName": "alice", "DisplayName": "Alice 张", "MobilePhone": "86-18600008888",
        "Email": "alice@example.com", "Comments": "a cloud engineer", "CreateDate": now,
    });
    assert_eq!(made, json!({ "User": expected }));

    kms.clock.advance_seconds(60);
    expected["UpdateDate"] = json!(now);
    let listed = kms.call("ListUsers", &[]).await.unwrap();
    assert_eq!(listed, json!({ "Users": { "User": [expected] }, "IsTruncated": false }));
    expected["LastLoginDate"] = json!("");
    assert_eq!(kms.call("GetUser", &named).await.unwrap(), json!({ "User": expected }));

    let changed = kms.call("UpdateUser", &[named[0], ("NewUserName", "bob"), ("NewComments", "left")]).await.unwrap();
    expected.as_object_mut().unwrap().remove("LastLoginDate");
    expected["UserName"] = json!("bob");
    expected["Comments"] = json!("left");
    expected["UpdateDate"] = json!(kms.clock.now().to_string());
    assert_eq!(changed, json!({ "User": expected }));
    assert_eq!(code(kms.call("GetUser", &named).await), (404, "EntityNotExist.User"));

    assert_eq!(kms.call("DeleteUser", &[("UserName", "bob")]).await.unwrap(), json!({}));
    assert_eq!(code(kms.call("DeleteUser", &[("UserName", "bob")]).await), (404, "EntityNotExist.User"));
    assert_eq!(kms.call("ListUsers", &[]).await.unwrap()["Users"], json!({ "User": [] }));
}

#[tokio::test]
async fn every_part_of_a_user_can_be_changed_alone() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    for (parameter, member, value) in [
        ("NewDisplayName", "DisplayName", "A. Lice"),
        ("NewMobilePhone", "MobilePhone", "1-5550100"),
        ("NewEmail", "Email", "a@b.example"),
        ("NewComments", "Comments", "x"),
    ] {
        kms.call("UpdateUser", &[("UserName", "alice"), (parameter, value)]).await.unwrap();
        let found = kms.call("GetUser", &[("UserName", "alice")]).await.unwrap();
        assert_eq!(found["User"][member], value);
    }
    let all = kms.call("GetUser", &[("UserName", "alice")]).await.unwrap();
    assert_eq!(all["User"]["DisplayName"], "A. Lice");
}

#[tokio::test]
async fn names_are_unique_in_an_account() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    user(&kms, "bob").await;
    assert_eq!(code(kms.call("CreateUser", &[("UserName", "alice")]).await), (409, "EntityAlreadyExists.User"));
    let rename = [("UserName", "bob"), ("NewUserName", "alice")];
    assert_eq!(code(kms.call("UpdateUser", &rename).await), (409, "EntityAlreadyExists.User"));
    // Its own name is no other one's.
    kms.call("UpdateUser", &[("UserName", "bob"), ("NewUserName", "bob")]).await.unwrap();
    kms.call_from(STRANGER, "CreateUser", &[("UserName", "alice")]).await.unwrap();
    assert_eq!(code(kms.call_from(STRANGER, "GetUser", &[("UserName", "bob")]).await), (404, "EntityNotExist.User"));
}

#[tokio::test]
async fn a_wrong_parameter_has_a_code_that_names_it() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    let (long_name, long_text) = ("x".repeat(65), "x".repeat(129));
    for (operation, parameter, value, expected) in [
        ("CreateUser", "UserName", "a b", "InvalidParameter.UserName.InvalidChars"),
        ("CreateUser", "UserName", "a@b", "InvalidParameter.UserName.InvalidChars"),
        ("CreateUser", "UserName", &long_name, "InvalidParameter.UserName.Length"),
        ("CreateUser", "DisplayName", "a/b", "InvalidParameter.DisplayName.InvalidChars"),
        ("CreateUser", "DisplayName", &long_text, "InvalidParameter.DisplayName.Length"),
        ("CreateUser", "MobilePhone", "none", "InvalidParameter.MobilePhone.Format"),
        ("CreateUser", "Email", "none", "InvalidParameter.Email.Format"),
        ("CreateUser", "Comments", &long_text, "InvalidParameter.Comments.Length"),
        ("UpdateUser", "NewUserName", "a b", "InvalidParameter.NewUserName.InvalidChars"),
        ("UpdateUser", "NewUserName", &long_name, "InvalidParameter.NewUserName.Length"),
        ("UpdateUser", "NewDisplayName", "a/b", "InvalidParameter.NewDisplayName.InvalidChars"),
        ("UpdateUser", "NewDisplayName", &long_text, "InvalidParameter.NewDisplayName.Length"),
        ("UpdateUser", "NewMobilePhone", "none", "InvalidParameter.NewMobilePhone.Format"),
        ("UpdateUser", "NewEmail", "none", "InvalidParameter.NewEmail.Format"),
        ("UpdateUser", "NewComments", &long_text, "InvalidParameter.NewComments.Length"),
        ("GetUser", "UserName", "?", "InvalidParameter.UserName.InvalidChars"),
        ("ListUsers", "MaxItems", "0", "InvalidParameter.MaxItems.Range"),
        ("ListUsers", "MaxItems", "1001", "InvalidParameter.MaxItems.Range"),
        ("ListUsers", "Marker", "?", "InvalidParameter.Marker.Format"),
    ] {
        let mut call = vec![("UserName", if operation == "CreateUser" { "new" } else { "alice" })];
        call.retain(|(name, _)| *name != parameter);
        call.push((parameter, value));
        let refusal = kms.call(operation, &call).await.unwrap_err();
        assert_eq!((refusal.status, refusal.code), (400, expected), "{parameter}={value}");
        assert!(
            refusal.message.contains(&format!("\"{parameter}\"")) && refusal.message.contains("it m"),
            "{refusal:?}"
        );
    }
    for operation in ["CreateUser", "GetUser", "UpdateUser", "DeleteUser"] {
        assert_eq!(code(kms.call(operation, &[]).await), (400, "MissingParameter"), "{operation}");
    }
    assert_eq!(column(&kms.call("ListUsers", &[]).await.unwrap(), "/Users/User", "UserName"), ["alice"]);
}

#[tokio::test]
async fn users_are_listed_by_name_page_by_page() {
    let kms = TestKms::new().await;
    for name in ["e", "b", "d", "a", "c"] {
        user(&kms, name).await;
    }
    let listed = pages(&kms, "ListUsers", &[("MaxItems", "2")], "/Users/User", "UserName").await;
    assert_eq!(listed, [vec!["a", "b"], vec!["c", "d"], vec!["e"]]);
    let listed = pages(&kms, "ListUsers", &[("MaxItems", "5")], "/Users/User", "UserName").await;
    assert_eq!(listed, [["a", "b", "c", "d", "e"]]);
    // The user that a marker names may go meanwhile.
    let first = kms.call("ListUsers", &[("MaxItems", "2")]).await.unwrap();
    kms.call("DeleteUser", &[("UserName", "b")]).await.unwrap();
    let rest = kms.call("ListUsers", &[("Marker", first["Marker"].as_str().unwrap())]).await.unwrap();
    assert_eq!(column(&rest, "/Users/User", "UserName"), ["c", "d", "e"]);
    for name in 0..101 {
        user(&kms, &format!("x{name}")).await;
    }
    let page = kms.call("ListUsers", &[]).await.unwrap();
    assert_eq!((column(&page, "/Users/User", "UserName").len(), &page["IsTruncated"]), (100, &json!(true)));
}

#[tokio::test]
async fn a_user_that_has_something_stays() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    super::group(&kms, "ops").await;
    let (named, membership) = ([("UserName", "alice")], [("UserName", "alice"), ("GroupName", "ops")]);
    let refused = async || code(kms.call("DeleteUser", &named).await);
    allow(&kms, "alice").await;
    assert_eq!(refused().await, (409, "DeleteConflict.User.Policy"));
    kms.call("CreateLoginProfile", &[named[0], ("Password", "some password")]).await.unwrap();
    assert_eq!(refused().await, (409, "DeleteConflict.User.LoginProfile"));
    let (key, _) = access_key(&kms, Some("alice")).await;
    assert_eq!(refused().await, (409, "DeleteConflict.User.AccessKey"));
    kms.call("AddUserToGroup", &membership).await.unwrap();
    assert_eq!(refused().await, (409, "DeleteConflict.User.Group"));
    kms.call("RemoveUserFromGroup", &membership).await.unwrap();
    kms.call("DeleteAccessKey", &[named[0], ("UserAccessKeyId", &key)]).await.unwrap();
    kms.call("DeleteLoginProfile", &named).await.unwrap();
    let policy = [("PolicyType", "System"), ("PolicyName", "AliyunRAMFullAccess"), named[0]];
    kms.call("DetachPolicyFromUser", &policy).await.unwrap();
    kms.call("DeleteUser", &named).await.unwrap();
}

#[tokio::test]
async fn a_user_that_is_made_again_is_another_one() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    let before = as_user(&kms, "alice").await;
    kms.call("DeleteUser", &[("UserName", "alice")]).await.unwrap();
    user(&kms, "alice").await;
    allow(&kms, "alice").await;
    let after = as_user(&kms, "alice").await;
    kms.call_as(&after, "ListAccessKeys", &[]).await.unwrap();
    assert_eq!(code(kms.call_as(&before, "ListAccessKeys", &[]).await), (403, "NoPermission"));
}
