//! `GetUser`: tells about a RAM user.

use sesame_derive::Params;
use sesame_domain::ram::UserName;

use super::shapes::{UserAnswer, UserShape};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct GetUser;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user.
    user_name: UserName,
}

impl Operation for GetUser {
    const NAME: &'static str = "GetUser";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Tells about a RAM user.";
    type Request = Request;
    type Response = UserAnswer;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::User, request.user_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<UserAnswer> {
        let user = super::user(&mut cx.store().reader().await?, cx.account(), &request.user_name).await?;
        Ok(UserAnswer { user: UserShape::of(&user).with_update_date(&user).never_logged_on() })
    }
}
