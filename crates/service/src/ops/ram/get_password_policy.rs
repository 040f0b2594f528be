//! `GetPasswordPolicy`: what the account demands of the passwords of its RAM users.

use sesame_derive::Params;
use sesame_store::ram_settings;

use super::shapes::PasswordPolicyAnswer;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::registry::Product;

pub(crate) struct GetPasswordPolicy;

#[derive(Debug, Params)]
pub(crate) struct Request;

impl Operation for GetPasswordPolicy {
    const NAME: &'static str = "GetPasswordPolicy";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Tells what the account demands of the passwords of its RAM users.";
    type Request = Request;
    type Response = PasswordPolicyAnswer;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("*")]
    }

    async fn run(cx: &Context<'_>, _: Granted, _: Request) -> Result<PasswordPolicyAnswer> {
        let policy = ram_settings::password_policy(&mut cx.store().reader().await?, cx.account()).await?;
        Ok(PasswordPolicyAnswer::of(&policy))
    }
}
