//! Why a request would be allowed or refused: the same decision as that of a call, with the statements that made it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sesame_domain::ram::{EntityType, PolicyType, RoleName, UserName};
use sesame_domain::tag::ResourceType;
use sesame_domain::{AccountId, Arn, Tag, Timestamp};
use sesame_policy::{
    Action, Attachment, Caller, ConditionKey, Context, Decision, Document, Kind, Policies, Policy, PolicySet, Request,
    Resource, Source, Value, Values, decide, system,
};
use sesame_store::ram_grants::Grant;
use sesame_store::{Conn, accounts, key_policies, keys, ram_grants, ram_roles, secrets, tags};

use super::messages::{Refusal, RefusalCode};
use crate::service::Service;

/// Actions that policies can name by the product `ecs`, too (access-control reference, 3.3).
const ALSO_OF_ECS: [&str; 3] = ["TagResources", "UntagResources", "ListTagResources"];
/// Actions on an alias itself; all others are on the key that it stands for.
const ON_ALIASES: [&str; 3] = ["CreateAlias", "UpdateAlias", "DeleteAlias"];

/// A request that might be made, and what conditions could ask about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Question {
    /// Who would ask: `acs:ram::<account>:root`, `…:user/<name>`, `…:role/<name>` or `…:role/<name>/<session>`.
    pub principal: String,
    /// The action, `kms:Decrypt`.
    pub action: String,
    /// The ARN of the resource, or `*` for a request about none.
    pub resource: String,
    /// Where it would come from.
    pub source_ip: Option<IpAddr>,
    /// Whether it would come over TLS.
    pub secure_transport: Option<bool>,
    /// When; now, if it is not given.
    pub time: Option<String>,
    /// Tags of the resource in the place of those that it has.
    pub tags: Option<Vec<(String, String)>>,
    /// Tags that the request would set.
    pub request_tags: Vec<(String, String)>,
    /// Further condition keys and their values.
    pub context: Vec<(String, String)>,
}

/// A decision and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Explanation {
    /// Whether the request would be allowed.
    pub is_allowed: bool,
    /// The ARN of who would ask.
    pub principal: String,
    /// The account of who would ask.
    pub principal_account: String,
    /// The action.
    pub action: String,
    /// The resource that was asked about: an alias shows as its key.
    pub resource: String,
    /// The decision of the policies.
    pub decision: Decision,
    /// What one should know besides.
    pub notes: Vec<String>,
}

/// Who would ask, read from an ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    Root,
    User(UserName),
    /// A role, and a session of it; the empty name is that of no session.
    Role(RoleName, String),
}

/// What the store knows about a request.
#[derive(Debug, Default)]
struct Known {
    identity: PolicySet,
    resource: Option<PolicySet>,
    tags: Vec<Tag>,
    is_key: bool,
    is_disabled: bool,
    /// The resource in the place of the one that was named.
    name: Option<String>,
    notes: Vec<String>,
}

impl Service {
    /// Whether a request would be allowed, and why. Nothing is done, and nobody but the operator may ask.
    ///
    /// # Errors
    /// [`RefusalCode::Invalid`] for what cannot be read, [`RefusalCode::NotFound`] for a principal that is not there.
    pub async fn explain(&self, question: &Question) -> Result<Explanation, Refusal> {
        let (account, who) = principal(&question.principal)?;
        let action = Action::parse(&question.action)
            .ok_or_else(|| invalid("--action", &question.action, "it is written <product>:<action>, such as kms:Decrypt"))?;
        let time = match &question.time {
            Some(text) => Timestamp::parse(text)
                .map_err(|_| invalid("--time", text, "it is written as 2026-01-02T03:04:05Z"))?,
            None => self.clock.now(),
        };
        let place = Place::parse(&question.resource, self.region.as_str(), &account)?;
        let known = {
            let (account, who, place, action) =
                (account.clone(), who.clone(), place.clone(), action.name.to_owned());
            let read = self.store.read(move |conn| {
                Box::pin(async move { Known::read(conn, &account, &who, &place, &action).await })
            });
            read.await?
        };
        let caller = match &who {
            Who::Root => Caller::Root { account: account.as_str() },
            Who::User(name) => Caller::User { account: account.as_str(), name: name.as_str() },
            Who::Role(role, session) => Caller::Session { account: account.as_str(), role: role.as_str(), session },
        };
        let principal = caller.to_string();
        let facts = Facts { question, known: &known, time, principal: &principal, context: context_of(question)? };
        let spelt = spellings(known.name.as_deref().unwrap_or(&place.name));
        let names: Vec<&str> = spelt.iter().map(String::as_str).collect();
        let resource =
            Resource { product: &place.product, region: &place.region, account: &place.account, names: &names };
        let mut actions = vec![action];
        if action.product == "kms" && ALSO_OF_ECS.contains(&action.name) {
            actions.push(Action { product: "ecs", name: action.name });
        }
        let request = Request { actions: &actions, resource, caller, context: &facts };
        let policies = Policies {
            owner: &place.account,
            identity: &known.identity,
            session: None,
            resource: known.resource.as_ref(),
        };
        let decision = decide(&request, &policies);
        let resource = resource.to_string();
        Ok(Explanation {
            is_allowed: decision.is_allowed() && !known.is_disabled,
            principal_account: account.as_str().to_owned(),
            action: question.action.clone(),
            resource,
            decision,
            notes: known.notes.clone(),
            principal,
        })
    }
}

/// The spellings of a resource's name: `key` and `key/*` for all keys of an account, the name itself otherwise, none for
/// a request about no resource.
fn spellings(name: &str) -> Vec<String> {
    let container = name.strip_suffix("/*").unwrap_or(name);
    if name == "*" {
        Vec::new()
    } else if container.contains('/') {
        vec![name.to_owned()]
    } else {
        vec![container.to_owned(), format!("{container}/*")]
    }
}

impl Known {
    async fn read(
        conn: &mut Conn<'_>,
        account: &AccountId,
        who: &Who,
        place: &Place,
        action: &str,
    ) -> Result<Self, Refusal> {
        let mut known = Self::default();
        match accounts::is_enabled(conn, account).await? {
            Some(true) => {}
            Some(false) => {
                known.is_disabled = true;
                known.notes.push(format!("The account {account} is disabled: whatever policies say, it is refused."));
            }
            None => return Err(super::no_account(account)),
        }
        known.read_identity(conn, account, who).await?;
        if place.product == "kms"
            && let Ok(owner) = place.account.parse()
        {
            known.read_resource(conn, &owner, place, action).await?;
        }
        Ok(known)
    }

    async fn read_identity(&mut self, conn: &mut Conn<'_>, account: &AccountId, who: &Who) -> Result<(), Refusal> {
        let missing = |kind: &str, name: &str| {
            Refusal::new(RefusalCode::NotFound, format!("the account {account} has no {kind} {name}"))
        };
        let grants = match who {
            Who::Root => Vec::new(),
            Who::User(name) => {
                let user = ram_grants::user_id(conn, account, name).await?;
                let user = user.ok_or_else(|| missing("user", name.as_str()))?;
                ram_grants::of_user(conn, account, &user).await?
            }
            Who::Role(name, _) => {
                let role = ram_roles::by_name(conn, account, name).await?;
                let role = role.ok_or_else(|| missing("role", name.as_str()))?;
                self.notes.push("A session can be given a policy with AssumeRole; that is not known here.".to_owned());
                ram_grants::of_role(conn, account, &role.id).await?
            }
        };
        self.identity = PolicySet::new(grants.into_iter().map(policy));
        Ok(())
    }

    async fn read_resource(
        &mut self,
        conn: &mut Conn<'_>,
        owner: &AccountId,
        place: &Place,
        action: &str,
    ) -> Result<(), Refusal> {
        let mut name = place.name.clone();
        if let Some(alias) = name.strip_prefix("alias/").filter(|alias| *alias != "*" && !ON_ALIASES.contains(&action)) {
            let found = match name.parse() {
                Ok(alias) => sesame_store::aliases::get(conn, owner, &alias).await?,
                Err(_) => None,
            };
            let Some(key) = found else {
                self.notes.push(format!("There is no alias {alias}; the request would fail for that."));
                return Ok(());
            };
            self.notes.push(format!("{name} stands for {key}."));
            name = format!("key/{key}");
            self.name = Some(name.clone());
        }
        if let Some(id) = name.strip_prefix("key/").filter(|id| *id != "*") {
            let key = match id.parse() {
                Ok(id) => keys::get(conn, &id).await?.filter(|key| key.account == *owner),
                Err(_) => None,
            };
            let Some(key) = key else {
                self.notes.push(format!("There is no key {id}; the request would fail for that if it were allowed."));
                return Ok(());
            };
            self.is_key = true;
            self.tags = tags::list(conn, owner, ResourceType::Key, key.id.as_str()).await?;
            let set = key_policies::get(conn, &key.id).await?;
            self.resource = set.map(|text| carried(Kind::Key, sesame_policy::PolicyType::Key, &text));
        } else if let Some(id) = name.strip_prefix("secret/").filter(|id| *id != "*") {
            let secret = match id.parse() {
                Ok(name) => secrets::by_name(conn, owner, &name).await?,
                Err(_) => None,
            };
            let Some(secret) = secret else {
                self.notes.push(format!("There is no secret {id}; the request would fail for that if it were allowed."));
                return Ok(());
            };
            self.tags = tags::list(conn, owner, ResourceType::Secret, secret.name.as_str()).await?;
            let set = secrets::policy(conn, &secret.id).await?;
            self.resource = set.map(|text| carried(Kind::Secret, sesame_policy::PolicyType::Secret, &text));
        }
        Ok(())
    }
}

/// The policy that a key or a secret carries itself.
fn carried(kind: Kind, policy_type: sesame_policy::PolicyType, text: &str) -> PolicySet {
    let source =
        Source { name: "default".into(), policy_type, version: "".into(), attachment: Attachment::Resource };
    let document = Document::parse(kind, text).map(Arc::new).map_err(|malformed| malformed.to_string());
    PolicySet::of_one(Policy { source, document })
}

/// A policy that is attached to an identity.
fn policy(grant: Grant) -> Policy {
    let name = grant.entity_name.into_boxed_str();
    let attachment = match grant.entity_type {
        EntityType::User => Attachment::RamUser(name),
        EntityType::Group => Attachment::RamGroup(name),
        EntityType::Role => Attachment::RamRole(name),
    };
    let (policy_type, version, document) = match grant.policy_type {
        PolicyType::System => (
            sesame_policy::PolicyType::System,
            system::find(&grant.policy).map_or("", |found| found.version).to_owned(),
            system::document(&grant.policy).unwrap_or_else(|| Err("there is no system policy of this name".to_owned())),
        ),
        PolicyType::Custom => (
            sesame_policy::PolicyType::Custom,
            format!("v{}", grant.version),
            Document::parse(Kind::Identity, &grant.document).map(Arc::new).map_err(|malformed| malformed.to_string()),
        ),
    };
    let source = Source { name: grant.policy.into(), policy_type, version: version.into(), attachment };
    Policy { source, document }
}

fn invalid(what: &str, text: &str, right: &str) -> Refusal {
    Refusal::new(RefusalCode::Invalid, format!("{what} {text}: {right}"))
}

fn principal(text: &str) -> Result<(AccountId, Who), Refusal> {
    const RIGHT: &str = "it is written acs:ram::<account>:root, acs:ram::<account>:user/<name>, \
        acs:ram::<account>:role/<name> or acs:ram::<account>:role/<name>/<session>";
    let wrong = || invalid("--principal", text, RIGHT);
    let rest = text.strip_prefix("acs:ram::").or_else(|| text.strip_prefix("acs:ram:*:")).ok_or_else(wrong)?;
    let (account, name) = rest.split_once(':').ok_or_else(wrong)?;
    let account: AccountId = account.parse().map_err(|_| wrong())?;
    // GetCallerIdentity writes sessions with another word.
    let role = name.strip_prefix("role/").or_else(|| name.strip_prefix("assumed-role/"));
    let who = match (name, name.strip_prefix("user/"), role) {
        ("root", ..) => Who::Root,
        (_, Some(user), _) => Who::User(user.parse().map_err(|_| wrong())?),
        (.., Some(role)) => {
            let (role, session) = role.split_once('/').unwrap_or((role, ""));
            Who::Role(role.parse().map_err(|_| wrong())?, session.to_owned())
        }
        _ => return Err(wrong()),
    };
    Ok((account, who))
}

/// A resource as it was named.
#[derive(Clone, Debug)]
struct Place {
    product: String,
    region: String,
    account: String,
    name: String,
}

impl Place {
    fn parse(text: &str, region: &str, caller: &AccountId) -> Result<Self, Refusal> {
        let own = |text: &str| text.to_owned();
        if text == "*" {
            let account = caller.as_str().to_owned();
            return Ok(Self { product: own("kms"), region: own(region), account, name: own("*") });
        }
        let right = "it is written acs:kms:<region>:<account>:key/<id> or the like, or * for no resource";
        let mut parts = text.splitn(5, ':');
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let (Some("acs"), Some(product)) = (part(), part()) else { return Err(invalid("--resource", text, right)) };
        let mut rest = text.splitn(5, ':').skip(2);
        let (Some(region), Some(account), Some(name)) = (rest.next(), rest.next(), rest.next()) else {
            return Err(invalid("--resource", text, right));
        };
        if account.parse::<AccountId>().is_err() || name.is_empty() {
            return Err(invalid("--resource", text, right));
        }
        if product == "kms" && name.contains('/') && !name.ends_with("/*") && text.parse::<Arn>().is_err() {
            return Err(invalid("--resource", text, right));
        }
        Ok(Self { product: own(product), region: own(region), account: own(account), name: own(name) })
    }
}

/// The condition keys that were given by name.
fn context_of(question: &Question) -> Result<Vec<(ConditionKey, &str)>, Refusal> {
    let key = |name: &str| {
        let right = "a condition key is written <product>:<name>";
        ConditionKey::parse(name).ok_or_else(|| invalid("--context", name, right))
    };
    question.context.iter().map(|(name, value)| Ok((key(name)?, value.as_str()))).collect()
}

/// What the request says about itself.
struct Facts<'a> {
    question: &'a Question,
    known: &'a Known,
    time: Timestamp,
    principal: &'a str,
    context: Vec<(ConditionKey, &'a str)>,
}

impl Facts<'_> {
    /// The value of a tag of the resource.
    fn tag(&self, key: &str) -> Option<&str> {
        match &self.question.tags {
            Some(given) => value_of(given, key),
            None => self.known.tags.iter().find(|tag| tag.key.as_str() == key).map(|tag| tag.value.as_str()),
        }
    }
}

fn value_of<'p>(pairs: &'p [(String, String)], key: &str) -> Option<&'p str> {
    pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

impl Context for Facts<'_> {
    fn values(&self, key: &ConditionKey) -> Values<'_> {
        let text = |text: &'_ str| Value::Text(Cow::Owned(text.to_owned()));
        let given: Vec<_> = self.context.iter().filter(|(known, _)| known == key).map(|(_, value)| text(value)).collect();
        if !given.is_empty() {
            return Values::Many(given);
        }
        Values::from(match key {
            ConditionKey::CurrentTime => Some(Value::Time(self.time)),
            ConditionKey::SecureTransport => self.question.secure_transport.map(Value::Bool),
            ConditionKey::SourceIp => self.question.source_ip.map(Value::Address),
            ConditionKey::PrincipalArn => Some(text(self.principal)),
            ConditionKey::RequestTag(tag) => value_of(&self.question.request_tags, tag).map(text),
            ConditionKey::ResourceTag(tag) => self.tag(tag).map(text),
            // Only keys supply it; --tag stands for a key that is not there yet, too.
            ConditionKey::KmsTag(tag) if self.known.is_key || self.question.tags.is_some() => self.tag(tag).map(text),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_are_read_from_arns() {
        let read = |text: &str| principal(text).map(|(_, who)| who);
        assert_eq!(read("acs:ram::1234567890123456:root").unwrap(), Who::Root);
        assert_eq!(read("acs:ram::1234567890123456:user/alice").unwrap(), Who::User("alice".parse().unwrap()));
        let role = |session: &str| Who::Role("app".parse().unwrap(), session.to_owned());
        assert_eq!(read("acs:ram::1234567890123456:role/app").unwrap(), role(""));
        assert_eq!(read("acs:ram::1234567890123456:role/app/pod").unwrap(), role("pod"));
        assert_eq!(read("acs:ram::1234567890123456:assumed-role/app/pod").unwrap(), role("pod"));
        for wrong in ["", "alice", "acs:ram::12:root", "acs:ram::1234567890123456:group/g", "acs:ram::1234567890123456:user/"] {
            assert_eq!(read(wrong).unwrap_err().code, RefusalCode::Invalid, "{wrong}");
        }
    }

    #[test]
    fn resources_are_read_from_arns() {
        let caller: AccountId = "1234567890123456".parse().unwrap();
        let read = |text: &str| Place::parse(text, "cn-hangzhou", &caller);
        let place = read("acs:kms:cn-hangzhou:2222222222222222:secret/a:b").unwrap();
        assert_eq!((&*place.account, &*place.name), ("2222222222222222", "secret/a:b"));
        assert_eq!(read("*").unwrap().account, caller.as_str());
        assert!(read("acs:kms:cn-hangzhou:2222222222222222:key").is_ok());
        assert!(read("acs:ram::2222222222222222:role/app").is_ok());
        for wrong in ["", "key/x", "acs:kms", "acs:kms:r:2222222222222222:", "acs:kms:cn-hangzhou:12:key/x"] {
            assert_eq!(read(wrong).unwrap_err().code, RefusalCode::Invalid, "{wrong}");
        }
    }
}
