//! `ChangePassword`: a RAM user changes its own password.

use sesame_crypto::secret::SecretText;
use sesame_derive::Params;
use sesame_domain::ram::LoginProfile;
use sesame_store::ram_logins::{self, Login};
use sesame_store::ram_settings;

use super::passwords::{NewPassword, REMEMBERED, is_password};
use super::refused;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, Fault, KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::registry::Product;
use crate::request::Identity;

pub(crate) struct ChangePassword;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The present password.
    old_password: SecretText,
    /// The new one; it must be as the password policy of the account demands.
    new_password: SecretText,
}

impl Operation for ChangePassword {
    const NAME: &'static str = "ChangePassword";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Changes the password of the RAM user that calls.";
    type Request = Request;
    type Response = Empty;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::OwnUser]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let Identity::User(user) = &cx.principal.identity else {
            return Err(KmsError::new(Code::NotAuthorized, "Only a RAM user has a password that it can change."));
        };
        let user = user.id.clone();
        let mut conn = cx.store().reader().await?;
        if !ram_settings::security_preference(&mut conn, cx.account()).await?.allow_user_to_change_password {
            let message = "The security preference of the account does not allow users to change their passwords.";
            return Err(KmsError::new(Code::NotAuthorized, message));
        }
        let login = ram_logins::get(&mut conn, &user).await?.ok_or(Code::UserLoginProfileNotExist)?;
        drop(conn);
        if !is_password(cx, request.old_password, login.password_hash.clone()).await? {
            return Err(KmsError::faulty("OldPassword", Fault::Value, "it must be the present password"));
        }
        let password = NewPassword::check(cx, &user, request.new_password, "NewPassword").await?;
        let (proved, now) = (login.password_hash, cx.now());
        cx.store()
            .write(move |tx| {
                let (user, password, proved) = (user.clone(), password.clone(), proved.clone());
                Box::pin(async move {
                    let login = ram_logins::get(tx, &user).await?.ok_or(Code::UserLoginProfileNotExist)?;
                    if login.password_hash != proved {
                        return Err(Code::ServiceUnavailableTemporary.into());
                    }
                    let password_hash = password.hash(tx, &user).await?;
                    let profile =
                        LoginProfile { password_set_at: now, password_reset_required: false, ..login.profile };
                    let updated = ram_logins::update(tx, &Login { profile, password_hash }, REMEMBERED).await;
                    let gone = Code::UserLoginProfileNotExist;
                    updated.map_err(|error| refused(error, gone, gone))?;
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Empty {})
    }
}
