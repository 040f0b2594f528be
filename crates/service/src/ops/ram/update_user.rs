//! `UpdateUser`: changes what is known about a RAM user, its name included.

use std::sync::Arc;

use sesame_derive::Params;
use sesame_domain::ram::{User, UserName};
use sesame_store::ram_users;

use super::params::{Comments, DisplayName, Email, MobilePhone};
use super::refused;
use super::shapes::{UserAnswer, UserShape};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Result};
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct UpdateUser;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user.
    user_name: UserName,
    /// Another name; policies that speak of the user by its name do not follow.
    new_user_name: Option<UserName>,
    /// Another name that people read, up to 128 characters.
    new_display_name: Option<DisplayName>,
    /// Another telephone number, such as `86-18600008888`.
    new_mobile_phone: Option<MobilePhone>,
    /// Another address for mail.
    new_email: Option<Email>,
    /// Another note on what the user is for, up to 128 characters.
    new_comments: Option<Comments>,
}

impl Request {
    /// The user as it will be.
    fn apply(&self, user: User) -> User {
        User {
            name: self.new_user_name.clone().unwrap_or(user.name),
            display_name: self.new_display_name.as_ref().map_or(user.display_name, |new| new.0.clone()),
            mobile_phone: self.new_mobile_phone.as_ref().map_or(user.mobile_phone, |new| new.0.clone()),
            email: self.new_email.as_ref().map_or(user.email, |new| new.0.clone()),
            comments: self.new_comments.as_ref().map_or(user.comments, |new| new.0.clone()),
            ..user
        }
    }
}

impl Operation for UpdateUser {
    const NAME: &'static str = "UpdateUser";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Changes what is known about a RAM user, its name included.";
    type Request = Request;
    type Response = UserAnswer;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::User, request.user_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<UserAnswer> {
        let (request, account, now) = (Arc::new(request), cx.account().clone(), cx.now());
        let user = cx
            .store()
            .write(move |tx| {
                let (request, account) = (Arc::clone(&request), account.clone());
                Box::pin(async move {
                    let user = super::user(tx, &account, &request.user_name).await?;
                    let user = User { updated_at: now, ..request.apply(user) };
                    let updated = ram_users::update(tx, &user).await;
                    updated.map_err(|error| refused(error, Code::UserAlreadyExists, Code::UserNotExist))?;
                    Ok::<_, crate::error::KmsError>(user)
                })
            })
            .await?;
        Ok(UserAnswer { user: UserShape::of(&user).with_update_date(&user) })
    }
}
