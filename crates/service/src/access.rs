//! What identities are granted: their policies, read through a cache.

use std::sync::Arc;

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

/// A document by what it says: policies of one name can follow each other.
type Fingerprint = [u8; 32];

/// The policies of users and roles.
#[derive(Debug)]
pub(crate) struct Access {
    store: Store,
    users: Cached<IdentityId, Arc<IdentityPolicies>>,
    roles: Cached<IdentityId, Arc<IdentityPolicies>>,
    documents: Cache<Fingerprint, Arc<Document>>,
}

/// The policies of one identity of an account.
#[derive(Debug)]
pub(crate) struct IdentityPolicies {
    account: AccountId,
    pub(crate) set: PolicySet,
}

impl Access {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, users: Cached::new(IDENTITIES), roles: Cached::new(IDENTITIES), documents: Cache::new(DOCUMENTS) }
    }

    /// The policies that apply to whoever acts, but for the session policy. The root of an account has none and needs
    /// none.
    pub(crate) async fn policies(&self, principal: &Principal) -> Result<Option<Arc<IdentityPolicies>>> {
        match &principal.identity {
            Identity::Root => Ok(None),
            Identity::User(user) => self.get(EntityType::User, &principal.account, &user.id).await.map(Some),
            Identity::Session(session) => {
                self.get(EntityType::Role, &principal.account, &session.role_id).await.map(Some)
            }
            Identity::Anonymous => {
                let account = principal.account.clone();
                Ok(Some(Arc::new(IdentityPolicies { account, set: PolicySet::default() })))
            }
        }
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
            _ => {}
        }
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
