//! `CreateLoginProfile`: lets a RAM user log on to the console.

use sesame_crypto::secret::SecretText;
use sesame_derive::Params;
use sesame_domain::ram::{LoginProfile, UserName};
use sesame_store::ram_logins::{self, Login};

use super::passwords::NewPassword;
use super::refused;
use super::shapes::{LoginProfileAnswer, LoginProfileShape};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct CreateLoginProfile;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user.
    user_name: UserName,
    /// The password; it must be as the password policy of the account demands.
    password: SecretText,
    /// Whether the user has to choose another password when it logs on; `false` when it is not given.
    password_reset_required: Option<bool>,
    /// Whether the user has to bind a device for multi-factor authentication when it logs on; `false` when it is not
    /// given.
    #[param(name = "MFABindRequired")]
    mfa_bind_required: Option<bool>,
}

impl Operation for CreateLoginProfile {
    const NAME: &'static str = "CreateLoginProfile";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Gives a RAM user a password to log on to the console with.";
    type Request = Request;
    type Response = LoginProfileAnswer;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::User, request.user_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<LoginProfileAnswer> {
        let (name, account, now) = (request.user_name, cx.account().clone(), cx.now());
        let mut conn = cx.store().reader().await?;
        let user = super::user(&mut conn, &account, &name).await?;
        if ram_logins::get(&mut conn, &user.id).await?.is_some() {
            return Err(Code::UserLoginProfileAlreadyExists.into());
        }
        drop(conn);
        let password = NewPassword::check(cx, &user.id, request.password, "Password").await?;
        let profile = LoginProfile {
            user: user.id,
            password_reset_required: request.password_reset_required == Some(true),
            mfa_bind_required: request.mfa_bind_required == Some(true),
            created_at: now,
            password_set_at: now,
        };
        let answer = LoginProfileAnswer { login_profile: LoginProfileShape::of(&name, &profile) };
        cx.store()
            .write(move |tx| {
                let (name, account, password, profile) =
                    (name.clone(), account.clone(), password.clone(), profile.clone());
                Box::pin(async move {
                    let user = super::user(tx, &account, &name).await?;
                    let password_hash = password.hash(tx, &user.id).await?;
                    let inserted = ram_logins::insert(tx, &Login { profile, password_hash }).await;
                    let (exists, gone) = (Code::UserLoginProfileAlreadyExists, Code::UserNotExist);
                    inserted.map_err(|error| refused(error, exists, gone))?;
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(answer)
    }
}
