//! `CreateGroup`: makes a group of RAM users.

use std::sync::Arc;

use sesame_crypto::random::mixed_alphanumeric;
use sesame_derive::Params;
use sesame_domain::ram::{Group, GroupName, IdentityId};
use sesame_store::ram_groups;

use super::params::Comments;
use super::refused;
use super::shapes::{GroupAnswer, GroupShape};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, RamKind, Target};
use crate::quotas::Resource;
use crate::registry::Product;

pub(crate) struct CreateGroup;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name, 1 to 64 letters, digits, `.` and `-`; unique in the account.
    group_name: GroupName,
    /// What the group is for, up to 128 characters.
    comments: Option<Comments>,
}

impl Operation for CreateGroup {
    const NAME: &'static str = "CreateGroup";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Makes a group: a policy that is attached to it is granted to every user in it.";
    type Request = Request;
    type Response = GroupAnswer;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::RamCollection(RamKind::Group)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<GroupAnswer> {
        let random = mixed_alphanumeric(cx.random(), 16)?;
        let group = Arc::new(Group {
            // EXPOSE: an id is no secret.
            id: IdentityId::of_group(random.expose()),
            account: cx.account().clone(),
            name: request.group_name,
            comments: request.comments.map(|comments| comments.0).unwrap_or_default(),
            created_at: cx.now(),
            updated_at: cx.now(),
        });
        let answer = GroupAnswer { group: GroupShape::of(&group) };
        let limits = cx.service.limits;
        cx.store()
            .write(move |tx| {
                let group = Arc::clone(&group);
                Box::pin(async move {
                    // A group that is there is told before a quota that is used up.
                    if ram_groups::by_name(tx, &group.account, &group.name).await?.is_some() {
                        return Err(KmsError::from(Code::GroupAlreadyExists));
                    }
                    if let Some(quota) = limits.quota(Resource::Groups) {
                        quota.admit_beside(ram_groups::count(tx, &group.account).await?)?;
                    }
                    let inserted = ram_groups::insert(tx, &group).await;
                    inserted.map_err(|error| refused(error, Code::GroupAlreadyExists, Code::GroupNotExist))
                })
            })
            .await?;
        Ok(answer)
    }
}
