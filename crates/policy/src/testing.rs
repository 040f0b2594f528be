//! Ways in for fuzzing; no part of the crate's interface.

use std::sync::Arc;

use crate::{
    Action, Attachment, Basis, Caller, Dialect, Document, Effect, Kind, NoContext, Policies, Policy, PolicySet,
    PolicyType, Request, Resource, Source, decide, permits,
};

/// Reads a document of every kind, decides a request with it, and checks what must hold whatever it says.
pub fn fuzz_document(text: &str) {
    for kind in [Kind::Identity, Kind::Session, Kind::Trust, Kind::Key, Kind::Secret] {
        for dialect in [Dialect::Documented, Dialect::Extended] {
            if let Ok(document) = Document::parse_as(kind, dialect, text) {
                check(kind, document);
            }
        }
    }
}

fn check(kind: Kind, document: Document) {
    let source = Source {
        name: "fuzzed".into(),
        policy_type: PolicyType::Custom,
        version: "v1".into(),
        attachment: Attachment::Resource,
    };
    let set = PolicySet::of_one(Policy { source, document: Ok(Arc::new(document)) });
    let request = Request {
        actions: &[Action::kms("Encrypt")],
        resource: Resource {
            product: "kms",
            region: "cn-hangzhou",
            account: "1234567890123456",
            names: &["key/key-hzz0123456789abcdefgh"],
        },
        caller: Caller::User { account: "1234567890123456", name: "alice" },
        context: &NoContext,
    };
    let owner = matches!(kind, Kind::Key | Kind::Secret).then_some("1234567890123456");
    let verdict = set.verdict(&request, owner);
    assert_eq!(verdict.effect, set.effect(&request, owner), "both ways to evaluate a set agree");
    assert!(verdict.effect != Some(Effect::Allow) || !verdict.deciding.is_empty(), "nothing is allowed without reason");
    let nothing = PolicySet::default();
    let policies = match owner {
        Some(owner) => Policies { owner, identity: &nothing, session: None, resource: Some(&set) },
        None => Policies { owner: "1234567890123456", identity: &set, session: None, resource: None },
    };
    let decision = decide(&request, &policies);
    assert_eq!(decision.is_allowed(), permits(&request, &policies), "both ways to decide agree");
    assert!(verdict.effect != Some(Effect::Deny) || matches!(decision.basis, Basis::ExplicitDeny(_)), "Deny wins");
}
