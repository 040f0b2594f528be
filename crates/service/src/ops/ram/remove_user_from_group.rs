//! `RemoveUserFromGroup`: takes a RAM user out of a group.

use sesame_derive::Params;
use sesame_domain::ram::{GroupName, UserName};
use sesame_store::ram_memberships;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct RemoveUserFromGroup;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user.
    user_name: UserName,
    /// The name of the group.
    group_name: GroupName,
}

impl Operation for RemoveUserFromGroup {
    const NAME: &'static str = "RemoveUserFromGroup";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Takes a RAM user out of a group.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [
            Target::Ram(RamKind::User, request.user_name.as_str()),
            Target::Ram(RamKind::Group, request.group_name.as_str()),
        ]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let (user, group, account) = (request.user_name, request.group_name, cx.account().clone());
        cx.store()
            .write(move |tx| {
                let (user, group, account) = (user.clone(), group.clone(), account.clone());
                Box::pin(async move {
                    let user = super::user(tx, &account, &user).await?;
                    let group = super::group(tx, &account, &group).await?;
                    let was_in_it = ram_memberships::delete(tx, &user, &group).await?;
                    was_in_it.then_some(()).ok_or_else(|| KmsError::from(Code::UserGroupNotExist))
                })
            })
            .await?;
        Ok(Empty {})
    }
}
