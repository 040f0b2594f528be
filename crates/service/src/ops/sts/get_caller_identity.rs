//! `GetCallerIdentity`: who signed the request.

use serde::Serialize;
use sesame_derive::Params;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Result};
use crate::operation::{Operation, Target};
use crate::registry::Product;
use crate::request::Identity;

pub(crate) struct GetCallerIdentity;

#[derive(Debug, Params)]
pub(crate) struct Request {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    identity_type: &'static str,
    account_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_id: Option<String>,
    principal_id: String,
    arn: String,
}

impl Operation for GetCallerIdentity {
    const NAME: &'static str = "GetCallerIdentity";
    const PRODUCT: Product = Product::Sts;
    const SUMMARY: &'static str = "Answers who the caller is: the account, a user, or a session of a role.";
    type Request = Request;
    type Response = Response;

    /// None: whoever is authenticated may ask, whatever policies deny.
    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        []
    }

    async fn run(cx: &Context<'_>, _: Granted, _: Request) -> Result<Response> {
        let account = cx.account().to_string();
        let (identity_type, user_id, role_id, principal_id) = match &cx.principal.identity {
            Identity::Root => ("Account", Some(account.clone()), None, account.clone()),
            Identity::User(user) => ("RAMUser", Some(user.id.to_string()), None, user.id.to_string()),
            Identity::Session(session) => {
                let role = session.role_id.to_string();
                let principal = format!("{role}:{}", session.name);
                ("AssumedRoleUser", None, Some(role), principal)
            }
            Identity::Anonymous => return Err(Code::NotAuthorized.into()),
        };
        let arn = cx.principal.caller().to_string();
        Ok(Response { identity_type, account_id: account, user_id, role_id, principal_id, arn })
    }
}
