//! Answers as JSON or XML. Rendering is total: whatever happened, the caller gets a document with a request id.

mod json;
mod xml;

use serde::Serialize;
use sesame_service::AccessDeniedDetail;
use sesame_service::error::KmsError;
use sesame_service::registry::Body;

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// What every SDK asks for, and the default.
    #[default]
    Json,
    /// Asked for with `Format=XML`.
    Xml,
}

impl Format {
    /// The value of `content-type`; clients compare it literally.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json;charset=utf-8",
            Self::Xml => "text/xml;charset=utf-8",
        }
    }

    /// The format that the parameter `Format` names; a text that names none leaves the default.
    pub(crate) fn from_parameter(value: &str) -> Self {
        if value.eq_ignore_ascii_case("XML") { Self::Xml } else { Self::Json }
    }

    /// The format that the first media type of an `accept` header names.
    pub(crate) fn from_accept(value: &[u8]) -> Self {
        let first = value.split(|&byte| matches!(byte, b',' | b';')).next().unwrap_or_default().trim_ascii();
        let is_xml = first.eq_ignore_ascii_case(b"application/xml") || first.eq_ignore_ascii_case(b"text/xml");
        if is_xml { Self::Xml } else { Self::Json }
    }
}

/// Appends the body of a success: the request id, then the members of `response`.
///
/// # Errors
/// When the response cannot be serialised; what was appended is then of no use.
pub(crate) fn success(
    out: &mut Vec<u8>,
    format: Format,
    action: &str,
    request_id: &str,
    response: &dyn Body,
) -> Result<(), Failure> {
    match format {
        Format::Json => json::success(out, request_id, response),
        Format::Xml => xml::success(out, action, request_id, response.members()),
    }
}

/// Appends the body of an error.
pub(crate) fn error(out: &mut Vec<u8>, format: Format, request_id: &str, host: &str, error: &KmsError) {
    let body = ErrorBody {
        request_id,
        host_id: host,
        code: error.code.name(),
        message: &error.message,
        http_status: error.code.status(),
        access_denied_detail: error.denied.as_deref(),
    };
    let rendered = match format {
        Format::Json => json::document(out, &body),
        Format::Xml => xml::document(out, "Error", &body),
    };
    debug_assert!(rendered.is_ok(), "an error body has nothing that cannot be serialised");
}

/// Why a response could not be serialised.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The union of the two shapes that are published for errors.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorBody<'a> {
    request_id: &'a str,
    host_id: &'a str,
    code: &'a str,
    message: &'a str,
    http_status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_denied_detail: Option<&'a AccessDeniedDetail>,
}
