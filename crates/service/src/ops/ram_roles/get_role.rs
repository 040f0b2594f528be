//! `GetRole`: a role, and who may assume it.

use sesame_derive::Params;
use sesame_domain::ram::RoleName;

use super::found;
use super::shown::{OneRole, ShownRole};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct GetRole;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the role.
    role_name: RoleName,
}

impl Operation for GetRole {
    const NAME: &'static str = "GetRole";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Shows a role and who may assume it.";
    type Request = Request;
    type Response = OneRole;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Role, request.role_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<OneRole> {
        let role = found(&mut cx.store().reader().await?, cx.account(), &request.role_name).await?;
        Ok(OneRole { role: ShownRole::of(&role).with_update_date(&role).with_principal(&role) })
    }
}
