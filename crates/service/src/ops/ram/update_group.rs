//! `UpdateGroup`: changes the name or the comments of a group.

use std::sync::Arc;

use sesame_derive::Params;
use sesame_domain::ram::{Group, GroupName};
use sesame_store::ram_groups;

use super::params::Comments;
use super::refused;
use super::shapes::{GroupAnswer, GroupShape};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct UpdateGroup;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the group.
    group_name: GroupName,
    /// Another name.
    new_group_name: Option<GroupName>,
    /// Another note on what the group is for, up to 128 characters.
    new_comments: Option<Comments>,
}

impl Operation for UpdateGroup {
    const NAME: &'static str = "UpdateGroup";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Changes the name or the comments of a group; its members and policies stay.";
    type Request = Request;
    type Response = GroupAnswer;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Group, request.group_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<GroupAnswer> {
        let (request, account, now) = (Arc::new(request), cx.account().clone(), cx.now());
        let group = cx
            .store()
            .write(move |tx| {
                let (request, account) = (Arc::clone(&request), account.clone());
                Box::pin(async move {
                    let group = super::group(tx, &account, &request.group_name).await?;
                    let group = Group {
                        name: request.new_group_name.clone().unwrap_or(group.name),
                        comments: request.new_comments.as_ref().map_or(group.comments, |new| new.0.clone()),
                        updated_at: now,
                        ..group
                    };
                    let updated = ram_groups::update(tx, &group).await;
                    updated.map_err(|error| refused(error, Code::GroupAlreadyExists, Code::GroupNotExist))?;
                    Ok::<_, KmsError>(group)
                })
            })
            .await?;
        Ok(GroupAnswer { group: GroupShape::of(&group).with_update_date(&group) })
    }
}
