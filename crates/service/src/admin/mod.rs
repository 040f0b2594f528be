//! What an operator does on the server's machine, which no operation of the API does: accounts and their access keys,
//! versions of managed data keys, why a request is allowed.
//!
//! [`Service::administer`] is the one way: the running server takes it for requests from its socket, a subcommand that
//! opened the database itself takes it, too. Whoever can open the socket or the database may do all of this, so nobody
//! is asked for permission; every request leaves a record in the audit trail with the user id of the operator.

mod accounts;
mod explain;
mod messages;
mod root_keys;

use serde_json::Value;
use sesame_domain::AccountId;

use crate::audit::OperatorEvent;
use crate::guard::guarded;
use crate::service::Service;
pub use explain::{Explanation, Question};
pub use messages::{
    AccountReport, AccountSummary, AdminAnswer, AdminRequest, DataKeyVersion, IssuedKey, Refusal, RefusalCode,
    RootKeyReport,
};
use root_keys::{End, refuse_fixed, refuse_held};

/// A request of an operator.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The user id of the operator on the machine.
    pub uid: u32,
    /// What is asked for.
    pub request: &'a AdminRequest,
    /// The access key that the configuration fixes. It is changed there: a server that finds another one in its
    /// database would not start.
    pub fixed_key: Option<&'a str>,
    /// The access key in `credentials.env` of the server's data folder. It is rotated, not deleted: clients on the
    /// machine would be left with one that does not work.
    pub held_key: Option<&'a str>,
}

impl Service {
    /// Does what an operator asks for, and records it.
    ///
    /// # Errors
    /// [`Refusal`]; also when the record cannot be kept, and then what was done is not answered.
    pub async fn administer(&self, order: Order<'_>) -> Result<AdminAnswer, Refusal> {
        // Before anything is done: what cannot be recorded is not done.
        self.audit.ready()?;
        let outcome = guarded(self.obey(order)).await.unwrap_or_else(|panic| {
            tracing::error!(%panic, "a request of an operator failed");
            Err(Refusal::new(RefusalCode::Internal, "the server failed; its log says where"))
        });
        let Value::Object(mut parameters) = serde_json::to_value(order.request).unwrap_or_default() else {
            return Err(Refusal::new(RefusalCode::Internal, "a request that is no object"));
        };
        let name = parameters.remove("Operation");
        let account = order.request.account().or_else(|| outcome.as_ref().ok().and_then(AdminAnswer::account));
        let event = OperatorEvent {
            uid: order.uid,
            name: name.as_ref().and_then(Value::as_str).unwrap_or_default(),
            is_write: order.request.is_write(),
            account: account.filter(|id| id.parse::<AccountId>().is_ok()),
            parameters: Value::Object(parameters),
            refusal: outcome.as_ref().err().map(|refusal| (refusal.code.name(), refusal.message.as_str())),
        };
        self.audit.record_operator(&event, &self.new_request_id(), self.clock.now()).await?;
        outcome
    }

    async fn obey(&self, order: Order<'_>) -> Result<AdminAnswer, Refusal> {
        match order.request {
            AdminRequest::CreateAccount { name, account } => self.create_account(name, account.as_deref()).await,
            AdminRequest::ListAccounts { after } => self.list_accounts(after.as_deref()).await,
            AdminRequest::GetAccount { account } => self.get_account(&id(account)?).await,
            AdminRequest::EnableAccount { account } => self.set_account_enabled(id(account)?, true).await,
            AdminRequest::DisableAccount { account } => self.set_account_enabled(id(account)?, false).await,
            AdminRequest::RenameAccount { account, name } => self.rename_account(id(account)?, name).await,
            AdminRequest::CreateRootAccessKey { account } => self.create_root_key(id(account)?).await,
            AdminRequest::RotateRootAccessKey { account, replaced } => {
                self.rotate_root_key(id(account)?, replaced.clone(), order.fixed_key).await
            }
            AdminRequest::EnableRootAccessKey { account, access_key_id } => {
                self.enable_root_key(id(account)?, access_key_id).await
            }
            AdminRequest::DisableRootAccessKey { account, access_key_id, last } => {
                refuse_fixed(access_key_id, order.fixed_key)?;
                self.end_root_key(id(account)?, access_key_id, End::Disable, *last).await
            }
            AdminRequest::DeleteRootAccessKey { account, access_key_id, last } => {
                refuse_fixed(access_key_id, order.fixed_key)?;
                refuse_held(access_key_id, order.held_key)?;
                self.end_root_key(id(account)?, access_key_id, End::Delete, *last).await
            }
            AdminRequest::AddDataKeyVersion { account, name } => {
                let account = match account {
                    Some(account) => self.existing(id(account)?).await?,
                    None => self.first_account().await?,
                };
                let version = self.add_managed_data_key_version(&account, name).await?;
                let account = account.as_str().to_owned();
                Ok(AdminAnswer::DataKeyVersion(DataKeyVersion { account, name: name.clone(), version }))
            }
            AdminRequest::ExplainAccess(question) => Ok(AdminAnswer::Explanation(self.explain(question).await?)),
        }
    }
}

/// Reads an account id.
fn id(text: &str) -> Result<AccountId, Refusal> {
    text.parse().map_err(|_| Refusal::new(RefusalCode::Invalid, format!("{text} is no account id: that has 16 digits")))
}

fn no_account(account: &AccountId) -> Refusal {
    Refusal::new(
        RefusalCode::NotFound,
        format!("there is no account {account}; sesame account list shows those there are"),
    )
}
