//! The decision: which policies there are, how they combine, and what decided (access-control reference, 2.5, 4.4).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::document::{Effect, Statement};
use crate::principal::Caller;
use crate::set::{PolicySet, Request, Source};

/// Every policy that has a say in a request.
#[derive(Clone, Copy, Debug)]
pub struct Policies<'a> {
    /// The account that owns the resource.
    pub owner: &'a str,
    /// The policies of the caller: a user's own and those of its groups, or those of the role. The root of an account
    /// has none and needs none.
    pub identity: &'a PolicySet,
    /// The session policy, when the session has one: grants count only if it grants too.
    pub session: Option<&'a PolicySet>,
    /// The policy of the key or secret, when it has one.
    pub resource: Option<&'a PolicySet>,
}

/// The answer to a request, and what made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Decision {
    /// Whether the request is allowed, and by which kind of policy it was decided.
    #[serde(flatten)]
    pub basis: Basis,
    /// The statements that decided: those that deny, or those that allow; none for an implicit denial.
    pub deciding: Vec<MatchedStatement>,
    /// What could not be evaluated. It granted nothing.
    pub failing: Vec<Failure>,
    /// Condition keys that statements about this action and resource ask for and the request does not have.
    pub absent_keys: Vec<String>,
}

impl Decision {
    /// Whether the request is allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(self.basis, Basis::Allow)
    }
}

/// What a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "Effect", content = "By")]
pub enum Basis {
    /// Allowed.
    Allow,
    /// A Deny of this kind of policy matches.
    ExplicitDeny(Refuser),
    /// No policy of this kind allows.
    ImplicitDeny(Refuser),
}

/// The kind of policy that refuses, in the API's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refuser {
    /// The policies of the caller.
    #[serde(rename = "AccountLevelIdentityBasedPolicy")]
    Identity,
    /// The session policy.
    #[serde(rename = "SessionPolicy")]
    Session,
    /// The policy of the key or secret.
    #[serde(rename = "ResourceBasedPolicy")]
    Resource,
    /// The trust policy of the role.
    #[serde(rename = "AssumeRolePolicy")]
    Trust,
}

impl Refuser {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "AccountLevelIdentityBasedPolicy",
            Self::Session => "SessionPolicy",
            Self::Resource => "ResourceBasedPolicy",
            Self::Trust => "AssumeRolePolicy",
        }
    }
}

/// A statement that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MatchedStatement {
    /// The policy.
    #[serde(flatten)]
    pub source: Source,
    /// The place of the statement in it, from 0.
    pub statement: usize,
    /// Its `Sid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<Box<str>>,
    /// Its effect.
    pub effect: Effect,
}

impl MatchedStatement {
    pub(crate) fn new(source: &Source, position: usize, statement: &Statement) -> Self {
        let (sid, effect) = (statement.sid.clone(), statement.effect);
        Self { source: source.clone(), statement: position, sid, effect }
    }
}

/// `name/position`, as the scenario files write it.
impl fmt::Display for MatchedStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.source.name, self.statement)
    }
}

/// A statement, or a policy as a whole, that could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Failure {
    /// The policy.
    #[serde(flatten)]
    pub source: Source,
    /// The place of the statement in it, from 0; none when the document itself cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// Why.
    pub problem: String,
}

/// Whether a request is allowed. Says the same as [`decide`], faster.
pub fn permits(request: &Request<'_>, policies: &Policies<'_>) -> bool {
    matches!(combine(request, policies), Basis::Allow)
}

/// Decides a request and says which statements did it.
pub fn decide(request: &Request<'_>, policies: &Policies<'_>) -> Decision {
    let basis = combine(request, policies);
    let wanted = match basis {
        Basis::Allow => Some(Effect::Allow),
        Basis::ExplicitDeny(_) => Some(Effect::Deny),
        Basis::ImplicitDeny(_) => None,
    };
    let (mut deciding, mut failing, mut absent) = (Vec::new(), Vec::new(), std::collections::BTreeSet::new());
    let sets = [
        (policies.resource, Refuser::Resource, Some(policies.owner)),
        (policies.session, Refuser::Session, None),
        (Some(policies.identity), Refuser::Identity, None),
    ];
    for (set, refuser, owner) in sets {
        let Some(set) = set else { continue };
        let verdict = set.verdict(request, owner);
        failing.extend(verdict.failing);
        absent.extend(set.absent_keys(request));
        let decides = match basis {
            Basis::Allow => true,
            Basis::ExplicitDeny(by) | Basis::ImplicitDeny(by) => by == refuser,
        };
        if decides && wanted.is_some() && verdict.effect == wanted {
            deciding.extend(verdict.deciding);
        }
    }
    Decision { basis, deciding, failing, absent_keys: absent.into_iter().collect() }
}

fn combine(request: &Request<'_>, policies: &Policies<'_>) -> Basis {
    let is_owner = matches!(request.caller, Caller::Root { account } if account == policies.owner);
    let is_root = matches!(request.caller, Caller::Root { .. });
    // A policy that cannot be read refuses everyone but the one who can replace it.
    let resource = policies.resource.filter(|set| !(is_owner && set.is_unreadable()));
    let resource = resource.and_then(|set| set.effect(request, Some(policies.owner)));
    if resource == Some(Effect::Deny) {
        return Basis::ExplicitDeny(Refuser::Resource);
    }
    if is_owner {
        return Basis::Allow;
    }
    match policies.session.map(|set| set.effect(request, None)) {
        None | Some(Some(Effect::Allow)) => {}
        Some(Some(Effect::Deny)) => return Basis::ExplicitDeny(Refuser::Session),
        Some(None) => return Basis::ImplicitDeny(Refuser::Session),
    }
    let identity = if is_root { Some(Effect::Allow) } else { policies.identity.effect(request, None) };
    let is_own = request.caller.account() == Some(policies.owner);
    match (identity, resource) {
        (Some(Effect::Deny), _) => Basis::ExplicitDeny(Refuser::Identity),
        (Some(Effect::Allow), Some(Effect::Allow)) => Basis::Allow,
        (Some(Effect::Allow), _) | (_, Some(Effect::Allow)) if is_own => Basis::Allow,
        (Some(Effect::Allow), _) => Basis::ImplicitDeny(Refuser::Resource),
        (None, _) => Basis::ImplicitDeny(Refuser::Identity),
    }
}

/// What a key or secret policy can grant to an identity of another account in general: use, not administration. An
/// administrative action must be spelt out, for an identity that is named.
pub(crate) fn is_usage(action: &str) -> bool {
    const USAGE: &[&str] = &[
        "kms:encrypt",
        "kms:decrypt",
        "kms:generatedatakey",
        "kms:generatedatakeywithoutplaintext",
        "kms:generateandexportdatakey",
        "kms:exportdatakey",
        "kms:reencryptfrom",
        "kms:reencryptto",
        "kms:asymmetricencrypt",
        "kms:asymmetricdecrypt",
        "kms:asymmetricsign",
        "kms:asymmetricverify",
        "kms:generatemac",
        "kms:verifymac",
        "kms:getpublickey",
        "kms:describekey",
        "kms:describekeyversion",
        "kms:listkeyversions",
        "kms:listaliasesbykeyid",
        "kms:getsecretvalue",
        "kms:describesecret",
        "kms:listsecretversionids",
    ];
    USAGE.contains(&action)
}
