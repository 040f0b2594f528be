//! Why calls were refused.

mod decode_diagnostic_message;

pub(crate) use decode_diagnostic_message::DecodeDiagnosticMessage;
