//! `UpdateLoginProfile`: changes how a RAM user logs on to the console.

use sesame_crypto::secret::SecretText;
use sesame_derive::Params;
use sesame_domain::ram::{LoginProfile, UserName};
use sesame_store::ram_logins::{self, Login};

use super::passwords::{NewPassword, REMEMBERED};
use super::refused;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, RamKind, Target};
use crate::registry::Product;

pub(crate) struct UpdateLoginProfile;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the user.
    user_name: UserName,
    /// Another password; it must be as the password policy of the account demands.
    password: Option<SecretText>,
    /// Whether the user has to choose another password when it logs on.
    password_reset_required: Option<bool>,
    /// Whether the user has to bind a device for multi-factor authentication when it logs on.
    #[param(name = "MFABindRequired")]
    mfa_bind_required: Option<bool>,
}

impl Operation for UpdateLoginProfile {
    const NAME: &'static str = "UpdateLoginProfile";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Changes the password of a RAM user, or how it logs on to the console.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::User, request.user_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Empty> {
        let (name, account, now) = (request.user_name, cx.account().clone(), cx.now());
        let mut conn = cx.store().reader().await?;
        let user = super::user(&mut conn, &account, &name).await?;
        ram_logins::get(&mut conn, &user.id).await?.ok_or(Code::UserLoginProfileNotExist)?;
        drop(conn);
        let password = match request.password {
            Some(password) => Some(NewPassword::check(cx, &user.id, password, "Password").await?),
            None => None,
        };
        let (reset, mfa) = (request.password_reset_required, request.mfa_bind_required);
        cx.store()
            .write(move |tx| {
                let (name, account, password) = (name.clone(), account.clone(), password.clone());
                Box::pin(async move {
                    let user = super::user(tx, &account, &name).await?;
                    let login = ram_logins::get(tx, &user.id).await?.ok_or(Code::UserLoginProfileNotExist)?;
                    let password_set_at = if password.is_some() { now } else { login.profile.password_set_at };
                    let password_hash = match &password {
                        Some(password) => password.hash(tx, &user.id).await?,
                        None => login.password_hash,
                    };
                    let profile = LoginProfile {
                        password_reset_required: reset.unwrap_or(login.profile.password_reset_required),
                        mfa_bind_required: mfa.unwrap_or(login.profile.mfa_bind_required),
                        password_set_at,
                        ..login.profile
                    };
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
