use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use sesame_audit::{AuditLog, Disk, Files, Kind as RecordKind, Records};
use sesame_crypto::random::SystemRandom;
use sesame_domain::ram::IdentityId;
use sesame_domain::{AccountId, Clock as _, Timestamp};
use sesame_policy::{self as policy, Attachment, Document, Kind, Policy, PolicySet, PolicyType};
use sesame_seal::FileSeal;
use sesame_service::params::Params;
use sesame_service::{
    AccessDeniedDetail, Answer, AuditOptions, Call, CallQuotas, Identity, Limits, Principal, RoleSession, RotationPace,
    Service, ServiceOptions, Source, UserIdentity, audit, registry,
};
use sesame_store::{Store, StoreError, accounts};
use tempfile::TempDir;

use crate::TestClock;
use crate::postgres::Database;

/// The account that every service begins with.
const FIRST: &str = "1234567890123456";

/// A service in process over a database of its own, which disappears with it.
#[derive(Debug)]
pub struct TestKms {
    /// The service.
    pub service: Arc<Service>,
    /// The clock; stands still.
    pub clock: Arc<TestClock>,
    /// The database under the service.
    pub store: Store,
    principal: Principal,
    limits: Limits,
    quotas: CallQuotas,
    log: AuditLog,
    trail: PathBuf,
    place: Arc<Place>,
}

/// Where the root key and the database are, for as long as anybody uses them.
#[derive(Debug)]
struct Place {
    trails: AtomicUsize,
    folder: TempDir,
    database: Option<Database>,
}

/// An error of the API.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The code.
    pub code: &'static str,
    /// The message.
    pub message: String,
    /// When to try again.
    pub retry_after_ms: Option<u64>,
    /// Which permission was refused.
    pub denied: Option<Box<AccessDeniedDetail>>,
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.message)
    }
}

impl TestKms {
    /// A service without quotas for account 1234567890123456 in cn-hangzhou.
    pub async fn new() -> Self {
        Self::with_limits(Limits::default()).await
    }

    /// As [`TestKms::new`], with limits.
    pub async fn with_limits(limits: Limits) -> Self {
        Self::over(None, limits, CallQuotas::default(), Arc::new(Disk)).await
    }

    /// As [`TestKms::new`], with quotas of calls.
    pub async fn with_call_quotas(quotas: CallQuotas) -> Self {
        Self::over(None, Limits::default(), quotas, Arc::new(Disk)).await
    }

    /// As [`TestKms::new`], with an audit trail in files that may fail.
    pub async fn with_audit_files(files: Arc<dyn Files>) -> Self {
        Self::over(None, Limits::default(), CallQuotas::default(), files).await
    }

    /// As [`TestKms::with_limits`], on PostgreSQL, where [`TestKms::another_server`] can run beside it; `None` where tests
    /// have no PostgreSQL.
    pub async fn on_postgres(limits: Limits) -> Option<Self> {
        let database = Database::new()?;
        Some(Self::over(Some(database), limits, CallQuotas::default(), Arc::new(Disk)).await)
    }

    /// As [`TestKms::new`], before any account was made.
    pub async fn without_accounts() -> Self {
        Self::bare(None, Limits::default(), CallQuotas::default(), Arc::new(Disk)).await
    }

    async fn over(database: Option<Database>, limits: Limits, quotas: CallQuotas, files: Arc<dyn Files>) -> Self {
        let kms = Self::bare(database, limits, quotas, files).await;
        make_accounts(&kms.store).await;
        kms
    }

    async fn bare(database: Option<Database>, limits: Limits, quotas: CallQuotas, files: Arc<dyn Files>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = Place { trails: AtomicUsize::new(0), folder, database };
        FileSeal::create(&place.root_key(), &SystemRandom).expect("a root key");
        Self::open(Arc::new(place), Arc::new(TestClock::default()), limits, quotas, files).await
    }

    async fn open(
        place: Arc<Place>,
        clock: Arc<TestClock>,
        limits: Limits,
        quotas: CallQuotas,
        files: Arc<dyn Files>,
    ) -> Self {
        let root_key = FileSeal::open(&place.root_key()).expect("the root key");
        let options =
            sesame_store::Options::new(place.url(), root_key, Arc::new(SystemRandom), Arc::clone(&clock) as _);
        let store = Store::open(options).await.expect("an open store");
        let trail = place.new_trail();
        let audit = audit::testing::with_files(&trail, &(Arc::clone(&clock) as _), files).expect("a trail");
        let log = audit.log.clone();
        let service = service(&store, &clock, limits, quotas.clone(), audit);
        Self { service, clock, principal: root_of(FIRST), store, limits, quotas, log, trail, place }
    }

    /// Another server over the same database, with a store, caches and a clock of its own, which shows the same time.
    /// With SQLite, only after this one's store was closed: then it is the same server after a restart.
    pub async fn another_server(&self) -> Self {
        let clock = Arc::new(TestClock::at(self.clock.now()));
        Self::open(Arc::clone(&self.place), clock, self.limits, self.quotas.clone(), Arc::new(Disk)).await
    }

    /// Another node over the same database, with a clock of its own; or the same node after a restart.
    pub fn another_node(&self, clock: &Arc<TestClock>) -> Arc<Service> {
        let audit = audit::testing::options(&self.place.new_trail(), &(Arc::clone(clock) as _)).expect("a trail");
        service(&self.store, clock, self.limits, self.quotas.clone(), audit)
    }

    /// Has the audit trail do its rounds: to disk, or back to work after a failure.
    pub fn keep_audit(&self) {
        self.log.keep();
    }

    /// The records of the audit trail so far: what was recorded of requests, as whole events.
    pub fn events(&self) -> Vec<Value> {
        // Staged records come into the chain before anybody is told where it ends.
        self.log.head();
        let mut records = Records::from(&self.trail, 0).expect("a trail");
        let mut events = Vec::new();
        while let Some(line) = records.next_line().expect("a record") {
            if matches!(line.kind, RecordKind::Event | RecordKind::Data) {
                events.push(audit::expand(line.body, &audit::event_id(line.hash), None).expect("an event"));
            }
        }
        events
    }

    /// The folder of the database.
    pub fn folder(&self) -> &std::path::Path {
        self.place.folder.path()
    }

    /// Calls an operation as the root of the first account.
    ///
    /// # Errors
    /// What the API answers.
    pub async fn call(&self, operation: &str, params: &[(&str, &str)]) -> Result<Value, Refusal> {
        self.call_as(&self.principal, operation, params).await
    }

    /// Calls an operation as the root of another account.
    ///
    /// # Errors
    /// What the API answers.
    pub async fn call_from(&self, account: &str, operation: &str, params: &[(&str, &str)]) -> Result<Value, Refusal> {
        self.call_as(&root_of(account), operation, params).await
    }

    /// A new user of the first account with policies: names of system policies, or documents.
    pub async fn user(&self, name: &str, policies: &[&str]) -> Principal {
        let user = self.user_of(FIRST, name).await;
        self.attach("User", name, policies).await;
        user
    }

    /// A new user of an account, without policies.
    pub async fn user_of(&self, account: &str, name: &str) -> Principal {
        let made = self.call_from(account, "Ram:CreateUser", &[("UserName", name)]).await.expect("a new user");
        let id = id_in(&made, "/User/UserId");
        let user = UserIdentity { id, name: name.parse().expect("a name") };
        Principal { identity: Identity::User(Arc::new(user)), ..root_of(account) }
    }

    /// A session of a new role of the first account with policies, and perhaps a policy of the session itself.
    pub async fn session(&self, role: &str, policies: &[&str], policy: Option<&str>) -> Principal {
        let trust = format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole",
                "Principal":{{"RAM":["acs:ram::{FIRST}:root"]}}}}]}}"#
        );
        let params = [("RoleName", role), ("AssumeRolePolicyDocument", &trust)];
        let made = self.call("Ram:CreateRole", &params).await.expect("a new role");
        self.attach("Role", role, policies).await;
        let policy = policy.map(|text| {
            let document = Document::parse(Kind::Session, text).map(Arc::new).map_err(|error| error.to_string());
            let (policy_type, attachment) = (PolicyType::Session, Attachment::Session("test".into()));
            let source = policy::Source { name: "session".into(), policy_type, version: "".into(), attachment };
            PolicySet::of_one(Policy { source, document })
        });
        let session = RoleSession {
            role_id: id_in(&made, "/Role/RoleId"),
            role_name: role.parse().expect("a name"),
            name: "test".parse().expect("a name"),
            policy,
            source_identity: String::new(),
            issued_at: self.clock.now(),
            expires_at: self.clock.now().plus_seconds(3_600),
        };
        Principal { identity: Identity::Session(Arc::new(session)), ..root_of(FIRST) }
    }

    /// Attaches policies to a `User`, `Group` or `Role`: those of the service by name, others as documents.
    pub async fn attach(&self, entity: &str, name: &str, policies: &[&str]) {
        for (policy, number) in policies.iter().zip(1..) {
            let own = format!("{name}-{number}");
            let (kind, policy) = if policy.starts_with('{') {
                let params = [("PolicyName", &*own), ("PolicyDocument", *policy)];
                self.call("Ram:CreatePolicy", &params).await.expect("a new policy");
                ("Custom", own.as_str())
            } else {
                ("System", *policy)
            };
            let of = format!("{entity}Name");
            let params = [("PolicyType", kind), ("PolicyName", policy), (of.as_str(), name)];
            self.call(&format!("Ram:AttachPolicyTo{entity}"), &params).await.expect("an attachment");
        }
    }

    /// Calls an operation as whom a test likes.
    ///
    /// # Errors
    /// What the API answers.
    pub async fn call_as(&self, who: &Principal, operation: &str, params: &[(&str, &str)]) -> Result<Value, Refusal> {
        let params = Params::new(params.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect());
        let call = Call {
            operation: registry::lookup(operation).expect("a registered operation"),
            params: &params,
            principal: who,
            source: Source {
                address: IpAddr::V4(Ipv4Addr::LOCALHOST),
                secure_transport: true,
                host: b"kms.test",
                user_agent: b"testkit",
            },
            request_id: "00000000-0000-4000-8000-000000000000",
        };
        match self.service.call(call).await {
            Ok(answer) => Ok(members(&answer)),
            Err(error) => Err(Refusal {
                status: error.code.status(),
                code: error.code.name(),
                message: error.message.into_owned(),
                retry_after_ms: error.retry_after_ms,
                denied: error.denied,
            }),
        }
    }

    /// Makes a key and gives its id; `params` as for CreateKey.
    pub async fn key(&self, params: &[(&str, &str)]) -> String {
        let made = self.call("CreateKey", params).await.expect("a new key");
        made.pointer("/KeyMetadata/KeyId").and_then(Value::as_str).expect("a key id").to_owned()
    }
}

impl Place {
    /// A folder of its own for the audit trail of each server.
    fn new_trail(&self) -> PathBuf {
        let name = match self.trails.fetch_add(1, Ordering::Relaxed) {
            0 => "audit".to_owned(),
            number => format!("audit-{number}"),
        };
        self.folder.path().join(name)
    }

    fn root_key(&self) -> PathBuf {
        self.folder.path().join("root.key")
    }

    fn url(&self) -> String {
        let file = || format!("sqlite://{}", self.folder.path().join("sesame.db").display());
        self.database.as_ref().map_or_else(file, Database::url)
    }
}

/// The accounts that tests act as: what hangs on an account needs it.
async fn make_accounts(store: &Store) {
    for account in [FIRST, "6543210987654321"] {
        let account: AccountId = account.parse().expect("sixteen digits");
        let made = store.write::<_, StoreError, _>(move |tx| {
            let account = account.clone();
            Box::pin(async move { accounts::insert(tx, &account, Timestamp::from_millis(1)).await })
        });
        made.await.expect("an account");
    }
}

fn service(
    store: &Store,
    clock: &Arc<TestClock>,
    limits: Limits,
    call_quotas: CallQuotas,
    audit: AuditOptions,
) -> Arc<Service> {
    Service::new(ServiceOptions {
        store: store.clone(),
        region: "cn-hangzhou".parse().expect("a region"),
        sister_regions: Vec::new(),
        clock: Arc::clone(clock) as _,
        random: Arc::new(SystemRandom),
        clock_window_seconds: 900,
        require_nonce: false,
        limits,
        call_quotas,
        rotation_pace: RotationPace::default(),
        audit,
    })
}

/// The members of an answer as its JSON gives them, which must be those that other forms are written from.
fn members(answer: &Answer) -> Value {
    let mut json = Vec::new();
    answer.body().write_json(&mut json).expect("an answer in JSON");
    let members = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(serde_json::to_value(answer.body().members()).expect("members"), members, "both forms say the same");
    members
}

fn id_in(answer: &Value, pointer: &str) -> IdentityId {
    answer.pointer(pointer).and_then(Value::as_str).and_then(|id| id.parse().ok()).expect("an id")
}

fn root_of(account: &str) -> Principal {
    let account: AccountId = account.parse().expect("sixteen digits");
    Principal::root(account, "LTAItestkit")
}
