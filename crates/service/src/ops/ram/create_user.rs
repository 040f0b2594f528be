//! `CreateUser`: makes a RAM user.

use std::sync::Arc;

use sesame_derive::Params;
use sesame_domain::ram::{IdentityId, User, UserName};
use sesame_store::ram_users;

use super::params::{Comments, DisplayName, Email, MobilePhone};
use super::refused;
use super::shapes::{UserAnswer, UserShape};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, RamKind, Target};
use crate::quotas::Resource;
use crate::registry::Product;

pub(crate) struct CreateUser;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name, 1 to 64 letters, digits, `.`, `_` and `-`; unique in the account.
    user_name: UserName,
    /// The name that people read, up to 128 characters.
    display_name: Option<DisplayName>,
    /// The telephone number, such as `86-18600008888`.
    mobile_phone: Option<MobilePhone>,
    /// The address for mail.
    email: Option<Email>,
    /// What the user is for, up to 128 characters.
    comments: Option<Comments>,
}

impl Operation for CreateUser {
    const NAME: &'static str = "CreateUser";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Makes a RAM user, which may do nothing until a policy is attached to it.";
    type Request = Request;
    type Response = UserAnswer;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::RamCollection(RamKind::User)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<UserAnswer> {
        let mut random = [0; 8];
        cx.random().fill(&mut random)?;
        let user = Arc::new(User {
            id: IdentityId::from_random(random),
            account: cx.account().clone(),
            name: request.user_name,
            display_name: request.display_name.map(|name| name.0).unwrap_or_default(),
            mobile_phone: request.mobile_phone.map(|phone| phone.0).unwrap_or_default(),
            email: request.email.map(|email| email.0).unwrap_or_default(),
            comments: request.comments.map(|comments| comments.0).unwrap_or_default(),
            created_at: cx.now(),
            updated_at: cx.now(),
        });
        let answer = UserAnswer { user: UserShape::of(&user) };
        let limits = cx.service.limits;
        cx.store()
            .write(move |tx| {
                let user = Arc::clone(&user);
                Box::pin(async move {
                    // A user that is there is told before a quota that is used up.
                    if ram_users::by_name(tx, &user.account, &user.name).await?.is_some() {
                        return Err(KmsError::from(Code::UserAlreadyExists));
                    }
                    if let Some(quota) = limits.quota(Resource::Users) {
                        quota.admit_beside(ram_users::count(tx, &user.account).await?)?;
                    }
                    let inserted = ram_users::insert(tx, &user).await;
                    inserted.map_err(|error| refused(error, Code::UserAlreadyExists, Code::UserNotExist))
                })
            })
            .await?;
        Ok(answer)
    }
}
