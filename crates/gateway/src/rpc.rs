//! From a request to an operation: which one is asked for, in what format, and how the request is signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use sesame_service::error::{Code, KmsError, Result};
use sesame_service::params::Params;
use sesame_service::registry::{self, Entry, Unknown};

use crate::form::{FormError, Pair, Place, read_pairs};
use crate::http::{Known, Request};
use crate::signature::acs;

/// How a request is signed.
#[derive(Debug)]
pub(crate) enum Dialect<'a> {
    /// Parameters alone.
    V1,
    /// ACS3 or ACS4: with headers.
    Acs(&'a [u8]),
}

/// Whether a request brings nothing that could prove who sends it.
pub(crate) fn is_unsigned(known: &Known<'_>, params: &Params<'_>) -> bool {
    let has = |name: &str| params.get(name).is_some_and(|value| !value.is_empty());
    known.authorization.is_none()
        && known.bearer_token.is_none()
        && !["AccessKeyId", "Signature", "BearerToken"].into_iter().any(has)
}

/// Tells the dialects apart.
///
/// # Errors
/// When the request is not signed at all, or with a bearer token.
pub(crate) fn dialect<'a>(known: &Known<'a>, params: &Params<'_>) -> Result<Dialect<'a>> {
    match known.authorization {
        Some(authorization) if acs::is_acs(authorization) => Ok(Dialect::Acs(authorization)),
        // Every operation takes access keys only; whatever bearer tokens come with, they are no access key.
        Some(authorization) if authorization.starts_with(b"Bearer ") => Err(Code::MissingAccessKeyId.into()),
        _ if known.bearer_token.is_some() || params.get("BearerToken").is_some() => {
            Err(Code::MissingAccessKeyId.into())
        }
        _ => Ok(Dialect::V1),
    }
}

/// Pairs that there is room for at once: most requests have fewer, and glibc's malloc takes a piece of this size (864
/// bytes) from what the thread has at hand, which ends at 1,032.
const USUAL_PAIRS: usize = 12;

/// Reads query and form.
///
/// # Errors
/// When one of them cannot be read, or the body is no form.
pub(crate) fn read<'r>(request: &Request<'r>, limit: usize, arena: &mut Vec<u8>) -> Result<Vec<Pair<'r>>> {
    let form = form(request)?;
    sesame_service::wipe::reserve(arena, request.head.query.len() + form.len());
    let mut pairs = Vec::with_capacity(USUAL_PAIRS);
    read_pairs(request.head.query, Place::Query, limit, arena, &mut pairs)?;
    read_pairs(form, Place::Form, limit, arena, &mut pairs)?;
    Ok(pairs)
}

/// The body when it is a form. What an empty body is called does not matter.
fn form<'r>(request: &Request<'r>) -> Result<&'r [u8]> {
    if request.body.is_empty() {
        return Ok(b"");
    }
    if let Some(expected) = request.head.known.content_md5 {
        let digest = STANDARD.encode(Md5::digest(request.body));
        if digest.as_bytes() != expected {
            return Err(Code::ContentMd5NotMatched.into());
        }
    }
    let given = request.head.known.content_type.unwrap_or_default();
    let media_type = given.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    if media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
        Ok(request.body)
    } else {
        Err(KmsError::new(
            Code::ParseRequestParameter,
            "A request body must be of the type application/x-www-form-urlencoded.",
        ))
    }
}

/// The operation that is asked for: by the headers in the newer dialects, which may fall back to the query.
///
/// # Errors
/// When action or version are missing or unknown.
pub(crate) fn operation(
    known: &Known<'_>,
    dialect: Option<&Dialect<'_>>,
    params: &Params<'_>,
) -> Result<&'static Entry> {
    let (action, version) = match dialect {
        // In V1 these headers are not signed, and some clients write another spelling into them. Of a request that is not
        // signed they are as good as the parameters, and newer clients send nothing else.
        Some(Dialect::V1) if params.get("Action").is_some() || !is_unsigned(known, params) => (None, None),
        Some(Dialect::V1) => (known.acs.action, known.acs.version),
        Some(Dialect::Acs(_)) | None => (known.acs.action, known.acs.version),
    };
    fn named<'a>(header: Option<&'a [u8]>, params: &'a Params<'_>, name: &str) -> Option<&'a [u8]> {
        header.or_else(|| params.get(name).map(str::as_bytes)).filter(|value| !value.is_empty())
    }
    let action = named(action, params, "Action").ok_or(Code::MissingAction)?;
    let version = named(version, params, "Version").ok_or(Code::MissingVersion)?;
    let version = std::str::from_utf8(version).unwrap_or_default();
    let action = std::str::from_utf8(action).unwrap_or_default();
    registry::resolve(version, action).map_err(|unknown| match unknown {
        Unknown::Version => Code::InvalidVersion.into(),
        Unknown::Action => Code::InvalidActionNotFound.into(),
    })
}

impl From<FormError> for KmsError {
    fn from(error: FormError) -> Self {
        match error {
            FormError::Percent | FormError::Utf8 => Code::ParseRequestParameter.into(),
            FormError::TooMany => Self::new(Code::InvalidParameter, "The request has too many parameters."),
        }
    }
}

/// The refusal of a name that was sent with two values.
pub(crate) fn contradicts(name: &[u8]) -> KmsError {
    let name: String = String::from_utf8_lossy(name).chars().take(128).collect();
    KmsError::invalid(&name, "it is given twice, with different values")
}
