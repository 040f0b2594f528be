//! What can be wrong with a request before it has a meaning.

use sesame_service::error::{Code, KmsError};

/// A request that cannot be read. It is answered, and the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The first byte is that of a TLS handshake, on a listener without TLS.
    TlsOnPlain,
    /// The first bytes are not those of a TLS handshake, on a listener with TLS.
    PlainOnTls,
    /// The request line or a header is not well formed.
    Head,
    /// More headers than allowed.
    TooManyHeaders,
    /// The length of the body is unclear.
    Length,
    /// A chunk of the body is not well formed.
    Chunk,
    /// Head or body is larger than allowed.
    TooLarge,
    /// The rest of the request did not come in time.
    TooSlow,
}

impl From<Fault> for KmsError {
    fn from(fault: Fault) -> Self {
        let (code, message) = match fault {
            Fault::TlsOnPlain => (Code::ParseRequestParameter, "This port speaks HTTP, and the request is HTTPS."),
            Fault::PlainOnTls => (Code::ParseRequestParameter, "This port speaks HTTPS, and the request is HTTP."),
            Fault::Head => (Code::ParseRequestParameter, "The request line or a header is not well formed."),
            Fault::TooManyHeaders => (Code::ParseRequestParameter, "The request has too many headers."),
            Fault::Length => (Code::ParseRequestParameter, "The length of the request's body is not clear."),
            Fault::Chunk => (Code::ParseRequestParameter, "The request's body is not well formed."),
            Fault::TooLarge => (Code::RequestEntityTooLarge, Code::RequestEntityTooLarge.message()),
            Fault::TooSlow => (Code::ParseRequestParameter, "The request did not arrive whole in time."),
        };
        Self::new(code, message)
    }
}
