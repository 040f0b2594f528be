//! ACS3-HMAC-SHA256 signing of requests in the shape the current Python SDK sends them: `POST /?<parameters>`, every
//! header it sets signed.

use crate::text;
use anyhow::Result;
use aws_lc_rs::{digest, hmac};
use std::fmt;

const ACCEPT: &[u8] = b"application/json";
const FORM: &[u8] = b"application/x-www-form-urlencoded";
const PROVIDER: &[u8] = b"static_ak";
const USER_AGENT: &[u8] = b"AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2";
const VERSION: &[u8] = b"2016-01-20";
const SIGNED: &[u8] =
    b"accept;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;\
x-acs-signature-nonce;x-acs-version";
const SIGNED_WITH_FORM: &[u8] = b"accept;content-type;host;user-agent;x-acs-action;x-acs-content-sha256;\
x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version";

/// One request with its parameters already encoded, so that sending it only has to sign and copy.
#[derive(Clone, Debug)]
pub struct Request {
    action: Box<[u8]>,
    query: Box<[u8]>,
    body: Box<[u8]>,
    body_hash: Box<[u8]>,
}

impl Request {
    /// A request for `action` with its parameters in the query.
    #[must_use]
    pub fn new(action: &str, parameters: &[(&str, &str)]) -> Self {
        Self::with_form(action, parameters, &[])
    }

    /// As [`Request::new`], with further parameters in a form body.
    #[must_use]
    pub fn with_form(action: &str, parameters: &[(&str, &str)], form: &[(&str, &str)]) -> Self {
        let body = encode(form);
        let mut body_hash = Vec::with_capacity(64);
        text::push_hex(&mut body_hash, digest::digest(&digest::SHA256, &body).as_ref());
        Self {
            action: action.as_bytes().into(),
            query: encode(parameters).into(),
            body: body.into(),
            body_hash: body_hash.into(),
        }
    }
}

/// Parameters sorted by name, so that the text sent is the text signed. A space becomes `%20` where the SDK sends `+`.
fn encode(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut sorted = parameters.to_vec();
    sorted.sort_unstable();
    let mut out = Vec::new();
    for (name, value) in sorted {
        if !out.is_empty() {
            out.push(b'&');
        }
        text::push_percent_encoded(&mut out, name.as_bytes());
        out.push(b'=');
        text::push_percent_encoded(&mut out, value.as_bytes());
    }
    out
}

/// An access key, its secret prepared as an HMAC key.
#[derive(Clone)]
pub struct Credentials {
    access_key_id: String,
    key: hmac::Key,
}

impl Credentials {
    /// Prepares the HMAC state of `secret` once for all requests.
    #[must_use]
    pub fn new(access_key_id: &str, secret: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        Self { access_key_id: access_key_id.to_owned(), key }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Signs the requests of one connection; owns the buffers that this needs.
#[derive(Debug)]
pub struct Signer {
    credentials: Credentials,
    host: Box<[u8]>,
    date: Date,
    nonce: Nonce,
    canonical: Vec<u8>,
    scratch: Vec<u8>,
}

impl Signer {
    /// A signer for requests that name `host` in their `Host` header.
    ///
    /// # Errors
    /// When the system gives no random bytes for the nonces.
    pub fn new(credentials: Credentials, host: &str) -> Result<Self> {
        Ok(Self {
            credentials,
            host: host.as_bytes().into(),
            date: Date { second: 0, text: text::timestamp(0) },
            nonce: Nonce::new()?,
            canonical: Vec::with_capacity(2048),
            scratch: Vec::with_capacity(256),
        })
    }

    /// Replaces the content of `out` by `request` in wire form, signed with the present time and a fresh nonce.
    pub fn write(&mut self, request: &Request, out: &mut Vec<u8>) {
        self.date.refresh();
        self.nonce.advance();
        self.sign(request);
        self.write_wire(request, out);
    }

    /// Leaves the hexadecimal signature of `request` in `scratch`.
    fn sign(&mut self, request: &Request) {
        let signed = signed_headers(request);
        let canonical = &mut self.canonical;
        canonical.clear();
        push(canonical, &[b"POST\n/\n", &request.query, b"\naccept:", ACCEPT]);
        if !request.body.is_empty() {
            push(canonical, &[b"\ncontent-type:", FORM]);
        }
        push(canonical, &[b"\nhost:", &self.host, b"\nuser-agent:", USER_AGENT]);
        push(canonical, &[b"\nx-acs-action:", &request.action, b"\nx-acs-content-sha256:", &request.body_hash]);
        push(canonical, &[b"\nx-acs-credentials-provider:", PROVIDER, b"\nx-acs-date:", self.date.text.as_bytes()]);
        push(canonical, &[b"\nx-acs-signature-nonce:", &self.nonce.text, b"\nx-acs-version:", VERSION, b"\n\n"]);
        push(canonical, &[signed, b"\n", &request.body_hash]);

        let scratch = &mut self.scratch;
        scratch.clear();
        scratch.extend_from_slice(b"ACS3-HMAC-SHA256\n");
        text::push_hex(scratch, digest::digest(&digest::SHA256, canonical).as_ref());
        let signature = hmac::sign(&self.credentials.key, scratch);
        scratch.clear();
        text::push_hex(scratch, signature.as_ref());
    }

    fn write_wire(&self, request: &Request, out: &mut Vec<u8>) {
        out.clear();
        push(out, &[b"POST /?", &request.query, b" HTTP/1.1\r\nAccept-Encoding: identity\r\nhost: ", &self.host]);
        push(out, &[b"\r\nx-acs-version: ", VERSION, b"\r\nx-acs-action: ", &request.action]);
        push(out, &[b"\r\nuser-agent: ", USER_AGENT, b"\r\nx-acs-date: ", self.date.text.as_bytes()]);
        push(out, &[b"\r\nx-acs-signature-nonce: ", &self.nonce.text, b"\r\naccept: ", ACCEPT]);
        if !request.body.is_empty() {
            push(out, &[b"\r\ncontent-type: ", FORM]);
        }
        push(out, &[b"\r\nx-acs-content-sha256: ", &request.body_hash]);
        push(out, &[b"\r\nx-acs-credentials-provider: ", PROVIDER, b"\r\nAuthorization: ACS3-HMAC-SHA256 Credential="]);
        push(out, &[self.credentials.access_key_id.as_bytes(), b",SignedHeaders=", signed_headers(request)]);
        push(out, &[b",Signature=", &self.scratch, b"\r\nContent-Length: "]);
        push(out, &[request.body.len().to_string().as_bytes(), b"\r\n\r\n", &request.body]);
    }
}

fn signed_headers(request: &Request) -> &'static [u8] {
    if request.body.is_empty() { SIGNED } else { SIGNED_WITH_FORM }
}

fn push(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}

/// The date text, rendered again only when the second has changed.
#[derive(Debug)]
struct Date {
    second: u64,
    text: String,
}

impl Date {
    fn refresh(&mut self) {
        let second = text::now_seconds();
        if second != self.second {
            *self = Self { second, text: text::timestamp(second) };
        }
    }
}

/// 32 hexadecimal digits: a random half per connection and a counter that starts at random.
#[derive(Debug)]
struct Nonce {
    prefix: [u8; 8],
    counter: u64,
    text: Vec<u8>,
}

impl Nonce {
    fn new() -> Result<Self> {
        let mut prefix = [0; 8];
        let mut counter = [0; 8];
        aws_lc_rs::rand::fill(&mut prefix)?;
        aws_lc_rs::rand::fill(&mut counter)?;
        Ok(Self { prefix, counter: u64::from_le_bytes(counter), text: Vec::with_capacity(32) })
    }

    fn advance(&mut self) {
        self.counter = self.counter.wrapping_add(1);
        self.text.clear();
        text::push_hex(&mut self.text, &self.prefix);
        text::push_hex(&mut self.text, &self.counter.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        let credentials = Credentials::new("testid", "testsecret");
        let mut signer = Signer::new(credentials, "kms.cn-hangzhou.aliyuncs.com").unwrap();
        signer.date = Date { second: 1, text: "2026-01-02T03:04:05Z".to_owned() };
        signer.nonce.text = b"0123456789abcdef0123456789abcdef".to_vec();
        signer
    }

    fn signature(signer: &mut Signer, request: &Request) -> (String, String) {
        signer.sign(request);
        let mut hash = Vec::new();
        text::push_hex(&mut hash, digest::digest(&digest::SHA256, &signer.canonical).as_ref());
        (String::from_utf8(hash).unwrap(), String::from_utf8(signer.scratch.clone()).unwrap())
    }

    fn untag_resources() -> Request {
        let parameters = [
            ("ResourceId.1", "key-a b"),
            ("ResourceId.2", "key*~/+"),
            ("ResourceType", "key"),
            ("TagKey.1", "环境"),
            ("All", "False"),
            ("RegionId", "cn-hangzhou"),
        ];
        Request::new("UntagResources", &parameters)
    }

    #[test]
    fn a_query_is_signed_as_the_python_sdk_signs_it() {
        let (hash, signature) = signature(&mut signer(), &untag_resources());
        assert_eq!(hash, "27500086fb39de24fa943d2adfb242bd51347ce563365927c22f01c0478ef296");
        assert_eq!(signature, "2cd8f2a70870c9afa1f80196eb96bac8df79065ba8e7bf0a2b69e20946106dcc");
    }

    #[test]
    fn the_content_type_of_a_form_is_signed() {
        // The SDK's form has `+` for a space where ours has `%20`; the body is put in as the SDK sends it.
        let mut request = Request::with_form("PutSecretValue", &[("SecretName", "s1"), ("VersionId", "v1")], &[]);
        request.body = (*b"SecretData=p+w%2A%2B~d%2F%E4%B8%AD").into();
        request.body_hash = (*b"7ba55dff36e1931cd0bb32774a1c5d2150eb7e9e0301173eb68085dadff468a4").into();
        let (hash, signature) = signature(&mut signer(), &request);
        assert_eq!(hash, "948d736a72debf27442f2d40bd95c633d11baf7cd9f02097be14373efe241598");
        assert_eq!(signature, "9eb0468aaab67099b0e510accee2716f23266f3a45fe6058e554776320430846");
    }

    #[test]
    fn the_wire_form_carries_what_was_signed() {
        let mut signer = signer();
        let request = untag_resources();
        signer.sign(&request);
        let mut out = Vec::new();
        signer.write_wire(&request, &mut out);
        let wire = String::from_utf8(out).unwrap();
        assert!(wire.starts_with("POST /?All=False&RegionId=cn-hangzhou&ResourceId.1=key-a%20b&"));
        assert!(wire.contains("\r\nAuthorization: ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=accept;host;"));
        assert!(wire.contains(",Signature=2cd8f2a70870c9afa1f80196eb96bac8df79065ba8e7bf0a2b69e20946106dcc\r\n"));
        assert!(wire.ends_with("\r\nContent-Length: 0\r\n\r\n"));
    }

    #[test]
    fn no_two_requests_share_a_nonce() {
        let mut signer = signer();
        let mut out = Vec::new();
        let nonces: std::collections::HashSet<_> = (0..1000)
            .map(|_| {
                signer.write(&untag_resources(), &mut out);
                signer.nonce.text.clone()
            })
            .collect();
        assert_eq!(nonces.len(), 1000);
    }
}
