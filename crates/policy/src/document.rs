//! Policy documents: grammar, validation, and the compiled form (access-control reference, 2.1, 2.6, 2.7, 4.2).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::action::{self, Actions};
use crate::condition::{Condition, ConditionKey};
use crate::json::Node;
use crate::principal::PrincipalPattern;
use crate::resource::{ResourcePattern, Resources};

mod conditions;

/// What a document is for. The grammar differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Attached to a user, a group or a role.
    Identity,
    /// Sent with AssumeRole.
    Session,
    /// Who may assume a role.
    Trust,
    /// On a key.
    Key,
    /// On a secret.
    Secret,
}

impl Kind {
    /// The longest document: characters without insignificant white space; bytes as they are for key and secret
    /// policies.
    pub fn limit(self) -> usize {
        match self {
            Self::Identity => 6_144,
            Self::Session | Self::Trust => 2_048,
            Self::Key | Self::Secret => 32_768,
        }
    }

    /// Whether a document may be as long as this one.
    pub fn admits_length_of(self, text: &str) -> bool {
        let length = if self.is_on_resource() { text.len() } else { significant_characters(text) };
        // White space does not count, but is not free either.
        length <= self.limit() && text.len() <= self.limit().saturating_mul(16)
    }

    fn has_principal(self) -> bool {
        matches!(self, Self::Trust | Self::Key | Self::Secret)
    }

    /// Whether it is a policy on a resource.
    pub(crate) fn is_on_resource(self) -> bool {
        matches!(self, Self::Key | Self::Secret)
    }
}

/// Which operators and elements a document may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// What the original service accepts.
    #[default]
    Documented,
    /// `NotResource`, `…IfExists`, `Null`, `ForAnyValue:…` and `ForAllValues:…` besides; such a document works on no
    /// other server.
    Extended,
}

/// What a statement does when it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Refuses, whatever else grants.
    Deny,
}

/// A policy document that was parsed and is valid.
#[derive(Clone, Debug)]
pub struct Document {
    kind: Kind,
    pub(crate) statements: Vec<Arc<Statement>>,
}

/// A statement in its compiled form.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Box<str>>,
    pub(crate) effect: Effect,
    /// None in a document without `Principal`.
    pub(crate) principals: Option<Box<[PrincipalPattern]>>,
    pub(crate) actions: Actions,
    /// None in a trust policy, and in a policy on a resource, where it says `*`: the resource itself.
    pub(crate) resources: Option<Resources>,
    pub(crate) conditions: Box<[Condition]>,
}

/// A user or a role that a document names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// A user.
    User {
        /// Its account.
        account: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// A role, or one session of it.
    Role {
        /// Its account.
        account: &'a str,
        /// Its name.
        name: &'a str,
    },
}

/// A document that is refused: where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct Malformed {
    /// The place in the document: `Statement[0].Effect`.
    pub at: String,
    /// What is wrong there and how to mend it.
    pub problem: String,
}

type Result<T> = std::result::Result<T, Malformed>;

impl Document {
    /// Reads a document of the documented grammar.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(kind: Kind, text: &str) -> Result<Self> {
        Self::parse_as(kind, Dialect::Documented, text)
    }

    /// Reads a document.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse_as(kind: Kind, dialect: Dialect, text: &str) -> Result<Self> {
        check_size(kind, text)?;
        let node =
            Node::parse(text).map_err(|error| malformed("document", format!("it is not valid JSON: {error}")))?;
        let mut root = Fields::of(node, "document")?;
        let version = root.take("Version");
        let statements = root.take("Statement");
        root.nothing_else(&["Version", "Statement"])?;
        match version {
            Some(Node::Text(version)) if version == "1" => {}
            Some(Node::Number(version)) if version == "1" => {}
            Some(_) => return Err(malformed("Version", "it must be \"1\"")),
            None => return Err(malformed("Version", "it is missing; write \"Version\": \"1\"")),
        }
        let statements = match statements {
            Some(Node::List(list)) if list.is_empty() => {
                return Err(malformed("Statement", "it must have at least one statement"));
            }
            Some(Node::List(list)) => list,
            Some(one @ Node::Object(_)) => vec![one],
            Some(_) => return Err(malformed("Statement", "it must be an array of statements")),
            None => return Err(malformed("Statement", "it is missing; it holds the array of statements")),
        };
        let read = |(at, node)| statement(kind, dialect, node, &format!("Statement[{at}]")).map(Arc::new);
        let statements = statements.into_iter().enumerate().map(read).collect::<Result<_>>()?;
        Ok(Self { kind, statements })
    }

    /// What it is for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How many statements it has.
    pub fn statement_count(&self) -> usize {
        self.statements.len()
    }

    /// The users and roles that its `Principal` elements name, each with its account: for whoever stores it to find out
    /// whether there are such.
    pub fn identities(&self) -> impl Iterator<Item = Named<'_>> {
        let principals = self.statements.iter().flat_map(|statement| statement.principals.iter().flatten());
        principals.filter_map(|principal| match principal {
            PrincipalPattern::User { account, name } => Some(Named::User { account, name }),
            PrincipalPattern::Role { account, role, .. } => Some(Named::Role { account, name: role }),
            PrincipalPattern::Account(_) | PrincipalPattern::Service(_) | PrincipalPattern::Federated(_) => None,
        })
    }

    /// The accounts that its `Principal` elements name: for the checks and warnings of whoever stores it.
    pub fn accounts(&self) -> impl Iterator<Item = &str> {
        let principals = self.statements.iter().flat_map(|statement| statement.principals.iter().flatten());
        principals.filter_map(|principal| match principal {
            PrincipalPattern::Account(account)
            | PrincipalPattern::User { account, .. }
            | PrincipalPattern::Role { account, .. } => Some(&**account),
            PrincipalPattern::Service(_) | PrincipalPattern::Federated(_) => None,
        })
    }
}

fn check_size(kind: Kind, text: &str) -> Result<()> {
    if kind.admits_length_of(text) {
        return Ok(());
    }
    let limit = kind.limit();
    let unit = if kind.is_on_resource() { "bytes" } else { "characters besides white space" };
    Err(malformed("document", format!("it may have {limit} {unit} at most")))
}

/// Characters that are not white space between elements.
fn significant_characters(text: &str) -> usize {
    let (mut count, mut in_text, mut escaped) = (0, false, false);
    for c in text.chars() {
        if in_text || !matches!(c, ' ' | '\t' | '\n' | '\r') {
            count += 1;
        }
        match c {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ => {}
        }
    }
    count
}

fn statement(kind: Kind, dialect: Dialect, node: Node, at: &str) -> Result<Statement> {
    let mut fields = Fields::of(node, at)?;
    let sid = fields.take("Sid").map(|node| sid(node, &format!("{at}.Sid"))).transpose()?;
    let effect = match fields.take("Effect") {
        Some(Node::Text(text)) if text == "Allow" => Effect::Allow,
        Some(Node::Text(text)) if text == "Deny" => Effect::Deny,
        Some(_) => return Err(malformed(format!("{at}.Effect"), "it must be \"Allow\" or \"Deny\"")),
        None => return Err(malformed(format!("{at}.Effect"), "it is missing; write \"Allow\" or \"Deny\"")),
    };
    let principals = match (kind.has_principal(), fields.take("Principal")) {
        (true, Some(node)) => Some(principals(kind, node, &format!("{at}.Principal"))?),
        (true, None) => {
            return Err(malformed(format!("{at}.Principal"), "it is missing; it says whom the statement is about"));
        }
        (false, None) => None,
        (false, Some(_)) => {
            let problem = "a policy that is attached to an identity has no `Principal`; remove it";
            return Err(malformed(format!("{at}.Principal"), problem));
        }
    };
    let actions = actions(kind, &mut fields, at)?;
    let resources = resources(kind, dialect, &mut fields, at)?;
    let conditions = match fields.take("Condition") {
        Some(node) => conditions::read(dialect, node, &format!("{at}.Condition"))?,
        None => Box::default(),
    };
    fields.nothing_else(&["Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "Condition"])?;
    vpc_rule(&actions, &conditions, at)?;
    Ok(Statement { sid, effect, principals, actions, resources, conditions })
}

fn sid(node: Node, at: &str) -> Result<Box<str>> {
    match node {
        Node::Text(text)
            if text.len() <= 128 && text.bytes().all(|c| c.is_ascii_alphanumeric() || b" _/+=.@-".contains(&c)) =>
        {
            Ok(text.into())
        }
        _ => Err(malformed(at, "it may have 128 letters, digits, spaces or _ / + = . @ - at most")),
    }
}

fn principals(kind: Kind, node: Node, at: &str) -> Result<Box<[PrincipalPattern]>> {
    let Node::Object(kinds) = node else {
        return Err(malformed(at, "it must be an object, for example {\"RAM\": [\"acs:ram::<account>:user/<name>\"]}"));
    };
    if kinds.is_empty() {
        return Err(malformed(at, "it names nobody"));
    }
    let mut found = Vec::new();
    for (name, node) in kinds {
        let at = format!("{at}.{name}");
        let plain = |make: fn(Box<str>) -> PrincipalPattern, values: Vec<String>| {
            values.into_iter().map(move |value| make(value.into())).collect::<Vec<_>>()
        };
        match (&*name, kind) {
            ("RAM", _) => {
                for (index, value) in strings(node, &at)?.iter().enumerate() {
                    let entry = PrincipalPattern::parse_ram(value);
                    found.push(entry.map_err(|problem| malformed(format!("{at}[{index}]"), problem))?);
                }
            }
            ("Service", Kind::Trust) => found.extend(plain(PrincipalPattern::Service, strings(node, &at)?)),
            ("Federated", Kind::Trust) => found.extend(plain(PrincipalPattern::Federated, strings(node, &at)?)),
            (_, Kind::Trust) => return Err(malformed(at, "a principal is of kind `RAM`, `Service` or `Federated`")),
            _ => return Err(malformed(at, "a principal is of kind `RAM` here")),
        }
    }
    Ok(found.into())
}

fn actions(kind: Kind, fields: &mut Fields, at: &str) -> Result<Actions> {
    let (name, negated, node) = match (fields.take("Action"), fields.take("NotAction")) {
        (Some(node), None) => ("Action", false, node),
        (None, Some(_)) if kind.has_principal() => {
            return Err(malformed(format!("{at}.NotAction"), "it has no meaning here; list the actions in `Action`"));
        }
        (None, Some(node)) => ("NotAction", true, node),
        (Some(_), Some(_)) => return Err(malformed(at, "give `Action` or `NotAction`, not both")),
        (None, None) => return Err(malformed(format!("{at}.Action"), "it is missing")),
    };
    let at = format!("{at}.{name}");
    let mut patterns = Vec::new();
    for (index, text) in strings(node, &at)?.iter().enumerate() {
        let at = || format!("{at}[{index}]");
        patterns.push(action::pattern(text).map_err(|problem| malformed(at(), problem))?);
        let starts = |product: &str| text.get(..product.len()).is_some_and(|start| start.eq_ignore_ascii_case(product));
        if kind.is_on_resource() && !starts("kms:") {
            return Err(malformed(at(), "it must begin with `kms:`"));
        }
        if kind == Kind::Trust
            && !["sts:AssumeRole", "sts:SetSourceIdentity"].iter().any(|action| text.eq_ignore_ascii_case(action))
        {
            return Err(malformed(at(), "it must be `sts:AssumeRole` or `sts:SetSourceIdentity`"));
        }
    }
    Ok(Actions { negated, patterns: patterns.into() })
}

fn resources(kind: Kind, dialect: Dialect, fields: &mut Fields, at: &str) -> Result<Option<Resources>> {
    let not = if dialect == Dialect::Extended && !kind.has_principal() { fields.take("NotResource") } else { None };
    let (name, negated, node) = match (kind, fields.take("Resource"), not) {
        (Kind::Trust, None, _) => return Ok(None),
        (Kind::Trust, Some(_), _) => {
            return Err(malformed(format!("{at}.Resource"), "a trust policy is about its own role; remove it"));
        }
        (_, Some(node), None) => ("Resource", false, node),
        (_, None, Some(node)) => ("NotResource", true, node),
        (_, Some(_), Some(_)) => return Err(malformed(at, "give `Resource` or `NotResource`, not both")),
        (_, None, None) => return Err(malformed(format!("{at}.Resource"), "it is missing")),
    };
    let at = format!("{at}.{name}");
    let texts = strings(node, &at)?;
    if kind.is_on_resource() {
        let only_itself = texts.iter().all(|text| text == "*");
        return if only_itself { Ok(None) } else { Err(malformed(at, "it must be \"*\", which means this resource")) };
    }
    let read = |(index, text): (usize, &String)| {
        ResourcePattern::parse(text).map_err(|problem| malformed(format!("{at}[{index}]"), problem))
    };
    let patterns = texts.iter().enumerate().map(read).collect::<Result<_>>()?;
    Ok(Some(Resources { negated, patterns }))
}

/// A statement about a VPC may be about actions of this product only.
fn vpc_rule(actions: &Actions, conditions: &[Condition], at: &str) -> Result<()> {
    if !conditions.iter().any(|condition| condition.key == ConditionKey::SourceVpc) {
        return Ok(());
    }
    let only_kms = !actions.negated && actions.patterns.iter().all(|pattern| pattern.begins_with("kms:"));
    if only_kms {
        return Ok(());
    }
    Err(malformed(at, "a statement with `acs:SourceVpc` may name `kms:` actions only"))
}

/// One text or a list of them; numbers and booleans are taken as text.
fn strings(node: Node, at: &str) -> Result<Vec<String>> {
    let scalar = |node: Node| match node {
        Node::Text(text) | Node::Number(text) => Some(text),
        Node::Bool(value) => Some(value.to_string()),
        Node::Null | Node::List(_) | Node::Object(_) => None,
    };
    let wrong = || malformed(at, "it must be a string or an array of strings");
    match node {
        Node::List(list) if list.is_empty() => Err(malformed(at, "the array is empty")),
        Node::List(list) => list.into_iter().map(|node| scalar(node).ok_or_else(wrong)).collect(),
        one => Ok(vec![scalar(one).ok_or_else(wrong)?]),
    }
}

/// The entries of an object, taken one by one.
struct Fields {
    at: String,
    entries: Vec<(String, Node)>,
}

impl Fields {
    fn of(node: Node, at: &str) -> Result<Self> {
        match node {
            Node::Object(entries) => Ok(Self { at: at.to_owned(), entries }),
            _ => Err(malformed(at, "it must be a JSON object")),
        }
    }

    fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.entries.iter().position(|(key, _)| key == name)?;
        Some(self.entries.swap_remove(at).1)
    }

    fn nothing_else(&self, known: &[&str]) -> Result<()> {
        let Some((name, _)) = self.entries.first() else { return Ok(()) };
        let names = known.join("`, `");
        Err(malformed(&*self.at, format!("it has no element `{name}`; known are `{names}`")))
    }
}

fn malformed(at: impl Into<String>, problem: impl Into<String>) -> Malformed {
    Malformed { at: at.into(), problem: problem.into() }
}
