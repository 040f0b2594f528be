//! `GetRandomPassword`: a random password, which is kept nowhere.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::secret::password::{DEFAULT_LENGTH, LENGTH, PasswordRules, random_password};

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};
use crate::values::{Reveal, Text};

pub(crate) struct GetRandomPassword;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// Characters: 8 to 128, 32 by default.
    password_length: Option<u32>,
    /// Characters that do not occur.
    exclude_characters: Option<Text<1_024>>,
    /// Whether lower-case letters are left out.
    exclude_lowercase: Option<bool>,
    /// Whether upper-case letters are left out.
    exclude_uppercase: Option<bool>,
    /// Whether digits are left out.
    exclude_numbers: Option<bool>,
    /// Whether marks are left out.
    exclude_punctuation: Option<bool>,
    /// Whether each type of characters that is not left out must occur.
    require_each_included_type: Option<bool>,
}

impl Request {
    fn rules(&self) -> PasswordRules {
        PasswordRules {
            length: self.password_length.unwrap_or(DEFAULT_LENGTH),
            exclude_characters: self.exclude_characters.as_ref().map(|text| text.0.clone()).unwrap_or_default(),
            exclude_lowercase: self.exclude_lowercase == Some(true),
            exclude_uppercase: self.exclude_uppercase == Some(true),
            exclude_numbers: self.exclude_numbers == Some(true),
            exclude_punctuation: self.exclude_punctuation == Some(true),
            require_each: self.require_each_included_type == Some(true),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    random_password: Reveal,
}

impl Operation for GetRandomPassword {
    const NAME: &'static str = "GetRandomPassword";
    const SUMMARY: &'static str = "Draws a random password: each that the parameters allow is equally likely.";
    const SENSITIVE: bool = true;
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        let rules = request.rules();
        if !LENGTH.contains(&rules.length) {
            return Err(KmsError::invalid("PasswordLength", "it must be 8 to 128"));
        }
        rules.check().map_err(|refusal| KmsError::invalid("ExcludeCharacters", refusal))
    }

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("*")]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        Ok(Response { random_password: Reveal(random_password(&request.rules(), cx.random())?) })
    }
}
