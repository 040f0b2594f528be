//! `UpdateRole`: changes what a role is for, who may assume it, and for how long.

use std::sync::Arc;

use sesame_derive::Params;
use sesame_domain::ram::{Role, RoleName, limits};
use sesame_store::ram_roles;

use super::found;
use super::params::{SessionSeconds, no_console_login};
use super::shown::{OneRole, ShownRole};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, RamKind, Target};
use crate::ops::ram_params::{Description, TrustDocument};
use crate::registry::Product;

pub(crate) struct UpdateRole;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the role.
    role_name: RoleName,
    /// Who may assume the role from now on; sessions that there are go on.
    new_assume_role_policy_document: Option<TrustDocument>,
    /// What the role is for, up to 1,024 characters; empty for nothing.
    new_description: Option<Description<{ limits::DESCRIPTION_CHARS }>>,
    /// The longest session, 3600 to 43200 seconds.
    new_max_session_duration: Option<SessionSeconds>,
    /// Whether sessions may use the console; on this server they may not, and only `false` is accepted.
    new_allow_console_login: Option<bool>,
}

impl Operation for UpdateRole {
    const NAME: &'static str = "UpdateRole";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Changes a role; what is not given stays as it is.";
    type Request = Request;
    type Response = OneRole;

    fn validate(request: &Request) -> Result<()> {
        no_console_login("NewAllowConsoleLogin", request.new_allow_console_login)
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Role, request.role_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<OneRole> {
        let (account, now, request) = (cx.account().clone(), cx.now(), Arc::new(request));
        let role = cx
            .store()
            .write(move |tx| {
                let (account, request) = (account.clone(), Arc::clone(&request));
                Box::pin(async move {
                    let old = found(tx, &account, &request.role_name).await?;
                    let trust_policy = request.new_assume_role_policy_document.as_ref().map(|text| text.0.clone());
                    let description = request.new_description.as_ref().map(|text| text.0.clone());
                    let seconds = request.new_max_session_duration.map(|seconds| seconds.0);
                    let role = Role {
                        trust_policy: trust_policy.unwrap_or(old.trust_policy),
                        description: description.unwrap_or(old.description),
                        max_session_seconds: seconds.unwrap_or(old.max_session_seconds),
                        updated_at: now,
                        ..old
                    };
                    ram_roles::update(tx, &role).await?;
                    Ok::<_, KmsError>(role)
                })
            })
            .await?;
        Ok(OneRole { role: ShownRole::of(&role).with_update_date(&role) })
    }
}
