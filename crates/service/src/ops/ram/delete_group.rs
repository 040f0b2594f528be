//! `DeleteGroup`: removes a group that has nothing any more.

use sesame_derive::Params;
use sesame_domain::ram::GroupName;
use sesame_store::ram_groups::{self, GroupHas};

use super::refused;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct DeleteGroup;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the group.
    group_name: GroupName,
}

impl Operation for DeleteGroup {
    const NAME: &'static str = "DeleteGroup";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Removes a group that has no members and no policies.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Group, request.group_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let (name, account) = (request.group_name, cx.account().clone());
        cx.store()
            .write(move |tx| {
                let (name, account) = (name.clone(), account.clone());
                Box::pin(async move {
                    let group = super::group(tx, &account, &name).await?;
                    if let Some(has) = ram_groups::has(tx, &group.id).await? {
                        return Err(KmsError::from(match has {
                            GroupHas::User => Code::DeleteConflictGroupUser,
                            GroupHas::Policy => Code::DeleteConflictGroupPolicy,
                        }));
                    }
                    let deleted = ram_groups::delete(tx, &group).await;
                    deleted.map_err(|error| refused(error, Code::GroupAlreadyExists, Code::GroupNotExist))
                })
            })
            .await?;
        Ok(Empty {})
    }
}
