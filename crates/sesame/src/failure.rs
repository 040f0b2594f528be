//! How a run ends that does not succeed.

use std::fmt;

/// The exit status for an error that the API answered.
const API: u8 = 1;
/// The exit status for anything that kept an answer from coming: usage, configuration, connection.
const SETUP: u8 = 2;

/// Why a subcommand failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server answered, with an error.
    Api(ApiError),
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
            Self::Api(_) => API,
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
            Self::Setup(cause) => write!(f, "sesame: {cause:#}"),
        }
    }
}
