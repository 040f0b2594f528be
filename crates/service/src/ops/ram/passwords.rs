//! Passwords of users: what they must be, and what is kept of them.

use std::sync::Arc;

use sesame_crypto::password_hash;
use sesame_crypto::secret::SecretText;
use sesame_domain::AccountId;
use sesame_domain::ram::{IdentityId, PasswordPolicy};
use sesame_store::{Conn, Tx, ram_logins, ram_settings};

use crate::context::Context;
use crate::error::{Code, Fault, KmsError, Result};

/// Former passwords that are remembered, whatever the policy is now: it may come to ask for them.
pub(super) const REMEMBERED: u32 = *PasswordPolicy::REUSE_PREVENTION.end();

/// A new password that the policy allows, as it is kept, and what that was found out from.
#[derive(Clone, Debug)]
pub(super) struct NewPassword {
    account: AccountId,
    user: IdentityId,
    hash: String,
    policy: PasswordPolicy,
    last: Vec<String>,
}

impl NewPassword {
    /// Checks a new password of a user and hashes it, on the threads for slow work. `parameter` is its name.
    ///
    /// # Errors
    /// `InvalidParameter.<parameter>.TooWeak`.
    pub(super) async fn check(
        cx: &Context<'_>,
        user: &IdentityId,
        password: SecretText,
        parameter: &'static str,
    ) -> Result<Self> {
        let mut conn = cx.store().reader().await?;
        let policy = ram_settings::password_policy(&mut conn, cx.account()).await?;
        let last = last_passwords(&mut conn, user, &policy).await?;
        drop(conn);
        let too_weak = |what_is_right: String| KmsError::faulty(parameter, Fault::TooWeak, what_is_right);
        // EXPOSE: its characters are counted.
        policy.check(password.expose()).map_err(|weak| too_weak(weak.to_string()))?;
        let (random, last_hashes) = (Arc::clone(&cx.service.random), last.clone());
        let hash = move || {
            for hash in &last_hashes {
                if password_hash::verify(&password, hash)? {
                    return Ok(None);
                }
            }
            password_hash::hash(&password, &*random).map(Some)
        };
        let hashed: std::result::Result<_, sesame_crypto::CryptoError> = cx.workers().run_slow(hash).await?;
        let reused = || too_weak(format!("it must be none of the last {} passwords", policy.reuse_prevention));
        let hash = hashed?.ok_or_else(reused)?;
        Ok(Self { account: cx.account().clone(), user: user.clone(), hash, policy, last })
    }

    /// The hash for the login of a user, when what the check stood on is still so inside the transaction.
    ///
    /// # Errors
    /// `ServiceUnavailableTemporary` when the user, the policy or the password changed meanwhile: the call can be made again.
    pub(super) async fn hash(&self, tx: &mut Tx<'_>, user: &IdentityId) -> Result<String> {
        let policy = ram_settings::password_policy(tx, &self.account).await?;
        let last = last_passwords(tx, user, &policy).await?;
        if *user == self.user && policy == self.policy && last == self.last {
            Ok(self.hash.clone())
        } else {
            Err(Code::ServiceUnavailableTemporary.into())
        }
    }
}

/// Whether this is the password of a hash; found out on the threads for slow work.
pub(super) async fn is_password(cx: &Context<'_>, password: SecretText, hash: String) -> Result<bool> {
    let verify = move || password_hash::verify(&password, &hash);
    Ok(cx.workers().run_slow(verify).await??)
}

/// The hashes of the passwords that cannot be taken again, the present one among them.
async fn last_passwords(conn: &mut Conn<'_>, user: &IdentityId, policy: &PasswordPolicy) -> Result<Vec<String>> {
    let number = usize::try_from(policy.reuse_prevention).unwrap_or(usize::MAX);
    let present = ram_logins::get(conn, user).await?.map(|login| login.password_hash);
    let former = ram_logins::former_passwords(conn, user, policy.reuse_prevention).await?;
    Ok(present.into_iter().chain(former).take(number).collect())
}
