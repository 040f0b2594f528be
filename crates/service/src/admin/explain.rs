//! Why a request would be allowed or refused: the same decision as that of a call, with the statements that made it.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sesame_domain::ram::{EntityType, RoleName, UserName};
use sesame_domain::tag::ResourceType;
use sesame_domain::{AccountId, Arn, Tag, Timestamp};
use sesame_policy::{
    Action, Caller, ConditionKey, Context, Decision, Policies, PolicySet, Request, Resource, Value, Values, decide,
};
use sesame_store::{accounts, ram_grants, ram_roles, tags};

use super::messages::{Refusal, RefusalCode};
use crate::access::IdentityPolicies;
use crate::keys::LoadedKey;
use crate::secrets::LoadedSecret;
use crate::service::Service;

/// Actions that policies can name by the product `ecs`, too (access-control reference, 3.3).
const ALSO_OF_ECS: [&str; 3] = ["TagResources", "UntagResources", "ListTagResources"];
/// Actions on an alias itself; all others are on the key that it stands for.
const ON_ALIASES: [&str; 3] = ["CreateAlias", "UpdateAlias", "DeleteAlias"];
/// The account in the ARN of a policy that comes with the service.
const SYSTEM: &str = "system";

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

/// What is known about a request beside the question.
#[derive(Debug, Default)]
struct Known {
    /// The policies of who would ask; none for the root of an account.
    identity: Option<Arc<IdentityPolicies>>,
    found: Found,
    /// Its tags.
    tags: Vec<Tag>,
    is_disabled: bool,
    /// The name of the resource in the place of the one that was given.
    name: Option<String>,
    notes: Vec<String>,
}

/// The resource, when it has policies and tags of its own.
#[derive(Debug, Default)]
enum Found {
    #[default]
    Nothing,
    Key(Arc<LoadedKey>),
    Secret(Arc<LoadedSecret>),
}

impl Known {
    fn policy(&self) -> Option<&PolicySet> {
        match &self.found {
            Found::Nothing => None,
            Found::Key(key) => key.policy.as_ref(),
            Found::Secret(secret) => secret.policy.as_ref(),
        }
    }
}

impl Service {
    /// Whether a request would be allowed, and why. Nothing is done, and nobody but the operator may ask.
    ///
    /// # Errors
    /// [`RefusalCode::Invalid`] for what cannot be read, [`RefusalCode::NotFound`] for a principal that is not there.
    pub async fn explain(&self, question: &Question) -> Result<Explanation, Refusal> {
        let (account, who) = principal(&question.principal)?;
        let action = Action::parse(&question.action).ok_or_else(|| {
            invalid("--action", &question.action, "it is written <product>:<action>, such as kms:Decrypt")
        })?;
        let time = match &question.time {
            Some(text) => {
                Timestamp::parse(text).map_err(|_| invalid("--time", text, "it is written as 2026-01-02T03:04:05Z"))?
            }
            None => self.clock.now(),
        };
        let place = Place::parse(&question.resource, self.region.as_str(), &account)?;
        let context = context_of(question)?;
        let mut known = Known::default();
        self.know_identity(&mut known, &account, &who).await?;
        if place.product == "kms" && place.region == self.region.as_str() {
            self.know_resource(&mut known, &place, action.name).await?;
        }
        let caller = match &who {
            Who::Root => Caller::Root { account: account.as_str() },
            Who::User(name) => Caller::User { account: account.as_str(), name: name.as_str() },
            Who::Role(role, session) => Caller::Session { account: account.as_str(), role: role.as_str(), session },
        };
        let principal = caller.to_string();
        let facts = Facts { question, known: &known, time, principal: &principal, context };
        let spelt = spellings(known.name.as_deref().unwrap_or(&place.name));
        let names: Vec<&str> = spelt.iter().map(String::as_str).collect();
        let resource =
            Resource { product: &place.product, region: &place.region, account: &place.account, names: &names };
        let mut actions = vec![action];
        if action.product == "kms" && ALSO_OF_ECS.contains(&action.name) {
            actions.push(Action { product: "ecs", name: action.name });
        }
        let request = Request { actions: &actions, resource, caller, context: &facts };
        let nothing = PolicySet::default();
        let policies = Policies {
            // The caller's own policies decide about roles of other accounts and about what the service itself owns.
            owner: if place.product == "kms" { &place.account } else { account.as_str() },
            identity: known.identity.as_deref().map_or(&nothing, |policies| &policies.set),
            session: None,
            resource: known.policy(),
        };
        let decision = decide(&request, &policies);
        Ok(Explanation {
            is_allowed: decision.is_allowed() && !known.is_disabled,
            principal_account: account.as_str().to_owned(),
            action: question.action.clone(),
            resource: resource.to_string(),
            decision,
            notes: known.notes.clone(),
            principal,
        })
    }

    async fn know_identity(&self, known: &mut Known, account: &AccountId, who: &Who) -> Result<(), Refusal> {
        let missing = |kind: &str, name: &str| {
            Refusal::new(RefusalCode::NotFound, format!("the account {account} has no {kind} {name}"))
        };
        let mut conn = self.store.reader().await?;
        known.is_disabled = match accounts::is_enabled(&mut conn, account).await? {
            Some(is_enabled) => !is_enabled,
            None => return Err(super::no_account(account)),
        };
        if known.is_disabled {
            known.notes.push(format!("The account {account} is disabled: whatever policies say, it is refused."));
        }
        let identity = match who {
            Who::Root => None,
            Who::User(name) => {
                let user = ram_grants::user_id(&mut conn, account, name).await?;
                Some((EntityType::User, user.ok_or_else(|| missing("user", name.as_str()))?))
            }
            Who::Role(name, _) => {
                known.notes.push("A session can be given a policy by AssumeRole; that is not known here.".to_owned());
                let role = ram_roles::by_name(&mut conn, account, name).await?;
                Some((EntityType::Role, role.ok_or_else(|| missing("role", name.as_str()))?.id))
            }
        };
        drop(conn);
        if let Some((kind, id)) = identity {
            known.identity = Some(self.access.get(kind, account, &id).await?);
        }
        Ok(())
    }

    async fn know_resource(&self, known: &mut Known, place: &Place, action: &str) -> Result<(), Refusal> {
        const MISSING: &str = "the request would fail for that, once it were allowed.";
        let Ok(owner) = place.account.parse::<AccountId>() else { return Ok(()) };
        let mut name = place.name.clone();
        if name.starts_with("alias/") && name != "alias/*" && !ON_ALIASES.contains(&action) {
            let key = match name.parse() {
                Ok(alias) => self.keys.by_alias(&owner, &alias).await?,
                Err(_) => None,
            };
            let Some(key) = key else {
                known.notes.push(format!("There is no {name}; {MISSING}"));
                known.name = Some(format!("key/{name}"));
                return Ok(());
            };
            known.notes.push(format!("{name} stands for {key}."));
            name = format!("key/{key}");
            known.name = Some(name.clone());
        }
        let (kind, tagged) = match name.split_once('/') {
            Some(("key", id)) if id != "*" => {
                let key = match id.parse() {
                    Ok(id) => self.keys.get(&id).await?.filter(|key| key.key.account == owner),
                    Err(_) => None,
                };
                known.found = key.map_or(Found::Nothing, Found::Key);
                (ResourceType::Key, id)
            }
            Some(("secret", id)) if id != "*" => {
                let secret = match id.parse() {
                    Ok(name) => self.secrets.get(&owner, &name).await?,
                    Err(_) => None,
                };
                known.found = secret.map_or(Found::Nothing, Found::Secret);
                (ResourceType::Secret, id)
            }
            _ => return Ok(()),
        };
        if matches!(known.found, Found::Nothing) {
            known.notes.push(format!("There is no {name} in the account {owner}; {MISSING}"));
        } else {
            known.tags = tags::list(&mut self.store.reader().await?, &owner, kind, tagged).await?;
        }
        Ok(())
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
        if (account.parse::<AccountId>().is_err() && account != SYSTEM) || name.is_empty() {
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
        let given: Vec<_> =
            self.context.iter().filter(|(known, _)| known == key).map(|(_, value)| text(value)).collect();
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
            ConditionKey::KmsTag(tag) if matches!(self.known.found, Found::Key(_)) || self.question.tags.is_some() => {
                self.tag(tag).map(text)
            }
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
        for wrong in
            ["", "alice", "acs:ram::12:root", "acs:ram::1234567890123456:group/g", "acs:ram::1234567890123456:user/"]
        {
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
