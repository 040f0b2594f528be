//! `CreateRole`: makes a role that others may assume.

use std::sync::Arc;

use sesame_derive::Params;
use sesame_domain::Tag;
use sesame_domain::ram::{IdentityId, Role, RoleName, limits};
use sesame_domain::tag::ResourceType;
use sesame_store::{StoreError, ram_roles, tags};

use super::params::{SessionSeconds, no_console_login};
use super::shown::{OneRole, ShownRole};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, RamKind, Target};
use crate::ops::ram_params::{Description, TrustDocument};
use crate::ops::tags::params::NewTags;
use crate::registry::Product;

pub(crate) struct CreateRole;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name: 1 to 64 letters, digits, periods and hyphens.
    role_name: RoleName,
    /// Who may assume the role: a policy with `Principal` instead of `Resource`, up to 2,048 characters of JSON.
    assume_role_policy_document: TrustDocument,
    /// What the role is for, up to 1,024 characters.
    description: Option<Description<{ limits::DESCRIPTION_CHARS }>>,
    /// The longest session, 3600 to 43200 seconds; 3600 when it is not given.
    max_session_duration: Option<SessionSeconds>,
    /// Whether sessions may use the console; on this server they may not, and only `false` is accepted.
    allow_console_login: Option<bool>,
    /// Tags, up to 20.
    tag: Option<NewTags>,
}

impl Operation for CreateRole {
    const NAME: &'static str = "CreateRole";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Makes a role, and says who may assume it.";
    type Request = Request;
    type Response = OneRole;

    fn validate(request: &Request) -> Result<()> {
        no_console_login("AllowConsoleLogin", request.allow_console_login)
    }

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::RamCollection(RamKind::Role)]
    }

    fn request_tags(request: &Request) -> &[Tag] {
        request.tag.as_ref().map_or(&[], |tags| &tags.0)
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<OneRole> {
        let mut random = [0; 8];
        cx.random().fill(&mut random)?;
        let role = Role {
            id: IdentityId::from_random(random),
            account: cx.account().clone(),
            name: request.role_name,
            description: request.description.unwrap_or_default().0,
            trust_policy: request.assume_role_policy_document.0,
            max_session_seconds: request.max_session_duration.map_or(limits::SESSION_SECONDS.0, |seconds| seconds.0),
            created_at: cx.now(),
            updated_at: cx.now(),
        };
        let answer = OneRole { role: ShownRole::of(&role) };
        let new = Arc::new((role, request.tag.map(|tags| tags.0).unwrap_or_default()));
        cx.store()
            .write(move |tx| {
                let new = Arc::clone(&new);
                Box::pin(async move {
                    let (role, tags) = &*new;
                    ram_roles::insert(tx, role).await.map_err(|error| match error {
                        StoreError::AlreadyExists => Code::RoleAlreadyExists.into(),
                        other => KmsError::from(other),
                    })?;
                    if ram_roles::count(tx, &role.account).await? > limits::ROLES {
                        return Err(KmsError::from(Code::LimitExceededRole));
                    }
                    if !tags.is_empty() {
                        tags::put(tx, &role.account, ResourceType::Role, &[role.name.as_str()], tags).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(answer)
    }
}
