//! Who may do what, from the request to the refusal: the scenarios of the access-control reference, section 8, and the
//! table of every operation for every system policy.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a call that must succeed fails its test")]

mod world;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sesame_policy::system;
use sesame_service::Principal;
use sesame_service::registry::{ENTRIES, Product};
use sesame_testkit::{Refusal, TestKms};
use world::{sample, text};

const ACCOUNT: &str = "1234567890123456";
const STRANGER: &str = "6543210987654321";
const HELLO: (&str, &str) = ("Plaintext", "aGVsbG8=");

fn allow(actions: &str, resource: &str) -> String {
    statement("Allow", actions, resource, "")
}

fn statement(effect: &str, actions: &str, resource: &str, condition: &str) -> String {
    let condition = if condition.is_empty() { String::new() } else { format!(r#","Condition":{condition}"#) };
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"{effect}","Action":"{actions}","Resource":"{resource}"{condition}}}]}}"#
    )
}

/// A key policy with the delegation to RAM and one more statement.
fn key_policy(effect: &str, principal: &str, actions: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[
            {{"Effect":"Allow","Principal":{{"RAM":["acs:ram::{ACCOUNT}:*"]}},"Action":["kms:*"],"Resource":["*"]}},
            {{"Effect":"{effect}","Principal":{{"RAM":["{principal}"]}},"Action":["{actions}"],"Resource":["*"]}}]}}"#
    )
}

fn arn(key: &str) -> String {
    format!("acs:kms:cn-hangzhou:{ACCOUNT}:key/{key}")
}

async fn encrypt(kms: &TestKms, who: &Principal, key: &str) -> Result<Value, Refusal> {
    kms.call_as(who, "Encrypt", &[("KeyId", key), HELLO]).await
}

/// The code, and the permission that was refused.
fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>) -> (&'static str, String, &'static str, &'static str) {
    let refusal = result.unwrap_err();
    let detail = refusal.denied.unwrap_or_else(|| panic!("not a refusal of permission: {}", refusal.code));
    (refusal.code, detail.auth_action, detail.no_permission_type, detail.policy_type)
}

const IDENTITY: &str = "AccountLevelIdentityBasedPolicy";
const RESOURCE: &str = "ResourceBasedPolicy";

#[tokio::test]
async fn nobody_may_do_what_no_policy_allows() {
    let kms = TestKms::new().await;
    let (key, nobody) = (kms.key(&[]).await, kms.user("nobody", &[]).await);
    let refusal = encrypt(&kms, &nobody, &key).await.unwrap_err();
    assert_eq!((refusal.status, refusal.code), (403, "Forbidden.NoPermission"));
    assert_eq!(refusal.message, format!("This operation for {} is forbidden by permission system.", arn(&key)));
    let detail = refusal.denied.unwrap();
    assert_eq!((detail.auth_action.as_str(), detail.no_permission_type), ("kms:Encrypt", "ImplicitDeny"));
    assert_eq!((detail.auth_principal_type.as_str(), detail.policy_type), ("SubUser", IDENTITY));
    assert_eq!(detail.auth_principal_owner_id, ACCOUNT);
}

#[tokio::test]
async fn a_deny_is_never_outvoted() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let from_elsewhere = statement("Deny", "kms:*", "*", r#"{"NotIpAddress":{"acs:SourceIp":"10.0.0.0/8"}}"#);
    let user = kms.user("u", &["AdministratorAccess", &from_elsewhere]).await;
    let (code, action, kind, by) = refused(encrypt(&kms, &user, &key).await);
    assert_eq!((code, action.as_str(), kind, by), ("Forbidden.NoPermission", "kms:Encrypt", "ExplicitDeny", IDENTITY));
}

#[tokio::test]
async fn a_permission_is_gone_with_the_next_call() {
    let kms = TestKms::new().await;
    let (key, user) = (kms.key(&[]).await, kms.user("u", &["AliyunKMSCryptoUserAccess"]).await);
    encrypt(&kms, &user, &key).await.unwrap();
    let named = [("PolicyType", "System"), ("PolicyName", "AliyunKMSCryptoUserAccess"), ("UserName", "u")];
    kms.call("Ram:DetachPolicyFromUser", &named).await.unwrap();
    assert_eq!(refused(encrypt(&kms, &user, &key).await).0, "Forbidden.NoPermission");
    // And it is there again through a group.
    kms.call("Ram:CreateGroup", &[("GroupName", "g")]).await.unwrap();
    kms.attach("Group", "g", &["AliyunKMSCryptoUserAccess"]).await;
    kms.call("Ram:AddUserToGroup", &[("GroupName", "g"), ("UserName", "u")]).await.unwrap();
    encrypt(&kms, &user, &key).await.unwrap();
    kms.call("Ram:RemoveUserFromGroup", &[("GroupName", "g"), ("UserName", "u")]).await.unwrap();
    assert_eq!(refused(encrypt(&kms, &user, &key).await).0, "Forbidden.NoPermission");
}

#[tokio::test]
async fn a_new_version_of_a_policy_counts_at_once() {
    let kms = TestKms::new().await;
    let (key, user) = (kms.key(&[]).await, kms.user("u", &[&allow("kms:Decrypt", "*")]).await);
    assert!(encrypt(&kms, &user, &key).await.is_err());
    let wider = allow("kms:*", "*");
    let version = [("PolicyName", "u-1"), ("PolicyDocument", &*wider), ("SetAsDefault", "true")];
    kms.call("Ram:CreatePolicyVersion", &version).await.unwrap();
    encrypt(&kms, &user, &key).await.unwrap();
    kms.call("Ram:SetDefaultPolicyVersion", &[("PolicyName", "u-1"), ("VersionId", "v1")]).await.unwrap();
    assert!(encrypt(&kms, &user, &key).await.is_err());
}

#[tokio::test]
async fn a_secret_under_a_key_of_the_account_needs_the_key_too() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    for (name, under) in [("of-key", Some(key.as_str())), ("of-service", None)] {
        let mut make = vec![("SecretName", name), ("VersionId", "1"), ("SecretData", "s")];
        make.extend(under.map(|key| ("EncryptionKeyId", key)));
        kms.call("CreateSecret", &make).await.unwrap();
    }
    let user = kms.user("u", &["AliyunKMSSecretUserAccess"]).await;
    let read = async |name| kms.call_as(&user, "GetSecretValue", &[("SecretName", name)]).await;
    let refusal = read("of-key").await.unwrap_err();
    assert_eq!(refusal.denied.unwrap().auth_action, "kms:Decrypt");
    assert!(refusal.message.contains(&arn(&key)), "{}", refusal.message);
    assert_eq!(read("of-service").await.unwrap()["SecretData"], "s");
    // Of several, those that may be read are read.
    let list = r#"[{"SecretName":"of-key"},{"SecretName":"of-service"}]"#;
    let both = kms.call_as(&user, "BatchGetSecretValue", &[("SecretsList", list)]).await.unwrap();
    assert_eq!(both["SecretValues"][0]["SecretName"], "of-service");
    assert_eq!(both["Errors"][0]["Code"], "Forbidden.NoPermission");
}

#[tokio::test]
async fn re_encrypt_needs_a_permission_for_each_key() {
    let kms = TestKms::new().await;
    let (from, to) = (kms.key(&[]).await, kms.key(&[]).await);
    let blob = text(&kms.call("Encrypt", &[("KeyId", &from), HELLO]).await.unwrap(), "CiphertextBlob");
    let call = [("CiphertextBlob", blob.as_str()), ("DestinationKeyId", to.as_str())];
    let both = kms.user("both", &[&allow("kms:ReEncrypt*", "*")]).await;
    kms.call_as(&both, "ReEncrypt", &call).await.unwrap();
    let half = kms.user("half", &[&allow("kms:ReEncryptFrom", "*")]).await;
    let refusal = kms.call_as(&half, "ReEncrypt", &call).await.unwrap_err();
    assert!(refusal.message.contains(&arn(&to)), "{}", refusal.message);
    assert_eq!(refusal.denied.unwrap().auth_action, "kms:ReEncryptTo");
}

#[tokio::test]
async fn a_tag_of_a_key_gives_access_and_untagging_takes_it() {
    let kms = TestKms::new().await;
    let key = kms.key(&[("Tags", r#"[{"TagKey":"Project","TagValue":"Apollo"}]"#)]).await;
    let of_project =
        statement("Allow", "kms:Encrypt", "*", r#"{"StringEqualsIgnoreCase":{"kms:tag/Project":"apollo"}}"#);
    let user = kms.user("u", &[&of_project]).await;
    encrypt(&kms, &user, &key).await.unwrap();
    let untag =
        [("RegionId", "cn-hangzhou"), ("ResourceType", "key"), ("ResourceId.1", &*key), ("TagKey.1", "Project")];
    kms.call("UntagResources", &untag).await.unwrap();
    assert_eq!(refused(encrypt(&kms, &user, &key).await).2, "ImplicitDeny");
    // And a Deny upon a tag begins with the tag.
    let denied = statement("Deny", "kms:*", "*", r#"{"StringEquals":{"kms:tag/closed":"yes"}}"#);
    let other = kms.user("other", &["AliyunKMSFullAccess", &denied]).await;
    encrypt(&kms, &other, &key).await.unwrap();
    kms.call("TagResource", &[("KeyId", &key), ("Tags", r#"[{"TagKey":"closed","TagValue":"yes"}]"#)]).await.unwrap();
    assert_eq!(refused(encrypt(&kms, &other, &key).await).2, "ExplicitDeny");
}

#[tokio::test]
async fn tags_of_many_resources_are_changed_under_either_name_or_not_at_all() {
    let kms = TestKms::new().await;
    let tags = ("Tags", r#"[{"TagKey":"a","TagValue":"1"}]"#);
    let (one, two) = (kms.key(&[tags]).await, kms.key(&[tags]).await);
    let region = [("RegionId", "cn-hangzhou"), ("ResourceType", "key"), ("TagKey.1", "a")];
    let untag = [&region[..], &[("ResourceId.1", &*one), ("ResourceId.2", &*two)]].concat();
    let half = kms.user("half", &[&allow("kms:*", &arn(&one))]).await;
    let refusal = kms.call_as(&half, "UntagResources", &untag).await.unwrap_err();
    assert_eq!(refusal.denied.unwrap().auth_action, "kms:UntagResources");
    let kept = kms.call("ListResourceTags", &[("KeyId", &one)]).await.unwrap();
    assert_eq!(kept["Tags"]["Tag"][0]["TagKey"], "a");
    // The system policy allows it under the name of another product.
    let admin = kms.user("admin", &["AliyunKMSCryptoAdminAccess"]).await;
    kms.call_as(&admin, "UntagResources", &untag).await.unwrap();
    let kept = kms.call("ListResourceTags", &[("KeyId", &one)]).await.unwrap();
    assert_eq!(kept["Tags"]["Tag"], json!([]));
    // A Deny of either name refuses.
    let never = kms.user("never", &["AliyunKMSFullAccess", &statement("Deny", "ecs:UntagResources", "*", "")]).await;
    assert_eq!(refused(kms.call_as(&never, "UntagResources", &untag).await).2, "ExplicitDeny");
}

#[tokio::test]
async fn a_key_policy_grants_to_whom_it_names() {
    let kms = TestKms::new().await;
    let (user, other) = (kms.user("u", &[]).await, kms.user("v", &[]).await);
    let key = kms.key(&[]).await;
    // The default policy leaves everything to RAM.
    assert!(encrypt(&kms, &user, &key).await.is_err());
    let policy = key_policy("Allow", &format!("acs:ram::{ACCOUNT}:user/u"), "kms:Encrypt");
    kms.call("SetKeyPolicy", &[("KeyId", &key), ("Policy", &policy)]).await.unwrap();
    encrypt(&kms, &user, &key).await.unwrap();
    assert!(encrypt(&kms, &other, &key).await.is_err());
}

#[tokio::test]
async fn a_key_policy_refuses_even_the_root_of_the_account() {
    let kms = TestKms::new().await;
    let policy = key_policy("Deny", &format!("acs:ram::{ACCOUNT}:root"), "kms:Encrypt");
    let key = kms.key(&[("Policy", &policy)]).await;
    let (_, _, kind, by) = refused(kms.call("Encrypt", &[("KeyId", &key), HELLO]).await);
    assert_eq!((kind, by), ("ExplicitDeny", RESOURCE));
    // But nobody locks the account out of its key.
    let locking = key_policy("Deny", &format!("acs:ram::{ACCOUNT}:*"), "kms:*");
    let refusal = kms.call("SetKeyPolicy", &[("KeyId", &key), ("Policy", &locking)]).await.unwrap_err();
    assert_eq!(refusal.code, "InvalidParameter");
    assert!(refusal.message.contains("kms:SetKeyPolicy"), "{}", refusal.message);
}

#[tokio::test]
async fn a_policy_names_users_and_roles_that_there_are() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    for who in ["user/ghost", "role/ghost"] {
        let policy = key_policy("Allow", &format!("acs:ram::{ACCOUNT}:{who}"), "kms:Encrypt");
        let refusal = kms.call("SetKeyPolicy", &[("KeyId", &key), ("Policy", &policy)]).await.unwrap_err();
        assert_eq!(refusal.code, "InvalidParameter");
        assert!(refusal.message.contains("ghost"), "{}", refusal.message);
    }
    // Whom another account has cannot be known.
    let policy = key_policy("Allow", &format!("acs:ram::{STRANGER}:role/r"), "kms:Encrypt");
    kms.call("SetKeyPolicy", &[("KeyId", &key), ("Policy", &policy)]).await.unwrap();
    let events = kms.events();
    let more = &events.last().unwrap()["additionalEventData"];
    assert_eq!(more["foreignAccounts"], json!([STRANGER]));
    assert_eq!(more["policySha256"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn another_account_needs_both_sides_and_the_arn() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let call = [("KeyId", arn(&key)), ("Plaintext", "aGVsbG8=".to_owned())];
    let call: Vec<_> = call.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (_, _, kind, by) = refused(kms.call_from(STRANGER, "Encrypt", &call).await);
    assert_eq!((kind, by), ("ImplicitDeny", RESOURCE));
    let policy = key_policy("Allow", &format!("acs:ram::{STRANGER}:root"), "kms:*");
    kms.call("SetKeyPolicy", &[("KeyId", &key), ("Policy", &policy)]).await.unwrap();
    let made = kms.call_from(STRANGER, "Encrypt", &call).await.unwrap();
    let opened = [("CiphertextBlob", made["CiphertextBlob"].as_str().unwrap())];
    assert_eq!(kms.call_from(STRANGER, "Decrypt", &opened).await.unwrap()["Plaintext"], "aGVsbG8=");
    // Use, not administration; and by id it is a key that the caller's account does not have.
    let administration = kms.call_from(STRANGER, "DisableKey", &[("KeyId", &arn(&key))]).await;
    assert_eq!(refused(administration).3, RESOURCE);
    let by_id = kms.call_from(STRANGER, "Encrypt", &[("KeyId", &key), HELLO]).await.unwrap_err();
    assert_eq!(by_id.code, "Forbidden.KeyNotFound");
    // The event says whose key was used.
    assert!(kms.events().iter().any(|event| event["userIdentity"]["accountId"] == STRANGER));
}

#[tokio::test]
async fn a_session_may_do_what_its_role_and_its_own_policy_allow() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let narrowed = kms.session("r", &["AliyunKMSFullAccess"], Some(&allow("kms:Encrypt", "*"))).await;
    let made = encrypt(&kms, &narrowed, &key).await.unwrap();
    let blob = made["CiphertextBlob"].as_str().unwrap();
    let (_, _, kind, by) = refused(kms.call_as(&narrowed, "Decrypt", &[("CiphertextBlob", blob)]).await);
    assert_eq!((kind, by), ("ImplicitDeny", "SessionPolicy"));
    // A session policy gives nothing that the role has not.
    let poor = kms.session("poor", &[], Some(&allow("*", "*"))).await;
    assert_eq!(refused(encrypt(&kms, &poor, &key).await).3, IDENTITY);
    let events = kms.events();
    let identity = &events.iter().find(|event| event["userIdentity"]["type"] == "assumed-role").unwrap();
    assert_eq!(identity["userIdentity"]["userName"], "r:test");
    assert_eq!(identity["requestParameters"]["stsTokenPrincipalName"], "r/test");
}

#[tokio::test]
async fn an_alias_is_checked_beside_its_key() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let user = kms.user("u", &[&allow("kms:*", &arn(&key))]).await;
    let alias = ("AliasName", "alias/app");
    let refusal = kms.call_as(&user, "CreateAlias", &[alias, ("KeyId", &key)]).await.unwrap_err();
    assert_eq!(refusal.denied.unwrap().auth_action, "kms:CreateAlias");
    assert!(refusal.message.contains(&format!("acs:kms:cn-hangzhou:{ACCOUNT}:alias/app")), "{}", refusal.message);
    // To use a key by its alias needs nothing but the key; to delete the alias needs both.
    kms.call("CreateAlias", &[alias, ("KeyId", &key)]).await.unwrap();
    encrypt(&kms, &user, "alias/app").await.unwrap();
    let only_alias = format!("acs:kms:*:{ACCOUNT}:alias/*");
    let other = kms.user("v", &[&allow("kms:DeleteAlias", &only_alias)]).await;
    let refusal = kms.call_as(&other, "DeleteAlias", &[alias]).await.unwrap_err();
    assert!(refusal.message.contains(&arn(&key)), "{}", refusal.message);
}

#[tokio::test]
async fn only_who_may_learns_that_something_is_missing() {
    let kms = TestKms::new().await;
    let (nobody, reader) = (kms.user("nobody", &[]).await, kms.user("reader", &["AliyunKMSFullAccess"]).await);
    let absent = "key-hzz000000000000000000";
    let blob = {
        let key = kms.key(&[]).await;
        let made = kms.call("Encrypt", &[("KeyId", &key), HELLO]).await.unwrap();
        let mut bytes = STANDARD.decode(made["CiphertextBlob"].as_str().unwrap()).unwrap();
        bytes[..25].copy_from_slice(absent.as_bytes());
        STANDARD.encode(bytes)
    };
    for (operation, params, missing) in [
        ("DescribeKey", vec![("KeyId", absent)], "Forbidden.KeyNotFound"),
        ("DescribeKey", vec![("KeyId", "no-such-key")], "Forbidden.KeyNotFound"),
        ("DescribeKey", vec![("KeyId", "alias/none")], "Forbidden.AliasNotFound"),
        ("Decrypt", vec![("CiphertextBlob", blob.as_str())], "Forbidden.KeyNotFound"),
        ("DeleteAlias", vec![("AliasName", "alias/none")], "Forbidden.AliasNotFound"),
        ("DescribeSecret", vec![("SecretName", "none")], "Forbidden.ResourceNotFound"),
        ("GetSecretValue", vec![("SecretName", "none")], "Forbidden.ResourceNotFound"),
        ("DescribeCertificate", vec![("CertificateId", "none")], "Certificate.NotFound"),
    ] {
        assert_eq!(kms.call_as(&nobody, operation, &params).await.unwrap_err().code, "Forbidden.NoPermission");
        assert_eq!(kms.call_as(&reader, operation, &params).await.unwrap_err().code, missing, "{operation} {params:?}");
    }
}

#[tokio::test]
async fn a_malformed_call_is_refused_before_permission_is_asked() {
    let kms = TestKms::new().await;
    let nobody = kms.user("nobody", &[]).await;
    let ids: Vec<(String, String)> = (1..=51).map(|n| (format!("ResourceId.{n}"), format!("key-{n}"))).collect();
    let mut call = vec![("RegionId", "cn-hangzhou"), ("ResourceType", "key"), ("TagKey.1", "a")];
    call.extend(ids.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let refusal = kms.call_as(&nobody, "UntagResources", &call).await.unwrap_err();
    assert_eq!((refusal.code, refusal.denied.is_none()), ("InvalidParameter", true));
}

#[tokio::test]
async fn conditions_see_the_algorithm_the_time_and_the_transport() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    for (condition, allowed) in [
        (r#"{"StringEquals":{"kms:EncryptionAlgorithm":"SYMMETRIC_DEFAULT"}}"#, true),
        (r#"{"StringEquals":{"kms:EncryptionAlgorithm":"RSAES_OAEP_SHA_256"}}"#, false),
        (r#"{"Bool":{"acs:SecureTransport":"true"}}"#, true),
        (r#"{"Bool":{"acs:SecureTransport":"false"}}"#, false),
        (r#"{"DateLessThan":{"acs:CurrentTime":"2000-01-01T00:00:00Z"}}"#, false),
        (r#"{"DateGreaterThan":{"acs:CurrentTime":"2000-01-01T00:00:00Z"}}"#, true),
        (r#"{"IpAddress":{"acs:SourceIp":"127.0.0.0/8"}}"#, true),
        (r#"{"StringLike":{"acs:PrincipalARN":"acs:ram::*:user/c*"}}"#, true),
        (r#"{"StringEquals":{"acs:SourceVpc":"vpc-1"}}"#, false),
    ] {
        let name = format!("c{}", condition.len() * 7 + condition.bytes().map(usize::from).sum::<usize>());
        let user = kms.user(&name, &[&statement("Allow", "kms:Encrypt", "*", condition)]).await;
        assert_eq!(encrypt(&kms, &user, &key).await.is_ok(), allowed, "{condition}");
    }
}

#[tokio::test]
async fn a_new_key_can_be_required_to_carry_a_tag() {
    let kms = TestKms::new().await;
    let tagged = statement("Allow", "kms:CreateKey", "*", r#"{"StringEquals":{"acs:RequestTag/team":"red"}}"#);
    let user = kms.user("u", &[&tagged]).await;
    let make = async |tags: &str| kms.call_as(&user, "CreateKey", &[("Tags", tags)]).await;
    make(r#"[{"TagKey":"team","TagValue":"red"}]"#).await.unwrap();
    let refusal = make(r#"[{"TagKey":"team","TagValue":"blue"}]"#).await.unwrap_err();
    assert_eq!((refusal.status, refusal.code), (400, "Forbidden.NoPermission"));
}

#[tokio::test]
async fn a_rehearsal_says_that_permission_is_missing() {
    let kms = TestKms::new().await;
    let (key, nobody) = (kms.key(&[]).await, kms.user("nobody", &[]).await);
    let refusal = kms.call_as(&nobody, "Encrypt", &[("KeyId", &key), HELLO, ("DryRun", "true")]).await.unwrap_err();
    assert_eq!((refusal.status, refusal.code), (403, "AccessDeniedError"));
}

#[tokio::test]
async fn a_refusal_is_explained_to_its_account_for_a_day() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let user = kms.user("u", &["AdministratorAccess", &statement("Deny", "kms:Enc*", "*", "")]).await;
    let message = encrypt(&kms, &user, &key).await.unwrap_err().denied.unwrap().encoded_diagnostic_message;
    let decode = [("EncodedDiagnosticMessage", message.as_str())];
    let decoded = kms.call("Ram:DecodeDiagnosticMessage", &decode).await.unwrap();
    let decoded = &decoded["DecodedDiagnosticMessage"];
    assert_eq!(decoded["AuthAction"], "kms:Encrypt");
    assert_eq!(decoded["AuthResource"], arn(&key));
    assert_eq!(decoded["ExplicitDeny"], true);
    assert_eq!(decoded["MatchedPolicies"][0]["PolicyIdentifier"], "u-2");
    assert_eq!(decoded["MatchedPolicies"][0]["AttachedEntityType"], "RamUser");
    let strange = kms.call_from(STRANGER, "Ram:DecodeDiagnosticMessage", &decode).await.unwrap_err();
    assert_eq!((strange.status, strange.code), (404, "EntityNotExist"));
    kms.clock.advance_seconds(86_401);
    let late = kms.call("Ram:DecodeDiagnosticMessage", &decode).await.unwrap_err();
    assert_eq!((late.status, late.code), (400, "EncodedMessageExpire"));
    let garbage = [("EncodedDiagnosticMessage", "AQEAAAAAaaVHIjdD")];
    assert_eq!(kms.call("Ram:DecodeDiagnosticMessage", &garbage).await.unwrap_err().code, "EntityNotExist");
}

/// Operations that need no permission (access-control reference, 1.8 and 3.2): they show nothing that is the account's.
const OPEN: &[&str] = &["DescribeRegions", "GetChallenge", "GetCallerIdentity", "AssumeRoleWithOIDC"];

#[tokio::test]
async fn no_operation_answers_without_permission() {
    let kms = TestKms::new().await;
    let nobody = kms.user("nobody", &[]).await;
    let nobody_at_all = Principal { identity: sesame_service::Identity::Anonymous, ..nobody.clone() };
    let poor = kms.session("poor", &[], None).await;
    for entry in ENTRIES.iter().filter(|entry| !OPEN.contains(&entry.name)) {
        let call = sample(&kms, entry.name, &world::canary(7)).await;
        for who in [&nobody, &nobody_at_all, &poor] {
            match kms.call_as(who, entry.name, &call.params()).await {
                // It answers about each secret by itself.
                Ok(answer) if entry.name == "BatchGetSecretValue" => {
                    assert_eq!(answer["SecretValues"], json!([]));
                    assert_eq!(answer["Errors"][0]["Code"], "Forbidden.NoPermission");
                }
                Ok(answer) => panic!("{} answers {who:?} {answer}", entry.name),
                Err(refusal) => assert!(refusal.denied.is_some(), "{}: {refusal:?}", entry.name),
            }
        }
        // And nothing was done: what the sample is about can still be done by who may.
        for key in &call.keys {
            let seen = kms.call("DescribeKey", &[("KeyId", key)]).await.unwrap();
            assert_ne!(seen["KeyMetadata"]["KeyState"], "PendingDeletion", "{}", entry.name);
        }
    }
}

/// Each operation for each system policy, as text that people review: what changes here changes who may do what.
#[tokio::test]
async fn the_table_of_permissions_is_the_reviewed_one() {
    let kms = TestKms::new().await;
    let mut who = Vec::new();
    for policy in system::ALL {
        who.push((policy.name, kms.user(&policy.name.to_lowercase(), &[policy.name]).await));
    }
    let mut table =
        String::from("Columns, one for each system policy: x allowed, . denied, o denied on another permission\n");
    for (position, (name, _)) in who.iter().enumerate() {
        writeln!(table, "{}{name}", " ".repeat(position)).unwrap();
    }
    for product in Product::ALL {
        let mut entries: Vec<_> = ENTRIES.iter().filter(|entry| entry.product == *product).collect();
        entries.sort_by_key(|entry| entry.name);
        for entry in entries {
            let mut row = String::new();
            for (_, user) in &who {
                let call = sample(&kms, entry.name, &world::canary(7)).await;
                let own = format!("{}:{}", entry.product.action_prefix(), entry.name);
                row.push(match kms.call_as(user, entry.name, &call.params()).await {
                    Ok(answer) if answer["Errors"][0]["Code"] == "Forbidden.NoPermission" => 'o',
                    Ok(_) => 'x',
                    Err(refusal) => match refusal.denied {
                        Some(detail) if detail.auth_action == own => '.',
                        Some(_) => 'o',
                        None => 'x',
                    },
                });
            }
            writeln!(table, "{row} {}:{}", entry.product.action_prefix(), entry.name).unwrap();
        }
    }
    let reviewed = include_str!("permissions.txt");
    if reviewed != table {
        let proposed = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("permissions.txt");
        std::fs::write(&proposed, &table).unwrap();
        panic!(
            "the table differs from tests/permissions.txt; review {} and put it there:\n{table}",
            proposed.display()
        );
    }
}
