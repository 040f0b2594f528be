//! A service, its secrets, and what they open; a process that dies at a chosen step.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use serde_json::{Value, json};
use sesame_crypto::SecretText;
use sesame_domain::secret::{ManagedConfig, SecretName, SecretType};
use sesame_rotate::{Instance, Kind, Systems, Tls};
use sesame_service::Service;
use sesame_service::connector::{Change, Connector, Login, Outcome};
use sesame_service::rotations::{RotationOptions, Rotations};
use sesame_service::rotator::{RotationEvent, RotationListener, RotationOutcome, RotationTarget};
use sesame_testkit::{Refusal, TestKms};
use tokio::sync::Notify;

type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

pub(crate) const ACCOUNT: &str = "1234567890123456";
/// After it, what a dead node held can be taken.
const HOLD: i64 = 91;
const OPTIONS: RotationOptions = RotationOptions { concurrency: 4, attempts: 2, retry_seconds: 30 };

/// A step at which the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Die {
    /// While the system is changed: in which change from now, and at the how manieth time that it is waited for.
    InSet(usize, usize),
    /// The system took the change.
    AfterSet,
    /// The journal says so.
    BeforeProof,
    /// The new credential has logged in.
    AfterProof,
}

/// The real connectors, which stop at a chosen step and never go on.
#[derive(Debug)]
pub(crate) struct Dying {
    systems: Arc<Systems>,
    die: parking_lot::Mutex<Option<Die>>,
    died: Notify,
    /// How often the last change was waited for.
    polls: AtomicUsize,
    /// How often each account was changed.
    pub(crate) sets: parking_lot::Mutex<BTreeMap<String, usize>>,
}

impl Dying {
    pub(crate) fn new(systems: &Arc<Systems>) -> Arc<Self> {
        let systems = Arc::clone(systems);
        Arc::new(Self { systems, die: None.into(), died: Notify::new(), polls: 0.into(), sets: BTreeMap::new().into() })
    }

    async fn die<T>(&self) -> T {
        self.died.notify_one();
        std::future::pending().await
    }

    fn wanted(&self, die: Die) -> bool {
        self.die.lock().take_if(|wanted| *wanted == die).is_some()
    }
}

/// The outcome of a future and how often it was polled, unless it is not ready after so many times.
async fn polled<F: Future>(future: F, limit: usize) -> Option<(F::Output, usize)> {
    let (mut future, mut polls) = (Box::pin(future), 0);
    std::future::poll_fn(move |cx| {
        if polls == limit {
            return Poll::Ready(None);
        }
        polls += 1;
        future.as_mut().poll(cx).map(|done| Some((done, polls)))
    })
    .await
}

/// The moments of a change that was waited for so often: all at its beginning and its end, and some between.
fn moments(polls: usize) -> impl Iterator<Item = usize> {
    (0..polls).filter(move |at| *at < 8 || at + 16 >= polls || at % (polls / 4).max(1) == 0)
}

impl Connector for Dying {
    fn reaches(&self, target: &RotationTarget) -> bool {
        self.systems.reaches(target)
    }

    fn administrator(&self, target: &RotationTarget) -> Option<SecretName> {
        self.systems.administrator(target)
    }

    fn make<'a>(&'a self, target: &'a RotationTarget, current: &'a Login) -> BoxFuture<'a, Outcome<Login>> {
        self.systems.make(target, current)
    }

    fn set<'a>(&'a self, target: &'a RotationTarget, change: &'a Change<'a>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            *self.sets.lock().entry(change.login.name.clone()).or_default() += 1;
            let limit = match &mut *self.die.lock() {
                Some(Die::InSet(0, polls)) => *polls,
                Some(Die::InSet(before, _)) => {
                    *before -= 1;
                    usize::MAX
                }
                _ => usize::MAX,
            };
            let Some((done, polls)) = polled(self.systems.set(target, change), limit).await else {
                return self.die().await;
            };
            self.polls.store(polls, Ordering::Relaxed);
            if self.wanted(Die::AfterSet) {
                return self.die().await;
            }
            done
        })
    }

    fn prove<'a>(&'a self, target: &'a RotationTarget, login: &'a Login) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            if self.wanted(Die::BeforeProof) {
                return self.die().await;
            }
            let done = self.systems.prove(target, login).await;
            if self.wanted(Die::AfterProof) {
                return self.die().await;
            }
            done
        })
    }
}

/// Remembers why rotations failed.
#[derive(Debug, Default)]
struct Failures(parking_lot::Mutex<Vec<(String, String)>>);

impl RotationListener for Failures {
    fn ended(&self, event: &RotationEvent<'_>) {
        if let RotationOutcome::Failed { failure, .. } = &event.outcome {
            let name = event.secret.name.to_string();
            self.0.lock().push((name, format!("{}: {}", failure.reason.name(), failure.message)));
        }
    }
}

/// A service that can reach some systems.
pub(crate) struct World {
    pub(crate) kms: TestKms,
    pub(crate) systems: Arc<Systems>,
    dying: Arc<Dying>,
    failures: Arc<Failures>,
    /// Every value that was ever seen; none of them may be in a log.
    seen: parking_lot::Mutex<Vec<String>>,
}

/// A secret under test.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) kind: SecretType,
    pub(crate) config: Value,
    pub(crate) data: String,
    /// Whether the value that is replaced goes on to log in.
    pub(crate) overlaps: bool,
}

impl Case {
    pub(crate) fn rds(name: &str, instance: &str, sub_type: &str, accounts: &[(&str, &str)]) -> Self {
        let account = |(name, password): &(&str, &str)| json!({"AccountName": name, "AccountPassword": password});
        let accounts: Vec<Value> = accounts.iter().map(account).collect();
        Self {
            name: name.to_owned(),
            kind: SecretType::Rds,
            config: json!({"SecretSubType": sub_type, "DBInstanceId": instance}),
            data: json!({"Accounts": accounts}).to_string(),
            overlaps: sub_type == "DoubleUsers",
        }
    }
}

pub(crate) fn instance(kind: Kind, port: u16, administrator: Option<&str>) -> Instance {
    Instance {
        account: ACCOUNT.parse().unwrap(),
        kind,
        host: "127.0.0.1".to_owned(),
        port,
        tls: Tls::Off,
        administrator: administrator.map(|name| name.parse().unwrap()),
        accounts: [].into(),
        database: String::new(),
        host_keys: Vec::new(),
        authorized_keys: ".ssh/authorized_keys".to_owned(),
        sudo: false,
    }
}

pub(crate) fn node(service: &Arc<Service>, connector: &Arc<Dying>) -> Arc<Rotations> {
    Rotations::new(service, vec![Arc::clone(connector) as _], OPTIONS).unwrap()
}

impl World {
    pub(crate) async fn new(kms: TestKms, instances: Vec<(&str, Instance)>) -> Self {
        let instances = instances.into_iter().map(|(id, instance)| (id.to_owned(), instance)).collect();
        let systems = Arc::new(Systems::new(instances));
        let (dying, failures) = (Dying::new(&systems), Arc::new(Failures::default()));
        node(&kms.service, &dying).install();
        kms.service.on_rotation(Arc::clone(&failures) as _);
        Self { kms, systems, dying, failures, seen: Vec::new().into() }
    }

    /// Stores the login of an administrator.
    pub(crate) async fn administrator(&self, name: &str, login: &Value) {
        let login = login.to_string();
        let first = [("SecretName", name), ("VersionId", "v1"), ("SecretData", &login)];
        self.kms.call("CreateSecret", &first).await.unwrap();
        self.seen.lock().push(login);
    }

    pub(crate) async fn create(&self, case: &Case) -> Result<Value, Refusal> {
        let config = case.config.to_string();
        let params = [
            ("SecretName", case.name.as_str()),
            ("VersionId", "v0"),
            ("SecretType", case.kind.name()),
            ("SecretData", &case.data),
            ("ExtendedConfig", &config),
        ];
        self.kms.call("CreateSecret", &params).await
    }

    fn target(case: &Case) -> RotationTarget {
        RotationTarget {
            account: ACCOUNT.parse().unwrap(),
            name: case.name.parse().unwrap(),
            kind: case.kind,
            config: ManagedConfig::parse(case.kind, &case.config.to_string()).unwrap(),
        }
    }

    /// The version and the value of a stage.
    pub(crate) async fn value(&self, case: &Case, stage: &str) -> Option<(String, String)> {
        let params = [("SecretName", case.name.as_str()), ("VersionStage", stage)];
        let answer = self.kms.call("GetSecretValue", &params).await.ok()?;
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        self.seen.lock().push(text("SecretData"));
        Some((text("VersionId"), text("SecretData")))
    }

    /// Whether a value logs in.
    pub(crate) async fn opens(&self, case: &Case, value: &str) -> bool {
        let login = Login::parse(&SecretText::new(value.to_owned())).unwrap();
        self.systems.prove(&Self::target(case), &login).await.is_ok()
    }

    pub(crate) async fn ask(&self, case: &Case, version: &str) {
        // There are fifty in an hour.
        self.kms.clock.advance_seconds(3_600);
        let params = [("SecretName", case.name.as_str()), ("VersionId", version)];
        self.kms.call("RotateSecret", &params).await.unwrap();
    }

    pub(crate) async fn round(&self) {
        node(&self.kms.service, &self.dying).round().await;
    }

    pub(crate) async fn rotate(&self, case: &Case, version: &str) {
        self.ask(case, version).await;
        self.round().await;
        self.verify(case, version, None).await;
    }

    /// Why rotations of a secret failed since the last time.
    pub(crate) fn failures(&self, case: &Case) -> Vec<String> {
        let all = std::mem::take(&mut *self.failures.0.lock());
        all.into_iter().filter(|(name, _)| *name == case.name).map(|(_, why)| why).collect()
    }

    async fn verify(&self, case: &Case, version: &str, before: Option<&(String, String)>) {
        let failures = self.failures(case);
        assert!(failures.is_empty(), "{}: {failures:?}", case.name);
        let (current, value) = self.value(case, "ACSCurrent").await.unwrap();
        assert_eq!(current, version, "{}", case.name);
        assert!(self.opens(case, &value).await, "{} {version}: the current value does not log in", case.name);
        if let Some(before) = before {
            let previous = self.value(case, "ACSPrevious").await.unwrap();
            assert_eq!(previous, *before, "{}", case.name);
            assert_eq!(self.opens(case, &previous.1).await, case.overlaps, "{} {version}: the previous", case.name);
        }
    }

    /// Rotates, dies at a step, goes on after it, and checks what there is; whether the step was reached.
    pub(crate) async fn dies_and_goes_on(&self, case: &Case, version: &str, die: Die) -> bool {
        let before = self.value(case, "ACSCurrent").await.unwrap();
        self.ask(case, version).await;
        *self.dying.die.lock() = Some(die);
        let rotations = node(&self.kms.service, &self.dying);
        let died = tokio::select! {
            () = rotations.round() => false,
            () = self.dying.died.notified() => true,
        };
        *self.dying.die.lock() = None;
        drop(rotations);
        if died {
            assert_eq!(self.value(case, "ACSCurrent").await.as_ref(), Some(&before), "{} {die:?}", case.name);
            if case.overlaps {
                assert!(self.opens(case, &before.1).await, "{} {die:?}: the current value does not log in", case.name);
            }
            self.kms.clock.advance_seconds(HOLD);
            self.round().await;
        }
        self.verify(case, version, Some(&before)).await;
        died
    }

    /// Dies at every step of the rotation of one secret.
    pub(crate) async fn dies_everywhere(&self, case: &Case) {
        self.create(case).await.unwrap();
        self.each_step(async |_| case.clone()).await;
    }

    /// Dies at every step of a first rotation; each needs a secret that was never rotated.
    pub(crate) async fn first_dies_everywhere(&self, case: impl AsyncFn(usize) -> Case) {
        let made = async |number: usize| {
            let case = case(number).await;
            self.create(&case).await.unwrap();
            case
        };
        self.each_step(made).await;
    }

    async fn each_step(&self, case: impl AsyncFn(usize) -> Case) {
        let mut number = 0;
        for die in [Die::AfterSet, Die::BeforeProof, Die::AfterProof] {
            let case = case(number).await;
            assert!(self.dies_and_goes_on(&case, &format!("v{number}x"), die).await, "{} {die:?}", case.name);
            number += 1;
        }
        let mut died = 0;
        for step in moments(self.dying.polls.load(Ordering::Relaxed)) {
            let case = case(number).await;
            died += usize::from(self.dies_and_goes_on(&case, &format!("v{number}x"), Die::InSet(0, step)).await);
            number += 1;
        }
        // How often it is waited for differs from run to run.
        assert!(died >= 3, "{died}");
    }

    /// Dies at every step of the making of the two accounts of a secret, and makes it again.
    pub(crate) async fn making_dies_everywhere(&self, case: impl Fn(usize) -> Case) {
        let mut number = 0;
        self.create(&case(number)).await.unwrap();
        let (mut died, polls) = (0, self.dying.polls.load(Ordering::Relaxed));
        for account in 0..2 {
            for step in moments(polls) {
                number += 1;
                let case = case(number);
                *self.dying.die.lock() = Some(Die::InSet(account, step));
                let dies = tokio::select! {
                    made = self.create(&case) => { made.unwrap(); false }
                    () = self.dying.died.notified() => true,
                };
                *self.dying.die.lock() = None;
                if dies {
                    died += 1;
                    assert!(self.value(&case, "ACSCurrent").await.is_none());
                    self.create(&case).await.unwrap();
                }
                for stage in ["ACSCurrent", "ACSPrevious"] {
                    let (_, value) = self.value(&case, stage).await.unwrap();
                    assert!(self.opens(&case, &value).await, "{} {stage}", case.name);
                }
            }
        }
        assert!(died >= 6, "{died}");
    }

    /// No password that was made here is in this text.
    pub(crate) fn assert_nothing_in(&self, log: &str) {
        let seen = self.seen.lock();
        let mut looked_for = 0;
        for value in seen.iter() {
            let value: Value = serde_json::from_str(value).unwrap();
            if let Some(password) = value["AccountPassword"].as_str().filter(|password| password.len() == 32) {
                assert!(!log.contains(password), "a password is in the log of the server");
                looked_for += 1;
            }
        }
        assert!(looked_for > 20, "{looked_for}");
    }
}
