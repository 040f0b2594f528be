//! The statements that apply to a caller, indexed by action.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::action::{Action, Folded};
use crate::condition::Context;
use crate::decide::{Failure, MatchedStatement};
use crate::document::{Document, Effect, Statement};
use crate::outline::{Names, Outline, Outlined};
use crate::principal::{Caller, Naming};
use crate::resource::Resource;

/// A request to decide.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The action; several where the API has two names for one thing. An Allow of either allows, a Deny of either
    /// refuses.
    pub actions: &'a [Action<'a>],
    /// What it is about.
    pub resource: Resource<'a>,
    /// Who asks.
    pub caller: Caller<'a>,
    /// What conditions may ask for.
    pub context: &'a dyn Context,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} asks for", self.caller)?;
        for action in self.actions {
            write!(f, " {action}")?;
        }
        write!(f, " on {}", self.resource)
    }
}

/// Which kind of policy a document is, as `DecodeDiagnosticMessage` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PolicyType {
    /// Comes with the service.
    System,
    /// Made by the account.
    Custom,
    /// Sent with AssumeRole.
    Session,
    /// On a key.
    Key,
    /// On a secret.
    Secret,
    /// On a role.
    Trust,
}

/// Where a document comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Source {
    /// The name of the policy.
    pub name: Box<str>,
    /// Its type.
    #[serde(rename = "Type")]
    pub policy_type: PolicyType,
    /// Its version, `v1`; empty for policies without versions.
    pub version: Box<str>,
    /// What it is attached to.
    pub attachment: Attachment,
}

/// What a policy is attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "Entity", content = "Name")]
pub enum Attachment {
    /// A user, by name.
    RamUser(Box<str>),
    /// A group of the user, by name.
    RamGroup(Box<str>),
    /// A role, by name.
    RamRole(Box<str>),
    /// A session of a role, by name.
    Session(Box<str>),
    /// A key, a secret or a role that carries the policy itself.
    Resource,
}

/// A document and where it comes from.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Where it comes from.
    pub source: Source,
    /// The document; shared by everyone it is attached to. An `Err` says why a stored document cannot be read: since
    /// it may have held a Deny, a set with such a policy refuses everything.
    pub document: Result<Arc<Document>, String>,
}

/// The statements of several policies, ready to decide requests.
///
/// Statements are indexed by action: those that name an action in full by that name, the others by the product that
/// their patterns begin with. A decision looks only at statements that can be about its action and, by their outline,
/// about its resource.
#[derive(Debug, Default)]
pub struct PolicySet {
    sources: Box<[Source]>,
    unreadable: Box<[Failure]>,
    denies: Index,
    allows: Index,
    statements: usize,
    resource_tags: bool,
}

/// What the statements of a set say about a request, with every statement that matched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// `Deny` if any Deny matches, else `Allow` if any Allow does, else nothing.
    pub effect: Option<Effect>,
    /// The statements that matched and have this effect.
    pub deciding: Vec<MatchedStatement>,
    /// The statements and policies that could not be evaluated.
    pub failing: Vec<Failure>,
}

#[derive(Debug, Default)]
struct Index {
    /// Every statement that is about an action which some statement of the set names in full.
    exact: ByName,
    /// Statements with wildcards in the action, by product.
    product: ByName,
    /// Statements whose product is a pattern too.
    anywhere: Members,
}

/// Statements, found by the outline of their resources.
type Members = Outlined<Member>;

/// Statements by a name, in its order.
type ByName = Box<[(Box<str>, Members)]>;

#[derive(Clone, Debug)]
struct Member {
    statement: Arc<Statement>,
    policy: usize,
    position: usize,
}

/// Whether a statement matches a request.
pub(crate) enum Match {
    No,
    Yes,
    /// Everything matches but a condition that cannot be evaluated.
    Failed(String),
}

impl PolicySet {
    /// Indexes the statements of these policies.
    pub fn new(policies: impl IntoIterator<Item = Policy>) -> Self {
        let (mut sources, mut unreadable, mut members) = (Vec::new(), Vec::new(), Vec::new());
        for (at, Policy { source, document }) in policies.into_iter().enumerate() {
            match document {
                Ok(document) => {
                    members.extend(document.statements.iter().enumerate().map(|(position, statement)| Member {
                        statement: Arc::clone(statement),
                        policy: at,
                        position,
                    }))
                }
                Err(problem) => unreadable.push(Failure { source: source.clone(), statement: None, problem }),
            }
            sources.push(source);
        }
        let uses_tags =
            |member: &Member| member.statement.conditions.iter().any(|condition| condition.key.is_resource_tag());
        let resource_tags = members.iter().any(uses_tags);
        let statements = members.len();
        let (denies, allows) =
            members.into_iter().partition::<Vec<_>, _>(|member| member.statement.effect == Effect::Deny);
        Self {
            sources: sources.into(),
            unreadable: unreadable.into(),
            denies: Index::new(&denies),
            allows: Index::new(&allows),
            statements,
            resource_tags,
        }
    }

    /// A set of one policy.
    pub fn of_one(policy: Policy) -> Self {
        Self::new([policy])
    }

    /// How many statements it has.
    pub fn statement_count(&self) -> usize {
        self.statements
    }

    /// Where its policies come from.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Whether any condition asks for a tag of the resource: if not, nobody need look tags up.
    pub fn wants_resource_tags(&self) -> bool {
        self.resource_tags
    }

    /// Whether a document in it could not be read.
    pub fn is_unreadable(&self) -> bool {
        !self.unreadable.is_empty()
    }

    /// Whether no document in it could not be read and no statement is in it.
    pub fn is_empty(&self) -> bool {
        self.statements == 0 && self.unreadable.is_empty()
    }

    /// The effect of the set on a request, without saying why.
    ///
    /// `owner` is given for a policy on a resource: the account that owns the resource. Everyone in it is only a
    /// reference to RAM then, and grants nothing (access-control reference, 4.4).
    pub fn effect(&self, request: &Request<'_>, owner: Option<&str>) -> Option<Effect> {
        if !self.unreadable.is_empty() {
            return Some(Effect::Deny);
        }
        let (folded, names) = (fold(request), Names::of(&request.resource));
        let denied = folded.iter().any(|action| {
            self.denies
                .any_about(action, &names, |statement| !matches!(statement.applies(request, action, owner), Match::No))
        });
        if denied {
            return Some(Effect::Deny);
        }
        let allowed = folded.iter().any(|action| {
            self.allows
                .any_about(action, &names, |statement| matches!(statement.applies(request, action, owner), Match::Yes))
        });
        allowed.then_some(Effect::Allow)
    }

    /// The effect of the set on a request, with every statement that made it. Agrees with [`PolicySet::effect`].
    pub fn verdict(&self, request: &Request<'_>, owner: Option<&str>) -> Verdict {
        let mut failing = self.unreadable.to_vec();
        let folded = fold(request);
        let denying = self.matching(&self.denies, request, &folded, owner, &mut failing);
        let denies = !denying.is_empty() || !failing.is_empty();
        let allowing = self.matching(&self.allows, request, &folded, owner, &mut failing);
        let effect = match (denies, allowing.is_empty()) {
            (true, _) => Some(Effect::Deny),
            (false, false) => Some(Effect::Allow),
            (false, true) => None,
        };
        let deciding = if denies { denying } else { allowing };
        Verdict { effect, deciding, failing }
    }

    /// The condition keys that the request lacks and that a statement about its action and resource asks for.
    pub fn absent_keys(&self, request: &Request<'_>) -> BTreeSet<String> {
        let mut absent = BTreeSet::new();
        for action in &fold(request) {
            for member in self.denies.about(action).chain(self.allows.about(action)) {
                let statement = &member.statement;
                if statement.actions.cover(action)
                    && statement.resources.as_ref().is_none_or(|it| it.cover(&request.resource))
                {
                    let keys = statement.conditions.iter().map(|condition| &condition.key);
                    let missing = keys.filter(|key| matches!(request.context.values(key), crate::Values::Absent));
                    absent.extend(missing.map(ToString::to_string));
                }
            }
        }
        absent
    }

    fn matching(
        &self,
        index: &Index,
        request: &Request<'_>,
        actions: &[Folded],
        owner: Option<&str>,
        failing: &mut Vec<Failure>,
    ) -> Vec<MatchedStatement> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for action in actions {
            for member in index.about(action) {
                let at = (member.policy, member.position);
                let (Some(source), false) = (self.sources.get(member.policy), seen.contains(&at)) else { continue };
                if !member.statement.actions.cover(action) {
                    continue;
                }
                match member.statement.applies(request, action, owner) {
                    Match::No => continue,
                    Match::Yes => found.push((at, MatchedStatement::new(source, member.position, &member.statement))),
                    Match::Failed(problem) => {
                        let (source, statement) = (source.clone(), Some(member.position));
                        failing.push(Failure { source, statement, problem });
                    }
                }
                seen.insert(at);
            }
        }
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, matched)| matched).collect()
    }
}

fn fold(request: &Request<'_>) -> smallvec::SmallVec<[Folded; 2]> {
    request.actions.iter().map(|action| action.fold()).collect()
}

impl Index {
    fn new(members: &[Member]) -> Self {
        let mut names = BTreeSet::new();
        let (mut product, mut anywhere) = (BTreeMap::<Box<str>, Vec<Member>>::new(), Vec::new());
        for member in members {
            let actions = &member.statement.actions;
            let mut products = BTreeSet::new();
            let mut is_anywhere = actions.negated;
            for pattern in &actions.patterns {
                match (pattern.literal(), actions.negated) {
                    (Some(name), false) => drop(names.insert(name)),
                    (_, true) => {}
                    (None, false) => match pattern.product() {
                        Some(product) => drop(products.insert(product)),
                        None => is_anywhere = true,
                    },
                }
            }
            if is_anywhere {
                anywhere.push(member.clone());
            } else {
                for name in products {
                    product.entry(name.into()).or_default().push(member.clone());
                }
            }
        }
        let about = |name: &&str| {
            let folded = Action::parse(name).map(Action::fold)?;
            let about = members.iter().filter(|member| member.statement.actions.cover(&folded)).cloned();
            Some(((*name).into(), outlined(about)))
        };
        Self {
            exact: names.iter().filter_map(about).collect(),
            product: product.into_iter().map(|(name, members)| (name, outlined(members))).collect(),
            anywhere: outlined(anywhere),
        }
    }

    /// The lists of statements that can be about an action, and for each whether they surely are.
    fn lists(&self, action: &Folded) -> impl Iterator<Item = (&Members, bool)> {
        let exact = named(&self.exact, action.text());
        let (product, anywhere) = match exact {
            Some(_) => (None, None),
            None => (named(&self.product, action.product()), Some(&self.anywhere)),
        };
        exact.into_iter().map(|list| (list, true)).chain(product.into_iter().chain(anywhere).map(|list| (list, false)))
    }

    /// The statements that can be about an action.
    fn about(&self, action: &Folded) -> impl Iterator<Item = &Member> {
        self.lists(action).flat_map(|(list, _)| list.iter())
    }

    /// Whether something is true of any statement that is about an action and can be about a resource with these names.
    fn any_about(&self, action: &Folded, names: &Names, mut is_true: impl FnMut(&Statement) -> bool) -> bool {
        self.lists(action).any(|(list, sure)| {
            list.any_fitting(names, |Member { statement, .. }| {
                (sure || statement.actions.cover(action)) && is_true(statement)
            })
        })
    }
}

fn outlined(members: impl IntoIterator<Item = Member>) -> Members {
    members.into_iter().map(|member| (Outline::new(member.statement.resources.as_ref()), member)).collect()
}

fn named<'s>(list: &'s ByName, name: &str) -> Option<&'s Members> {
    let at = list.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
    list.get(at).map(|(_, members)| members)
}

impl Statement {
    /// Whether the statement matches a request about an action that it covers.
    fn applies(&self, request: &Request<'_>, action: &Folded, owner: Option<&str>) -> Match {
        if let Some(principals) = &self.principals {
            let naming = principals.iter().map(|principal| principal.names(&request.caller)).max();
            if !self.reaches(naming.unwrap_or(Naming::No), request, action, owner) {
                return Match::No;
            }
        }
        if !self.resources.as_ref().is_none_or(|resources| resources.cover(&request.resource)) {
            return Match::No;
        }
        let mut failed = None;
        for condition in &self.conditions {
            match condition.holds(request.context) {
                Ok(true) => {}
                Ok(false) => return Match::No,
                Err(unreadable) => failed = Some(unreadable.to_string()),
            }
        }
        failed.map_or(Match::Yes, Match::Failed)
    }

    /// Whether a statement that names the caller so is about the caller.
    fn reaches(&self, naming: Naming, request: &Request<'_>, action: &Folded, owner: Option<&str>) -> bool {
        let (Effect::Allow, Some(owner)) = (self.effect, owner) else { return naming > Naming::No };
        let is_own = request.caller.account() == Some(owner);
        match naming {
            Naming::No => false,
            // Everyone of the owner's account: RAM decides. Everyone of another: may use the resource, if their RAM
            // says so too.
            Naming::Account => !is_own && crate::decide::is_usage(action.text()),
            Naming::Identity => is_own || crate::decide::is_usage(action.text()) || self.actions.spell(action),
        }
    }
}
