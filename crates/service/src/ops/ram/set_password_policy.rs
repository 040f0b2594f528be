//! `SetPasswordPolicy`: decides what the account demands of the passwords of its RAM users.

use sesame_derive::Params;
use sesame_domain::ram::PasswordPolicy;
use sesame_store::{StoreError, ram_settings};

use super::params::Ranged;
use super::shapes::PasswordPolicyAnswer;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};
use crate::registry::Product;

pub(crate) struct SetPasswordPolicy;

type Length = Ranged<{ *PasswordPolicy::MINIMUM_LENGTH.start() }, { *PasswordPolicy::MINIMUM_LENGTH.end() }>;
type Age = Ranged<{ *PasswordPolicy::MAX_AGE_DAYS.start() }, { *PasswordPolicy::MAX_AGE_DAYS.end() }>;
type Reuse = Ranged<{ *PasswordPolicy::REUSE_PREVENTION.start() }, { *PasswordPolicy::REUSE_PREVENTION.end() }>;
type Attempts = Ranged<{ *PasswordPolicy::MAX_LOGIN_ATTEMPTS.start() }, { *PasswordPolicy::MAX_LOGIN_ATTEMPTS.end() }>;

/// What is not given gets its default, as the page of the API says; it does not stay as it was.
#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The shortest password, 8 to 32 characters; 8 when it is not given.
    minimum_password_length: Option<Length>,
    /// Whether there must be a lower-case letter; `false` when it is not given.
    require_lowercase_characters: Option<bool>,
    /// Whether there must be an upper-case letter; `false` when it is not given.
    require_uppercase_characters: Option<bool>,
    /// Whether there must be a digit; `false` when it is not given.
    require_numbers: Option<bool>,
    /// Whether there must be a character that is neither letter nor digit; `false` when it is not given.
    require_symbols: Option<bool>,
    /// Whether nobody can log on with a password that is too old; `false` when it is not given.
    hard_expiry: Option<bool>,
    /// The oldest password, in days up to 1,095; 0, any age, when it is not given.
    max_password_age: Option<Age>,
    /// How many of the last passwords cannot be taken again, up to 24; 0 when it is not given.
    password_reuse_prevention: Option<Reuse>,
    /// Wrong passwords after which nobody can log on for an hour, up to 32; 0, any number, when it is not given.
    max_login_attemps: Option<Attempts>,
}

impl Request {
    fn policy(&self) -> PasswordPolicy {
        let default = PasswordPolicy::default();
        PasswordPolicy {
            minimum_length: self.minimum_password_length.map_or(default.minimum_length, |number| number.0),
            require_lowercase: self.require_lowercase_characters.unwrap_or(default.require_lowercase),
            require_uppercase: self.require_uppercase_characters.unwrap_or(default.require_uppercase),
            require_numbers: self.require_numbers.unwrap_or(default.require_numbers),
            require_symbols: self.require_symbols.unwrap_or(default.require_symbols),
            hard_expiry: self.hard_expiry.unwrap_or(default.hard_expiry),
            max_age_days: self.max_password_age.map_or(default.max_age_days, |number| number.0),
            reuse_prevention: self.password_reuse_prevention.map_or(default.reuse_prevention, |number| number.0),
            max_login_attempts: self.max_login_attemps.map_or(default.max_login_attempts, |number| number.0),
        }
    }
}

impl Operation for SetPasswordPolicy {
    const NAME: &'static str = "SetPasswordPolicy";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str =
        "Decides what the account demands of the passwords of its RAM users; those that there are stay.";
    type Request = Request;
    type Response = PasswordPolicyAnswer;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("*")]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<PasswordPolicyAnswer> {
        let (policy, account) = (request.policy(), cx.account().clone());
        cx.store()
            .write::<_, StoreError, _>(move |tx| {
                let account = account.clone();
                Box::pin(async move { ram_settings::set_password_policy(tx, &account, &policy).await })
            })
            .await?;
        Ok(PasswordPolicyAnswer::of(&policy))
    }
}
