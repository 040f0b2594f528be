//! What identities are granted: their policies, read through a cache.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use sesame_crypto::digest;
use sesame_domain::AccountId;
use sesame_domain::ram::{EntityType, IdentityId, PolicyType as Owner};
use sesame_policy::{Attachment, Document, Kind, Policy, PolicySet, PolicyType, Source, system};
use sesame_store::ram_grants::{self, Grant};
use sesame_store::{Change, Store};

use crate::cached::Cached;
use crate::error::Result;
use crate::request::{Identity, Principal};

/// Identities whose policies are kept ready in memory.
const IDENTITIES: usize = 4_096;
/// Documents that are kept parsed; identities share them.
const DOCUMENTS: usize = 4_096;

/// Identities whose policies each thread has at hand.
const NEAR: usize = 32;

/// A document by what it says: policies of one name can follow each other.
type Fingerprint = [u8; 32];

/// The policies of users and roles.
#[derive(Debug)]
pub(crate) struct Access {
    store: Store,
    users: Cached<IdentityId, Arc<IdentityPolicies>>,
    roles: Cached<IdentityId, Arc<IdentityPolicies>>,
    documents: Cache<Fingerprint, Arc<Document>>,
    /// Becomes another number, which no other had or gets, whenever something is forgotten.
    generation: AtomicU64,
}

/// Policies in the hands of one thread: those who use them count themselves in memory of its own, where the cores do not
/// take turns.
pub(crate) type PoliciesAtHand = Arc<Arc<IdentityPolicies>>;

#[derive(Debug)]
struct Near {
    generation: u64,
    kind: EntityType,
    id: IdentityId,
    policies: PoliciesAtHand,
}

thread_local! {
    /// The policies that this thread asked for, by the end of the id.
    static AT_HAND: RefCell<[Option<Near>; NEAR]> = const { RefCell::new([const { None }; NEAR]) };
}

fn place(id: &IdentityId) -> usize {
    // The digits of an id are drawn by lot.
    id.as_str().bytes().rev().take(2).fold(0, |place, byte| place * 10 + usize::from(byte)) % NEAR
}

fn next_generation() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The policies of one identity of an account.
#[derive(Debug)]
pub(crate) struct IdentityPolicies {
    account: AccountId,
    pub(crate) set: PolicySet,
}

impl Access {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            users: Cached::new(IDENTITIES),
            roles: Cached::new(IDENTITIES),
            documents: Cache::new(DOCUMENTS),
            generation: AtomicU64::new(next_generation()),
        }
    }

    /// The policies that apply to whoever acts, but for the session policy. The root of an account has none and needs
    /// none.
    pub(crate) async fn policies(&self, principal: &Principal) -> Result<Option<PoliciesAtHand>> {
        match &principal.identity {
            Identity::Root => Ok(None),
            Identity::User(user) => self.at_hand(EntityType::User, &principal.account, &user.id).await.map(Some),
            Identity::Session(session) => {
                self.at_hand(EntityType::Role, &principal.account, &session.role_id).await.map(Some)
            }
            Identity::Anonymous => {
                let account = principal.account.clone();
                Ok(Some(Arc::new(Arc::new(IdentityPolicies { account, set: PolicySet::default() }))))
            }
        }
    }

    /// As [`Access::get`], from what this thread has at hand, if nothing was forgotten since.
    async fn at_hand(&self, kind: EntityType, account: &AccountId, id: &IdentityId) -> Result<PoliciesAtHand> {
        // Looked at before the policies are: whatever is forgotten after that makes them old.
        let generation = self.generation.load(Ordering::Acquire);
        let is_current = self.store.is_current();
        if is_current {
            let near = AT_HAND.with_borrow(|at_hand| {
                let near = at_hand.get(place(id))?.as_ref()?;
                let is_this = near.kind == kind && near.id == *id && near.policies.account == *account;
                (near.generation == generation && is_this).then(|| Arc::clone(&near.policies))
            });
            if let Some(policies) = near {
                return Ok(policies);
            }
        }
        let policies = Arc::new(Box::pin(self.get(kind, account, id)).await?);
        if is_current {
            let near = Near { generation, kind, id: id.clone(), policies: Arc::clone(&policies) };
            AT_HAND.with_borrow_mut(|at_hand| at_hand.get_mut(place(id)).map(|place| place.replace(near)));
        }
        Ok(policies)
    }

    /// The policies of a user or a role.
    pub(crate) async fn get(
        &self,
        kind: EntityType,
        account: &AccountId,
        id: &IdentityId,
    ) -> Result<Arc<IdentityPolicies>> {
        let cached = if kind == EntityType::User { &self.users } else { &self.roles };
        let current = self.store.is_current();
        if current
            && let Some(found) = cached.get(id)
            && found.account == *account
        {
            return Ok(found);
        }
        let ticket = cached.ticket(id);
        let mut conn = self.store.reader().await?;
        let grants = match kind {
            EntityType::User => ram_grants::of_user(&mut conn, account, id).await?,
            EntityType::Role | EntityType::Group => ram_grants::of_role(&mut conn, account, id).await?,
        };
        drop(conn);
        let set = PolicySet::new(grants.iter().map(|grant| self.policy(grant)));
        let policies = Arc::new(IdentityPolicies { account: account.clone(), set });
        if current {
            cached.keep(ticket, id.clone(), Arc::clone(&policies));
        }
        Ok(policies)
    }

    fn policy(&self, grant: &Grant) -> Policy {
        let entity = grant.entity_name.as_str().into();
        let attachment = match grant.entity_type {
            EntityType::User => Attachment::RamUser(entity),
            EntityType::Group => Attachment::RamGroup(entity),
            EntityType::Role => Attachment::RamRole(entity),
        };
        let (policy_type, version, document) = match grant.policy_type {
            Owner::System => {
                let version = system::find(&grant.policy).map_or("", |policy| policy.version);
                let document = system::document(&grant.policy);
                let document = document.unwrap_or_else(|| Err("this server knows no such system policy".to_owned()));
                (PolicyType::System, version.into(), document)
            }
            Owner::Custom => (PolicyType::Custom, format!("v{}", grant.version).into(), self.document(&grant.document)),
        };
        let source = Source { name: grant.policy.as_str().into(), policy_type, version, attachment };
        Policy { source, document }
    }

    fn document(&self, text: &str) -> std::result::Result<Arc<Document>, String> {
        let fingerprint = digest::sha256(text.as_bytes());
        if let Some(known) = self.documents.get(&fingerprint) {
            return Ok(known);
        }
        let parsed = Document::parse(Kind::Identity, text).map(Arc::new).map_err(|malformed| malformed.to_string())?;
        self.documents.insert(fingerprint, Arc::clone(&parsed));
        Ok(parsed)
    }

    /// Forgets what a committed change has replaced.
    pub(crate) fn forget(&self, change: &Change) {
        match change {
            Change::Identities(account) => {
                self.users.invalidate_where(|of| of.account == *account);
                self.roles.invalidate_where(|of| of.account == *account);
            }
            Change::Everything => {
                self.users.clear();
                self.roles.clear();
            }
            _ => return,
        }
        self.generation.store(next_generation(), Ordering::Release);
    }
}

/// The policy of a key or a secret, as it was stored; `None` when it has none of its own, and RAM decides alone. One
/// that cannot be read refuses everybody but the root of the account.
pub(crate) fn resource_policy(kind: Kind, name: &str, text: Option<&str>) -> Option<PolicySet> {
    let document = Document::parse(kind, text?).map(Arc::new).map_err(|malformed| malformed.to_string());
    let policy_type = if kind == Kind::Secret { PolicyType::Secret } else { PolicyType::Key };
    let source = Source { name: name.into(), policy_type, version: "".into(), attachment: Attachment::Resource };
    Some(PolicySet::of_one(Policy { source, document }))
}
