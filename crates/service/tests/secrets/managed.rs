//! Managed secrets: their forms, rotation policies, and what the service hands to a rotator.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use sesame_crypto::SecretText;
use sesame_service::rotator::{RotationFailure, RotationTarget, Rotator};
use sesame_store::{BoxFuture, secret_rotations};
use sesame_testkit::TestKms;

use super::*;

const DAY: i64 = 86_400;
const REDIS: &str = r#"{"SecretSubType":"DoubleUsers","InstanceId":"r-1","RegionId":"cn-hangzhou","AccountName":"u",
    "CloneAccountName":"u_clone","AccountPrivilege":"RoleReadWrite"}"#;

/// Reaches instances whose id ends in 1.
#[derive(Debug, Default)]
struct Told {
    accounts: AtomicUsize,
    woken: AtomicUsize,
}

impl Rotator for Told {
    fn reaches(&self, target: &RotationTarget) -> bool {
        target.config.target().ends_with('1')
    }

    fn make_accounts<'a>(
        &'a self,
        _: &'a RotationTarget,
        values: [&'a SecretText; 2],
    ) -> BoxFuture<'a, Result<(), RotationFailure>> {
        assert!(values.iter().all(|value| value.expose().contains("AccountPassword")));
        self.accounts.fetch_add(2, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }

    fn has_room(&self) -> bool {
        true
    }

    fn wake(&self) {
        self.woken.fetch_add(1, Ordering::Relaxed);
    }
}

async fn with_rotator() -> (TestKms, Arc<Told>) {
    let (kms, told) = (TestKms::new().await, Arc::new(Told::default()));
    kms.service.set_rotator(Arc::clone(&told) as _);
    (kms, told)
}

async fn pending(kms: &TestKms, name: &str) -> Option<String> {
    let mut conn = kms.store.reader().await.unwrap();
    let account = "1234567890123456".parse().unwrap();
    let secret = sesame_store::secrets::by_name(&mut conn, &account, &name.parse().unwrap()).await.unwrap().unwrap();
    let pending = secret_rotations::of(&mut conn, &secret.id).await.unwrap();
    pending.map(|pending| pending.version.to_string())
}

#[tokio::test]
async fn two_accounts_become_two_versions() {
    let kms = TestKms::new().await;
    let rotation = [("EnableAutomaticRotation", "True"), ("RotationInterval", "7d")];
    let made = create_rds(&kms, "r", &rotation).await.unwrap();
    assert_eq!(
        made,
        json!({
            "Arn": "acs:kms:cn-hangzhou:1234567890123456:secret/r", "SecretName": "r", "VersionId": "v1",
            "SecretType": "Rds", "AutomaticRotation": "Enabled", "RotationInterval": "604800s",
            "NextRotationDate": "2026-01-09T03:04:05Z",
            "ExtendedConfig": r#"{"CustomData":{},"DBInstanceId":"rm-1","SecretSubType":"DoubleUsers"}"#,
        })
    );
    let current = get(&kms, "r", &[("VersionId", "ignored")]).await.unwrap();
    assert_eq!(member(&current, "/SecretData"), r#"{"AccountName":"a","AccountPassword":"p1"}"#);
    assert_eq!(member(&current, "/AutomaticRotation"), "Enabled");
    assert_eq!(current.get("ExtendedConfig"), None);
    let previous = get(&kms, "r", &[("VersionStage", "ACSPrevious"), ("FetchExtendedConfig", "True")]).await.unwrap();
    assert_eq!(member(&previous, "/SecretData"), r#"{"AccountName":"b","AccountPassword":"p2"}"#);
    assert!(member(&previous, "/ExtendedConfig").contains("rm-1"));
    assert_eq!(code(get(&kms, "r", &[("VersionStage", "x")]).await), INVALID);
    assert_eq!(code(put(&kms, "r", "v2", "x", &[]).await), UNSUPPORTED);
}

#[tokio::test]
async fn the_forms_of_managed_secrets_are_checked() {
    let kms = TestKms::new().await;
    let base = [("SecretName", "r"), ("VersionId", "v1"), ("SecretType", "Rds"), ("SecretData", "x")];
    let config = ("ExtendedConfig", r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}"#);
    for (more, expected) in [
        (vec![("ExtendedConfig", "{}")], INVALID),
        (vec![config], INVALID),
        (vec![config, ("SecretDataType", "binary")], INVALID),
        (vec![config, ("EnableAutomaticRotation", "true")], MISSING),
        (vec![config, ("EnableAutomaticRotation", "true"), ("RotationInterval", "5h")], INVALID),
    ] {
        assert_eq!(code(with(&kms, "CreateSecret", &base, &more).await), expected, "{more:?}");
    }
    let ram = [
        ("VersionId", "v1"),
        ("SecretType", "RAMCredentials"),
        ("SecretData", r#"{"AccessKeys":[{"AccessKeyId":"LTAI1","AccessKeySecret":"s"}]}"#),
        ("ExtendedConfig", r#"{"SecretSubType":"RamUserAccessKey","UserName":"bob"}"#),
    ];
    assert_eq!(code(with(&kms, "CreateSecret", &ram, &[("SecretName", "x")]).await), INVALID);
    let made = with(&kms, "CreateSecret", &ram, &[("SecretName", "$Auto")]).await.unwrap();
    assert_eq!(member(&made, "/SecretName"), "acs/ram/user/bob");
    let read = get(&kms, "acs/ram/user/bob", &[]).await.unwrap();
    let value = r#"{"AccessKeyId":"LTAI1","AccessKeySecret":"s","GenerateTimestamp":"2026-01-02T03:04:05Z"}"#;
    assert_eq!(member(&read, "/SecretData"), value);
    let ecs = [
        ("VersionId", "v1"),
        ("SecretType", "ECS"),
        ("SecretData", r#"{"UserName":"root","Password":"p"}"#),
        ("ExtendedConfig", r#"{"SecretSubType":"Password","RegionId":"cn-hangzhou","InstanceId":"i-1"}"#),
    ];
    assert_eq!(code(with(&kms, "CreateSecret", &ecs, &[("SecretName", "x")]).await), INVALID);
    with(&kms, "CreateSecret", &ecs, &[("SecretName", "acs/ecs/x")]).await.unwrap();
}

#[tokio::test]
async fn accounts_that_the_service_names_are_made_by_the_rotator() {
    let (kms, told) = with_rotator().await;
    let base = [("VersionId", "v1"), ("SecretType", "Redis"), ("SecretData", "$Auto")];
    let reached = [("SecretName", "r"), ("ExtendedConfig", REDIS)];
    with(&kms, "CreateSecret", &base, &reached).await.unwrap();
    assert_eq!(told.accounts.load(Ordering::Relaxed), 2);
    let value = get(&kms, "r", &[("VersionStage", "ACSPrevious")]).await.unwrap();
    assert!(member(&value, "/SecretData").starts_with(r#"{"AccountName":"u_clone""#));
    assert_eq!(code(with(&kms, "CreateSecret", &base, &reached).await), EXISTS);
    assert_eq!(told.accounts.load(Ordering::Relaxed), 2, "the passwords of the first secret stay");
    let unknown = [("SecretName", "q"), ("ExtendedConfig", &REDIS.replace("r-1", "r-2"))];
    assert_eq!(code(with(&kms, "CreateSecret", &base, &unknown).await), NOT_FOUND);
    assert_eq!(code(named(&kms, "DescribeSecret", "q").await), NOT_FOUND);
}

#[tokio::test]
async fn a_rotation_is_recorded_once_and_the_rotator_woken() {
    let (kms, told) = with_rotator().await;
    create_rds(&kms, "r", &[]).await.unwrap();
    let rotate = async |version: &str| kms.call("RotateSecret", &[("SecretName", "r"), ("VersionId", version)]).await;
    let arn = "acs:kms:cn-hangzhou:1234567890123456:secret/r";
    assert_eq!(rotate("v1").await.unwrap(), json!({"Arn": arn, "SecretName": "r", "VersionId": "v1"}));
    assert_eq!((pending(&kms, "r").await, told.woken.load(Ordering::Relaxed)), (None, 0), "the version exists");
    rotate("v2").await.unwrap();
    rotate("v3").await.unwrap();
    assert_eq!(pending(&kms, "r").await.as_deref(), Some("v2"), "a rotation is under way");
    assert_eq!(told.woken.load(Ordering::Relaxed), 2);
    create(&kms, "g", &[]).await.unwrap();
    let generic = [("SecretName", "g"), ("VersionId", "v2")];
    assert_eq!(code(kms.call("RotateSecret", &generic).await), UNSUPPORTED);
    for at in 2..50 {
        rotate(&format!("w{at}")).await.unwrap();
    }
    assert_eq!(code(rotate("x").await), (429, "Rejected.Throttling"));
    kms.clock.advance_seconds(3_600);
    rotate("x").await.unwrap();
}

#[tokio::test]
async fn without_a_rotator_a_rotation_is_refused_and_says_why() {
    let kms = TestKms::new().await;
    create_rds(&kms, "r", &[]).await.unwrap();
    let refusal = kms.call("RotateSecret", &[("SecretName", "r"), ("VersionId", "v2")]).await.unwrap_err();
    assert_eq!((refusal.status, refusal.code), NOT_FOUND);
    assert!(refusal.message.contains("rm-1"), "{}", refusal.message);
    let on = [("SecretName", "r"), ("EnableAutomaticRotation", "true"), ("RotationInterval", "168h")];
    kms.call("UpdateSecretRotationPolicy", &on).await.unwrap();
    kms.clock.advance_seconds(7 * DAY);
    kms.service.run_jobs_once().await;
    let described = named(&kms, "DescribeSecret", "r").await.unwrap();
    assert_eq!(member(&described, "/AutomaticRotation"), "Invalid");
    assert_eq!(member(&described, "/NextRotationDate"), "2026-01-16T03:04:05Z");
}

#[tokio::test]
async fn a_rotation_policy_is_switched_and_due_rotations_are_recorded() {
    let (kms, told) = with_rotator().await;
    create_rds(&kms, "r", &[]).await.unwrap();
    let described = named(&kms, "DescribeSecret", "r").await.unwrap();
    assert_eq!(member(&described, "/AutomaticRotation"), "Disabled");
    let policy =
        async |more: &[(&str, &str)]| with(&kms, "UpdateSecretRotationPolicy", &[("SecretName", "r")], more).await;
    let (on, off) = (("EnableAutomaticRotation", "true"), ("EnableAutomaticRotation", "false"));
    assert_eq!(code(policy(&[]).await), MISSING);
    assert_eq!(code(policy(&[on]).await), MISSING);
    for wrong in ["5h", "366d", "1w", "07d"] {
        assert_eq!(code(policy(&[on, ("RotationInterval", wrong)]).await), INVALID);
    }
    kms.clock.advance_seconds(DAY);
    policy(&[on, ("RotationInterval", "6h")]).await.unwrap();
    let described = named(&kms, "DescribeSecret", "r").await.unwrap();
    assert_eq!(member(&described, "/NextRotationDate"), "2026-01-02T09:04:05Z", "six hours after it was made");
    kms.service.run_jobs_once().await;
    let recorded = pending(&kms, "r").await.unwrap();
    kms.service.run_jobs_once().await;
    assert_eq!((pending(&kms, "r").await, told.woken.load(Ordering::Relaxed)), (Some(recorded), 1));
    assert_eq!(policy(&[off, ("RotationInterval", "nonsense")]).await.unwrap(), json!({"SecretName": "r"}));
    let described = named(&kms, "DescribeSecret", "r").await.unwrap();
    assert_eq!(member(&described, "/AutomaticRotation"), "Disabled");
    assert_eq!((described.get("NextRotationDate"), described.get("RotationInterval")), (None, None));
    create(&kms, "g", &[]).await.unwrap();
    assert_eq!(code(kms.call("UpdateSecretRotationPolicy", &[("SecretName", "g"), off]).await), UNSUPPORTED);
}

#[tokio::test]
async fn custom_data_are_replaced_in_both_wire_forms() {
    let kms = TestKms::new().await;
    create_rds(&kms, "r", &[]).await.unwrap();
    let config = async |more: &[(&str, &str)]| {
        let update = with(&kms, "UpdateSecret", &[("SecretName", "r")], more).await;
        update.map(drop)?;
        let described = named(&kms, "DescribeSecret", "r").await?;
        Ok::<_, sesame_testkit::Refusal>(member(&described, "/ExtendedConfig").to_owned())
    };
    let one = config(&[("ExtendedConfig.CustomData", r#"{"DBName":"app1"}"#)]).await.unwrap();
    assert!(one.contains(r#""CustomData":{"DBName":"app1"}"#), "{one}");
    let flat = [("ExtendedConfig.CustomData.DBName", "app2"), ("ExtendedConfig.CustomData.Port", "3306")];
    assert!(config(&flat).await.unwrap().contains(r#""CustomData":{"DBName":"app2","Port":"3306"}"#));
    assert!(config(&[("ExtendedConfig", r#"{"CustomData":{}}"#)]).await.unwrap().contains(r#""CustomData":{}"#));
    for wrong in ["[]", r#"{"a":1}"#] {
        assert_eq!(config(&[("ExtendedConfig.CustomData", wrong)]).await.unwrap_err().code, INVALID.1);
    }
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(1_024));
    assert_eq!(config(&[("ExtendedConfig.CustomData", &long)]).await.unwrap_err().code, INVALID.1);
}
