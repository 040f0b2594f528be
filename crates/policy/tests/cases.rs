//! The scenarios of `cases/`: policies, a request, the decision and the statements that make it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a scenario that is not well formed fails its test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use sesame_domain::Timestamp;
use sesame_policy::{
    Action, Attachment, Basis, Caller, ConditionKey, Context, Document, Kind, Policies, Policy, PolicySet, PolicyType,
    Request, Resource, Source, Value, Values, decide, permits, system,
};

const OWNER: &str = "1111111111111111";

#[derive(Deserialize)]
struct File {
    policies: BTreeMap<String, Json>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    #[serde(default = "alice")]
    caller: String,
    identity: Vec<String>,
    session: Option<String>,
    key_policy: Option<String>,
    #[serde(default)]
    context: BTreeMap<String, Json>,
    action: OneOrMore,
    resource: OneOrMore,
    expect: String,
    deciding: Vec<String>,
    #[serde(default)]
    failing: Vec<String>,
    absent: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn all(&self) -> Vec<&str> {
        match self {
            Self::One(one) => vec![one],
            Self::More(more) => more.iter().map(String::as_str).collect(),
        }
    }
}

fn alice() -> String {
    format!("acs:ram::{OWNER}:user/alice")
}

struct Facts(Vec<(ConditionKey, Vec<String>)>);

impl Facts {
    fn new(context: &BTreeMap<String, Json>) -> Self {
        let texts = |value: &Json| match value {
            Json::Array(list) => list.iter().map(|value| value.as_str().unwrap().to_owned()).collect(),
            one => vec![one.as_str().unwrap().to_owned()],
        };
        Self(context.iter().map(|(key, value)| (ConditionKey::parse(key).unwrap(), texts(value))).collect())
    }
}

impl Context for Facts {
    fn values(&self, key: &ConditionKey) -> Values<'_> {
        let Some((_, texts)) = self.0.iter().find(|(known, _)| known == key) else { return Values::Absent };
        let value = |text: &'_ String| match key {
            ConditionKey::SourceIp => Value::Address(text.parse().unwrap()),
            ConditionKey::CurrentTime => Value::Time(Timestamp::parse(text).unwrap()),
            _ => Value::Text(text.clone().into()),
        };
        match &texts[..] {
            [one] => Values::One(value(one)),
            more => Values::Many(more.iter().map(value).collect()),
        }
    }
}

fn caller(arn: &str) -> Caller<'_> {
    let (account, name) = arn.strip_prefix("acs:ram::").unwrap().split_once(':').unwrap();
    match name.split('/').collect::<Vec<_>>()[..] {
        ["root"] => Caller::Root { account },
        ["user", name] => Caller::User { account, name },
        ["role", role, session] => Caller::Session { account, role, session },
        _ => panic!("{arn}"),
    }
}

fn policy(file: &File, kind: Kind, name: &str) -> Policy {
    let policy_type = match kind {
        Kind::Key => PolicyType::Key,
        Kind::Session => PolicyType::Session,
        _ if name.starts_with("system:") => PolicyType::System,
        _ => PolicyType::Custom,
    };
    let document = match name.strip_prefix("system:") {
        Some(name) => system::document(name).unwrap(),
        None => match file.policies.get(name) {
            Some(document) => Ok(Arc::new(Document::parse(kind, &document.to_string()).unwrap())),
            None => Err("damaged".to_owned()),
        },
    };
    let name = if kind == Kind::Key { "key" } else { name.trim_start_matches("system:") };
    let source = Source { name: name.into(), policy_type, version: "v1".into(), attachment: Attachment::Resource };
    Policy { source, document }
}

fn run(file: &str) {
    let file: File = serde_json::from_str(file).unwrap();
    for case in &file.cases {
        let title = &case.title;
        let identity = PolicySet::new(case.identity.iter().map(|name| policy(&file, Kind::Identity, name)));
        let session = case.session.as_ref().map(|name| PolicySet::of_one(policy(&file, Kind::Session, name)));
        let resource = case.key_policy.as_ref().map(|name| PolicySet::of_one(policy(&file, Kind::Key, name)));
        let policies =
            Policies { owner: OWNER, identity: &identity, session: session.as_ref(), resource: resource.as_ref() };
        let actions: Vec<_> = case.action.all().into_iter().map(|action| Action::parse(action).unwrap()).collect();
        let names = case.resource.all();
        let facts = Facts::new(&case.context);
        let request = Request {
            actions: &actions,
            resource: Resource { product: "kms", region: "cn-hangzhou", account: OWNER, names: &names },
            caller: caller(&case.caller),
            context: &facts,
        };
        let decision = decide(&request, &policies);
        let basis = match decision.basis {
            Basis::Allow => "Allow".to_owned(),
            Basis::ExplicitDeny(by) => format!("ExplicitDeny {}", by.name()),
            Basis::ImplicitDeny(by) => format!("ImplicitDeny {}", by.name()),
        };
        assert_eq!(basis, case.expect, "{title}");
        let deciding: Vec<_> = decision.deciding.iter().map(ToString::to_string).collect();
        assert_eq!(deciding, case.deciding, "{title}");
        let failing = decision.failing.iter().map(|failure| match failure.statement {
            Some(at) => format!("{}/{at}", failure.source.name),
            None => failure.source.name.to_string(),
        });
        assert_eq!(failing.collect::<Vec<_>>(), case.failing, "{title}");
        if let Some(absent) = &case.absent {
            assert_eq!(decision.absent_keys, *absent, "{title}");
        }
        assert_eq!(permits(&request, &policies), decision.is_allowed(), "{title}");
    }
}

#[test]
fn the_vectors_of_the_reference() {
    run(include_str!("../cases/documented.json"));
}

#[test]
fn the_elements_of_the_language() {
    run(include_str!("../cases/elements.json"));
}

#[test]
fn policies_on_keys() {
    run(include_str!("../cases/resource-policies.json"));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrong {
    kind: String,
    document: Option<Json>,
    statement: Option<Json>,
    condition: Option<Json>,
    at: String,
    says: String,
}

#[test]
fn a_malformed_document_says_where_and_what() {
    let wrongs: Vec<Wrong> = serde_json::from_str(include_str!("../cases/malformed.json")).unwrap();
    for wrong in wrongs {
        let kind = match &*wrong.kind {
            "Identity" => Kind::Identity,
            "Key" => Kind::Key,
            "Trust" => Kind::Trust,
            other => panic!("{other}"),
        };
        let statement = wrong.statement.or_else(|| {
            let condition = wrong.condition?;
            Some(json!({"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": condition}))
        });
        let document = match (wrong.document, statement) {
            (Some(Json::String(text)), _) => text,
            (Some(document), _) => document.to_string(),
            (None, Some(statement)) => json!({"Version": "1", "Statement": [statement]}).to_string(),
            (None, None) => panic!("{} {}", wrong.at, wrong.says),
        };
        let malformed = Document::parse(kind, &document).map(|_| ()).unwrap_err();
        assert_eq!(malformed.at, wrong.at, "{document}: {malformed}");
        assert!(malformed.problem.contains(&wrong.says), "{document}: {malformed}");
    }
}

#[test]
fn white_space_is_not_counted_in_policies_of_identities() {
    let document = |padding: &str, resource: usize| {
        let resource = format!("acs:kms:*:*:key/{}", "x".repeat(resource));
        format!(
            r#"{{"Version":"1",{padding}"Statement":[{{"Effect":"Allow","Action":"kms:*","Resource":"{resource}"}}]}}"#
        )
    };
    let parse = |text: &str| Document::parse(Kind::Identity, text);
    let base = document("", 0).len();
    assert!(parse(&document("", 6_144 - base)).is_ok());
    assert!(parse(&document(&" \n".repeat(2_000), 6_144 - base)).is_ok());
    let too_long = parse(&document("", 6_145 - base)).map(|_| ()).unwrap_err();
    assert_eq!(too_long.to_string(), "document: it may have 6144 characters besides white space at most");
    assert!(parse(&document(&" ".repeat(200_000), 0)).is_err());
}
