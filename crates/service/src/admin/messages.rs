//! Requests of operators and what is answered, in the form in which they go through the socket.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sesame_crypto::secret::SecretText;
use sesame_store::StoreError;

use super::explain::{Explanation, Question};
use crate::error::{Code, KmsError};

/// What an operator asks for. Texts are checked by the service, not by who sends them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "Operation", rename_all_fields = "PascalCase")]
pub enum AdminRequest {
    /// Makes an account with its first access key.
    CreateAccount {
        /// The name; empty for none.
        name: String,
        /// The id; drawn when there is none.
        account: Option<String>,
    },
    /// A page of the accounts, by id.
    ListAccounts {
        /// The id after which the page begins.
        after: Option<String>,
    },
    /// An account and its access keys.
    GetAccount {
        /// The id.
        account: String,
    },
    /// Lets an account be used again.
    EnableAccount {
        /// The id.
        account: String,
    },
    /// Refuses every request of an account from the next one on.
    DisableAccount {
        /// The id.
        account: String,
    },
    /// Gives an account another name.
    RenameAccount {
        /// The id.
        account: String,
        /// The name; empty for none.
        name: String,
    },
    /// Makes a further access key of the account itself.
    CreateRootAccessKey {
        /// The account.
        account: String,
    },
    /// Makes the successor of an access key. The old one stays, until it is deleted by another request: whoever asks
    /// has to have the new one first.
    RotateRootAccessKey {
        /// The account.
        account: String,
        /// The access key that is replaced; needed when the account has several.
        replaced: Option<String>,
    },
    /// Lets an access key be used again.
    EnableRootAccessKey {
        /// The account.
        account: String,
        /// The access key.
        access_key_id: String,
    },
    /// Refuses an access key, so that it can be brought back.
    DisableRootAccessKey {
        /// The account.
        account: String,
        /// The access key.
        access_key_id: String,
        /// Whether it may be the last one that works.
        last: bool,
    },
    /// Deletes an access key.
    DeleteRootAccessKey {
        /// The account.
        account: String,
        /// The access key.
        access_key_id: String,
        /// Whether it may be the last one that works.
        last: bool,
    },
    /// Adds a version to a managed data key, and with the first one makes the key.
    AddDataKeyVersion {
        /// The account; the first one when it is not given.
        account: Option<String>,
        /// The name of the key.
        name: String,
    },
    /// Says whether a request would be allowed, and why.
    ExplainAccess(Question),
}

impl AdminRequest {
    /// The account that is asked about, as it was written.
    pub(super) fn account(&self) -> Option<&str> {
        match self {
            Self::CreateAccount { account, .. } | Self::AddDataKeyVersion { account, .. } => account.as_deref(),
            Self::ListAccounts { .. } | Self::ExplainAccess(_) => None,
            Self::GetAccount { account }
            | Self::EnableAccount { account }
            | Self::DisableAccount { account }
            | Self::RenameAccount { account, .. }
            | Self::CreateRootAccessKey { account }
            | Self::RotateRootAccessKey { account, .. }
            | Self::EnableRootAccessKey { account, .. }
            | Self::DisableRootAccessKey { account, .. }
            | Self::DeleteRootAccessKey { account, .. } => Some(account),
        }
    }

    /// Whether it changes anything.
    pub fn is_write(&self) -> bool {
        !matches!(self, Self::ListAccounts { .. } | Self::GetAccount { .. } | Self::ExplainAccess(_))
    }
}

/// What an operator is answered.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "Answer", rename_all_fields = "PascalCase")]
pub enum AdminAnswer {
    /// It is done, and there is nothing to say.
    Done,
    /// A new access key.
    Issued(IssuedKey),
    /// A page of accounts.
    Accounts {
        /// The accounts, by id.
        accounts: Vec<AccountSummary>,
        /// After which id the next page begins; none on the last.
        next: Option<String>,
    },
    /// An account.
    Account(AccountReport),
    /// A new version of a managed data key.
    DataKeyVersion(DataKeyVersion),
    /// A decision.
    Explanation(Explanation),
}

impl AdminAnswer {
    /// The account that it is about, when it is about one.
    pub(super) fn account(&self) -> Option<&str> {
        match self {
            Self::Issued(issued) => Some(&issued.account),
            Self::Account(report) => Some(&report.account.account),
            Self::DataKeyVersion(version) => Some(&version.account),
            Self::Explanation(explanation) => Some(&explanation.principal_account),
            Self::Done | Self::Accounts { .. } => None,
        }
    }
}

/// A new access key of an account. This is the only time that its secret is answered.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct IssuedKey {
    /// The account.
    pub account: String,
    /// The access key.
    pub access_key_id: String,
    /// Its secret.
    #[serde(serialize_with = "write_secret", deserialize_with = "read_secret")]
    pub access_key_secret: SecretText,
    /// The access key in whose place it comes; empty for none.
    pub replaced: String,
    /// The file on the server's machine that holds the new key from now on; empty for none.
    pub kept_in: String,
}

/// EXPOSE: the socket through which it goes can be opened by its owner and by root, and by nobody else.
fn write_secret<S: Serializer>(secret: &SecretText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

fn read_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretText, D::Error> {
    String::deserialize(deserializer).map(SecretText::new)
}

/// An account in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountSummary {
    /// The id.
    pub account: String,
    /// The name; empty for none.
    pub name: String,
    /// When it was made.
    pub created_at: String,
    /// Since when it is disabled; empty while it is not.
    pub disabled_at: String,
    /// Access keys of the account itself.
    pub root_access_keys: i64,
    /// Users.
    pub users: i64,
    /// Keys.
    pub keys: i64,
    /// Secrets, those in their recovery window included.
    pub secrets: i64,
}

/// An account by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountReport {
    /// As in a list.
    #[serde(flatten)]
    pub account: AccountSummary,
    /// Whether it is the account that was made first.
    pub is_first: bool,
    /// Its access keys, the oldest first.
    pub root_access_key_list: Vec<RootKeyReport>,
}

/// An access key of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RootKeyReport {
    /// The access key.
    pub access_key_id: String,
    /// Whether it may be used, if the account may.
    pub active: bool,
    /// When it was made.
    pub created_at: String,
}

/// A version of a managed data key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DataKeyVersion {
    /// The account that owns it.
    pub account: String,
    /// The name of the key.
    pub name: String,
    /// The id of the version.
    pub version: String,
}

/// Why an operator is not obeyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "PascalCase")]
#[error("{message}")]
pub struct Refusal {
    /// Which kind of reason.
    pub code: RefusalCode,
    /// The reason, and what to do.
    pub message: String,
}

/// The kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalCode {
    /// The request is not written as it has to be.
    Invalid,
    /// What it names is not there.
    NotFound,
    /// What it would make is there.
    AlreadyExists,
    /// It would do harm that was not asked for.
    Refused,
    /// The database or the audit trail cannot be used now.
    Unavailable,
    /// The server failed.
    Internal,
}

impl RefusalCode {
    /// The name in the audit trail.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "Invalid",
            Self::NotFound => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::Refused => "Refused",
            Self::Unavailable => "Unavailable",
            Self::Internal => "Internal",
        }
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Refusal {
    /// A refusal with its reason.
    pub fn new(code: RefusalCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<StoreError> for Refusal {
    /// The operator owns the database, so the cause is told.
    fn from(error: StoreError) -> Self {
        let code = if error.is_temporary() { RefusalCode::Unavailable } else { RefusalCode::Internal };
        Self::new(code, error.to_string())
    }
}

impl From<KmsError> for Refusal {
    fn from(error: KmsError) -> Self {
        let code = match error.code {
            Code::InvalidParameter | Code::MissingParameter => RefusalCode::Invalid,
            Code::ServiceUnavailableTemporary => RefusalCode::Unavailable,
            _ => RefusalCode::Internal,
        };
        let cause = error.cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
        Self::new(code, format!("{}{cause}", error.message))
    }
}

impl From<sesame_crypto::error::CryptoError> for Refusal {
    fn from(error: sesame_crypto::error::CryptoError) -> Self {
        Self::new(RefusalCode::Internal, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers_survive_the_socket() {
        let requests = [
            AdminRequest::CreateAccount { name: "b".into(), account: None },
            AdminRequest::ListAccounts { after: Some("1".into()) },
            AdminRequest::DeleteRootAccessKey { account: "1".into(), access_key_id: "k".into(), last: true },
            AdminRequest::ExplainAccess(Question { principal: "p".into(), ..Question::default() }),
        ];
        for request in requests {
            let text = serde_json::to_string(&request).unwrap();
            assert_eq!(serde_json::from_str::<AdminRequest>(&text).unwrap(), request, "{text}");
        }
        let issued = AdminAnswer::Issued(IssuedKey {
            account: "1".into(),
            access_key_id: "k".into(),
            access_key_secret: SecretText::new("hidden".into()),
            replaced: String::new(),
            kept_in: String::new(),
        });
        assert!(!format!("{issued:?}").contains("hidden"));
        let text = serde_json::to_string(&issued).unwrap();
        assert_eq!(serde_json::from_str::<AdminAnswer>(&text).unwrap(), issued);
    }
}
