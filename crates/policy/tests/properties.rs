//! What holds whatever the documents say.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

use std::sync::Arc;

use proptest::prelude::*;
use sesame_policy::{
    Action, Attachment, Basis, Caller, ConditionKey, Context, Dialect, Document, Kind, Policies, Policy, PolicySet,
    PolicyType, Request, Resource, Source, Value, Values, decide, permits, testing,
};

const OWNER: &str = "1111111111111111";

/// A request whose tag `level` is a text that number operators cannot read.
struct Facts(&'static str);

impl Context for Facts {
    fn values(&self, key: &ConditionKey) -> Values<'_> {
        match key {
            ConditionKey::KmsTag(tag) if &**tag == "level" => Values::One(Value::Text(self.0.into())),
            ConditionKey::SourceIp => Values::One(Value::Address([203, 0, 113, 9].into())),
            _ => Values::Absent,
        }
    }
}

fn statement() -> impl Strategy<Value = String> {
    let actions = prop::sample::select(vec![
        r#""Action":"*""#,
        r#""Action":"kms:*""#,
        r#""Action":"kms:Encrypt""#,
        r#""Action":["kms:Decrypt","kms:En*"]"#,
        r#""Action":["ram:*","k?s:Decrypt"]"#,
        r#""NotAction":"kms:Decrypt""#,
        r#""NotAction":["kms:Encrypt","ram:*"]"#,
    ]);
    let resources = prop::sample::select(vec!["*", "acs:kms:*:*:key/*", "acs:kms:*:*:key/one", "acs:kms:*:*:secret/*"]);
    let conditions = prop::sample::select(vec![
        "{}",
        r#"{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}"#,
        r#"{"NotIpAddress":{"acs:SourceIp":"10.0.0.0/8"}}"#,
        r#"{"NumericLessThan":{"kms:tag/level":"3"}}"#,
        r#"{"NumericNotEquals":{"kms:tag/level":"3"}}"#,
        r#"{"StringEquals":{"kms:tag/absent":"x"}}"#,
        r#"{"StringNotEquals":{"kms:tag/absent":"x"}}"#,
    ]);
    let effects = prop::sample::select(vec!["Allow", "Deny"]);
    (effects, actions, resources, conditions).prop_map(|(effect, action, resource, condition)| {
        format!(r#"{{"Effect":"{effect}",{action},"Resource":"{resource}","Condition":{condition}}}"#)
    })
}

fn statements() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(statement(), 1..8)
}

/// The statements as policies of up to three each.
fn set(statements: &[String]) -> PolicySet {
    PolicySet::new(statements.chunks(3).map(|statements| {
        let text = format!(r#"{{"Version":"1","Statement":[{}]}}"#, statements.join(","));
        let source = Source {
            name: "p".into(),
            policy_type: PolicyType::Custom,
            version: "v1".into(),
            attachment: Attachment::RamUser("alice".into()),
        };
        Policy { source, document: Ok(Arc::new(Document::parse(Kind::Identity, &text).unwrap())) }
    }))
}

fn with_request<T>(level: &'static str, action: &str, use_it: impl FnOnce(&Request<'_>) -> T) -> T {
    use_it(&Request {
        actions: &[Action::kms(action)],
        resource: Resource { product: "kms", region: "cn-hangzhou", account: OWNER, names: &["key/one"] },
        caller: Caller::User { account: OWNER, name: "alice" },
        context: &Facts(level),
    })
}

fn policies(identity: &PolicySet) -> Policies<'_> {
    Policies { owner: OWNER, identity, session: None, resource: None }
}

fn action() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["Encrypt", "Decrypt", "ENCRYPT", "ListKeys"])
}

proptest! {
    #[test]
    fn a_deny_is_never_outvoted(statements in statements(), action in action()) {
        let mut with_deny = statements;
        with_deny.insert(with_deny.len() / 2, r#"{"Effect":"Deny","Action":"kms:*","Resource":"*"}"#.to_owned());
        let set = set(&with_deny);
        with_request("2", action, |request| {
            prop_assert!(!permits(request, &policies(&set)));
            prop_assert!(matches!(decide(request, &policies(&set)).basis, Basis::ExplicitDeny(_)));
            Ok(())
        })?;
    }

    #[test]
    fn a_statement_that_does_not_match_changes_nothing(
        statements in statements(),
        action in action(),
        effect in prop::sample::select(vec!["Allow", "Deny"]),
        rest in prop::sample::select(vec![
            r#""Action":"oss:*","Resource":"*""#,
            r#""Action":"kms:*","Resource":"acs:kms:*:*:key/other""#,
            r#""NotAction":"*","Resource":"*""#,
            r#""Action":"*","Resource":"*","Condition":{"IpAddress":{"acs:SourceIp":"192.0.2.0/24"}}"#,
        ]),
    ) {
        let without = set(&statements);
        let with = set(&[statements, vec![format!(r#"{{"Effect":"{effect}",{rest}}}"#)]].concat());
        with_request("2", action, |request| {
            let (with, without) = (decide(request, &policies(&with)), decide(request, &policies(&without)));
            prop_assert_eq!(with.basis, without.basis);
            prop_assert_eq!(with.deciding, without.deciding);
            Ok(())
        })?;
    }

    #[test]
    fn what_cannot_be_evaluated_grants_nothing(statements in statements(), action in action()) {
        // With a value that cannot be read, at most what is allowed without any statement about it is allowed.
        let sure: Vec<_> = statements.iter().filter(|text| !text.contains("Numeric")).cloned().collect();
        let (all, sure) = (set(&statements), set(&sure));
        with_request("not a number", action, |request| {
            prop_assert!(!permits(request, &policies(&all)) || permits(request, &policies(&sure)));
            Ok(())
        })?;
    }

    #[test]
    fn both_ways_to_decide_agree(statements in statements(), action in action(), session in prop::option::of(statements())) {
        let (identity, session) = (set(&statements), session.map(|statements| set(&statements)));
        let policies = Policies { owner: OWNER, identity: &identity, session: session.as_ref(), resource: None };
        for level in ["2", "not a number"] {
            with_request(level, action, |request| {
                let decision = decide(request, &policies);
                prop_assert_eq!(decision.is_allowed(), permits(request, &policies));
                prop_assert!(!decision.is_allowed() || !decision.deciding.is_empty());
                // A session policy only takes away.
                let without = Policies { session: None, ..policies };
                prop_assert!(!decision.is_allowed() || permits(request, &without));
                Ok(())
            })?;
        }
    }

    #[test]
    fn the_order_of_statements_has_no_meaning(statements in statements(), action in action()) {
        let mut reversed = statements.clone();
        reversed.reverse();
        let (one, other) = (set(&statements), set(&reversed));
        with_request("2", action, |request| {
            prop_assert_eq!(permits(request, &policies(&one)), permits(request, &policies(&other)));
            Ok(())
        })?;
    }

    #[test]
    fn reading_never_panics(text in ".{0,200}") {
        testing::fuzz_document(&text);
    }

    #[test]
    fn reading_what_is_nearly_a_policy_never_panics(
        statement in statement(), cut in 0_usize..200, insert in r#"[\[\]{}":,0-9a-z*]{0,4}"#,
    ) {
        let whole = format!(r#"{{"Version":"1","Statement":[{statement}]}}"#);
        let at = cut.min(whole.len());
        testing::fuzz_document(&format!("{}{insert}{}", &whole[..at], &whole[at..]));
    }
}

#[test]
fn the_extended_dialect_reads_what_the_documented_one_refuses() {
    for (condition, expected) in [
        (r#"{"StringEqualsIfExists":{"kms:tag/absent":"x"}}"#, true),
        (r#"{"StringEqualsIfExists":{"kms:tag/level":"x"}}"#, false),
        (r#"{"Null":{"kms:tag/absent":"true"}}"#, true),
        (r#"{"Null":{"kms:tag/level":"true"}}"#, false),
        (r#"{"ForAnyValue:StringEquals":{"kms:tag/level":["1","2"]}}"#, true),
        (r#"{"ForAnyValue:StringEquals":{"kms:tag/absent":"x"}}"#, false),
        (r#"{"ForAllValues:StringEquals":{"kms:tag/absent":"x"}}"#, true),
        (r#"{"ForAllValues:StringNotEquals":{"kms:tag/level":"2"}}"#, false),
    ] {
        let text = format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"kms:*","NotResource":"acs:kms:*:*:key/two","Condition":{condition}}}]}}"#
        );
        assert!(Document::parse(Kind::Identity, &text).is_err(), "{text}");
        let source = Source {
            name: "p".into(),
            policy_type: PolicyType::Custom,
            version: "v1".into(),
            attachment: Attachment::RamUser("alice".into()),
        };
        let document = Document::parse_as(Kind::Identity, Dialect::Extended, &text).unwrap();
        let set = PolicySet::of_one(Policy { source, document: Ok(Arc::new(document)) });
        assert_eq!(with_request("2", "Encrypt", |request| permits(request, &policies(&set))), expected, "{condition}");
    }
}
