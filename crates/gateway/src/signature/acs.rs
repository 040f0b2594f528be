//! Signatures ACS3 and ACS4: an HMAC over method, query, chosen headers and the hash of the body.

use httparse::Header;
use sesame_service::error::{Code, KmsError, Result};
use sesame_service::request::{AcsAlgorithm, AcsScope};
use sesame_service::wipe;

use crate::form::{Pair, Place};
use crate::percent::unreserved_run;

/// More names than any request has headers.
const MAX_SIGNED_HEADERS: usize = 128;

/// What an `Authorization` header says.
#[derive(Debug)]
pub(crate) struct Authorization<'a> {
    pub(crate) algorithm: AcsAlgorithm,
    pub(crate) access_key_id: &'a str,
    pub(crate) scope: Option<AcsScope<'a>>,
    pub(crate) signed_headers: &'a str,
    pub(crate) signature: &'a str,
}

/// Whether an `Authorization` header is of this family, whatever its algorithm.
pub(crate) fn is_acs(authorization: &[u8]) -> bool {
    authorization.starts_with(b"ACS3-") || authorization.starts_with(b"ACS4-")
}

impl<'a> Authorization<'a> {
    /// Reads `<algorithm> Credential=…,SignedHeaders=…,Signature=…`, in any order and with any white space.
    ///
    /// # Errors
    /// `InvalidSignatureMethod` for an unknown algorithm, `IncompleteSignature` when a part is missing.
    pub(crate) fn parse(header: &'a [u8]) -> Result<Self> {
        let text = std::str::from_utf8(header).map_err(|_| incomplete("the Authorization header is not a text"))?;
        let (algorithm, parts) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        let algorithm = AcsAlgorithm::ALL
            .into_iter()
            .find(|known| known.name() == algorithm)
            .ok_or_else(|| KmsError::from(Code::InvalidSignatureMethod))?;
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in parts.split(',') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let slot = match name.trim() {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => continue,
            };
            if slot.replace(value.trim()).is_some() {
                return Err(incomplete("a part of the Authorization header is given twice"));
            }
        }
        let given =
            |part: Option<&'a str>, reason| part.filter(|text| !text.is_empty()).ok_or_else(|| incomplete(reason));
        let credential = given(credential, "the Authorization header has no Credential")?;
        let signed_headers = given(signed_headers, "the Authorization header has no SignedHeaders")?;
        let signature = given(signature, "the Authorization header has no Signature")?;
        let (access_key_id, scope) = match algorithm {
            AcsAlgorithm::Acs3HmacSha256 | AcsAlgorithm::Acs3HmacSm3 => (credential, None),
            AcsAlgorithm::Acs4HmacSha256 | AcsAlgorithm::Acs4HmacSm3 => scoped(credential)?,
        };
        Ok(Self { algorithm, access_key_id, scope, signed_headers, signature })
    }
}

/// Splits `<access key id>/<day>/<region>/<product>/aliyun_v4_request`.
fn scoped(credential: &str) -> Result<(&str, Option<AcsScope<'_>>)> {
    let mut parts = credential.split('/');
    let mut next = || parts.next().filter(|part| !part.is_empty());
    let found = (next(), next(), next(), next(), next(), next());
    let (Some(id), Some(day), Some(region), Some(product), Some("aliyun_v4_request"), None) = found else {
        return Err(incomplete("the Credential has no scope"));
    };
    Ok((id, Some(AcsScope { day, region, product })))
}

/// The headers of a signature that the server reads; each must be signed when it is there.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a> {
    pub(crate) action: Option<&'a [u8]>,
    pub(crate) version: Option<&'a [u8]>,
    pub(crate) date: Option<&'a [u8]>,
    pub(crate) content_sha256: Option<&'a [u8]>,
    pub(crate) content_sm3: Option<&'a [u8]>,
    pub(crate) nonce: Option<&'a [u8]>,
    pub(crate) security_token: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// The slot of a header, by its name in lower case.
    pub(crate) fn slot(&mut self, name: &str) -> Option<&mut Option<&'a [u8]>> {
        Some(match name {
            "x-acs-action" => &mut self.action,
            "x-acs-version" => &mut self.version,
            "x-acs-date" => &mut self.date,
            "x-acs-content-sha256" => &mut self.content_sha256,
            "x-acs-content-sm3" => &mut self.content_sm3,
            "x-acs-signature-nonce" => &mut self.nonce,
            "x-acs-security-token" => &mut self.security_token,
            _ => return None,
        })
    }

    /// The payload hash that the client claims. SM3 has a header of its own in some clients only.
    pub(crate) fn payload_hash(&self, algorithm: AcsAlgorithm) -> Result<&'a str> {
        let sm3 = matches!(algorithm, AcsAlgorithm::Acs3HmacSm3 | AcsAlgorithm::Acs4HmacSm3);
        let claimed = if sm3 { self.content_sm3.or(self.content_sha256) } else { self.content_sha256 };
        let claimed = claimed.ok_or_else(|| incomplete("the header x-acs-content-sha256 is missing"))?;
        text(claimed)
    }

    /// Refuses a request in which one of these headers is sent but not signed: it could be replaced by anyone.
    pub(crate) fn all_signed(&self, signed_headers: &str) -> Result<()> {
        let mut signed = Fields::default();
        for (count, name) in signed_headers.split(';').enumerate() {
            if count >= MAX_SIGNED_HEADERS {
                return Err(incomplete("SignedHeaders names too many headers"));
            }
            if let Some(slot) = signed.slot(name) {
                *slot = Some(b"");
            }
        }
        let missing = |sent: Option<&[u8]>, signed: Option<&[u8]>| sent.is_some() && signed.is_none();
        if missing(self.action, signed.action)
            || missing(self.version, signed.version)
            || missing(self.date, signed.date)
            || missing(self.content_sha256, signed.content_sha256)
            || missing(self.content_sm3, signed.content_sm3)
            || missing(self.nonce, signed.nonce)
            || missing(self.security_token, signed.security_token)
        {
            return Err(incomplete("an x-acs header is not in SignedHeaders"));
        }
        Ok(())
    }
}

/// The day of a credential scope must be the day of the request.
pub(crate) fn check_day(scope: &AcsScope<'_>, date: Option<&str>) -> Result<()> {
    let day = date.unwrap_or_default().bytes().filter(|&byte| byte != b'-').take(8);
    if day.eq(scope.day.bytes()) {
        Ok(())
    } else {
        Err(incomplete("the day of the Credential is not that of x-acs-date"))
    }
}

/// A header value as text.
pub(crate) fn text(value: &[u8]) -> Result<&str> {
    std::str::from_utf8(value).map_err(|_| incomplete("a signed header is not a text"))
}

/// How names are written in the canonical query: encoded, or as they are. Clients differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    Encoded,
    Plain,
}

/// What a canonical request is made of; the pairs are sorted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canonical<'a> {
    pub(crate) method: &'a str,
    pub(crate) sorted: &'a [Pair<'a>],
    pub(crate) arena: &'a [u8],
    pub(crate) headers: &'a [Header<'a>],
    pub(crate) signed_headers: &'a str,
    pub(crate) payload_hash: &'a str,
}

impl Canonical<'_> {
    /// Appends the canonical request.
    pub(crate) fn write(&self, out: &mut Vec<u8>, names: Names) {
        let query = self.query().map(|pair| 2 + pair.name.encoded_len_bound() + pair.value.encoded_len_bound());
        let headers = self.headers.iter().map(|header| 2 + header.name.len() + header.value.len());
        let rest = self.method.len() + self.signed_headers.len() * 2 + self.payload_hash.len() + 8;
        wipe::reserve(out, query.sum::<usize>() + headers.sum::<usize>() + rest);
        out.extend_from_slice(self.method.as_bytes());
        out.extend_from_slice(b"\n/\n");
        self.write_query(out, names);
        out.push(b'\n');
        for name in self.signed_headers.split(';') {
            let start = out.len();
            out.extend_from_slice(name.as_bytes());
            out.get_mut(start..).unwrap_or_default().make_ascii_lowercase();
            out.push(b':');
            write_values(out, self.headers, name);
            out.push(b'\n');
        }
        out.push(b'\n');
        out.extend_from_slice(self.signed_headers.as_bytes());
        out.push(b'\n');
        out.extend_from_slice(self.payload_hash.as_bytes());
    }

    /// The canonical request with names as they are, when that differs.
    pub(crate) fn alternative(&self) -> Option<Vec<u8>> {
        let plain = |pair: &Pair<'_>| {
            let name = pair.name.meaning(self.arena);
            unreserved_run(name) == name.len()
        };
        if self.query().all(plain) {
            return None;
        }
        let mut out = Vec::new();
        self.write(&mut out, Names::Plain);
        Some(out)
    }

    fn query(&self) -> impl Iterator<Item = &Pair<'_>> {
        self.sorted.iter().filter(|pair| pair.place == Place::Query)
    }

    fn write_query(&self, out: &mut Vec<u8>, names: Names) {
        let mut separator: &[u8] = b"";
        for pair in self.query() {
            out.extend_from_slice(separator);
            match names {
                Names::Encoded => pair.name.encode_into(out, self.arena),
                Names::Plain => out.extend_from_slice(pair.name.meaning(self.arena)),
            }
            out.push(b'=');
            pair.value.encode_into(out, self.arena);
            separator = b"&";
        }
    }
}

/// Appends the value of a header; several values are sorted and joined with commas.
fn write_values(out: &mut Vec<u8>, headers: &[Header<'_>], name: &str) {
    let mut values =
        headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value.trim_ascii());
    let Some(first) = values.next() else { return };
    let Some(second) = values.next() else { return out.extend_from_slice(first) };
    let mut all: Vec<&[u8]> = [first, second].into_iter().chain(values).collect();
    all.sort_unstable();
    out.extend_from_slice(&all.join(&b','));
}

fn incomplete(reason: &'static str) -> KmsError {
    let standard = Code::IncompleteSignature.message();
    KmsError::new(Code::IncompleteSignature, format!("{standard} ({reason})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_authorization_may_come_in_any_order_with_white_space() {
        for header in [
            "ACS3-HMAC-SHA256 Credential=id,SignedHeaders=host;x-acs-date,Signature=ab",
            "ACS3-HMAC-SHA256 Credential=id,Signature=ab,SignedHeaders=host;x-acs-date",
            "ACS3-HMAC-SHA256   Signature = ab , Credential= id,\tSignedHeaders =host;x-acs-date, Other=1",
        ] {
            let parsed = Authorization::parse(header.as_bytes()).unwrap();
            let parts = (parsed.access_key_id, parsed.signed_headers, parsed.signature);
            assert_eq!(parts, ("id", "host;x-acs-date", "ab"));
        }
    }

    #[test]
    fn an_authorization_that_lacks_something_is_incomplete() {
        for (header, code) in [
            ("ACS3-HMAC-SHA256", Code::IncompleteSignature),
            ("ACS3-HMAC-SHA256 Credential=,SignedHeaders=a,Signature=b", Code::IncompleteSignature),
            ("ACS3-HMAC-SHA256 Credential=a,SignedHeaders=a", Code::IncompleteSignature),
            ("ACS3-HMAC-SHA256 Credential=a,Credential=b,SignedHeaders=a,Signature=b", Code::IncompleteSignature),
            ("ACS4-HMAC-SHA256 Credential=a/20260102/r/Kms,SignedHeaders=a,Signature=b", Code::IncompleteSignature),
            ("ACS4-HMAC-SHA256 Credential=a,SignedHeaders=a,Signature=b", Code::IncompleteSignature),
            ("ACS3-RSA-SHA256 Credential=a,SignedHeaders=a,Signature=b", Code::InvalidSignatureMethod),
            ("ACS3-hmac-sha256 Credential=a,SignedHeaders=a,Signature=b", Code::InvalidSignatureMethod),
        ] {
            assert_eq!(Authorization::parse(header.as_bytes()).unwrap_err().code, code, "{header}");
        }
        assert!(Authorization::parse(b"ACS3-\xff").is_err());
    }

    #[test]
    fn headers_that_are_read_must_be_signed() {
        let mut sent = Fields { action: Some(b"Encrypt"), date: Some(b"d"), ..Fields::default() };
        assert!(sent.all_signed("x-acs-action;x-acs-date").is_ok());
        assert!(sent.all_signed("host;x-acs-date").is_err());
        sent.nonce = Some(b"n");
        assert!(sent.all_signed("x-acs-action;x-acs-date").is_err());
    }

    #[test]
    fn several_values_of_a_header_are_sorted_and_joined() {
        let header = |name, value: &'static str| Header { name, value: value.as_bytes() };
        let headers = [header("X-Acs-A", " b "), header("host", "h"), header("x-acs-a", "a")];
        let mut out = Vec::new();
        write_values(&mut out, &headers, "x-acs-a");
        assert_eq!(out, b"a,b");
    }

    #[test]
    fn the_scope_must_name_the_day_of_the_request() {
        let scope = AcsScope { day: "20260102", region: "cn-hangzhou", product: "Kms" };
        assert!(check_day(&scope, Some("2026-01-02T03:04:05Z")).is_ok());
        assert!(check_day(&scope, Some("2026-01-03T03:04:05Z")).is_err());
        assert!(check_day(&scope, None).is_err());
    }
}
