//! What a decision costs with 1, 100 and 1,000 statements.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use sesame_policy::{
    Action, Attachment, Caller, Document, Kind, NoContext, Policies, Policy, PolicySet, PolicyType, Request, Resource,
    Source, decide, permits,
};

const KEY: &str = "key/key-hzz0123456789abcdefgh";

/// Statements as a busy user has them: other products, other keys, wildcards, some denials, and the grant at the end.
fn set(statements: usize) -> PolicySet {
    let policies = statements.div_ceil(10);
    let mut left = statements;
    let policy = |at: usize| {
        let count = left.min(10);
        left -= count;
        let statements: Vec<_> =
            (0..count).map(|i| statement(at * 10 + i, at + 1 == policies && i + 1 == count)).collect();
        let text = format!(r#"{{"Version":"1","Statement":[{}]}}"#, statements.join(","));
        let source = Source {
            name: format!("policy-{at}").into(),
            policy_type: PolicyType::Custom,
            version: "v1".into(),
            attachment: Attachment::RamUser("alice".into()),
        };
        Policy { source, document: Document::parse(Kind::Identity, &text).map(Arc::new).map_err(|e| e.to_string()) }
    };
    PolicySet::new((0..policies).map(policy).collect::<Vec<_>>())
}

fn statement(at: usize, last: bool) -> String {
    if last {
        return r#"{"Effect":"Allow","Action":"kms:*","Resource":"acs:kms:*:*:key/*"}"#.to_owned();
    }
    match at % 5 {
        0 => {
            format!(r#"{{"Effect":"Allow","Action":["oss:Get*","oss:List*"],"Resource":"acs:oss:*:*:bucket-{at}/*"}}"#)
        }
        1 => format!(
            r#"{{"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt"],"Resource":"acs:kms:*:*:key/key-hzz{at:018}"}}"#
        ),
        2 => {
            format!(r#"{{"Effect":"Allow","Action":"kms:Describe*","Resource":"acs:kms:cn-*:*:key/key-hzz{at:018}"}}"#)
        }
        3 => format!(r#"{{"Effect":"Deny","Action":"kms:*","Resource":"acs:kms:*:*:secret/team-{at}/*"}}"#),
        _ => format!(
            r#"{{"Effect":"Allow","Action":["ecs:*","rds:Describe*"],"Resource":"*","Condition":{{"StringEquals":{{"acs:ResourceTag/team":"t{at}"}}}}}}"#
        ),
    }
}

fn benches(c: &mut Criterion) {
    for statements in [1, 100, 200, 1_000] {
        let set = set(statements);
        assert!(!set.is_unreadable());
        let request = Request {
            actions: &[Action::kms("Encrypt")],
            resource: Resource { product: "kms", region: "cn-hangzhou", account: "1234567890123456", names: &[KEY] },
            caller: Caller::User { account: "1234567890123456", name: "alice" },
            context: &NoContext,
        };
        let policies = Policies { owner: "1234567890123456", identity: &set, session: None, resource: None };
        assert!(permits(&request, &policies));
        c.bench_function(&format!("permits/{statements}"), |b| b.iter(|| permits(black_box(&request), &policies)));
        c.bench_function(&format!("decide/{statements}"), |b| b.iter(|| decide(black_box(&request), &policies)));
    }
}

criterion_group!(all, benches);
criterion_main!(all);
