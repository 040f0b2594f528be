//! `GetLoginProfile`: how a RAM user logs on to the console.

use sesame_derive::Params;
use sesame_domain::ram::UserName;
use sesame_store::ram_logins;

use super::shapes::{LoginProfileAnswer, LoginProfileShape};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Result};
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct GetLoginProfile;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user.
    user_name: UserName,
}

impl Operation for GetLoginProfile {
    const NAME: &'static str = "GetLoginProfile";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Tells how a RAM user logs on to the console.";
    type Request = Request;
    type Response = LoginProfileAnswer;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::User, request.user_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<LoginProfileAnswer> {
        let mut conn = cx.store().reader().await?;
        let user = super::user(&mut conn, cx.account(), &request.user_name).await?;
        let login = ram_logins::get(&mut conn, &user.id).await?.ok_or(Code::UserLoginProfileNotExist)?;
        Ok(LoginProfileAnswer { login_profile: LoginProfileShape::of(&user.name, &login.profile) })
    }
}
