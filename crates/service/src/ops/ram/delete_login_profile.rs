//! `DeleteLoginProfile`: takes a RAM user's password away.

use sesame_derive::Params;
use sesame_domain::ram::UserName;
use sesame_store::ram_logins;

use super::passwords::REMEMBERED;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct DeleteLoginProfile;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user.
    user_name: UserName,
}

impl Operation for DeleteLoginProfile {
    const NAME: &'static str = "DeleteLoginProfile";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Takes a RAM user's password away: it cannot log on to the console any more.";
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
                    let had_one = ram_logins::delete(tx, &user.id, REMEMBERED).await?;
                    had_one.then_some(()).ok_or_else(|| KmsError::from(Code::UserLoginProfileNotExist))
                })
            })
            .await?;
        Ok(Empty {})
    }
}
