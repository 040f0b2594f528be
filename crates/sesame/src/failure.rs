//! How a run ends that does not succeed.

use std::fmt;

use sesame_service::admin::Refusal;

/// The exit status for an error that the API answered, or for a refusal that an operator was answered.
const API: u8 = 1;
/// The exit status of `sesame explain` for a request that would be denied.
pub(crate) const DENIED: u8 = 3;
/// The exit status for anything that kept an answer from coming: usage, configuration, connection.
const SETUP: u8 = 2;

/// Why a subcommand failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server answered, with an error.
    Api(ApiError),
    /// The server, or the subcommand in its place, does not do what an operator asked for.
    Refused(Refusal),
    /// Nothing was asked, or nothing was answered.
    Setup(anyhow::Error),
}

/// An error of the API.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) request_id: String,
    /// What may help; often nothing.
    pub(crate) hint: String,
}

impl Failure {
    /// The exit status.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Api(_) | Self::Refused(_) => API,
            Self::Setup(_) => SETUP,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(cause: anyhow::Error) -> Self {
        Self::Setup(cause)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => {
                writeln!(f, "{}: {}", error.code, error.message)?;
                write!(f, "HTTP status {}, request id {}", error.status, error.request_id)?;
                if error.hint.is_empty() { Ok(()) } else { write!(f, "\n{}", error.hint) }
            }
            Self::Refused(refusal) => write!(f, "sesame: {refusal}"),
            Self::Setup(cause) => write!(f, "sesame: {cause:#}"),
        }
    }
}
