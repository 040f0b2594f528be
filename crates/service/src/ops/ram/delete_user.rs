//! `DeleteUser`: removes a RAM user that has nothing any more.

use sesame_derive::Params;
use sesame_domain::ram::UserName;
use sesame_store::ram_users::{self, UserHas};

use super::refused;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct DeleteUser;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user.
    user_name: UserName,
}

impl Operation for DeleteUser {
    const NAME: &'static str = "DeleteUser";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str =
        "Removes a RAM user that is in no group, and has no access key, no login profile and no policy.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::User, request.user_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let (name, account) = (request.user_name, cx.account().clone());
        cx.store()
            .write(move |tx| {
                let (name, account) = (name.clone(), account.clone());
                Box::pin(async move {
                    let user = super::user(tx, &account, &name).await?;
                    if let Some(has) = ram_users::has(tx, &user.id).await? {
                        return Err(KmsError::from(match has {
                            UserHas::Group => Code::DeleteConflictUserGroup,
                            UserHas::AccessKey => Code::DeleteConflictUserAccessKey,
                            UserHas::LoginProfile => Code::DeleteConflictUserLoginProfile,
                            UserHas::Policy => Code::DeleteConflictUserPolicy,
                        }));
                    }
                    let deleted = ram_users::delete(tx, &user).await;
                    deleted.map_err(|error| refused(error, Code::UserAlreadyExists, Code::UserNotExist))
                })
            })
            .await?;
        Ok(Empty {})
    }
}
