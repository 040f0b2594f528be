//! Signature V1: an HMAC over all parameters, those of the query and those of the form.

use sesame_service::error::{Code, Result};
use sesame_service::params::Params;
use sesame_service::request::V1Method;
use sesame_service::wipe;

use crate::form::Pair;

/// The parameters of a V1 signature.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) method: V1Method,
    pub(crate) signature: &'a str,
    pub(crate) security_token: Option<&'a str>,
    pub(crate) timestamp: Option<&'a str>,
    pub(crate) nonce: Option<&'a str>,
}

/// Reads the fields; an empty text counts as absent.
///
/// # Errors
/// The codes for a missing or unknown field.
pub(crate) fn fields<'a>(params: &'a Params<'_>) -> Result<Fields<'a>> {
    let field = |name| params.get(name).filter(|value| !value.is_empty());
    let access_key_id = field("AccessKeyId").ok_or(Code::MissingAccessKeyId)?;
    let signature = field("Signature").ok_or(Code::MissingSignature)?;
    let method = match field("SignatureMethod").ok_or(Code::MissingSignatureMethod)? {
        "HMAC-SHA1" => V1Method::HmacSha1,
        "HMAC-SHA256" => V1Method::HmacSha256,
        _ => return Err(Code::InvalidSignatureMethod.into()),
    };
    if field("SignatureVersion").ok_or(Code::MissingSignatureVersion)? != "1.0" {
        return Err(Code::InvalidSignatureVersion.into());
    }
    Ok(Fields {
        access_key_id,
        method,
        signature,
        security_token: field("SecurityToken"),
        timestamp: field("Timestamp"),
        nonce: field("SignatureNonce"),
    })
}

/// Whether parameters with empty values are part of the signed text. One client sends them and leaves them out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Empty {
    Signed,
    LeftOut,
}

/// Appends the string to sign of pairs that are sorted.
pub(crate) fn string_to_sign(out: &mut Vec<u8>, method: &str, sorted: &[Pair<'_>], arena: &[u8], empty: Empty) {
    // `=` and `&` take three bytes each when encoded, and an escape of three bytes takes five.
    let bound = |pair: &Pair<'_>| 6 + (pair.name.encoded_len_bound() + pair.value.encoded_len_bound()) * 5 / 3;
    wipe::reserve(out, method.len() + 5 + sorted.iter().map(bound).sum::<usize>());
    out.extend_from_slice(method.as_bytes());
    out.extend_from_slice(b"&%2F&");
    let mut separator: &[u8] = b"";
    for pair in sorted {
        if pair.name.meaning(arena) == b"Signature" || (empty == Empty::LeftOut && pair.value.is_empty()) {
            continue;
        }
        out.extend_from_slice(separator);
        pair.name.encode_twice_into(out, arena);
        out.extend_from_slice(b"%3D");
        pair.value.encode_twice_into(out, arena);
        separator = b"%26";
    }
}

/// The string to sign without empty values, when there are any.
pub(crate) fn alternative(method: &str, sorted: &[Pair<'_>], arena: &[u8]) -> Option<String> {
    sorted.iter().any(|pair| pair.value.is_empty()).then(|| {
        let mut out = Vec::new();
        string_to_sign(&mut out, method, sorted, arena, Empty::LeftOut);
        String::from_utf8(out).unwrap_or_default()
    })
}
