//! `sesame explain`: whether a request would be allowed, and which statements decide.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde_json::json;
use sesame_policy::{Attachment, Basis, Failure as Unevaluated, MatchedStatement, PolicyType, Refuser, Source};
use sesame_service::admin::{AdminAnswer, AdminRequest, Explanation, Question};

use crate::cli::{ExplainArguments, SayFormat};
use crate::failure::{DENIED, Failure};
use crate::{admin, print};

/// Asks, prints, and answers with the exit status.
pub(crate) fn run(arguments: &ExplainArguments) -> Result<ExitCode, Failure> {
    let request = AdminRequest::ExplainAccess(question(arguments)?);
    let answer = admin::run(&arguments.place, async |admin| admin.ask(&request).await)?;
    let AdminAnswer::Explanation(explanation) = answer else { return Err(admin::unexpected()) };
    let said = match arguments.say.output {
        SayFormat::Text => text(&explanation),
        SayFormat::Json => format!("{:#}\n", json!(explanation)),
    };
    print(said.as_bytes())?;
    Ok(if explanation.is_allowed { ExitCode::SUCCESS } else { ExitCode::from(DENIED) })
}

fn question(arguments: &ExplainArguments) -> Result<Question> {
    let tags = pairs("--tag", &arguments.tags)?;
    Ok(Question {
        principal: arguments.principal.clone(),
        action: arguments.action.clone(),
        resource: arguments.resource.clone(),
        source_ip: arguments.source_ip,
        secure_transport: arguments.secure_transport,
        time: arguments.time.clone(),
        tags: (!tags.is_empty()).then_some(tags),
        request_tags: pairs("--request-tag", &arguments.request_tags)?,
        context: pairs("--context", &arguments.context)?,
    })
}

fn pairs(flag: &str, texts: &[String]) -> Result<Vec<(String, String)>> {
    let pair = |text: &String| {
        let (key, value) = text.split_once('=').with_context(|| format!("{flag} takes KEY=VALUE, not {text}"))?;
        Ok((key.to_owned(), value.to_owned()))
    };
    texts.iter().map(pair).collect()
}

fn text(explanation: &Explanation) -> String {
    let Explanation { principal, action, resource, decision, .. } = explanation;
    let head = if explanation.is_allowed { "allowed" } else { "denied" };
    let mut out = format!("{head}: {action} on {resource} by {principal}\n");
    let why = match decision.basis {
        Basis::Allow if decision.deciding.is_empty() => {
            "the account itself may do everything to what is in it".to_owned()
        }
        Basis::Allow => "allowed by".to_owned(),
        Basis::ExplicitDeny(_) if decision.deciding.is_empty() => "denied because a policy cannot be read".to_owned(),
        Basis::ExplicitDeny(_) => "denied by".to_owned(),
        Basis::ImplicitDeny(by) => format!("no statement of {} allows it", kind(by)),
    };
    let _ = writeln!(out, "{why}");
    for statement in &decision.deciding {
        let _ = writeln!(out, "  {}", matched(statement));
    }
    if !decision.failing.is_empty() {
        out.push_str("could not be evaluated, and granted nothing\n");
    }
    for failure in &decision.failing {
        let _ = writeln!(out, "  {}", unevaluated(failure));
    }
    if !decision.absent_keys.is_empty() {
        let _ = writeln!(out, "conditions ask for what the request does not have: {}", decision.absent_keys.join(", "));
    }
    for note in &explanation.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out
}

/// The kind of policy that refuses, in words.
fn kind(refuser: Refuser) -> &'static str {
    match refuser {
        Refuser::Identity => "the policies of the principal",
        Refuser::Session => "the session policy",
        Refuser::Resource => "the policy of the resource",
        Refuser::Trust => "the trust policy of the role",
    }
}

fn matched(statement: &MatchedStatement) -> String {
    let sid = statement.sid.as_ref().map(|sid| format!(" ({sid})")).unwrap_or_default();
    format!("statement {}{sid} of {}", statement.statement + 1, policy(&statement.source))
}

fn unevaluated(failure: &Unevaluated) -> String {
    let statement = failure.statement.map(|at| format!("statement {} of ", at + 1)).unwrap_or_default();
    format!("{statement}{}: {}", policy(&failure.source), failure.problem)
}

/// A policy with its version, and what it is attached to.
fn policy(source: &Source) -> String {
    let (name, version) = (&source.name, &source.version);
    let version = if version.is_empty() { String::new() } else { format!(" {version}") };
    let kind = match source.policy_type {
        PolicyType::System => "the system policy",
        PolicyType::Custom => "the policy",
        PolicyType::Session => "the session policy",
        PolicyType::Key => "the policy of the key",
        PolicyType::Secret => "the policy of the secret",
        PolicyType::Trust => "the trust policy of the role",
    };
    let attached = match &source.attachment {
        Attachment::RamUser(name) => format!(", attached to the user {name}"),
        Attachment::RamGroup(name) => format!(", attached to the group {name}"),
        Attachment::RamRole(name) => format!(", attached to the role {name}"),
        Attachment::Session(name) => format!(", of the session {name}"),
        Attachment::Resource => String::new(),
    };
    format!("{kind} {name}{version}{attached}")
}

#[cfg(test)]
mod tests {
    use sesame_policy::{Decision, Effect};

    use super::*;

    fn explanation(basis: Basis, deciding: Vec<MatchedStatement>) -> Explanation {
        let is_allowed = matches!(basis, Basis::Allow);
        let absent_keys = vec!["acs:SourceIp".to_owned()];
        Explanation {
            is_allowed,
            principal: "acs:ram::1234567890123456:user/alice".into(),
            principal_account: "1234567890123456".into(),
            action: "kms:Decrypt".into(),
            resource: "acs:kms:cn-hangzhou:1234567890123456:key/k".into(),
            decision: Decision { basis, deciding, failing: Vec::new(), absent_keys },
            notes: vec!["A note.".into()],
        }
    }

    #[test]
    fn the_statement_that_decides_is_named_with_its_policy() {
        let source = Source {
            name: "app".into(),
            policy_type: PolicyType::Custom,
            version: "v3".into(),
            attachment: Attachment::RamGroup("ops".into()),
        };
        let statement = MatchedStatement { source, statement: 1, sid: Some("Use".into()), effect: Effect::Allow };
        let said = text(&explanation(Basis::Allow, vec![statement]));
        assert!(said.starts_with("allowed: kms:Decrypt on acs:kms:"), "{said}");
        assert!(said.contains("\n  statement 2 (Use) of the policy app v3, attached to the group ops\n"), "{said}");
        assert!(said.contains("acs:SourceIp\n") && said.ends_with("note: A note.\n"), "{said}");
    }

    #[test]
    fn a_denial_says_whose_policies_do_not_allow() {
        let said = text(&explanation(Basis::ImplicitDeny(Refuser::Resource), Vec::new()));
        assert!(said.starts_with("denied: ") && said.contains("no statement of the policy of the resource"), "{said}");
    }
}
