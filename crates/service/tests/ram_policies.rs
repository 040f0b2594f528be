//! Policies, what they are attached to, and roles: facts about each operation as a caller sees them.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a call that must succeed fails its test"
)]

use serde_json::{Value, json};
use sesame_domain::Clock as _;
use sesame_domain::ram::{Policy, PolicyVersionId, Role};
use sesame_testkit::{Refusal, TestKms};

const OTHER: &str = "6543210987654321";
const DOCUMENT: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}"#;
const TRUST: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"RAM":["acs:ram::1234567890123456:root"]}}]}"#;
const DENY: &str = r#"{"Version":"1","Statement":[{"Effect":"Deny","Action":"kms:*","Resource":"*"}]}"#;

type Params<'a> = &'a [(&'a str, &'a str)];

async fn ok(kms: &TestKms, operation: &str, params: Params<'_>) -> Value {
    kms.call(operation, params).await.unwrap_or_else(|refused| panic!("{operation} {params:?}: {refused:?}"))
}

async fn refused(kms: &TestKms, operation: &str, params: Params<'_>) -> Refusal {
    kms.call(operation, params).await.map(|answer| format!("{operation} {params:?}: {answer}")).unwrap_err()
}

async fn code(kms: &TestKms, operation: &str, params: Params<'_>) -> (u16, &'static str) {
    let refused = refused(kms, operation, params).await;
    (refused.status, refused.code)
}

async fn create(kms: &TestKms, name: &str) {
    ok(kms, "CreatePolicy", &[("PolicyName", name), ("PolicyDocument", DOCUMENT)]).await;
}

async fn create_role(kms: &TestKms, name: &str) -> Value {
    ok(kms, "CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", TRUST)]).await["Role"].take()
}

async fn user(kms: &TestKms, name: &str) {
    ok(kms, "CreateUser", &[("UserName", name), ("DisplayName", &format!("The user {name}"))]).await;
}

async fn group(kms: &TestKms, name: &str) {
    ok(kms, "CreateGroup", &[("GroupName", name), ("Comments", &format!("The group {name}"))]).await;
}

fn custom(name: &str) -> [(&str, &str); 2] {
    [("PolicyName", name), ("PolicyType", "Custom")]
}

/// Values of a member of the items of a list.
fn each<'a>(list: &'a Value, pointer: &str, member: &str) -> Vec<&'a str> {
    let items = list.pointer(pointer).unwrap().as_array().unwrap();
    items.iter().map(|item| item[member].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_policy_is_shown_as_it_was_made() {
    let kms = TestKms::new().await;
    let made = ok(
        &kms,
        "CreatePolicy",
        &[("PolicyName", "read-keys"), ("PolicyDocument", DOCUMENT), ("Description", "reads")],
    )
    .await;
    let now = kms.clock.now().to_string();
    let policy = json!({
        "PolicyName": "read-keys", "PolicyType": "Custom", "Description": "reads", "DefaultVersion": "v1",
        "CreateDate": now,
    });
    assert_eq!(made, json!({ "Policy": policy }));
    let shown = ok(&kms, "GetPolicy", &custom("read-keys")).await;
    let mut expected = policy;
    expected["UpdateDate"] = json!(now);
    expected["AttachmentCount"] = json!(0);
    expected["PolicyDocument"] = json!(DOCUMENT);
    let version = json!({ "VersionId": "v1", "IsDefaultVersion": true, "CreateDate": now, "PolicyDocument": DOCUMENT });
    assert_eq!(shown, json!({ "Policy": expected, "DefaultPolicyVersion": version }));
}

#[tokio::test]
async fn a_policy_of_the_service_is_shown_and_cannot_be_changed() {
    let kms = TestKms::new().await;
    let administrator = [("PolicyName", "AdministratorAccess"), ("PolicyType", "System")];
    let shown = ok(&kms, "GetPolicy", &administrator).await;
    assert_eq!(shown["Policy"]["PolicyType"], "System");
    assert_eq!(shown["Policy"]["DefaultVersion"], "v1");
    assert_eq!(shown["Policy"]["AttachmentCount"], 0);
    assert!(shown["DefaultPolicyVersion"]["PolicyDocument"].as_str().unwrap().contains("\"*\""));
    let versions = ok(&kms, "ListPolicyVersions", &administrator).await;
    assert_eq!(each(&versions, "/PolicyVersions/PolicyVersion", "VersionId"), ["v1"]);
    let [name, kind] = administrator;
    let version = ok(&kms, "GetPolicyVersion", &[name, kind, ("VersionId", "v1")]).await;
    assert_eq!(version["PolicyVersion"], versions["PolicyVersions"]["PolicyVersion"][0]);
    let other = code(&kms, "GetPolicyVersion", &[name, kind, ("VersionId", "v2")]).await;
    assert_eq!(other, (404, "EntityNotExist.Policy.Version"));
    for (operation, more) in [
        ("CreatePolicyVersion", ("PolicyDocument", DOCUMENT)),
        ("SetDefaultPolicyVersion", ("VersionId", "v1")),
        ("DeletePolicyVersion", ("VersionId", "v1")),
        ("UpdatePolicyDescription", ("NewDescription", "mine")),
        ("DeletePolicy", ("CascadingDelete", "true")),
    ] {
        assert_eq!(code(&kms, operation, &[name, more]).await, (404, "EntityNotExist.Policy"), "{operation}");
    }
}

#[tokio::test]
async fn a_name_is_used_once_in_an_account() {
    let kms = TestKms::new().await;
    create(&kms, "p").await;
    let again = code(&kms, "CreatePolicy", &[("PolicyName", "p"), ("PolicyDocument", DENY)]).await;
    assert_eq!(again, (409, "EntityAlreadyExists.Policy"));
    let other = [("PolicyName", "p"), ("PolicyDocument", DENY)];
    kms.call_from(OTHER, "CreatePolicy", &other).await.unwrap();
    let ours = ok(&kms, "GetPolicy", &custom("p")).await;
    assert_eq!(ours["Policy"]["PolicyDocument"], DOCUMENT);
    // A policy of the account may have the name of one of the service: its type tells them apart.
    create(&kms, "AdministratorAccess").await;
}

#[tokio::test]
async fn a_document_that_is_no_policy_is_refused_with_the_reason_and_the_place() {
    let kms = TestKms::new().await;
    create(&kms, "p").await;
    for (wrong, place) in [
        ("{", "JSON"),
        (r#"{"Version":"2","Statement":[]}"#, "Version"),
        (r#"{"Version":"1","Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}"#, "Statement[0].Effect"),
        (r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*"}]}"#, "Resource"),
        (
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Principal":{"RAM":["*"]}}]}"#,
            "Principal",
        ),
    ] {
        for operation in ["CreatePolicy", "CreatePolicyVersion"] {
            let refused = refused(&kms, operation, &[("PolicyName", "p"), ("PolicyDocument", wrong)]).await;
            assert_eq!((refused.status, refused.code), (400, "MalformedPolicyDocument"), "{wrong}");
            assert!(refused.message.contains(place) && refused.message.contains("PolicyDocument"), "{refused:?}");
        }
    }
    let long = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"kms:{}","Resource":"*"}}]}}"#,
        "x".repeat(6_144)
    );
    let refused = code(&kms, "CreatePolicy", &[("PolicyName", "q"), ("PolicyDocument", &long)]).await;
    assert_eq!(refused, (400, "InvalidParameter.PolicyDocument.Length"));
    // White space does not count.
    let spacious = DOCUMENT.replace(',', &format!(",{}", "\n".repeat(6_000)));
    ok(&kms, "CreatePolicy", &[("PolicyName", "q"), ("PolicyDocument", &spacious)]).await;
}

#[tokio::test]
async fn wrong_parameters_have_codes_of_their_own() {
    let kms = TestKms::new().await;
    let long = "x".repeat(129);
    let text = "字".repeat(1_025);
    let with = |name, description| [("PolicyName", name), ("PolicyDocument", DOCUMENT), ("Description", description)];
    for (operation, params, expected) in [
        ("CreatePolicy", &with("a.b", "")[..], "InvalidParameter.PolicyName.InvalidChars"),
        ("CreatePolicy", &with(&long, ""), "InvalidParameter.PolicyName.Length"),
        ("CreatePolicy", &with("p", &text), "InvalidParameter.Description.Length"),
        ("CreatePolicy", &[("PolicyName", "p")], "MissingParameter"),
        (
            "UpdatePolicyDescription",
            &[("PolicyName", "p"), ("NewDescription", &text)],
            "InvalidParameter.NewDescription.Length",
        ),
        ("UpdatePolicyDescription", &[("PolicyName", "p")], "MissingParameter"),
        ("GetPolicy", &[("PolicyName", "p"), ("PolicyType", "custom")], "InvalidParameter.PolicyType"),
        ("GetPolicy", &[("PolicyName", "p")], "MissingParameter"),
        ("DeletePolicyVersion", &[("PolicyName", "p"), ("VersionId", "1")], "InvalidParameter.VersionId.Format"),
        (
            "CreatePolicyVersion",
            &[("PolicyName", "p"), ("PolicyDocument", DOCUMENT), ("RotateStrategy", "All")],
            "InvalidParameter",
        ),
        ("ListPoliciesForUser", &[("UserName", "a b")], "InvalidParameter.UserName.InvalidChars"),
        ("ListPoliciesForUser", &[("UserName", &long)], "InvalidParameter.UserName.Length"),
        ("ListPoliciesForGroup", &[("GroupName", "a_b")], "InvalidParameter.GroupName.InvalidChars"),
        ("ListPoliciesForGroup", &[("GroupName", &long)], "InvalidParameter.GroupName.Length"),
        ("ListPoliciesForRole", &[("RoleName", "a_b")], "InvalidParameter.RoleName.InvalidChars"),
        ("ListPoliciesForRole", &[("RoleName", &long)], "InvalidParameter.RoleName.Length"),
    ] {
        assert_eq!(code(&kms, operation, params).await, (400, expected), "{operation} {params:?}");
    }
    for (name, value, expected) in [
        ("MaxItems", "0", "InvalidParameter.MaxItems.Range"),
        ("MaxItems", "1001", "InvalidParameter.MaxItems.Range"),
        ("Marker", "*", "InvalidParameter.Marker.Format"),
    ] {
        assert_eq!(code(&kms, "ListPolicies", &[(name, value)]).await, (400, expected));
    }
}

#[tokio::test]
async fn a_policy_that_is_not_there_is_not_found_by_any_operation() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    let [name, kind] = custom("no");
    for (operation, more) in [
        ("GetPolicy", kind),
        ("DeletePolicy", kind),
        ("UpdatePolicyDescription", ("NewDescription", "x")),
        ("CreatePolicyVersion", ("PolicyDocument", DOCUMENT)),
        ("DeletePolicyVersion", ("VersionId", "v1")),
        ("SetDefaultPolicyVersion", ("VersionId", "v1")),
        ("GetPolicyVersion", ("VersionId", "v1")),
        ("ListPolicyVersions", kind),
        ("ListEntitiesForPolicy", kind),
        ("AttachPolicyToUser", ("UserName", "alice")),
        ("DetachPolicyFromUser", ("UserName", "alice")),
    ] {
        assert_eq!(code(&kms, operation, &[name, kind, more]).await, (404, "EntityNotExist.Policy"), "{operation}");
    }
    let system = [("PolicyName", "NoSuchAccess"), ("PolicyType", "System"), ("UserName", "alice")];
    for operation in ["GetPolicy", "ListPolicyVersions", "ListEntitiesForPolicy", "AttachPolicyToUser"] {
        assert_eq!(code(&kms, operation, &system).await, (404, "EntityNotExist.Policy"), "{operation}");
    }
}

#[tokio::test]
async fn a_new_version_applies_when_it_is_made_the_default() {
    let kms = TestKms::new().await;
    create(&kms, "p").await;
    kms.clock.advance_seconds(60);
    let [name, kind] = custom("p");
    let made = ok(&kms, "CreatePolicyVersion", &[name, ("PolicyDocument", DENY)]).await;
    let now = kms.clock.now().to_string();
    let version = json!({ "VersionId": "v2", "IsDefaultVersion": false, "CreateDate": now, "PolicyDocument": DENY });
    assert_eq!(made, json!({ "PolicyVersion": version }));
    let shown = ok(&kms, "GetPolicy", &custom("p")).await;
    assert_eq!(shown["Policy"]["DefaultVersion"], "v1");
    assert_eq!(shown["Policy"]["UpdateDate"], json!(now));
    ok(&kms, "SetDefaultPolicyVersion", &[name, ("VersionId", "v2")]).await;
    let shown = ok(&kms, "GetPolicy", &custom("p")).await;
    assert_eq!(shown["Policy"]["DefaultVersion"], "v2");
    assert_eq!(shown["DefaultPolicyVersion"]["PolicyDocument"], DENY);
    let old = ok(&kms, "GetPolicyVersion", &[name, kind, ("VersionId", "v1")]).await;
    assert_eq!(old["PolicyVersion"]["IsDefaultVersion"], false);
    let at_once = [name, ("PolicyDocument", DOCUMENT), ("SetAsDefault", "true")];
    let made = ok(&kms, "CreatePolicyVersion", &at_once).await;
    assert_eq!(made["PolicyVersion"]["VersionId"], "v3");
    assert_eq!(made["PolicyVersion"]["IsDefaultVersion"], true);
    let versions = ok(&kms, "ListPolicyVersions", &custom("p")).await;
    assert_eq!(each(&versions, "/PolicyVersions/PolicyVersion", "VersionId"), ["v1", "v2", "v3"]);
    let missing = code(&kms, "SetDefaultPolicyVersion", &[name, ("VersionId", "v9")]).await;
    assert_eq!(missing, (404, "EntityNotExist.Policy.Version"));
}

#[tokio::test]
async fn a_policy_has_five_versions_at_most() {
    let kms = TestKms::new().await;
    create(&kms, "p").await;
    let [name, kind] = custom("p");
    let add = [name, ("PolicyDocument", DENY)];
    for _ in 0..4 {
        ok(&kms, "CreatePolicyVersion", &add).await;
    }
    for strategy in [&add[..], &[name, ("PolicyDocument", DENY), ("RotateStrategy", "None")]] {
        assert_eq!(code(&kms, "CreatePolicyVersion", strategy).await, (409, "LimitExceeded.Policy.Version"));
    }
    let strategy = ("RotateStrategy", "DeleteOldestNonDefaultVersionWhenLimitExceeded");
    let rotate = [name, ("PolicyDocument", DENY), strategy, ("SetAsDefault", "true")];
    ok(&kms, "CreatePolicyVersion", &rotate).await;
    ok(&kms, "CreatePolicyVersion", &rotate).await;
    let versions = ok(&kms, "ListPolicyVersions", &[name, kind]).await;
    // The default version was spared, first v1, then v6.
    assert_eq!(each(&versions, "/PolicyVersions/PolicyVersion", "VersionId"), ["v3", "v4", "v5", "v6", "v7"]);
}

#[tokio::test]
async fn a_version_is_deleted_unless_it_applies() {
    let kms = TestKms::new().await;
    create(&kms, "p").await;
    let [name, kind] = custom("p");
    ok(&kms, "CreatePolicyVersion", &[name, ("PolicyDocument", DENY)]).await;
    let applies = code(&kms, "DeletePolicyVersion", &[name, ("VersionId", "v1")]).await;
    assert_eq!(applies, (409, "DeleteConflict.Policy.Version.Default"));
    ok(&kms, "DeletePolicyVersion", &[name, ("VersionId", "v2")]).await;
    for operation in ["DeletePolicyVersion", "GetPolicyVersion"] {
        let gone = code(&kms, operation, &[name, kind, ("VersionId", "v2")]).await;
        assert_eq!(gone, (404, "EntityNotExist.Policy.Version"), "{operation}");
    }
}

#[tokio::test]
async fn a_description_is_changed_and_taken_away() {
    let kms = TestKms::new().await;
    create(&kms, "p").await;
    kms.clock.advance_seconds(60);
    let changed = ok(&kms, "UpdatePolicyDescription", &[("PolicyName", "p"), ("NewDescription", "新")]).await;
    assert_eq!(changed["Policy"]["Description"], "新");
    assert_eq!(changed["Policy"]["UpdateDate"], json!(kms.clock.now().to_string()));
    ok(&kms, "UpdatePolicyDescription", &[("PolicyName", "p"), ("NewDescription", "")]).await;
    assert_eq!(ok(&kms, "GetPolicy", &custom("p")).await["Policy"]["Description"], "");
}

#[tokio::test]
async fn a_policy_is_deleted_when_nothing_hangs_on_it() {
    let kms = TestKms::new().await;
    create(&kms, "p").await;
    user(&kms, "alice").await;
    group(&kms, "admins").await;
    create_role(&kms, "app").await;
    let [name, kind] = custom("p");
    for (kind_of_holder, holder) in [("User", "alice"), ("Group", "admins"), ("Role", "app")] {
        let parameter = format!("{kind_of_holder}Name");
        let attachment = [name, kind, (parameter.as_str(), holder)];
        ok(&kms, &format!("AttachPolicyTo{kind_of_holder}"), &attachment).await;
        let conflict = refused(&kms, "DeletePolicy", &[name, ("CascadingDelete", "true")]).await;
        assert_eq!(
            (conflict.status, conflict.code.to_owned()),
            (409, format!("DeleteConflict.Policy.{kind_of_holder}"))
        );
        ok(&kms, &format!("DetachPolicyFrom{kind_of_holder}"), &attachment).await;
    }
    ok(&kms, "CreatePolicyVersion", &[name, ("PolicyDocument", DENY)]).await;
    let versions = code(&kms, "DeletePolicy", &[name, ("CascadingDelete", "false")]).await;
    assert_eq!(versions, (409, "DeleteConflict.Policy.Version"));
    ok(&kms, "DeletePolicy", &[name, ("CascadingDelete", "true")]).await;
    create(&kms, "p").await;
    ok(&kms, "DeletePolicy", &[name]).await;
}

#[tokio::test]
async fn policies_are_listed_in_pages_first_those_of_the_account() {
    let kms = TestKms::new().await;
    for name in ["c", "a", "b"] {
        create(&kms, name).await;
    }
    let system: Vec<_> = {
        let mut names: Vec<_> = sesame_policy::system::ALL.iter().map(|policy| policy.name).collect();
        names.sort_unstable();
        names
    };
    let all = ok(&kms, "ListPolicies", &[]).await;
    let expected: Vec<_> = ["a", "b", "c"].into_iter().chain(system.iter().copied()).collect();
    assert_eq!(each(&all, "/Policies/Policy", "PolicyName"), expected);
    assert_eq!(all["IsTruncated"], false);
    assert!(all.get("Marker").is_none());
    let (mut seen, mut marker) = (Vec::new(), String::new());
    loop {
        let page = ok(&kms, "ListPolicies", &[("MaxItems", "2"), ("Marker", &marker)]).await;
        let names = each(&page, "/Policies/Policy", "PolicyName");
        assert!(names.len() == 2 || page["IsTruncated"] == false, "{names:?}");
        seen.extend(names.into_iter().map(str::to_owned));
        if page["IsTruncated"] == false {
            break;
        }
        marker = page["Marker"].as_str().unwrap().to_owned();
    }
    assert_eq!(seen, expected);
    let own = ok(&kms, "ListPolicies", &[("PolicyType", "Custom")]).await;
    assert_eq!(each(&own, "/Policies/Policy", "PolicyName"), ["a", "b", "c"]);
    let of_service = ok(&kms, "ListPolicies", &[("PolicyType", "System")]).await;
    assert_eq!(each(&of_service, "/Policies/Policy", "PolicyName"), system);
    let of_other = kms.call_from(OTHER, "ListPolicies", &[("PolicyType", "Custom")]).await.unwrap();
    assert_eq!(of_other["Policies"]["Policy"], json!([]));
}

#[tokio::test]
async fn a_listed_policy_shows_its_tags_and_how_often_it_is_attached() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    create(&kms, "plain").await;
    let tagged = [
        ("PolicyName", "tagged"),
        ("PolicyDocument", DOCUMENT),
        ("Tag", r#"[{"Key":"owner","Value":"alice"},{"Key":"env","Value":""}]"#),
    ];
    ok(&kms, "CreatePolicy", &tagged).await;
    let [name, kind] = custom("tagged");
    ok(&kms, "AttachPolicyToUser", &[name, kind, ("UserName", "alice")]).await;
    let found = ok(&kms, "ListPolicies", &[("Tag.1.Key", "owner"), ("Tag.1.Value", "alice")]).await;
    let now = kms.clock.now().to_string();
    let expected = json!({
        "PolicyName": "tagged", "PolicyType": "Custom", "Description": "", "DefaultVersion": "v1", "CreateDate": now,
        "UpdateDate": now, "AttachmentCount": 1,
        "Tags": { "Tag": [{ "TagKey": "env", "TagValue": "" }, { "TagKey": "owner", "TagValue": "alice" }] },
    });
    assert_eq!(found["Policies"]["Policy"], json!([expected]));
    for (sought, expected) in [("bob", json!([])), ("", json!([]))] {
        let found = ok(&kms, "ListPolicies", &[("Tag.1.Key", "owner"), ("Tag.1.Value", sought)]).await;
        assert_eq!(found["Policies"]["Policy"], expected);
    }
    // The official client sends this for no tags at all.
    let all = ok(&kms, "ListPolicies", &[("PolicyType", "Custom"), ("Tag", "[]")]).await;
    assert_eq!(each(&all, "/Policies/Policy", "PolicyName"), ["plain", "tagged"]);
    let any = ok(&kms, "ListPolicies", &[("Tag.1.Key", "owner")]).await;
    assert_eq!(each(&any, "/Policies/Policy", "PolicyName"), ["tagged"]);
    ok(
        &kms,
        "AttachPolicyToUser",
        &[("PolicyName", "AliyunKMSFullAccess"), ("PolicyType", "System"), ("UserName", "alice")],
    )
    .await;
    let system = ok(&kms, "ListPolicies", &[("PolicyType", "System")]).await;
    let counts: Vec<_> = system["Policies"]["Policy"].as_array().unwrap().iter().collect();
    for policy in counts {
        let expected = i32::from(policy["PolicyName"] == "AliyunKMSFullAccess");
        assert_eq!(policy["AttachmentCount"], expected, "{policy}");
    }
}

#[tokio::test]
async fn policies_are_attached_to_users_groups_and_roles() {
    let kms = TestKms::new().await;
    create(&kms, "p").await;
    user(&kms, "alice").await;
    group(&kms, "admins").await;
    let role = create_role(&kms, "app").await;
    kms.clock.advance_seconds(60);
    let now = kms.clock.now().to_string();
    for (kind, holder) in [("User", "alice"), ("Group", "admins"), ("Role", "app")] {
        let parameter = format!("{kind}Name");
        let holder = (parameter.as_str(), holder);
        let [attach, detach, list] =
            ["AttachPolicyTo", "DetachPolicyFrom", "ListPoliciesFor"].map(|verb| format!("{verb}{kind}"));
        for policy in [custom("p"), [("PolicyName", "AliyunKMSFullAccess"), ("PolicyType", "System")]] {
            let [name, policy_type] = policy;
            assert_eq!(ok(&kms, &attach, &[name, policy_type, holder]).await, json!({}));
            let again = refused(&kms, &attach, &[name, policy_type, holder]).await;
            assert_eq!((again.status, again.code.to_owned()), (409, format!("EntityAlreadyExists.{kind}.Policy")));
        }
        let listed = ok(&kms, &list, &[holder]).await;
        let own = json!({
            "PolicyName": "p", "PolicyType": "Custom", "Description": "", "DefaultVersion": "v1", "AttachDate": now,
        });
        let system = json!({
            "PolicyName": "AliyunKMSFullAccess", "PolicyType": "System",
            "Description": "Everything in Key Management Service.", "DefaultVersion": "v3", "AttachDate": now,
        });
        assert_eq!(listed, json!({ "Policies": { "Policy": [own, system] } }), "{list}");
        let system = [("PolicyName", "AliyunKMSFullAccess"), ("PolicyType", "System"), holder];
        ok(&kms, &detach, &system).await;
        let gone = refused(&kms, &detach, &system).await;
        assert_eq!((gone.status, gone.code.to_owned()), (404, format!("EntityNotExist.{kind}.Policy")));
    }
    let entities = ok(&kms, "ListEntitiesForPolicy", &custom("p")).await;
    let users = entities["Users"]["User"].as_array().unwrap();
    assert_eq!(users.len(), 1);
    assert_eq!(users[0]["UserName"], "alice");
    assert_eq!(users[0]["DisplayName"], "The user alice");
    assert_eq!(users[0]["UserId"].as_str().unwrap().len(), 18);
    assert_eq!(users[0]["AttachDate"], json!(now));
    let expected = json!([{ "GroupName": "admins", "Comments": "The group admins", "AttachDate": now }]);
    assert_eq!(entities["Groups"]["Group"], expected);
    let expected = json!([{
        "RoleId": role["RoleId"], "RoleName": "app", "Arn": role["Arn"], "Description": "", "AttachDate": now,
    }]);
    assert_eq!(entities["Roles"]["Role"], expected);
    assert_eq!(ok(&kms, "GetPolicy", &custom("p")).await["Policy"]["AttachmentCount"], 3);
}

#[tokio::test]
async fn who_is_not_there_cannot_hold_a_policy() {
    let kms = TestKms::new().await;
    create(&kms, "p").await;
    let [name, kind] = custom("p");
    for holder in ["User", "Group", "Role"] {
        let parameter = format!("{holder}Name");
        for verb in ["AttachPolicyTo", "DetachPolicyFrom", "ListPoliciesFor"] {
            let missing = refused(&kms, &format!("{verb}{holder}"), &[name, kind, (&parameter, "no")]).await;
            assert_eq!((missing.status, missing.code.to_owned()), (404, format!("EntityNotExist.{holder}")));
        }
    }
}

#[tokio::test]
async fn each_holds_so_many_policies_and_no_more() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    group(&kms, "admins").await;
    create_role(&kms, "app").await;
    let names: Vec<_> = (0..11).map(|number| format!("p{number}")).collect();
    for name in &names {
        create(&kms, name).await;
    }
    for (kind, holder, most) in [("User", "alice", 10), ("Group", "admins", 5), ("Role", "app", 5)] {
        let parameter = format!("{kind}Name");
        let attach = async |name: &str| {
            let [name, policy_type] = custom(name);
            kms.call(&format!("AttachPolicyTo{kind}"), &[name, policy_type, (&parameter, holder)]).await
        };
        for name in &names[..most] {
            attach(name).await.unwrap();
        }
        let full = attach(&names[most]).await.unwrap_err();
        assert_eq!((full.status, full.code.to_owned()), (409, format!("LimitExceeded.{kind}.Policy")));
        // What is attached already is said before that there is no room.
        let again = attach(&names[0]).await.unwrap_err();
        assert_eq!(again.code.to_owned(), format!("EntityAlreadyExists.{kind}.Policy"));
        // Policies of the service are counted apart.
        let system = [("PolicyName", "AdministratorAccess"), ("PolicyType", "System"), (&*parameter, holder)];
        ok(&kms, &format!("AttachPolicyTo{kind}"), &system).await;
    }
}

#[tokio::test]
async fn there_are_no_resource_groups() {
    let kms = TestKms::new().await;
    create(&kms, "p").await;
    user(&kms, "alice").await;
    let [name, kind] = custom("p");
    for operation in ["AttachPolicyToUser", "DetachPolicyFromUser"] {
        let limited = [name, kind, ("UserName", "alice"), ("ResourceGroupId", "rg-acfmyvq3u2sqd2y")];
        assert_eq!(code(&kms, operation, &limited).await, (404, "EntityNotExist.ResourceGroup"), "{operation}");
        // The id of the account stands for all of it.
        ok(&kms, operation, &[name, kind, ("UserName", "alice"), ("ResourceGroupId", "1234567890123456")]).await;
    }
}

#[tokio::test]
async fn an_account_has_a_limited_number_of_policies_and_roles() {
    let kms = TestKms::new().await;
    let now = kms.clock.now();
    let fill = kms.store.write(move |tx| {
        Box::pin(async move {
            for number in 0..1_500 {
                let policy = Policy {
                    account: "1234567890123456".parse().unwrap(),
                    name: format!("p{number}").parse().unwrap(),
                    description: String::new(),
                    default_version: PolicyVersionId::FIRST,
                    created_at: now,
                    updated_at: now,
                };
                sesame_store::ram_policies::insert(tx, &policy, DOCUMENT).await?;
            }
            for number in 0..1_000 {
                let role = Role {
                    id: format!("1{number:017}").parse().unwrap(),
                    account: "1234567890123456".parse().unwrap(),
                    name: format!("r{number}").parse().unwrap(),
                    description: String::new(),
                    trust_policy: TRUST.to_owned(),
                    max_session_seconds: 3_600,
                    created_at: now,
                    updated_at: now,
                };
                sesame_store::ram_roles::insert(tx, &role).await?;
            }
            Ok::<_, sesame_store::StoreError>(())
        })
    });
    fill.await.unwrap();
    let policy = [("PolicyName", "one-more"), ("PolicyDocument", DOCUMENT)];
    assert_eq!(code(&kms, "CreatePolicy", &policy).await, (409, "LimitExceeded.Policy"));
    let role = [("RoleName", "one-more"), ("AssumeRolePolicyDocument", TRUST)];
    assert_eq!(code(&kms, "CreateRole", &role).await, (409, "LimitExceeded.Role"));
    let page = ok(&kms, "ListPolicies", &[("MaxItems", "1000")]).await;
    assert_eq!(page["Policies"]["Policy"].as_array().unwrap().len(), 1_000);
    ok(&kms, "DeletePolicy", &[("PolicyName", "p0")]).await;
    ok(&kms, "CreatePolicy", &policy).await;
}

#[tokio::test]
async fn a_role_is_shown_as_it_was_made() {
    let kms = TestKms::new().await;
    let make = [
        ("RoleName", "app.1"),
        ("AssumeRolePolicyDocument", TRUST),
        ("Description", "for the app"),
        ("MaxSessionDuration", "43200"),
        ("AllowConsoleLogin", "false"),
        ("Tag.1.Key", "owner"),
        ("Tag.1.Value", "alice"),
    ];
    let made = ok(&kms, "CreateRole", &make).await;
    let id = made["Role"]["RoleId"].as_str().unwrap();
    assert!(id.len() == 18 && id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    let now = kms.clock.now().to_string();
    let mut expected = json!({
        "RoleId": id, "RoleName": "app.1", "Arn": "acs:ram::1234567890123456:role/app.1",
        "Description": "for the app", "MaxSessionDuration": 43_200, "AllowConsoleLogin": false, "CreateDate": now,
        "AssumeRolePolicyDocument": TRUST,
    });
    assert_eq!(made, json!({ "Role": expected }));
    expected["UpdateDate"] = json!(now);
    let mut shown = expected.clone();
    shown["IsServiceLinkedRole"] = json!(false);
    shown["RolePrincipalName"] = json!("app.1@role.1234567890123456.onaliyunservice.com");
    assert_eq!(ok(&kms, "GetRole", &[("RoleName", "app.1")]).await, json!({ "Role": shown }));
    expected.as_object_mut().unwrap().remove("AssumeRolePolicyDocument");
    expected["Tags"] = json!({ "Tag": [{ "TagKey": "owner", "TagValue": "alice" }] });
    let listed = ok(&kms, "ListRoles", &[("Tag", r#"[{"Key":"owner"}]"#)]).await;
    assert_eq!(listed, json!({ "Roles": { "Role": [expected] }, "IsTruncated": false }));
}

#[tokio::test]
async fn a_role_is_changed_in_what_is_given() {
    let kms = TestKms::new().await;
    let made = create_role(&kms, "app").await;
    assert_eq!(made["MaxSessionDuration"], 3_600);
    kms.clock.advance_seconds(60);
    let described = ok(&kms, "UpdateRole", &[("RoleName", "app"), ("NewDescription", "new")]).await;
    assert_eq!(described["Role"]["Description"], "new");
    assert_eq!(described["Role"]["AssumeRolePolicyDocument"], TRUST);
    assert_eq!(described["Role"]["CreateDate"], made["CreateDate"]);
    assert_eq!(described["Role"]["UpdateDate"], json!(kms.clock.now().to_string()));
    let trust = TRUST.replace(":root", ":user/alice");
    let more = [
        ("RoleName", "app"),
        ("NewAssumeRolePolicyDocument", &*trust),
        ("NewMaxSessionDuration", "7200"),
        ("NewDescription", ""),
    ];
    let changed = ok(&kms, "UpdateRole", &more).await;
    assert_eq!(changed["Role"]["Description"], "");
    assert_eq!(changed["Role"]["MaxSessionDuration"], 7_200);
    assert_eq!(changed["Role"]["AssumeRolePolicyDocument"], json!(trust));
    assert_eq!(changed["Role"]["RoleId"], made["RoleId"]);
}

#[tokio::test]
async fn a_role_is_deleted_when_no_policy_is_attached() {
    let kms = TestKms::new().await;
    let first = create_role(&kms, "app").await;
    let attach = [("PolicyName", "AdministratorAccess"), ("PolicyType", "System"), ("RoleName", "app")];
    ok(&kms, "AttachPolicyToRole", &attach).await;
    let role = [("RoleName", "app")];
    assert_eq!(code(&kms, "DeleteRole", &role).await, (409, "DeleteConflict.Role.Policy"));
    ok(&kms, "DetachPolicyFromRole", &attach).await;
    ok(&kms, "DeleteRole", &role).await;
    for operation in ["DeleteRole", "GetRole", "UpdateRole"] {
        assert_eq!(code(&kms, operation, &role).await, (404, "EntityNotExist.Role"), "{operation}");
    }
    let second = create_role(&kms, "app").await;
    assert_ne!(first["RoleId"], second["RoleId"], "an id is never used again");
}

#[tokio::test]
async fn roles_are_listed_by_name_in_pages() {
    let kms = TestKms::new().await;
    for name in ["c", "a", "b"] {
        create_role(&kms, name).await;
    }
    let first = ok(&kms, "ListRoles", &[("MaxItems", "2")]).await;
    assert_eq!(each(&first, "/Roles/Role", "RoleName"), ["a", "b"]);
    assert_eq!(first["IsTruncated"], true);
    let marker = first["Marker"].as_str().unwrap();
    let second = ok(&kms, "ListRoles", &[("MaxItems", "2"), ("Marker", marker)]).await;
    assert_eq!(each(&second, "/Roles/Role", "RoleName"), ["c"]);
    assert_eq!(second["IsTruncated"], false);
    assert!(second.get("Marker").is_none());
}

#[tokio::test]
async fn a_wrong_role_is_refused() {
    let kms = TestKms::new().await;
    create_role(&kms, "app").await;
    let with = |name, document| [("RoleName", name), ("AssumeRolePolicyDocument", document)];
    let again = code(&kms, "CreateRole", &with("app", TRUST)).await;
    assert_eq!(again, (409, "EntityAlreadyExists.Role"));
    // A policy for identities says nothing about who may assume a role.
    let refused = refused(&kms, "CreateRole", &with("r", DOCUMENT)).await;
    assert_eq!((refused.status, refused.code), (400, "MalformedPolicyDocument"));
    assert!(refused.message.contains("AssumeRolePolicyDocument"), "{refused:?}");
    let changed = [("RoleName", "app"), ("NewAssumeRolePolicyDocument", "{}")];
    assert_eq!(code(&kms, "UpdateRole", &changed).await, (400, "MalformedPolicyDocument"));
    let [name, document] = with("r", TRUST);
    let long = "x".repeat(65);
    for (params, expected) in [
        (&[("RoleName", "a_b"), document][..], "InvalidParameter.RoleName.InvalidChars"),
        (&[("RoleName", &long), document], "InvalidParameter.RoleName.Length"),
        (&[name], "MissingParameter"),
        (&[name, document, ("MaxSessionDuration", "3599")], "InvalidParameter"),
        (&[name, document, ("MaxSessionDuration", "43201")], "InvalidParameter"),
        (&[name, document, ("AllowConsoleLogin", "true")], "InvalidParameter"),
        (&[name, document, ("Tag.1.Key", "acs:x")], "InvalidParameter.TagKey"),
    ] {
        assert_eq!(code(&kms, "CreateRole", params).await, (400, expected), "{params:?}");
    }
}

#[tokio::test]
async fn what_one_account_has_is_nothing_to_another() {
    let kms = TestKms::new().await;
    create(&kms, "p").await;
    create_role(&kms, "app").await;
    let policy = kms.call_from(OTHER, "GetPolicy", &custom("p")).await.unwrap_err();
    assert_eq!(policy.code, "EntityNotExist.Policy");
    let role = kms.call_from(OTHER, "DeleteRole", &[("RoleName", "app")]).await.unwrap_err();
    assert_eq!(role.code, "EntityNotExist.Role");
    let roles = kms.call_from(OTHER, "ListRoles", &[]).await.unwrap();
    assert_eq!(roles["Roles"]["Role"], json!([]));
    let attach = [("PolicyName", "AdministratorAccess"), ("PolicyType", "System"), ("RoleName", "app")];
    let attached = kms.call_from(OTHER, "AttachPolicyToRole", &attach).await.unwrap_err();
    assert_eq!(attached.code, "EntityNotExist.Role");
}
