//! Who may assume a role: the decision of its trust policy (access-control reference, 1.8).

use std::sync::Arc;

use sesame_domain::Timestamp;
use sesame_domain::ram::Role;
use sesame_policy::{
    Action, Attachment, Basis, Caller, ConditionKey, Context, Decision, Document, Effect, Kind, Policy, PolicySet,
    PolicyType, Refuser, Request, Resource, Value, Values,
};

use crate::oidc::Verified;
use crate::request::Source;

/// What a policy calls the assuming of a role.
const ASSUME_ROLE: Action<'static> = Action { product: "sts", name: "AssumeRole" };
/// What a policy calls the naming of who is behind it all.
const SET_SOURCE_IDENTITY: Action<'static> = Action { product: "sts", name: "SetSourceIdentity" };

/// Someone who asks to assume a role, and what the conditions of its trust policy may ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Applicant<'a> {
    pub(crate) caller: Caller<'a>,
    pub(crate) source: Source<'a>,
    pub(crate) now: Timestamp,
    pub(crate) external_id: Option<&'a str>,
    /// The source identity that the session is to have; empty for none.
    pub(crate) source_identity: &'a str,
    /// The token of an identity provider that vouches for the applicant.
    pub(crate) token: Option<&'a Verified>,
}

impl Context for Applicant<'_> {
    fn values(&self, key: &ConditionKey) -> Values<'_> {
        let text = |text: &str| Some(Value::Text(text.to_owned().into()));
        let value = match key {
            ConditionKey::CurrentTime => Some(Value::Time(self.now)),
            ConditionKey::SecureTransport => Some(Value::Bool(self.source.secure_transport)),
            ConditionKey::SourceIp => Some(Value::Address(self.source.address)),
            ConditionKey::PrincipalArn => match self.caller {
                // A session is its role here, so that one condition fits all sessions.
                Caller::Session { account, role, .. } => text(&format!("acs:ram::{account}:role/{role}")),
                Caller::Root { .. } | Caller::User { .. } => text(&self.caller.to_string()),
                Caller::Service { .. } | Caller::Federated { .. } => None,
            },
            ConditionKey::Other(name) => match (&**name, self.token) {
                ("sts:externalid", _) => self.external_id.and_then(text),
                ("sts:sourceidentity" | "sts:setsourceidentity", _) if !self.source_identity.is_empty() => {
                    text(self.source_identity)
                }
                ("oidc:iss", Some(token)) => text(&token.issuer),
                ("oidc:sub", Some(token)) => text(&token.subject),
                ("oidc:aud", Some(token)) => {
                    let audiences = token.audiences.iter().map(|one| Value::Text(one.as_str().into()));
                    return Values::Many(audiences.collect());
                }
                _ => None,
            },
            _ => None,
        };
        value.into()
    }
}

/// Decides whether the trust policy of a role admits an applicant, and says which statements did it.
///
/// A source identity has an action of its own, which must be allowed besides: the reference names it, but not where it is
/// asked for, and a role that trusts somebody need not trust what he says about others.
pub(crate) fn decide(role: &Role, applicant: &Applicant<'_>) -> Decision {
    let policy = policy_of(role);
    let assume = decide_action(role, &policy, applicant, ASSUME_ROLE);
    if assume.is_allowed() && !applicant.source_identity.is_empty() {
        return decide_action(role, &policy, applicant, SET_SOURCE_IDENTITY);
    }
    assume
}

/// The trust policy of a role. One that cannot be read admits nobody.
fn policy_of(role: &Role) -> PolicySet {
    let source = sesame_policy::Source {
        name: "AssumeRolePolicyDocument".into(),
        policy_type: PolicyType::Trust,
        version: "".into(),
        attachment: Attachment::RamRole(role.name.as_str().into()),
    };
    let document = Document::parse(Kind::Trust, &role.trust_policy);
    let document = document.map(Arc::new).map_err(|malformed| malformed.to_string());
    PolicySet::of_one(Policy { source, document })
}

fn decide_action(role: &Role, policy: &PolicySet, applicant: &Applicant<'_>, action: Action<'_>) -> Decision {
    let name = format!("role/{}", role.name);
    let request = Request {
        actions: &[action],
        resource: Resource { product: "ram", region: "", account: role.account.as_str(), names: &[&name] },
        caller: applicant.caller,
        context: applicant,
    };
    // Without an owner, so that the root of an account in it stands for every user and role of that account.
    let verdict = policy.verdict(&request, None);
    Decision {
        basis: match verdict.effect {
            Some(Effect::Allow) => Basis::Allow,
            Some(Effect::Deny) => Basis::ExplicitDeny(Refuser::Trust),
            None => Basis::ImplicitDeny(Refuser::Trust),
        },
        deciding: verdict.deciding,
        failing: verdict.failing,
        absent_keys: policy.absent_keys(&request).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use sesame_domain::ram::IdentityId;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_767_323_045);
    const ACCOUNT: &str = "1234567890123456";
    const ALICE: Caller<'static> = Caller::User { account: ACCOUNT, name: "alice" };

    fn applicant(caller: Caller<'static>) -> Applicant<'static> {
        let address = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
        let source = Source { address, secure_transport: true, host: b"", user_agent: b"" };
        Applicant { caller, source, now: NOW, external_id: None, source_identity: "", token: None }
    }

    fn role(statements: &str) -> Role {
        Role {
            id: IdentityId::from_random([7; 8]),
            account: ACCOUNT.parse().unwrap(),
            name: "app".parse().unwrap(),
            description: String::new(),
            trust_policy: format!(r#"{{"Version":"1","Statement":[{statements}]}}"#),
            max_session_seconds: 3_600,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    fn trusting(principal: &str, condition: &str) -> Role {
        role(&format!(
            r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{principal},"Condition":{condition}}}"#
        ))
    }

    fn basis(role: &Role, applicant: &Applicant<'_>) -> Basis {
        decide(role, applicant).basis
    }

    const NO: Basis = Basis::ImplicitDeny(Refuser::Trust);

    #[test]
    fn the_root_of_an_account_stands_for_all_its_users_and_roles() {
        let all = trusting(r#"{"RAM":["acs:ram::1234567890123456:root"]}"#, "{}");
        assert_eq!(basis(&all, &applicant(ALICE)), Basis::Allow);
        let session = Caller::Session { account: ACCOUNT, role: "ci", session: "build" };
        assert_eq!(basis(&all, &applicant(session)), Basis::Allow);
        let stranger = Caller::User { account: "6543210987654321", name: "alice" };
        assert_eq!(basis(&all, &applicant(stranger)), NO);
    }

    #[test]
    fn who_is_named_is_admitted_and_nobody_else() {
        let one = trusting(r#"{"RAM":["acs:ram::1234567890123456:user/alice"]}"#, "{}");
        assert_eq!(basis(&one, &applicant(ALICE)), Basis::Allow);
        assert_eq!(basis(&one, &applicant(Caller::User { account: ACCOUNT, name: "bob" })), NO);
        let service = trusting(r#"{"Service":["ecs.aliyuncs.com"]}"#, "{}");
        assert_eq!(basis(&service, &applicant(ALICE)), NO);
        assert_eq!(basis(&service, &applicant(Caller::Service { name: "ecs.aliyuncs.com" })), Basis::Allow);
        let federated = trusting(r#"{"Federated":["acs:ram::1234567890123456:oidc-provider/k8s"]}"#, "{}");
        let provider = "acs:ram::1234567890123456:oidc-provider/k8s";
        assert_eq!(basis(&federated, &applicant(Caller::Federated { provider })), Basis::Allow);
        assert_eq!(basis(&federated, &applicant(ALICE)), NO);
    }

    #[test]
    fn conditions_see_the_external_id_and_where_the_request_comes_from() {
        let by_id = trusting(
            r#"{"RAM":["acs:ram::1234567890123456:root"]}"#,
            r#"{"StringEquals":{"sts:ExternalId":"x-1"},"IpAddress":{"acs:SourceIp":"203.0.113.0/24"},
                "StringLike":{"acs:PrincipalARN":"acs:ram::*:user/a*"}}"#,
        );
        let right = Applicant { external_id: Some("x-1"), ..applicant(ALICE) };
        assert_eq!(basis(&by_id, &right), Basis::Allow);
        assert_eq!(basis(&by_id, &Applicant { external_id: Some("x-2"), ..right }), NO);
        let without = decide(&by_id, &Applicant { external_id: None, ..right });
        assert_eq!((without.basis, without.absent_keys), (NO, vec!["sts:externalid".to_owned()]));
        let elsewhere = Source { address: IpAddr::V4(Ipv4Addr::LOCALHOST), ..right.source };
        assert_eq!(basis(&by_id, &Applicant { source: elsewhere, ..right }), NO);
    }

    #[test]
    fn conditions_see_every_audience_of_a_token() {
        let provider = "acs:ram::1234567890123456:oidc-provider/k8s";
        let federated = trusting(
            r#"{"Federated":["acs:ram::1234567890123456:oidc-provider/k8s"]}"#,
            r#"{"StringEquals":{"oidc:aud":"sts","oidc:iss":"https://issuer"},
                "StringLike":{"oidc:sub":"system:serviceaccount:prod:*"}}"#,
        );
        let mut token = Verified {
            issuer: "https://issuer".to_owned(),
            subject: "system:serviceaccount:prod:app".to_owned(),
            audiences: vec!["other".to_owned(), "sts".to_owned()],
            issued_at: NOW,
            expires_at: NOW,
        };
        let caller = Caller::Federated { provider };
        assert_eq!(basis(&federated, &Applicant { token: Some(&token), ..applicant(caller) }), Basis::Allow);
        token.subject = "system:serviceaccount:test:app".to_owned();
        assert_eq!(basis(&federated, &Applicant { token: Some(&token), ..applicant(caller) }), NO);
        assert_eq!(basis(&federated, &applicant(caller)), NO);
    }

    #[test]
    fn a_source_identity_must_be_allowed_besides() {
        let alice = r#""Principal":{"RAM":["acs:ram::1234567890123456:user/alice"]}"#;
        let without = role(&format!(r#"{{"Effect":"Allow","Action":"sts:AssumeRole",{alice}}}"#));
        let with = role(&format!(
            r#"{{"Effect":"Allow","Action":["sts:AssumeRole","sts:SetSourceIdentity"],{alice},
                "Condition":{{"StringEquals":{{"sts:SourceIdentity":"Alice"}}}}}}"#
        ));
        let named = Applicant { source_identity: "Alice", ..applicant(ALICE) };
        assert_eq!(basis(&without, &named), NO);
        assert_eq!(basis(&with, &named), Basis::Allow);
        assert_eq!(basis(&with, &Applicant { source_identity: "Bob", ..named }), NO);
    }

    #[test]
    fn what_cannot_be_read_admits_nobody_and_a_deny_is_never_outvoted() {
        let unreadable = Role { trust_policy: "{".to_owned(), ..trusting(r#"{"RAM":[]}"#, "{}") };
        assert_eq!(basis(&unreadable, &applicant(ALICE)), Basis::ExplicitDeny(Refuser::Trust));
        let root = r#""Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1234567890123456:root"]}"#;
        let but_alice = r#""Action":"sts:AssumeRole","Principal":{"RAM":["acs:ram::1234567890123456:user/alice"]}"#;
        let both = role(&format!(r#"{{"Effect":"Allow",{root}}},{{"Effect":"Deny",{but_alice}}}"#));
        let decision = decide(&both, &applicant(ALICE));
        assert_eq!(decision.basis, Basis::ExplicitDeny(Refuser::Trust));
        assert_eq!(decision.deciding[0].to_string(), "AssumeRolePolicyDocument/1");
    }
}
