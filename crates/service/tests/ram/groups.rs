use serde_json::json;
use sesame_domain::Clock as _;
use sesame_testkit::TestKms;

use super::{STRANGER, code, column, group, pages, user};

#[tokio::test]
async fn a_group_is_made_read_changed_and_removed() {
    let kms = TestKms::new().await;
    let named = [("GroupName", "ops")];
    let made = kms.call("CreateGroup", &[named[0], ("Comments", "operations")]).await.unwrap();
    let id = made["Group"]["GroupId"].as_str().unwrap();
    assert!(id.starts_with("g-") && id.len() == 18, "{id}");
    let now = kms.clock.now().to_string();
    let mut expected = json!({ "GroupId": id, "GroupName": "ops", "Comments": "operations", "CreateDate": now });
    assert_eq!(made, json!({ "Group": expected }));
    expected["UpdateDate"] = json!(now);
    assert_eq!(kms.call("GetGroup", &named).await.unwrap(), json!({ "Group": expected }));
    let listed = kms.call("ListGroups", &[]).await.unwrap();
    assert_eq!(listed, json!({ "Groups": { "Group": [expected] }, "IsTruncated": false }));

    kms.clock.advance_seconds(60);
    let changed = kms.call("UpdateGroup", &[named[0], ("NewGroupName", "sre"), ("NewComments", "x")]).await.unwrap();
    expected["GroupName"] = json!("sre");
    expected["Comments"] = json!("x");
    expected["UpdateDate"] = json!(kms.clock.now().to_string());
    assert_eq!(changed, json!({ "Group": expected }));
    assert_eq!(code(kms.call("GetGroup", &named).await), (404, "EntityNotExist.Group"));
    assert_eq!(kms.call("DeleteGroup", &[("GroupName", "sre")]).await.unwrap(), json!({}));
    for operation in ["GetGroup", "UpdateGroup", "DeleteGroup", "ListUsersForGroup"] {
        let refused = kms.call(operation, &[("GroupName", "sre")]).await;
        assert_eq!(code(refused), (404, "EntityNotExist.Group"), "{operation}");
        assert_eq!(code(kms.call(operation, &[]).await), (400, "MissingParameter"), "{operation}");
    }
}

#[tokio::test]
async fn names_of_groups_are_unique_in_an_account() {
    let kms = TestKms::new().await;
    group(&kms, "dev").await;
    group(&kms, "ops").await;
    assert_eq!(code(kms.call("CreateGroup", &[("GroupName", "dev")]).await), (409, "EntityAlreadyExists.Group"));
    let rename = [("GroupName", "dev"), ("NewGroupName", "ops")];
    assert_eq!(code(kms.call("UpdateGroup", &rename).await), (409, "EntityAlreadyExists.Group"));
    assert_eq!(code(kms.call_from(STRANGER, "GetGroup", &[("GroupName", "dev")]).await), (404, "EntityNotExist.Group"));
    let (long_name, long_text) = ("x".repeat(65), "x".repeat(129));
    for (operation, parameter, value, expected) in [
        ("CreateGroup", "GroupName", "a_b", "InvalidParameter.GroupName.InvalidChars"),
        ("CreateGroup", "GroupName", &long_name, "InvalidParameter.GroupName.Length"),
        ("CreateGroup", "Comments", &long_text, "InvalidParameter.Comments.Length"),
        ("UpdateGroup", "NewGroupName", "a b", "InvalidParameter.NewGroupName.InvalidChars"),
        ("UpdateGroup", "NewGroupName", &long_name, "InvalidParameter.NewGroupName.Length"),
        ("UpdateGroup", "NewComments", &long_text, "InvalidParameter.NewComments.Length"),
        ("ListGroups", "MaxItems", "0", "InvalidParameter.MaxItems.Range"),
        ("ListUsersForGroup", "Marker", "?", "InvalidParameter.Marker.Format"),
    ] {
        let refused = kms.call(operation, &[(parameter, value), ("GroupName", "dev")]).await;
        assert_eq!(code(refused), (400, expected), "{parameter}={value}");
    }
    let listed = pages(&kms, "ListGroups", &[("MaxItems", "1")], "/Groups/Group", "GroupName").await;
    assert_eq!(listed, [["dev"], ["ops"]]);
}

#[tokio::test]
async fn users_join_groups_and_leave_them() {
    let kms = TestKms::new().await;
    for name in ["alice", "bob", "carol"] {
        kms.call("CreateUser", &[("UserName", name), ("DisplayName", &name.to_uppercase())]).await.unwrap();
    }
    group(&kms, "dev").await;
    kms.call("CreateGroup", &[("GroupName", "ops"), ("Comments", "x")]).await.unwrap();
    let joined = kms.clock.now().to_string();
    let member = |user: &'static str, group: &'static str| [("UserName", user), ("GroupName", group)];
    for user in ["alice", "bob", "carol"] {
        assert_eq!(kms.call("AddUserToGroup", &member(user, "ops")).await.unwrap(), json!({}));
    }
    kms.clock.advance_seconds(60);
    kms.call("AddUserToGroup", &member("alice", "dev")).await.unwrap();

    let of_alice = kms.call("ListGroupsForUser", &[("UserName", "alice")]).await.unwrap();
    assert_eq!(column(&of_alice, "/Groups/Group", "GroupName"), ["dev", "ops"]);
    let ops = &of_alice["Groups"]["Group"][1];
    let expected = json!({ "GroupId": ops["GroupId"], "GroupName": "ops", "Comments": "x", "JoinDate": joined });
    assert_eq!(*ops, expected);
    let of_dev = kms.call("ListUsersForGroup", &[("GroupName", "dev")]).await.unwrap();
    let alice = json!({ "UserName": "alice", "DisplayName": "ALICE", "JoinDate": kms.clock.now().to_string() });
    assert_eq!(of_dev, json!({ "Users": { "User": [alice] }, "IsTruncated": false }));
    let call = [("GroupName", "ops"), ("MaxItems", "2")];
    let listed = pages(&kms, "ListUsersForGroup", &call, "/Users/User", "UserName").await;
    assert_eq!(listed.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    let mut everybody = listed.concat();
    everybody.sort();
    assert_eq!(everybody, ["alice", "bob", "carol"]);

    assert_eq!(kms.call("RemoveUserFromGroup", &member("bob", "ops")).await.unwrap(), json!({}));
    let of_bob = kms.call("ListGroupsForUser", &[("UserName", "bob")]).await.unwrap();
    assert_eq!(of_bob, json!({ "Groups": { "Group": [] } }));
}

#[tokio::test]
async fn joining_and_leaving_need_both() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    group(&kms, "ops").await;
    let member = [("UserName", "alice"), ("GroupName", "ops")];
    assert_eq!(code(kms.call("RemoveUserFromGroup", &member).await), (404, "EntityNotExist.User.Group"));
    kms.call("AddUserToGroup", &member).await.unwrap();
    assert_eq!(code(kms.call("AddUserToGroup", &member).await), (409, "EntityAlreadyExists.User.Group"));
    for operation in ["AddUserToGroup", "RemoveUserFromGroup"] {
        let refused = kms.call(operation, &[("UserName", "nobody"), member[1]]).await;
        assert_eq!(code(refused), (404, "EntityNotExist.User"), "{operation}");
        let refused = kms.call(operation, &[member[0], ("GroupName", "none")]).await;
        assert_eq!(code(refused), (404, "EntityNotExist.Group"), "{operation}");
        assert_eq!(code(kms.call(operation, &member[..1]).await), (400, "MissingParameter"), "{operation}");
        assert_eq!(code(kms.call(operation, &member[1..]).await), (400, "MissingParameter"), "{operation}");
        let stranger = kms.call_from(STRANGER, operation, &member).await;
        assert_eq!(code(stranger), (404, "EntityNotExist.User"), "{operation}");
    }
    assert_eq!(code(kms.call("DeleteGroup", &member[1..]).await), (409, "DeleteConflict.Group.User"));
    assert_eq!(code(kms.call("ListGroupsForUser", &[("UserName", "nobody")]).await), (404, "EntityNotExist.User"));
}

#[tokio::test]
async fn a_group_with_a_policy_stays() {
    let kms = TestKms::new().await;
    group(&kms, "ops").await;
    let policy = [("PolicyType", "System"), ("PolicyName", "AliyunKMSFullAccess"), ("GroupName", "ops")];
    kms.call("AttachPolicyToGroup", &policy).await.unwrap();
    assert_eq!(code(kms.call("DeleteGroup", &policy[2..]).await), (409, "DeleteConflict.Group.Policy"));
    kms.call("DetachPolicyFromGroup", &policy).await.unwrap();
    kms.call("DeleteGroup", &policy[2..]).await.unwrap();
}
