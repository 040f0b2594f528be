//! `DeleteRole`: deletes a role, and with it every session.

use sesame_derive::Params;
use sesame_domain::ram::RoleName;
use sesame_store::{ram_attachments, ram_roles};

use super::found;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct DeleteRole;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the role.
    role_name: RoleName,
}

impl Operation for DeleteRole {
    const NAME: &'static str = "DeleteRole";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Deletes a role that no policy is attached to; its sessions end at once.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Role, request.role_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let (account, name) = (cx.account().clone(), request.role_name);
        cx.store()
            .write(move |tx| {
                let (account, name) = (account.clone(), name.clone());
                Box::pin(async move {
                    let role = found(tx, &account, &name).await?;
                    if !ram_attachments::of_entity(tx, &role.id).await?.is_empty() {
                        return Err(KmsError::from(Code::DeleteConflictRolePolicy));
                    }
                    Ok(ram_roles::delete(tx, &role).await?)
                })
            })
            .await?;
        Ok(Empty {})
    }
}
