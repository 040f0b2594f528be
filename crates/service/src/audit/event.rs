//! One record, written without detours: it is on the path of every request.

use std::io::Write as _;
use std::net::IpAddr;

use sesame_audit::{Kind as RecordKind, json};
use sesame_domain::Timestamp;
use smallvec::SmallVec;

use super::facts::{Access, Class, Facts, facts};
use super::mask::{Mask, sensitivity};
use super::server_event::{KEY, SECRET};
use crate::context::Touched;
use crate::error::{KmsError, Result};
use crate::params::{Kind, Params, Sensitivity, index_after};
use crate::registry::{Answer, Entry, Product};
use crate::request::{Attempt, Call, Identity, Principal, Source};

/// The longest part of a header, or of a message, that is recorded.
const LONGEST: usize = 512;
/// The member of a record that says when the session of a role began.
pub(super) const SESSION_BEGAN: &str = "sessionBegan";

/// What is known beforehand about the records of an operation.
#[derive(Debug)]
pub(crate) struct Shape {
    product: Product,
    facts: Facts,
    parameters: Vec<Parameter>,
}

#[derive(Debug)]
struct Parameter {
    name: &'static str,
    kind: Kind,
    sensitivity: Sensitivity,
    resource: Option<&'static str>,
}

impl Shape {
    pub(crate) fn of(entry: &Entry) -> Self {
        let parameters = entry.parameters.iter().map(|spec| Parameter {
            name: spec.name,
            kind: spec.kind,
            sensitivity: sensitivity(spec),
            resource: resource_type(spec.name),
        });
        Self { product: entry.product, facts: facts(entry.name), parameters: parameters.collect() }
    }

    pub(crate) fn kind(&self) -> RecordKind {
        match self.facts.class {
            Class::Management => RecordKind::Event,
            Class::Data => RecordKind::Data,
        }
    }
}

/// The type of the resource that a parameter names.
fn resource_type(parameter: &str) -> Option<&'static str> {
    match parameter {
        "KeyId" | "DestinationKeyId" | "SourceKeyId" | "ProtectedResourceArn" => Some(KEY),
        "AliasName" => Some("ACS::KMS::Alias"),
        "SecretName" => Some(SECRET),
        "CertificateId" => Some("ACS::KMS::Certificate"),
        "KmsInstanceId" => Some("ACS::KMS::Instance"),
        "UserName" => Some("ACS::RAM::User"),
        "GroupName" => Some("ACS::RAM::Group"),
        "UserAccessKeyId" => Some("ACS::RAM::AccessKey"),
        "PolicyName" => Some("ACS::RAM::Policy"),
        "RoleName" => Some("ACS::RAM::Role"),
        "OIDCProviderName" => Some("ACS::RAM::OIDCProvider"),
        _ => None,
    }
}

/// What a record is made from.
#[derive(Debug)]
pub(crate) struct Recorded<'a> {
    pub(crate) operation: &'static Entry,
    params: &'a Params<'a>,
    who: Who<'a>,
    source: Source<'a>,
    request_id: &'a str,
    now: Timestamp,
    touched: Option<&'a Touched>,
    outcome: std::result::Result<&'a Answer, Refusal<'a>>,
}

#[derive(Debug)]
enum Who<'a> {
    Proved(&'a Principal),
    Claimed(Option<&'a str>),
}

#[derive(Debug)]
struct Refusal<'a> {
    code: &'static str,
    message: &'a str,
}

impl<'a> Recorded<'a> {
    pub(crate) fn of_call(
        call: &'a Call<'a>,
        now: Timestamp,
        touched: Option<&'a Touched>,
        result: &'a Result<Answer>,
    ) -> Self {
        let outcome = result.as_ref().map_err(|error| Refusal { code: error.code.name(), message: &error.message });
        Self {
            operation: call.operation,
            params: call.params,
            who: Who::Proved(call.principal),
            source: call.source,
            request_id: call.request_id,
            now,
            touched,
            outcome,
        }
    }

    pub(crate) fn of_attempt(attempt: &'a Attempt<'a>, now: Timestamp, error: &KmsError) -> Self {
        Self {
            operation: attempt.operation,
            params: attempt.params,
            who: Who::Claimed(attempt.access_key_id),
            source: attempt.source,
            request_id: attempt.request_id,
            now,
            touched: None,
            // The full message repeats what was signed, and with it every parameter.
            outcome: Err(Refusal { code: error.code.name(), message: error.code.message() }),
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>, shape: &Shape, region: &str, mask: &Mask) {
        out.extend_from_slice(b"{\"eventTime\":\"");
        json::time(out, self.now.millis());
        out.extend_from_slice(b"\",\"eventName\":\"");
        out.extend_from_slice(self.operation.name.as_bytes());
        out.extend_from_slice(match shape.facts.access {
            Access::Read => b"\",\"eventRW\":\"Read\",\"acsRegion\":\"",
            Access::Write => b"\",\"eventRW\":\"Write\",\"acsRegion\":\"",
        });
        out.extend_from_slice(region.as_bytes());
        out.extend_from_slice(b"\",\"requestId\":\"");
        out.extend_from_slice(self.request_id.as_bytes());
        out.extend_from_slice(b"\",\"sourceIpAddress\":\"");
        address(out, self.source.address);
        out.extend_from_slice(if self.source.secure_transport {
            b"\",\"scheme\":\"https\",\"eventSource\":"
        } else {
            b"\",\"scheme\":\"http\",\"eventSource\":"
        });
        json::text(out, shortened(self.source.host));
        out.extend_from_slice(b",\"userAgent\":");
        json::text(out, shortened(self.source.user_agent));
        self.write_identity(out);
        if shape.product != Product::Kms {
            out.extend_from_slice(b",\"serviceName\":\"");
            out.extend_from_slice(shape.product.name().as_bytes());
            out.extend_from_slice(b"\",\"apiVersion\":\"");
            out.extend_from_slice(shape.product.version().as_bytes());
            out.push(b'"');
        }
        if shape.facts.is_sensitive {
            out.extend_from_slice(b",\"sensitive\":true");
        }
        self.write_more(out);
        self.write_parameters(out, shape, mask);
        let response = self.response(shape, mask);
        self.write_resources(out, shape, response.as_ref());
        if let Some(response) = response {
            out.extend_from_slice(b",\"responseElements\":");
            // Writing to memory cannot fail.
            let _ = write!(out, "{response}");
        }
        if let Err(refusal) = &self.outcome {
            out.extend_from_slice(b",\"errorCode\":");
            json::text(out, refusal.code.as_bytes());
            out.extend_from_slice(b",\"errorMessage\":");
            json::text(out, shortened(refusal.message.as_bytes()));
        }
        out.push(b'}');
    }

    fn write_identity(&self, out: &mut Vec<u8>) {
        match self.who {
            Who::Proved(principal) => write_principal(out, principal),
            Who::Claimed(Some(id)) => {
                out.extend_from_slice(b",\"userIdentity\":{\"type\":\"unknown\",\"accessKeyId\":");
                json::text(out, shortened(id.as_bytes()));
                out.push(b'}');
            }
            Who::Claimed(None) => out.extend_from_slice(b",\"userIdentity\":{\"type\":\"unknown\"}"),
        }
    }

    /// Accounts of resources that are not the caller's own, and what the operation adds.
    fn write_more(&self, out: &mut Vec<u8>) {
        let (Some(touched), Who::Proved(principal)) = (self.touched, &self.who) else { return };
        let mut separator = b",\"owners\":[\"".as_slice();
        let owners = touched.keys.iter().map(|key| &key.key.account);
        let owners = owners.chain(touched.secrets.iter().map(|secret| &secret.secret.account)).chain(&touched.accounts);
        for owner in owners.filter(|owner| **owner != principal.account) {
            out.extend_from_slice(separator);
            out.extend_from_slice(owner.as_str().as_bytes());
            separator = b"\",\"";
        }
        if separator == b"\",\"" {
            out.extend_from_slice(b"\"]");
        }
        if let Some(more) = &touched.more {
            out.extend_from_slice(b",\"more\":");
            // Writing to memory cannot fail.
            let _ = write!(out, "{more}");
        }
    }

    fn write_parameters(&self, out: &mut Vec<u8>, shape: &Shape, mask: &Mask) {
        out.extend_from_slice(b",\"requestParameters\":{");
        let mut separator = b"".as_slice();
        for parameter in &shape.parameters {
            let value = self.params.get(parameter.name);
            let is_list = matches!(parameter.kind, Kind::List | Kind::TagList);
            if value.is_none() && !(is_list && self.numbered(parameter).next().is_some()) {
                continue;
            }
            out.extend_from_slice(separator);
            separator = b",";
            json::text(out, parameter.name.as_bytes());
            out.push(b':');
            match (value, parameter.kind) {
                (Some(value), Kind::Boolean) if matches!(value, "true" | "false") => {
                    out.extend_from_slice(value.as_bytes());
                }
                (Some(value), _) => mask.write(out, parameter.sensitivity, value),
                (None, _) => self.write_list(out, parameter, mask),
            }
        }
        out.push(b'}');
    }

    /// `Name.N`, and `Name.N.Member` under the names that they were sent with.
    fn write_list(&self, out: &mut Vec<u8>, parameter: &Parameter, mask: &Mask) {
        let mut items: Vec<_> = self.numbered(parameter).collect();
        items.sort_by_key(|(index, ..)| *index);
        let mut open = None;
        out.push(b'[');
        for (index, rest, value) in items {
            if open == Some(index) && !rest.is_empty() {
                out.push(b',');
            } else {
                if open.is_some() {
                    out.extend_from_slice(if rest.is_empty() { b"," } else { b"},{" });
                } else if !rest.is_empty() {
                    out.push(b'{');
                }
                open = Some(index);
            }
            if !rest.is_empty() {
                json::text(out, shortened(rest.trim_start_matches('.').as_bytes()));
                out.push(b':');
            }
            mask.write(out, parameter.sensitivity, value);
        }
        if parameter.kind == Kind::TagList {
            out.push(b'}');
        }
        out.push(b']');
    }

    fn numbered(&self, parameter: &Parameter) -> impl Iterator<Item = (usize, &str, &str)> {
        let (name, with_members) = (parameter.name, parameter.kind == Kind::TagList);
        let pairs = self.params.pairs().iter();
        pairs
            .filter_map(move |(key, value)| index_after(key, name).map(|(index, rest)| (index, rest, value.as_ref())))
            .filter(move |(_, rest, _)| rest.is_empty() != with_members)
    }

    fn write_resources(&self, out: &mut Vec<u8>, shape: &Shape, response: Option<&serde_json::Value>) {
        let mut named: SmallVec<[(&str, &str); 4]> = SmallVec::new();
        let mut add = |kind, name| {
            if !named.contains(&(kind, name)) {
                named.push((kind, name));
            }
        };
        let (mut has_keys, mut has_secrets) = (false, false);
        if let Some(touched) = self.touched {
            (has_keys, has_secrets) = (!touched.keys.is_empty(), !touched.secrets.is_empty());
            touched.secrets.iter().for_each(|secret| add(SECRET, secret.secret.name.as_str()));
            touched.keys.iter().for_each(|key| add(KEY, key.key.id.as_str()));
        }
        for parameter in &shape.parameters {
            let Some(kind) = parameter.resource else { continue };
            // What was found says more than what was sent, which may be an alias or an ARN.
            if (kind == KEY && has_keys) || (kind == SECRET && has_secrets) {
                continue;
            }
            if let Some(name) = self.params.get(parameter.name).filter(|name| name.len() <= LONGEST) {
                add(kind, name);
            }
        }
        if !has_keys && !has_secrets && shape.parameters.iter().any(|parameter| parameter.name == "ResourceId") {
            let kind = if self.params.get("ResourceType") == Some("secret") { SECRET } else { KEY };
            for (name, value) in self.params.pairs() {
                if index_after(name, "ResourceId").is_some_and(|(_, rest)| rest.is_empty()) && value.len() <= LONGEST {
                    add(kind, value);
                }
            }
        }
        for (pointer, kind) in [("/KeyMetadata/KeyId", KEY), ("/SecretName", SECRET)] {
            if let Some(name) = response.and_then(|response| response.pointer(pointer)).and_then(|name| name.as_str()) {
                add(kind, name);
            }
        }
        if named.is_empty() {
            return;
        }
        out.extend_from_slice(b",\"resources\":[");
        for (at, (kind, name)) in named.iter().enumerate() {
            out.extend_from_slice(if at > 0 { b",[\"" } else { b"[\"" });
            out.extend_from_slice(kind.as_bytes());
            out.extend_from_slice(b"\",");
            json::text(out, name.as_bytes());
            out.push(b']');
        }
        out.push(b']');
    }

    /// The masked response of a write; one that holds secrets is not even copied.
    fn response(&self, shape: &Shape, mask: &Mask) -> Option<serde_json::Value> {
        let Ok(answer) = self.outcome else { return None };
        if shape.facts.access == Access::Read || answer.is_sensitive() {
            return None;
        }
        let mut response = serde_json::to_value(answer.body().members()).ok()?;
        mask.mask_response(&mut response);
        Some(response)
    }
}

fn write_principal(out: &mut Vec<u8>, principal: &Principal) {
    out.extend_from_slice(b",\"userIdentity\":{\"type\":\"");
    out.extend_from_slice(match &principal.identity {
        Identity::Root => b"root-account\"".as_slice(),
        Identity::User(_) => b"ram-user\"",
        Identity::Session(_) => b"assumed-role\"",
        Identity::Anonymous => b"unknown\"}",
    });
    if let Identity::Anonymous = principal.identity {
        return;
    }
    // None of these texts has a character that JSON escapes.
    let mut member = |name: &str, parts: &[&str]| {
        for part in [",\"", name, "\":\""].iter().chain(parts).chain(&["\""]) {
            out.extend_from_slice(part.as_bytes());
        }
    };
    member("accountId", &[principal.account.as_str()]);
    match &principal.identity {
        Identity::Root | Identity::Anonymous => {}
        Identity::User(user) => {
            member("principalId", &[user.id.as_str()]);
            member("userName", &[user.name.as_str()]);
        }
        Identity::Session(session) => {
            member("principalId", &[session.role_id.as_str(), ":", session.name.as_str()]);
            member("userName", &[session.role_name.as_str(), ":", session.name.as_str()]);
            member(SESSION_BEGAN, &[&session.issued_at.to_string()]);
        }
    }
    out.extend_from_slice(b",\"accessKeyId\":");
    json::text(out, shortened(principal.access_key_id.as_bytes()));
    out.push(b'}');
}

fn shortened(bytes: &[u8]) -> &[u8] {
    bytes.get(..LONGEST).unwrap_or(bytes)
}

fn address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => {
            for (at, octet) in v4.octets().into_iter().enumerate() {
                if at > 0 {
                    out.push(b'.');
                }
                json::number(out, u64::from(octet));
            }
        }
        IpAddr::V6(v6) => _ = write!(out, "{v6}"),
    }
}
