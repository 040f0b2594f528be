//! The form of a key policy (keys reference, 11.1). What it grants is not decided here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use sesame_domain::{AccountId, limits};

use crate::params::{FromText, Kind};

/// The text of a valid key policy, as it was given: clients compare it with what they sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyPolicy(String);

impl KeyPolicy {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The policy of a key that was given none: its account's identity policies decide alone.
    pub(crate) fn default_of(owner: &AccountId) -> String {
        format!(
            r#"{{"Version":"1","Statement":[{{"Sid":"kms default key policy","Effect":"Allow","Principal":{{"RAM":["acs:ram::{owner}:*"]}},"Action":["kms:*"],"Resource":["*"]}}]}}"#
        )
    }
}

impl FromText for KeyPolicy {
    const KIND: Kind = Kind::Json;

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>> {
        if text.len() > limits::POLICY_BYTES {
            return Err(format!("it may have {} bytes at most", limits::POLICY_BYTES).into());
        }
        let document: Document = serde_json::from_str(text).map_err(|error| Cow::Owned(error.to_string()))?;
        document.check()?;
        Ok(Self(text.to_owned()))
    }
}

/// Members that this server does not know are refused: a statement whose restriction is overlooked would grant more
/// than its author meant.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    version: String,
    statement: Vec<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    sid: Option<String>,
    effect: Effect,
    principal: Principal,
    action: OneOrMany,
    resource: OneOrMany,
    condition: Option<BTreeMap<String, BTreeMap<String, OneOrMany>>>,
}

#[derive(Debug, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Principal {
    #[serde(rename = "RAM")]
    ram: OneOrMany,
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a text or an array of texts")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

type Refusal = Cow<'static, str>;

impl Document {
    fn check(&self) -> Result<(), Refusal> {
        if self.version != "1" {
            return Err("its Version must be \"1\"".into());
        }
        if self.statement.is_empty() {
            return Err("it needs a Statement".into());
        }
        self.statement.iter().try_for_each(Statement::check)
    }
}

impl Statement {
    fn check(&self) -> Result<(), Refusal> {
        let Self { sid, effect: Effect::Allow | Effect::Deny, principal, action, resource, condition } = self;
        let sid_char = |c: char| c.is_ascii_alphanumeric() || " _/+=.@-".contains(c);
        if sid.as_ref().is_some_and(|sid| sid.len() > 128 || !sid.chars().all(sid_char)) {
            return Err("a Sid has up to 128 letters, digits, spaces or _ / + = . @ -".into());
        }
        let principals = principal.ram.as_slice();
        if principals.is_empty() {
            return Err("a statement needs a Principal".into());
        }
        if let Some(wrong) = principals.iter().find(|name| !is_principal(name)) {
            return Err(format!(
                "the principal {wrong:?} is none of acs:ram::<account>:root, :*, :user/<name> and :role/<name>"
            )
            .into());
        }
        // Actions that have no effect in a key policy are ignored, not refused.
        if action.as_slice().is_empty() || action.as_slice().iter().any(String::is_empty) {
            return Err("a statement needs an Action".into());
        }
        if !matches!(resource.as_slice(), [all] if all == "*") {
            return Err("the Resource of a statement must be [\"*\"], which stands for this key".into());
        }
        let empty =
            |keys: &BTreeMap<String, OneOrMany>| keys.is_empty() || keys.values().any(|v| v.as_slice().is_empty());
        if condition.as_ref().is_some_and(|operators| operators.values().any(empty)) {
            return Err("a Condition names an operator, a key and a value".into());
        }
        Ok(())
    }
}

fn is_principal(text: &str) -> bool {
    let Some((account, who)) = text.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(':')) else {
        return false;
    };
    let named =
        |kind| who.strip_prefix(kind).is_some_and(|name: &str| !name.is_empty() && !name.contains(char::is_whitespace));
    account.parse::<AccountId>().is_ok() && (who == "root" || who == "*" || named("user/") || named("role/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"Version":"1","Statement":[{"Sid":"use it","Effect":"Allow",
        "Principal":{"RAM":["acs:ram::1234567890123456:user/alice","acs:ram::1234567890123456:role/app"]},
        "Action":["kms:Encrypt","kms:Decrypt"],"Resource":["*"],
        "Condition":{"StringEquals":{"kms:tag/team":["a","b"]},"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}}]}"#;

    #[test]
    fn a_policy_is_kept_as_it_was_given() {
        assert_eq!(KeyPolicy::from_text(GOOD).unwrap().as_str(), GOOD);
        let default = KeyPolicy::default_of(&"1234567890123456".parse().unwrap());
        assert!(KeyPolicy::from_text(&default).is_ok());
        let single = default.replace(r#"["acs:ram::1234567890123456:*"]"#, r#""acs:ram::1234567890123456:root""#);
        assert!(KeyPolicy::from_text(&single).is_ok());
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for (from, to) in [
            (GOOD, ""),
            (GOOD, "[]"),
            (r#""Version":"1""#, r#""Version":"2""#),
            (r#""Version":"1","#, ""),
            (r#""Effect":"Allow""#, r#""Effect":"allow""#),
            (r#""Effect":"Allow","#, ""),
            (r#""Effect":"Allow","#, r#""Effect":"Deny","Effect":"Allow","#),
            (r#"["*"]"#, r#"["acs:kms:*"]"#),
            (r#"["*"]"#, r#"["*","*"]"#),
            (r#""Action""#, r#""NotAction""#),
            ("\"RAM\"", "\"Service\""),
            ("acs:ram::1234567890123456:user/alice", "alice"),
            ("acs:ram::1234567890123456:user/alice", "acs:ram::1:root"),
            ("acs:ram::1234567890123456:user/alice", "acs:ram::1234567890123456:user/"),
            (r#"["kms:Encrypt","kms:Decrypt"]"#, "[]"),
            ("use it", "ünusual"),
            (r#"{"kms:tag/team":["a","b"]}"#, "{}"),
            (r#"["a","b"]"#, "7"),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD);
            assert!(KeyPolicy::from_text(&text).is_err(), "{text}");
        }
        assert!(KeyPolicy::from_text(r#"{"Version":"1","Statement":[]}"#).is_err());
        let padded = format!("{GOOD}{}", " ".repeat(limits::POLICY_BYTES));
        assert!(KeyPolicy::from_text(&padded).is_err());
    }
}
