//! Users, groups, access keys and logins.

use std::sync::Arc;

use parking_lot::Mutex;
use sesame_crypto::secret::SecretText;
use sesame_domain::ram::{Group, IdentityId, LoginProfile, PasswordPolicy, SecurityPreference, User};
use sesame_domain::{AccountId, Timestamp};

use super::bed::account;
use super::{Bed, on_both_engines};
use crate::access_keys::AccessKeyRecord;
use crate::ram_access_keys::UserAccessKey;
use crate::ram_groups::GroupHas;
use crate::ram_logins::Login;
use crate::ram_users::UserHas;
use crate::{
    Change, StoreError, access_keys, accounts, ram_access_keys, ram_groups, ram_logins, ram_memberships, ram_settings,
    ram_users,
};

const T: Timestamp = Timestamp::from_millis(1_000);

/// A write of one expression; what it uses is cloned for each run.
macro_rules! write {
    ($bed:ident, |$tx:ident| $body:expr $(, $name:ident)*) => {{
        $(let $name = $name.clone();)*
        $bed.write(move |$tx| {
            $(let $name = $name.clone();)*
            Box::pin(async move { $body.await })
        })
        .await
    }};
}

macro_rules! read {
    ($bed:ident, |$conn:ident| $body:expr) => {{
        let mut reader = $bed.store.reader().await.unwrap();
        let $conn = &mut reader;
        $body.await.unwrap()
    }};
}

fn other_account() -> AccountId {
    "6543210987654321".parse().unwrap()
}

async fn with_accounts(bed: &Bed) {
    for account in [account(), other_account()] {
        write!(bed, |tx| accounts::insert(tx, &account, T), account).unwrap();
    }
}

fn user(number: u8, account: AccountId, name: &str) -> User {
    User {
        id: IdentityId::from_random([number; 8]),
        account,
        name: name.parse().unwrap(),
        display_name: "A User".to_owned(),
        mobile_phone: "86-18600008888".to_owned(),
        email: "a@b.example".to_owned(),
        comments: "for tests".to_owned(),
        created_at: T,
        updated_at: T,
    }
}

fn group(number: u8, name: &str) -> Group {
    Group {
        id: IdentityId::of_group(&format!("{number:016}")),
        account: account(),
        name: name.parse().unwrap(),
        comments: "for tests".to_owned(),
        created_at: T,
        updated_at: T,
    }
}

async fn add_user(bed: &Bed, number: u8, name: &str) -> User {
    let user = user(number, account(), name);
    write!(bed, |tx| ram_users::insert(tx, &user), user).unwrap();
    user
}

async fn add_group(bed: &Bed, number: u8, name: &str) -> Group {
    let group = group(number, name);
    write!(bed, |tx| ram_groups::insert(tx, &group), group).unwrap();
    group
}

async fn add_key(bed: &Bed, user: &User, id: &'static str, created_at: Timestamp) {
    let (user, account) = (user.id.clone(), user.account.clone());
    bed.write(move |tx| {
        let (user, account) = (user.clone(), account.clone());
        let secret = SecretText::new(format!("secret of {id}"));
        let key = UserAccessKey { id: id.to_owned(), user, account, secret, active: true, created_at };
        Box::pin(async move { ram_access_keys::insert(tx, &key).await })
    })
    .await
    .unwrap();
}

/// What the store says was changed from now on.
fn changes(bed: &Bed) -> Arc<Mutex<Vec<Change>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    bed.store.on_change(Arc::new(move |changes| kept.lock().extend_from_slice(changes)));
    seen
}

fn names<T>(rows: &[T], name: impl Fn(&T) -> String) -> String {
    rows.iter().map(name).collect::<Vec<_>>().join(" ")
}

on_both_engines! {
    a_user_is_kept_by_name_and_by_id(bed) {
        with_accounts(&bed).await;
        let alice = add_user(&bed, 1, "alice").await;
        assert_eq!(read!(bed, |conn| ram_users::by_name(conn, &account(), &alice.name)), Some(alice.clone()));
        assert_eq!(read!(bed, |conn| ram_users::by_id(conn, &alice.id)), Some(alice.clone()));
        assert_eq!(read!(bed, |conn| ram_users::by_name(conn, &other_account(), &alice.name)), None);
        // One name in one account; the same in another is another user.
        let (twin, foreign) = (user(2, account(), "alice"), user(3, other_account(), "alice"));
        assert!(matches!(write!(bed, |tx| ram_users::insert(tx, &twin), twin), Err(StoreError::AlreadyExists)));
        write!(bed, |tx| ram_users::insert(tx, &foreign), foreign).unwrap();
        assert_eq!(read!(bed, |conn| ram_users::count(conn, &account())), 1);
    }

    users_are_listed_by_name_page_by_page(bed) {
        with_accounts(&bed).await;
        for (number, name) in [(1, "b"), (2, "A"), (3, "c_1"), (4, "a")] {
            add_user(&bed, number, name).await;
        }
        let foreign = user(9, other_account(), "a2");
        write!(bed, |tx| ram_users::insert(tx, &foreign), foreign).unwrap();
        let page = async |after: Option<&str>, limit| {
            let after = after.map(|name| name.parse().unwrap());
            let rows = read!(bed, |conn| ram_users::page(conn, &account(), after.as_ref(), limit));
            names(&rows, |user| user.name.to_string())
        };
        assert_eq!(page(None, 9).await, "A a b c_1");
        assert_eq!(page(None, 2).await, "A a");
        assert_eq!(page(Some("a"), 2).await, "b c_1");
        assert_eq!(page(Some("c_1"), 2).await, "");
    }

    a_user_can_be_renamed_to_what_is_free(bed) {
        with_accounts(&bed).await;
        let (alice, bob) = (add_user(&bed, 1, "alice").await, add_user(&bed, 2, "bob").await);
        add_key(&bed, &alice, "LTAIalice", T).await;
        let seen = changes(&bed);
        let renamed = User { name: "carol".parse().unwrap(), updated_at: Timestamp::from_millis(2_000), ..alice.clone() };
        write!(bed, |tx| ram_users::update(tx, &renamed), renamed).unwrap();
        assert_eq!(read!(bed, |conn| ram_users::by_id(conn, &alice.id)), Some(renamed.clone()));
        // Who keeps the key with the name of its user, has to know.
        assert_eq!(*seen.lock(), [Change::AccessKey("LTAIalice".to_owned()), Change::Identities(account())]);
        seen.lock().clear();
        let noted = User { comments: "another".to_owned(), ..renamed.clone() };
        write!(bed, |tx| ram_users::update(tx, &noted), noted).unwrap();
        assert_eq!(*seen.lock(), [Change::Identities(account())]);
        let taken = User { name: bob.name.clone(), ..renamed };
        assert!(matches!(write!(bed, |tx| ram_users::update(tx, &taken), taken), Err(StoreError::AlreadyExists)));
        let gone = user(7, account(), "nobody");
        assert!(matches!(write!(bed, |tx| ram_users::update(tx, &gone), gone), Err(StoreError::Conflict)));
    }

    a_user_is_removed_when_it_has_nothing(bed) {
        with_accounts(&bed).await;
        let (alice, ops) = (add_user(&bed, 1, "alice").await, add_group(&bed, 1, "ops").await);
        let has = async || read!(bed, |conn| ram_users::has(conn, &alice.id));
        assert_eq!(has().await, None);
        let attach = format!("INSERT INTO ram_attachments VALUES ('{}', 'System', 'P', '{}', 'user', 1)", alice.id, account());
        bed.tamper(&attach).await;
        assert_eq!(has().await, Some(UserHas::Policy));
        let login = login(&alice, "hash 1");
        write!(bed, |tx| ram_logins::insert(tx, &login), login).unwrap();
        assert_eq!(has().await, Some(UserHas::LoginProfile));
        add_key(&bed, &alice, "LTAIalice", T).await;
        assert_eq!(has().await, Some(UserHas::AccessKey));
        write!(bed, |tx| ram_memberships::insert(tx, &alice, &ops, T), alice, ops).unwrap();
        assert_eq!(has().await, Some(UserHas::Group));
        // The engine does not let it go either.
        assert!(write!(bed, |tx| ram_users::delete(tx, &alice), alice).is_err());
        assert!(write!(bed, |tx| ram_memberships::delete(tx, &alice, &ops), alice, ops).unwrap());
        assert!(write!(bed, |tx| ram_access_keys::delete(tx, &alice.id, "LTAIalice"), alice).unwrap());
        assert!(write!(bed, |tx| ram_logins::delete(tx, &alice.id, 24), alice).unwrap());
        bed.tamper("DELETE FROM ram_attachments").await;
        assert_eq!(has().await, None);
        write!(bed, |tx| ram_users::delete(tx, &alice), alice).unwrap();
        assert_eq!(read!(bed, |conn| ram_users::by_id(conn, &alice.id)), None);
        assert!(matches!(write!(bed, |tx| ram_users::delete(tx, &alice), alice), Err(StoreError::Conflict)));
    }

    the_access_keys_of_a_user_are_its_own(bed) {
        with_accounts(&bed).await;
        let (alice, bob) = (add_user(&bed, 1, "alice").await, add_user(&bed, 2, "bob").await);
        add_key(&bed, &alice, "LTAIz", T).await;
        add_key(&bed, &alice, "LTAIa", Timestamp::from_millis(2_000)).await;
        let facts = async || read!(bed, |conn| ram_access_keys::facts(conn, &alice.id));
        assert_eq!(names(&facts().await, |key| key.id.clone()), "LTAIz LTAIa");
        let found = read!(bed, |conn| ram_access_keys::get(conn, "LTAIa")).unwrap();
        assert_eq!((found.user_name.as_str(), found.key.secret.expose()), ("alice", "secret of LTAIa"));
        let set = write!(bed, |tx| ram_access_keys::set_active(tx, &bob.id, "LTAIa", false), bob);
        assert!(matches!(set, Err(StoreError::Conflict)));
        write!(bed, |tx| ram_access_keys::set_active(tx, &alice.id, "LTAIa", false), alice).unwrap();
        assert!(!read!(bed, |conn| ram_access_keys::get(conn, "LTAIa")).unwrap().key.active);
        assert!(!write!(bed, |tx| ram_access_keys::delete(tx, &bob.id, "LTAIa"), bob).unwrap());
        let seen = changes(&bed);
        assert!(write!(bed, |tx| ram_access_keys::delete(tx, &alice.id, "LTAIa"), alice).unwrap());
        assert_eq!(*seen.lock(), [Change::AccessKey("LTAIa".to_owned())]);
        assert_eq!(names(&facts().await, |key| key.id.clone()), "LTAIz");
    }

    the_last_use_of_an_access_key_only_moves_forward(bed) {
        with_accounts(&bed).await;
        let alice = add_user(&bed, 1, "alice").await;
        add_key(&bed, &alice, "LTAIuser", T).await;
        bed.write(|tx| {
            let (id, secret) = ("LTAIroot".to_owned(), SecretText::new("secret".to_owned()));
            let key = AccessKeyRecord { id, account: account(), secret, active: true, created_at: T };
            Box::pin(async move { access_keys::insert(tx, &key).await })
        })
        .await
        .unwrap();
        let last = async || {
            let of_user = read!(bed, |conn| ram_access_keys::facts(conn, &alice.id));
            let of_root = read!(bed, |conn| access_keys::facts(conn, &account()));
            (of_user[0].last_used_at.map(Timestamp::millis), of_root[0].last_used_at.map(Timestamp::millis))
        };
        assert_eq!(last().await, (None, None));
        for (at, expected) in [(20, 20), (10, 20), (30, 30)] {
            bed.write(move |tx| {
                Box::pin(async move {
                    let at = Timestamp::from_millis(at);
                    ram_access_keys::note_used(tx, &[("gone".to_owned(), at), ("LTAIuser".to_owned(), at)]).await?;
                    access_keys::note_used(tx, &[("LTAIroot".to_owned(), at)]).await
                })
            })
            .await
            .unwrap();
            assert_eq!(last().await, (Some(expected), Some(expected)));
        }
    }

    groups_are_kept_listed_renamed_and_removed(bed) {
        with_accounts(&bed).await;
        let (dev, ops) = (add_group(&bed, 1, "dev").await, add_group(&bed, 2, "ops").await);
        assert_eq!(read!(bed, |conn| ram_groups::by_name(conn, &account(), &dev.name)), Some(dev.clone()));
        assert_eq!(read!(bed, |conn| ram_groups::by_name(conn, &other_account(), &dev.name)), None);
        assert_eq!(read!(bed, |conn| ram_groups::count(conn, &account())), 2);
        let twin = group(3, "dev");
        assert!(matches!(write!(bed, |tx| ram_groups::insert(tx, &twin), twin), Err(StoreError::AlreadyExists)));
        let page = async |after: Option<&str>, limit| {
            let after = after.map(|name| name.parse().unwrap());
            let rows = read!(bed, |conn| ram_groups::page(conn, &account(), after.as_ref(), limit));
            names(&rows, |group| group.name.to_string())
        };
        assert_eq!(page(None, 1).await, "dev");
        assert_eq!(page(Some("dev"), 9).await, "ops");
        let taken = Group { name: ops.name.clone(), ..dev.clone() };
        assert!(matches!(write!(bed, |tx| ram_groups::update(tx, &taken), taken), Err(StoreError::AlreadyExists)));
        let seen = changes(&bed);
        let renamed = Group { name: "qa".parse().unwrap(), comments: String::new(), ..dev.clone() };
        write!(bed, |tx| ram_groups::update(tx, &renamed), renamed).unwrap();
        assert_eq!(read!(bed, |conn| ram_groups::by_name(conn, &account(), &renamed.name)), Some(renamed.clone()));
        write!(bed, |tx| ram_groups::delete(tx, &renamed), renamed).unwrap();
        assert_eq!(*seen.lock(), [Change::Identities(account()), Change::Identities(account())]);
        assert_eq!(page(None, 9).await, "ops");
        assert!(matches!(write!(bed, |tx| ram_groups::delete(tx, &renamed), renamed), Err(StoreError::Conflict)));
    }

    users_join_groups_and_leave_them(bed) {
        with_accounts(&bed).await;
        let (alice, bob) = (add_user(&bed, 1, "alice").await, add_user(&bed, 2, "bob").await);
        let (dev, ops) = (add_group(&bed, 1, "dev").await, add_group(&bed, 2, "ops").await);
        let later = Timestamp::from_millis(5_000);
        let seen = changes(&bed);
        write!(bed, |tx| ram_memberships::insert(tx, &alice, &ops, T), alice, ops).unwrap();
        assert_eq!(*seen.lock(), [Change::Identities(account())]);
        write!(bed, |tx| ram_memberships::insert(tx, &alice, &dev, later), alice, dev).unwrap();
        write!(bed, |tx| ram_memberships::insert(tx, &bob, &ops, T), bob, ops).unwrap();
        let again = write!(bed, |tx| ram_memberships::insert(tx, &bob, &ops, later), bob, ops);
        assert!(matches!(again, Err(StoreError::AlreadyExists)));
        assert_eq!(read!(bed, |conn| ram_memberships::count_of_user(conn, &alice.id)), 2);
        let groups = read!(bed, |conn| ram_memberships::of_user(conn, &alice.id));
        assert_eq!(groups, [(dev.clone(), later), (ops.clone(), T)]);
        assert_eq!(read!(bed, |conn| ram_groups::has(conn, &ops.id)), Some(GroupHas::User));
        let mut members = Vec::new();
        loop {
            let after = members.last().map(|member: &ram_memberships::Member| member.id.clone());
            let page = read!(bed, |conn| ram_memberships::of_group(conn, &ops.id, after.as_ref(), 1));
            if page.is_empty() {
                break;
            }
            members.extend(page);
        }
        members.sort_by(|one, other| one.name.cmp(&other.name));
        assert_eq!(names(&members, |member| format!("{} {}", member.name, member.joined_at.millis())), "alice 1000 bob 1000");
        assert!(write!(bed, |tx| ram_memberships::delete(tx, &bob, &ops), bob, ops).unwrap());
        assert!(!write!(bed, |tx| ram_memberships::delete(tx, &bob, &ops), bob, ops).unwrap());
        assert_eq!(names(&read!(bed, |conn| ram_memberships::of_user(conn, &bob.id)), |_| String::new()), "");
    }

    logins_remember_the_passwords_before(bed) {
        with_accounts(&bed).await;
        let alice = add_user(&bed, 1, "alice").await;
        assert_eq!(read!(bed, |conn| ram_logins::get(conn, &alice.id)), None);
        let first = login(&alice, "hash 1");
        assert!(matches!(write!(bed, |tx| ram_logins::update(tx, &first, 2), first), Err(StoreError::Conflict)));
        write!(bed, |tx| ram_logins::insert(tx, &first), first).unwrap();
        assert!(matches!(write!(bed, |tx| ram_logins::insert(tx, &first), first), Err(StoreError::AlreadyExists)));
        assert_eq!(read!(bed, |conn| ram_logins::get(conn, &alice.id)), Some(first.clone()));
        for number in 2..=4 {
            let next = login(&alice, &format!("hash {number}"));
            write!(bed, |tx| ram_logins::update(tx, &next, 2), next).unwrap();
            // The same password again is no other one.
            write!(bed, |tx| ram_logins::update(tx, &next, 2), next).unwrap();
        }
        let former = async |limit| read!(bed, |conn| ram_logins::former_passwords(conn, &alice.id, limit));
        assert_eq!(former(9).await, ["hash 3", "hash 2"]);
        assert_eq!(former(1).await, ["hash 3"]);
        assert!(write!(bed, |tx| ram_logins::delete(tx, &alice.id, 2), alice).unwrap());
        assert!(!write!(bed, |tx| ram_logins::delete(tx, &alice.id, 2), alice).unwrap());
        assert_eq!(former(9).await, ["hash 4", "hash 3"]);
        write!(bed, |tx| ram_users::delete(tx, &alice), alice).unwrap();
        assert_eq!(former(9).await, Vec::<String>::new());
    }

    what_an_account_demands_of_its_users_is_kept(bed) {
        with_accounts(&bed).await;
        let policies = async || {
            let (mine, others) = (account(), other_account());
            (
                read!(bed, |conn| ram_settings::password_policy(conn, &mine)),
                read!(bed, |conn| ram_settings::password_policy(conn, &others)),
            )
        };
        assert_eq!(policies().await, (PasswordPolicy::default(), PasswordPolicy::default()));
        let policy = PasswordPolicy {
            minimum_length: 9,
            require_lowercase: true,
            require_uppercase: false,
            require_numbers: true,
            require_symbols: false,
            hard_expiry: true,
            max_age_days: 90,
            reuse_prevention: 3,
            max_login_attempts: 5,
        };
        write!(bed, |tx| ram_settings::set_password_policy(tx, &account(), &policy), policy).unwrap();
        assert_eq!(policies().await, (policy, PasswordPolicy::default()));
        let policy = PasswordPolicy { require_uppercase: true, ..policy };
        write!(bed, |tx| ram_settings::set_password_policy(tx, &account(), &policy), policy).unwrap();
        assert_eq!(policies().await.0, policy);

        let preference = async || {
            let account = account();
            read!(bed, |conn| ram_settings::security_preference(conn, &account))
        };
        assert_eq!(preference().await, SecurityPreference::default());
        let other = SecurityPreference {
            enable_save_mfa_ticket: true,
            allow_user_to_change_password: false,
            allow_user_to_manage_access_keys: true,
            allow_user_to_manage_mfa_devices: false,
            allow_user_to_manage_public_keys: true,
            login_session_hours: 8,
            login_network_masks: "10.0.0.0/8".to_owned(),
        };
        write!(bed, |tx| ram_settings::set_security_preference(tx, &account(), &other), other).unwrap();
        assert_eq!(preference().await, other);
    }
}

fn login(user: &User, hash: &str) -> Login {
    let profile = LoginProfile {
        user: user.id.clone(),
        password_reset_required: true,
        mfa_bind_required: false,
        created_at: T,
        password_set_at: T,
    };
    Login { profile, password_hash: hash.to_owned() }
}
