//! `AddUserToGroup`: puts a RAM user into a group.

use sesame_derive::Params;
use sesame_domain::ram::{GroupName, UserName};
use sesame_store::ram_memberships;

use super::refused;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, RamKind, Target};
use crate::quotas::Resource;
use crate::registry::Product;

pub(crate) struct AddUserToGroup;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user.
    user_name: UserName,
    /// The name of the group.
    group_name: GroupName,
}

impl Operation for AddUserToGroup {
    const NAME: &'static str = "AddUserToGroup";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Puts a RAM user into a group; what is granted to the group is granted to the user.";
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
        let (limits, now) = (cx.service.limits, cx.now());
        cx.store()
            .write(move |tx| {
                let (user, group, account) = (user.clone(), group.clone(), account.clone());
                Box::pin(async move {
                    let user = super::user(tx, &account, &user).await?;
                    let group = super::group(tx, &account, &group).await?;
                    let there = ram_memberships::count_of_user(tx, &user.id).await?;
                    let inserted = ram_memberships::insert(tx, &user, &group, now).await;
                    inserted.map_err(|error| refused(error, Code::UserGroupAlreadyExists, Code::GroupNotExist))?;
                    // After it, since a user that is in the group already does not hit a limit.
                    limits
                        .quota(Resource::GroupsOfUser)
                        .map_or(Ok::<_, KmsError>(()), |quota| quota.admit_beside(there))
                })
            })
            .await?;
        Ok(Empty {})
    }
}
