//! `GetSecurityPreference`: what RAM users may do about their own credentials.

use sesame_derive::Params;
use sesame_store::ram_settings;

use super::shapes::SecurityPreferenceAnswer;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::registry::Product;

pub(crate) struct GetSecurityPreference;

#[derive(Debug, Params)]
pub(crate) struct Request;

impl Operation for GetSecurityPreference {
    const NAME: &'static str = "GetSecurityPreference";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Tells what RAM users may do about their own credentials, and how they log on.";
    type Request = Request;
    type Response = SecurityPreferenceAnswer;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("*")]
    }

    async fn run(cx: &Context<'_>, _: Granted, _: Request) -> Result<SecurityPreferenceAnswer> {
        let preference = ram_settings::security_preference(&mut cx.store().reader().await?, cx.account()).await?;
        Ok(SecurityPreferenceAnswer::of(&preference))
    }
}
