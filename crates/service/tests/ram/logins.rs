use serde_json::json;
use sesame_domain::Clock as _;
use sesame_service::Identity;
use sesame_testkit::TestKms;

use super::{STRANGER, allow, as_user, code, user};

const ALICE: (&str, &str) = ("UserName", "alice");
const TOO_WEAK: (u16, &str) = (400, "InvalidParameter.Password.TooWeak");

async fn password_hash(kms: &TestKms) -> String {
    let alice = as_user(kms, "alice").await;
    let Identity::User(user) = &alice.identity else { panic!("{alice:?}") };
    let mut conn = kms.store.reader().await.unwrap();
    sesame_store::ram_logins::get(&mut conn, &user.id).await.unwrap().unwrap().password_hash
}

#[tokio::test]
async fn a_login_profile_is_made_read_changed_and_removed() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    for operation in ["GetLoginProfile", "UpdateLoginProfile", "DeleteLoginProfile"] {
        assert_eq!(code(kms.call(operation, &[ALICE]).await), (404, "EntityNotExist.User.LoginProfile"), "{operation}");
        let nobody = kms.call(operation, &[("UserName", "nobody")]).await;
        assert_eq!(code(nobody), (404, "EntityNotExist.User"), "{operation}");
        assert_eq!(code(kms.call(operation, &[]).await), (400, "MissingParameter"), "{operation}");
        assert_eq!(
            code(kms.call_from(STRANGER, operation, &[ALICE]).await),
            (404, "EntityNotExist.User"),
            "{operation}"
        );
    }
    let password = ("Password", "correct horse");
    let made = kms.call("CreateLoginProfile", &[ALICE, password, ("PasswordResetRequired", "true")]).await.unwrap();
    let mut expected = json!({
        "UserName": "alice", "PasswordResetRequired": true, "MFABindRequired": false,
        "CreateDate": kms.clock.now().to_string(),
    });
    assert_eq!(made, json!({ "LoginProfile": expected }));
    assert_eq!(kms.call("GetLoginProfile", &[ALICE]).await.unwrap(), made);
    let hash = password_hash(&kms).await;
    assert!(hash.starts_with("$argon2id$v=19$") && !hash.contains("horse"), "{hash}");
    let again = kms.call("CreateLoginProfile", &[ALICE, password]).await;
    assert_eq!(code(again), (409, "EntityAlreadyExists.User.LoginProfile"));
    assert_eq!(code(kms.call("CreateLoginProfile", &[ALICE]).await), (400, "MissingParameter"));

    let change = [ALICE, ("PasswordResetRequired", "false"), ("MFABindRequired", "true")];
    assert_eq!(kms.call("UpdateLoginProfile", &change).await.unwrap(), json!({}));
    expected["PasswordResetRequired"] = json!(false);
    expected["MFABindRequired"] = json!(true);
    assert_eq!(kms.call("GetLoginProfile", &[ALICE]).await.unwrap(), json!({ "LoginProfile": expected }));
    assert_eq!(password_hash(&kms).await, hash);
    kms.call("UpdateLoginProfile", &[ALICE, ("Password", "another horse")]).await.unwrap();
    assert_ne!(password_hash(&kms).await, hash);
    assert_eq!(kms.call("GetLoginProfile", &[ALICE]).await.unwrap(), json!({ "LoginProfile": expected }));

    assert_eq!(kms.call("DeleteLoginProfile", &[ALICE]).await.unwrap(), json!({}));
    assert_eq!(code(kms.call("DeleteLoginProfile", &[ALICE]).await), (404, "EntityNotExist.User.LoginProfile"));
}

#[tokio::test]
async fn a_password_policy_is_set_whole() {
    let kms = TestKms::new().await;
    let defaults = json!({ "PasswordPolicy": {
        "MinimumPasswordLength": 8, "RequireLowercaseCharacters": false, "RequireUppercaseCharacters": false,
        "RequireNumbers": false, "RequireSymbols": false, "HardExpiry": false, "MaxPasswordAge": 0,
        "PasswordReusePrevention": 0, "MaxLoginAttemps": 0,
    }});
    assert_eq!(kms.call("GetPasswordPolicy", &[]).await.unwrap(), defaults);
    let all = [
        ("MinimumPasswordLength", "12"),
        ("RequireLowercaseCharacters", "true"),
        ("RequireUppercaseCharacters", "true"),
        ("RequireNumbers", "true"),
        ("RequireSymbols", "true"),
        ("HardExpiry", "true"),
        ("MaxPasswordAge", "90"),
        ("PasswordReusePrevention", "3"),
        ("MaxLoginAttemps", "5"),
    ];
    let set = kms.call("SetPasswordPolicy", &all).await.unwrap();
    assert_eq!(set["PasswordPolicy"]["MaxPasswordAge"], 90);
    assert_eq!(kms.call("GetPasswordPolicy", &[]).await.unwrap(), set);
    assert_eq!(kms.call_from(STRANGER, "GetPasswordPolicy", &[]).await.unwrap(), defaults);
    // What is not given gets its default.
    kms.call("SetPasswordPolicy", &[]).await.unwrap();
    assert_eq!(kms.call("GetPasswordPolicy", &[]).await.unwrap(), defaults);
    for (parameter, value) in [
        ("MinimumPasswordLength", "7"),
        ("MinimumPasswordLength", "33"),
        ("MaxPasswordAge", "1096"),
        ("PasswordReusePrevention", "25"),
        ("MaxLoginAttemps", "33"),
        ("MaxLoginAttemps", "-1"),
    ] {
        let refusal = kms.call("SetPasswordPolicy", &[(parameter, value)]).await.unwrap_err();
        assert_eq!((refusal.status, refusal.code), (400, &*format!("InvalidParameter.{parameter}.Range")));
    }
}

#[tokio::test]
async fn passwords_are_as_the_policy_demands() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    let refused = kms.call("CreateLoginProfile", &[ALICE, ("Password", "1234567")]).await.unwrap_err();
    assert_eq!((refused.status, refused.code), TOO_WEAK);
    assert!(refused.message.contains("at least 8 characters") && !refused.message.contains("1234567"), "{refused:?}");
    kms.call("SetPasswordPolicy", &[("RequireNumbers", "true"), ("RequireSymbols", "true")]).await.unwrap();
    for weak in ["abcdefghij", "abcdefghi1", "abcdefghi-"] {
        assert_eq!(code(kms.call("CreateLoginProfile", &[ALICE, ("Password", weak)]).await), TOO_WEAK);
    }
    kms.call("CreateLoginProfile", &[ALICE, ("Password", "abcdefg-1")]).await.unwrap();
    assert_eq!(code(kms.call("UpdateLoginProfile", &[ALICE, ("Password", "abcdefghi1")]).await), TOO_WEAK);
    // A policy is for the passwords to come.
    kms.call("SetPasswordPolicy", &[("MinimumPasswordLength", "20")]).await.unwrap();
    kms.call("UpdateLoginProfile", &[ALICE, ("MFABindRequired", "true")]).await.unwrap();
}

#[tokio::test]
async fn the_last_passwords_cannot_be_taken_again() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    let set = async |password: &str| kms.call("UpdateLoginProfile", &[ALICE, ("Password", password)]).await;
    kms.call("CreateLoginProfile", &[ALICE, ("Password", "password 1")]).await.unwrap();
    set("password 2").await.unwrap();
    set("password 3").await.unwrap();
    // Passwords from before the policy count, too.
    kms.call("SetPasswordPolicy", &[("PasswordReusePrevention", "2")]).await.unwrap();
    for used in ["password 3", "password 2"] {
        assert_eq!(code(set(used).await), TOO_WEAK, "{used}");
    }
    set("password 1").await.unwrap();
    assert_eq!(code(set("password 3").await), TOO_WEAK);
    // A new login profile does not forget them.
    kms.call("DeleteLoginProfile", &[ALICE]).await.unwrap();
    let again = kms.call("CreateLoginProfile", &[ALICE, ("Password", "password 1")]).await;
    assert_eq!(code(again), TOO_WEAK);
    kms.call("CreateLoginProfile", &[ALICE, ("Password", "password 2")]).await.unwrap();
}

#[tokio::test]
async fn a_user_changes_its_own_password() {
    let kms = TestKms::new().await;
    user(&kms, "alice").await;
    let alice = as_user(&kms, "alice").await;
    allow(&kms, "alice").await;
    let change = async |old: &str, new: &str| {
        kms.call_as(&alice, "ChangePassword", &[("OldPassword", old), ("NewPassword", new)]).await
    };
    assert_eq!(code(change("password 1", "password 2").await), (404, "EntityNotExist.User.LoginProfile"));
    kms.call("CreateLoginProfile", &[ALICE, ("Password", "password 1"), ("PasswordResetRequired", "true")])
        .await
        .unwrap();
    assert_eq!(code(change("password 2", "password 3").await), (400, "InvalidParameter.OldPassword"));
    assert_eq!(code(change("password 1", "short").await), (400, "InvalidParameter.NewPassword.TooWeak"));
    assert_eq!(change("password 1", "password 2").await.unwrap(), json!({}));
    let profile = kms.call("GetLoginProfile", &[ALICE]).await.unwrap();
    assert_eq!(profile["LoginProfile"]["PasswordResetRequired"], false);
    assert_eq!(code(change("password 1", "password 3").await), (400, "InvalidParameter.OldPassword"));
    for missing in [("OldPassword", "password 2"), ("NewPassword", "password 3")] {
        let refused = kms.call_as(&alice, "ChangePassword", &[missing]).await;
        assert_eq!(code(refused), (400, "MissingParameter"));
    }

    kms.call("SetSecurityPreference", &[("AllowUserToChangePassword", "false")]).await.unwrap();
    assert_eq!(code(change("password 2", "password 3").await), (403, "NoPermission"));
    let as_root = kms.call("ChangePassword", &[("OldPassword", "password 2"), ("NewPassword", "password 3")]).await;
    assert_eq!(code(as_root), (403, "NoPermission"));
}

#[tokio::test]
async fn a_security_preference_is_set_whole() {
    let kms = TestKms::new().await;
    let defaults = json!({ "SecurityPreference": {
        "LoginProfilePreference": {
            "EnableSaveMFATicket": false, "AllowUserToChangePassword": true, "LoginSessionDuration": 6,
            "LoginNetworkMasks": "",
        },
        "AccessKeyPreference": { "AllowUserToManageAccessKeys": false },
        "MFAPreference": { "AllowUserToManageMFADevices": true },
        "PublicKeyPreference": { "AllowUserToManagePublicKeys": false },
    }});
    assert_eq!(kms.call("GetSecurityPreference", &[]).await.unwrap(), defaults);
    let all = [
        ("EnableSaveMFATicket", "true"),
        ("AllowUserToChangePassword", "false"),
        ("AllowUserToManageAccessKeys", "true"),
        ("AllowUserToManageMFADevices", "false"),
        ("AllowUserToManagePublicKeys", "true"),
        ("LoginSessionDuration", "8"),
        ("LoginNetworkMasks", "10.0.0.0/8;192.0.2.1"),
    ];
    let set = kms.call("SetSecurityPreference", &all).await.unwrap();
    let login = &set["SecurityPreference"]["LoginProfilePreference"];
    assert_eq!(
        (&login["LoginSessionDuration"], &login["LoginNetworkMasks"]),
        (&json!(8), &json!("10.0.0.0/8;192.0.2.1"))
    );
    assert_eq!(kms.call("GetSecurityPreference", &[]).await.unwrap(), set);
    assert_eq!(kms.call_from(STRANGER, "GetSecurityPreference", &[]).await.unwrap(), defaults);
    kms.call("SetSecurityPreference", &[]).await.unwrap();
    assert_eq!(kms.call("GetSecurityPreference", &[]).await.unwrap(), defaults);
    for (parameter, value, expected) in [
        ("LoginSessionDuration", "0", "InvalidParameter.LoginSessionDuration.Range"),
        ("LoginSessionDuration", "25", "InvalidParameter.LoginSessionDuration.Range"),
        ("LoginNetworkMasks", "here", "InvalidParameter.LoginNetworkMasks.Format"),
    ] {
        assert_eq!(code(kms.call("SetSecurityPreference", &[(parameter, value)]).await), (400, expected));
    }
}
