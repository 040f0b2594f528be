//! The engine of rotations, over a system in memory that can be stopped at any moment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sesame_crypto::SecretText;
use sesame_domain::secret::{SecretName, SecretType};
use sesame_service::Service;
use sesame_service::connector::{Change, Connector, Credential, Login, Outcome};
use sesame_service::rotations::{RotationOptions, Rotations};
use sesame_service::rotator::{
    FailureReason, RotationEvent, RotationFailure, RotationListener, RotationOutcome, RotationTarget,
};
use sesame_store::BoxFuture;
use sesame_testkit::{TestClock, TestKms};
use tokio::sync::Notify;

use super::*;

const HOLD: i64 = 91;
const ADMINISTRATOR: &str = r#"{"AccountName":"admin","AccountPassword":"root"}"#;
const AUTOMATIC: [(&str, &str); 2] = [("EnableAutomaticRotation", "true"), ("RotationInterval", "7d")];

/// A moment at which the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    BeforeSet,
    AfterSet,
    BeforeProof,
    AfterProof,
}

const STOPS: [Stop; 4] = [Stop::BeforeSet, Stop::AfterSet, Stop::BeforeProof, Stop::AfterProof];

/// How a system misbehaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fault {
    #[default]
    None,
    /// It does not answer.
    Down,
    /// It refuses every change.
    ReadOnly,
    /// It takes a change and says that it did not.
    Liar,
    /// It takes a change, and logs nobody in with what is new.
    Deaf,
}

/// A system in memory.
#[derive(Debug, Default)]
struct Memory {
    logins: parking_lot::Mutex<BTreeMap<String, String>>,
    stop: parking_lot::Mutex<Option<Stop>>,
    stopped: Notify,
    go_on: Notify,
    fault: parking_lot::Mutex<Fault>,
    sets: AtomicUsize,
}

fn credential(login: &Login) -> String {
    match &login.credential {
        Credential::Password(text) | Credential::AccessKey(text) | Credential::KeyPair { private: text, .. } => {
            text.expose().to_owned()
        }
    }
}

impl Memory {
    fn with(logins: &[(&str, &str)]) -> Arc<Self> {
        let memory = Self::default();
        memory.logins.lock().extend(logins.iter().map(|(name, password)| ((*name).to_owned(), (*password).to_owned())));
        Arc::new(memory)
    }

    fn accepts(&self, value: &str) -> bool {
        let login = Login::parse(&SecretText::new(value.to_owned())).unwrap();
        self.logins.lock().get(&login.name) == Some(&credential(&login))
    }

    fn is(&self, fault: Fault) -> bool {
        *self.fault.lock() == fault
    }

    /// Says that the process has come to a moment at which it is to stop, and stays there.
    async fn reach(&self, stop: Stop) {
        let here = self.stop.lock().take_if(|wanted| *wanted == stop).is_some();
        if here {
            self.stopped.notify_one();
            self.go_on.notified().await;
        }
    }
}

impl Connector for Memory {
    fn reaches(&self, target: &RotationTarget) -> bool {
        target.config.target().ends_with('1') || target.kind == SecretType::RamCredentials
    }

    fn administrator(&self, target: &RotationTarget) -> Option<SecretName> {
        (target.kind == SecretType::Rds).then(|| "administrator".parse().unwrap())
    }

    fn make<'a>(&'a self, target: &'a RotationTarget, current: &'a Login) -> BoxFuture<'a, Outcome<Login>> {
        let new = SecretText::new(format!("{} and more", credential(current)));
        let login = if target.kind == SecretType::RamCredentials {
            Login { name: format!("{}x", current.name), credential: Credential::AccessKey(new) }
        } else {
            Login { name: current.name.clone(), credential: Credential::KeyPair { public: "p".into(), private: new } }
        };
        Box::pin(async move { Ok(login) })
    }

    fn set<'a>(&'a self, target: &'a RotationTarget, change: &'a Change<'a>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            self.reach(Stop::BeforeSet).await;
            if self.is(Fault::Down) {
                return Err(RotationFailure::new(FailureReason::Unreachable, "no answer"));
            }
            if self.is(Fault::ReadOnly) {
                return Err(RotationFailure::new(FailureReason::Refused, "read only"));
            }
            if target.kind == SecretType::Rds {
                assert_eq!(change.administrator.unwrap().expose(), ADMINISTRATOR);
            }
            if target.kind == SecretType::RamCredentials
                && let Some(retired) = change.retired
            {
                self.logins.lock().remove(&retired.name);
            }
            let heard = !self.is(Fault::Deaf) || change.retired.is_some();
            let shown = if heard { credential(change.login) } else { "something else".to_owned() };
            self.logins.lock().insert(change.login.name.clone(), shown);
            self.sets.fetch_add(1, Ordering::Relaxed);
            if self.is(Fault::Liar) {
                return Err(RotationFailure::new(FailureReason::Refused, "not taken"));
            }
            self.reach(Stop::AfterSet).await;
            Ok(())
        })
    }

    fn prove<'a>(&'a self, _: &'a RotationTarget, login: &'a Login) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            self.reach(Stop::BeforeProof).await;
            if self.is(Fault::Down) {
                return Err(RotationFailure::new(FailureReason::Unreachable, "no answer"));
            }
            if self.logins.lock().get(&login.name) != Some(&credential(login)) {
                return Err(RotationFailure::new(FailureReason::Login, "wrong"));
            }
            self.reach(Stop::AfterProof).await;
            Ok(())
        })
    }
}

/// Remembers what it was told.
#[derive(Debug, Default)]
struct Told(parking_lot::Mutex<Vec<String>>);

impl RotationListener for Told {
    fn ended(&self, event: &RotationEvent<'_>) {
        let outcome = match &event.outcome {
            RotationOutcome::Succeeded => "succeeded".to_owned(),
            RotationOutcome::Failed { failure, attempt, given_up } => {
                format!("{} {attempt} {given_up}", failure.reason.name())
            }
        };
        let version = event.version.map_or("-", |version| version.as_str());
        self.0.lock().push(format!("{} {version} {outcome}", event.secret.name));
    }
}

struct World {
    kms: TestKms,
    memory: Arc<Memory>,
    told: Arc<Told>,
    rotations: Arc<Rotations>,
}

const OPTIONS: RotationOptions = RotationOptions { concurrency: 4, attempts: 3, retry_seconds: 30 };

fn node(service: &Arc<Service>, memory: &Arc<Memory>) -> Arc<Rotations> {
    Rotations::new(service, vec![Arc::clone(memory) as _], OPTIONS).unwrap()
}

impl World {
    async fn new(logins: &[(&str, &str)]) -> Self {
        let (kms, memory, told) = (TestKms::new().await, Memory::with(logins), Arc::new(Told::default()));
        kms.service.on_rotation(Arc::clone(&told) as _);
        let rotations = node(&kms.service, &memory);
        rotations.install();
        create(&kms, "administrator", &[]).await.unwrap();
        put(&kms, "administrator", "v2", ADMINISTRATOR, &[]).await.unwrap();
        Self { kms, memory, told, rotations }
    }

    async fn secret(&self, case: &Case, more: &[(&str, &str)]) {
        let first = [("SecretName", case.created), ("VersionId", "v1"), ("SecretType", case.kind)];
        let rest = [("SecretData", case.data), ("ExtendedConfig", case.config)];
        self.kms.call("CreateSecret", &[&first[..], &rest, more].concat()).await.unwrap();
    }

    async fn ask(&self, name: &str, version: &str) {
        self.kms.call("RotateSecret", &[("SecretName", name), ("VersionId", version)]).await.unwrap();
    }

    /// The version and the value of a stage.
    async fn value(&self, name: &str, stage: &str) -> (String, String) {
        let answer = get(&self.kms, name, &[("VersionStage", stage)]).await.unwrap();
        (member(&answer, "/VersionId").to_owned(), member(&answer, "/SecretData").to_owned())
    }

    async fn described(&self, name: &str, member_name: &str) -> String {
        let described = named(&self.kms, "DescribeSecret", name).await.unwrap();
        member(&described, &format!("/{member_name}")).to_owned()
    }

    async fn pending(&self, name: &str) -> bool {
        let mut conn = self.kms.store.reader().await.unwrap();
        let account = "1234567890123456".parse().unwrap();
        let secret = sesame_store::secrets::by_name(&mut conn, &account, &name.parse().unwrap()).await.unwrap();
        sesame_store::secret_rotations::of(&mut conn, &secret.unwrap().id).await.unwrap().is_some()
    }

    /// Rotates until the process dies at a moment.
    async fn die_at(&self, stop: Stop) {
        *self.memory.stop.lock() = Some(stop);
        let rotations = node(&self.kms.service, &self.memory);
        tokio::select! {
            () = rotations.round() => panic!("the rotation did not come to {stop:?}"),
            () = self.memory.stopped.notified() => {}
        }
    }

    /// What a node does that was started after the hold of a dead one has ended.
    async fn restarted(&self) {
        self.kms.clock.advance_seconds(HOLD);
        node(&self.kms.service, &self.memory).round().await;
    }

    /// Of each rotation in the audit trail: its version, and why it failed.
    fn audited(&self) -> Vec<String> {
        let of_server =
            |event: &Value| event["eventType"] == "AliyunServiceEvent" && event["eventName"] == "RotateSecret";
        let events = self.kms.events().into_iter().filter(of_server);
        let told = events.map(|event| {
            assert_eq!((&event["resourceName"], &event["resourceType"]), (&"s".into(), &"ACS::KMS::Secret".into()));
            assert_eq!(event["recipientAccountId"], "1234567890123456");
            format!("{} {}", event["requestParameters"]["VersionId"], event["errorCode"])
        });
        told.collect()
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.0.lock())
    }
}

/// A secret of some type.
struct Case {
    created: &'static str,
    name: &'static str,
    kind: &'static str,
    config: &'static str,
    data: &'static str,
    logins: &'static [(&'static str, &'static str)],
    /// What the new current login is called.
    next: &'static str,
}

const SINGLE: Case = Case {
    created: "s",
    name: "s",
    kind: "Rds",
    config: r#"{"SecretSubType":"SingleUser","DBInstanceId":"rm-1"}"#,
    data: r#"{"Accounts":[{"AccountName":"a","AccountPassword":"p1"}]}"#,
    logins: &[("a", "p1")],
    next: "a",
};
const DOUBLE: Case = Case {
    created: "s",
    name: "s",
    kind: "Rds",
    config: r#"{"SecretSubType":"DoubleUsers","DBInstanceId":"rm-1"}"#,
    data: r#"{"Accounts":[{"AccountName":"a","AccountPassword":"p1"},{"AccountName":"b","AccountPassword":"p2"}]}"#,
    logins: &[("a", "p1"), ("b", "p2")],
    next: "b",
};
const GROWING: Case = Case { data: SINGLE.data, logins: SINGLE.logins, next: "a_clone", ..DOUBLE };
const KEY: Case = Case {
    created: "acs/ecs/s",
    name: "acs/ecs/s",
    kind: "ECS",
    config: r#"{"SecretSubType":"SSHKey","RegionId":"cn-hangzhou","InstanceId":"i-1"}"#,
    data: r#"{"UserName":"u","PublicKey":"ssh-rsa A","PrivateKey":"k"}"#,
    logins: &[("u", "k")],
    next: "u",
};
const ACCESS_KEY: Case = Case {
    created: "$Auto",
    name: "acs/ram/user/bob",
    kind: "RAMCredentials",
    config: r#"{"SecretSubType":"RamUserAccessKey","UserName":"bob"}"#,
    data: r#"{"AccessKeys":[{"AccessKeyId":"K","AccessKeySecret":"k"}]}"#,
    logins: &[("K", "k")],
    next: "Kx",
};
const CASES: [&Case; 5] = [&SINGLE, &DOUBLE, &GROWING, &KEY, &ACCESS_KEY];

#[tokio::test]
async fn every_type_is_rotated_and_the_stages_move() {
    for case in CASES {
        let world = World::new(case.logins).await;
        world.secret(case, &AUTOMATIC).await;
        let before = world.value(case.name, "ACSCurrent").await;
        world.ask(case.name, "v2").await;
        world.kms.clock.advance_seconds(60);
        world.rotations.round().await;
        let (version, value) = world.value(case.name, "ACSCurrent").await;
        assert_eq!(version, "v2");
        assert!(world.memory.accepts(&value) && value.contains(&format!(":\"{}\"", case.next)), "{value}");
        assert_eq!(world.value(case.name, "ACSPrevious").await, before);
        assert_eq!(world.described(case.name, "LastRotationDate").await, "2026-01-02T03:05:05Z");
        assert_eq!(world.described(case.name, "NextRotationDate").await, "2026-01-09T03:05:05Z");
        assert_eq!(world.told(), [format!("{} v2 succeeded", case.name)]);
        assert_eq!(world.memory.sets.load(Ordering::Relaxed), 1);
        // The second rotation gives the first account its turn again, and ends what was replaced before.
        world.ask(case.name, "v3").await;
        world.rotations.round().await;
        let (version, newest) = world.value(case.name, "ACSCurrent").await;
        assert!(version == "v3" && world.memory.accepts(&newest), "{newest}");
        assert_eq!(world.value(case.name, "ACSPrevious").await.1, value);
        let both = case.config.contains("DoubleUsers") || case.kind == "RAMCredentials";
        assert_eq!(world.memory.accepts(&value), both);
        assert!(!world.memory.accepts(&before.1));
    }
}

#[tokio::test]
async fn a_rotation_is_finished_after_a_crash_at_any_moment() {
    for case in CASES {
        for stop in STOPS {
            let world = World::new(case.logins).await;
            world.secret(case, &[]).await;
            let before = world.value(case.name, "ACSCurrent").await;
            world.ask(case.name, "v2").await;
            world.die_at(stop).await;
            assert_eq!(world.value(case.name, "ACSCurrent").await, before, "{stop:?}");
            let held = world.memory.logins.lock().clone();
            node(&world.kms.service, &world.memory).round().await;
            assert_eq!(*world.memory.logins.lock(), held, "{stop:?}: the rotation is still held");
            world.restarted().await;
            let (version, value) = world.value(case.name, "ACSCurrent").await;
            assert!(version == "v2" && world.memory.accepts(&value), "{stop:?} {value}");
            assert_eq!(world.value(case.name, "ACSPrevious").await, before);
            if matches!(stop, Stop::AfterSet | Stop::BeforeProof | Stop::AfterProof) {
                assert!(held.values().any(|password| value.contains(password)), "{stop:?}: the same credential");
            }
            assert!(!world.pending(case.name).await);
        }
    }
}

#[tokio::test]
async fn a_second_crash_while_going_on_loses_nothing() {
    for first in STOPS {
        for second in STOPS {
            let world = World::new(SINGLE.logins).await;
            world.secret(&SINGLE, &[]).await;
            world.ask("s", "v2").await;
            world.die_at(first).await;
            world.kms.clock.advance_seconds(HOLD);
            // One that goes on from a proof needs no second change.
            let skipped = matches!(first, Stop::BeforeProof | Stop::AfterProof)
                && matches!(second, Stop::BeforeSet | Stop::AfterSet);
            if !skipped {
                world.die_at(second).await;
            }
            world.restarted().await;
            let (version, value) = world.value("s", "ACSCurrent").await;
            assert!(version == "v2" && world.memory.accepts(&value), "{first:?} {second:?}");
        }
    }
}

#[tokio::test]
async fn a_failure_leaves_what_was_current_and_says_why() {
    for (fault, reason) in [(Fault::ReadOnly, "refused"), (Fault::Deaf, "login")] {
        let world = World::new(SINGLE.logins).await;
        world.secret(&SINGLE, &AUTOMATIC).await;
        world.ask("s", "v2").await;
        *world.memory.fault.lock() = fault;
        for (attempt, wait) in [(1, 30), (2, 60), (3, 0)] {
            world.rotations.round().await;
            let (version, value) = world.value("s", "ACSCurrent").await;
            assert!(version == "v1" && world.memory.accepts(&value), "{fault:?}");
            assert_eq!(world.told(), [format!("s v2 {reason} {attempt} {}", attempt == 3)]);
            world.kms.clock.advance_seconds(wait - 1);
            world.rotations.round().await;
            assert!(world.told().is_empty(), "the next attempt waits");
            world.kms.clock.advance_seconds(1);
        }
        assert!(!world.pending("s").await);
        assert_eq!(world.described("s", "AutomaticRotation").await, "Invalid");
        let metrics = world.kms.service.metrics().encode();
        for (result, count) in [("failed", 2), ("given_up", 1)] {
            let line =
                format!(r#"sesame_secret_rotations_total{{type="Rds",result="{result}",reason="{reason}"}} {count}"#);
            assert!(metrics.contains(&line), "{line} in {metrics}");
        }
        *world.memory.fault.lock() = Fault::None;
        world.ask("s", "v3").await;
        world.rotations.round().await;
        assert_eq!(world.value("s", "ACSCurrent").await.0, "v3");
        let failed = format!("\"v2\" \"{reason}\"");
        assert_eq!(world.audited(), [&failed, &failed, &failed, "\"v3\" null"]);
        assert_eq!(world.described("s", "AutomaticRotation").await, "Enabled");
    }
}

#[tokio::test]
async fn a_change_that_took_effect_against_the_answer_is_kept() {
    let world = World::new(SINGLE.logins).await;
    world.secret(&SINGLE, &[]).await;
    world.ask("s", "v2").await;
    *world.memory.fault.lock() = Fault::Liar;
    world.rotations.round().await;
    // Not the new one, which was never acknowledged, nor a current value that does not log in.
    let (version, value) = world.value("s", "ACSCurrent").await;
    assert!(version == "v1" && world.memory.accepts(&value), "{value}");
    *world.memory.fault.lock() = Fault::None;
    world.kms.clock.advance_seconds(30);
    world.rotations.round().await;
    let (version, value) = world.value("s", "ACSCurrent").await;
    assert!(version == "v2" && world.memory.accepts(&value), "{value}");
}

#[tokio::test]
async fn a_system_that_is_away_is_waited_for() {
    let world = World::new(SINGLE.logins).await;
    world.secret(&SINGLE, &AUTOMATIC).await;
    world.ask("s", "v2").await;
    world.die_at(Stop::AfterSet).await;
    *world.memory.fault.lock() = Fault::Down;
    for _ in 0..5 {
        world.kms.clock.advance_seconds(3_600);
        node(&world.kms.service, &world.memory).round().await;
    }
    assert!(world.told().iter().all(|event| event.contains("unreachable") && event.ends_with("false")));
    assert_eq!(world.described("s", "AutomaticRotation").await, "Invalid");
    assert!(world.pending("s").await, "the only copy of what the system may have taken");
    *world.memory.fault.lock() = Fault::None;
    world.kms.clock.advance_seconds(3_600);
    world.rotations.round().await;
    let (version, value) = world.value("s", "ACSCurrent").await;
    assert!(version == "v2" && world.memory.accepts(&value), "{value}");
    assert_eq!(world.described("s", "AutomaticRotation").await, "Enabled");
}

#[tokio::test]
async fn one_node_rotates_and_one_that_was_overtaken_changes_nothing() {
    let world = World::new(SINGLE.logins).await;
    world.secret(&SINGLE, &[]).await;
    world.ask("s", "v2").await;
    *world.memory.stop.lock() = Some(Stop::BeforeProof);
    let slow = node(&world.kms.service, &world.memory);
    let slow = tokio::spawn(async move { slow.round().await });
    world.memory.stopped.notified().await;
    let clock = Arc::new(TestClock::default());
    clock.advance_seconds(HOLD);
    let other = world.kms.another_node(&clock);
    node(&other, &world.memory).round().await;
    let now = world.value("s", "ACSCurrent").await;
    assert!(now.0 == "v2" && world.memory.accepts(&now.1));
    world.memory.go_on.notify_one();
    slow.await.unwrap();
    assert_eq!(world.value("s", "ACSCurrent").await, now);
    assert!(world.memory.accepts(&now.1));
    assert!(world.told().is_empty(), "this node did not end the rotation");
}

/// Secrets s0, s1, … whose rotations fall due together, now.
async fn all_due(count: usize) -> (World, Vec<String>) {
    let names: Vec<String> = (0..count).map(|at| format!("s{at}")).collect();
    let logins: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "p1")).collect();
    let world = World::new(&logins).await;
    for name in &names {
        let data = format!(r#"{{"Accounts":[{{"AccountName":"{name}","AccountPassword":"p1"}}]}}"#);
        let base = [("SecretName", name.as_str()), ("VersionId", "v1"), ("SecretType", "Rds"), ("SecretData", &data)];
        with(&world.kms, "CreateSecret", &base, &[("ExtendedConfig", SINGLE.config)]).await.unwrap();
        let on = [("SecretName", name.as_str()), AUTOMATIC[0], AUTOMATIC[1]];
        world.kms.call("UpdateSecretRotationPolicy", &on).await.unwrap();
    }
    world.kms.clock.advance_seconds(7 * 86_400);
    (world, names)
}

#[tokio::test]
async fn many_rotations_are_shared_by_two_nodes() {
    let (world, names) = all_due(40).await;
    let other_service = world.kms.another_node(&world.kms.clock);
    let other = node(&other_service, &world.memory);
    other.install();
    for _ in &names {
        tokio::join!(world.kms.service.run_jobs_once(), other_service.run_jobs_once());
        tokio::join!(world.rotations.round(), other.round());
        world.kms.clock.advance_seconds(1);
    }
    assert_eq!(world.memory.sets.load(Ordering::Relaxed), names.len());
    for name in &names {
        assert!(world.memory.accepts(&world.value(name, "ACSCurrent").await.1), "{name}");
        assert!(!world.pending(name).await);
    }
}

#[tokio::test]
async fn rotations_that_fall_due_together_begin_one_after_the_other_and_those_asked_for_at_once() {
    let (world, names) = all_due(5).await;
    let sets = || world.memory.sets.load(Ordering::Relaxed);
    let second = async || {
        for _ in 0..3 {
            world.kms.service.run_jobs_once().await;
            world.rotations.round().await;
        }
        world.kms.clock.advance_seconds(1);
    };
    second().await;
    assert_eq!(sets(), 1);
    let metrics = world.kms.service.metrics().encode();
    for line in ["due 4", "late 0", "begun 0"] {
        assert!(metrics.contains(&format!("sesame_secret_rotations_{line}\n")), "{line} in {metrics}");
    }
    for name in &names {
        world.ask(name, "asked").await;
    }
    world.rotations.round().await;
    assert_eq!(sets(), 6, "the one of the schedule and the five that were asked for");
    for name in &names {
        assert_eq!(world.value(name, "ACSCurrent").await.0, "asked");
    }
    second().await;
    assert_eq!(sets(), 6, "what was asked for is not due any more");
}

#[tokio::test]
async fn a_crash_and_restarts_lose_no_rotation_that_is_due() {
    let (world, names) = all_due(3).await;
    world.kms.clock.advance_seconds(3_601);
    world.kms.service.run_jobs_once().await;
    let metrics = world.kms.service.metrics().encode();
    assert!(metrics.contains("sesame_secret_rotations_late 3\n"), "{metrics}");
    world.die_at(Stop::AfterSet).await;
    world.kms.clock.advance_seconds(HOLD);
    for begun in 1..=3 {
        // First what the dead node has begun, then one more with each.
        let service = world.kms.another_node(&world.kms.clock);
        let rotations = node(&service, &world.memory);
        rotations.install();
        service.run_jobs_once().await;
        rotations.round().await;
        let mut rotated = 0;
        for name in &names {
            let (version, value) = world.value(name, "ACSCurrent").await;
            assert!(world.memory.accepts(&value), "{name}");
            rotated += usize::from(version != "v1");
        }
        assert_eq!(rotated, begun);
    }
}

#[tokio::test]
async fn a_system_that_hangs_holds_up_the_schedule_and_nobody_who_asks() {
    let (world, _) = all_due(3).await;
    let service = world.kms.another_node(&world.kms.clock);
    let options = RotationOptions { concurrency: 2, ..OPTIONS };
    let rotations = Rotations::new(&service, vec![Arc::clone(&world.memory) as _], options).unwrap();
    rotations.install();
    *world.memory.stop.lock() = Some(Stop::BeforeSet);
    service.run_jobs_once().await;
    let hanging = Arc::clone(&rotations);
    let hanging = tokio::spawn(async move { hanging.round().await });
    world.memory.stopped.notified().await;
    world.kms.clock.advance_seconds(1);
    service.run_jobs_once().await;
    assert!(!world.pending("s1").await, "what is left of the places is kept");
    world.ask("s2", "asked").await;
    rotations.round().await;
    assert_eq!(world.value("s2", "ACSCurrent").await.0, "asked");
    world.memory.go_on.notify_one();
    hanging.await.unwrap();
    world.kms.clock.advance_seconds(1);
    service.run_jobs_once().await;
    rotations.round().await;
    assert_eq!(world.memory.sets.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn nothing_is_touched_when_it_could_not_be_stored() {
    let world = World::new(SINGLE.logins).await;
    let key = world.kms.key(&[]).await;
    world.secret(&SINGLE, &[("EncryptionKeyId", &key)]).await;
    world.ask("s", "v2").await;
    world.kms.call("DisableKey", &[("KeyId", &key)]).await.unwrap();
    world.rotations.round().await;
    assert_eq!(world.told(), ["s v2 secret 1 false"]);
    assert_eq!(world.memory.sets.load(Ordering::Relaxed), 0);
    world.kms.call("EnableKey", &[("KeyId", &key)]).await.unwrap();
    world.kms.call("DeleteSecret", &[("SecretName", "s")]).await.unwrap();
    world.kms.clock.advance_seconds(30);
    world.rotations.round().await;
    assert!(world.told().is_empty() && !world.pending("s").await, "a secret in its recovery window does not rotate");
    assert_eq!(world.memory.sets.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_administrator_without_a_value_is_named() {
    let world = World::new(SINGLE.logins).await;
    world.secret(&SINGLE, &[]).await;
    world.kms.call("DeleteSecret", &[("SecretName", "administrator")]).await.unwrap();
    world.ask("s", "v2").await;
    world.rotations.round().await;
    assert_eq!(world.told(), ["s v2 administrator 1 false"]);
    assert!(world.memory.accepts(&world.value("s", "ACSCurrent").await.1));
}
