//! `ListEntitiesForPolicy`: what a policy is attached to.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::ram::{EntityType, PolicyName, PolicyType};
use sesame_store::ram_attachments::{self, Holder, PolicyRef};

use super::{custom, of_the_service, target};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};
use crate::registry::Product;

pub(crate) struct ListEntitiesForPolicy;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the policy.
    policy_name: PolicyName,
    /// `Custom` for a policy of the account, `System` for one of the service.
    policy_type: PolicyType,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    users: Users,
    groups: Groups,
    roles: Roles,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Users {
    user: Vec<User>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct User {
    user_id: String,
    user_name: String,
    display_name: String,
    attach_date: String,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Groups {
    group: Vec<Group>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    group_name: String,
    comments: String,
    attach_date: String,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Roles {
    role: Vec<Role>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Role {
    role_id: String,
    role_name: String,
    arn: String,
    description: String,
    attach_date: String,
}

impl Operation for ListEntitiesForPolicy {
    const NAME: &'static str = "ListEntitiesForPolicy";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Lists the users, groups and roles that a policy is attached to.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [target(request.policy_type, &request.policy_name)]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let account = cx.account().clone();
        let policy = PolicyRef { kind: request.policy_type, name: request.policy_name };
        let read = cx.store().read(move |conn| {
            Box::pin(async move {
                match policy.kind {
                    PolicyType::System => of_the_service(&policy.name).map(|_| ())?,
                    PolicyType::Custom => custom(conn, &account, &policy.name).await.map(|_| ())?,
                }
                Ok::<_, KmsError>(ram_attachments::holders(conn, &account, &policy).await?)
            })
        });
        let mut response = Response::default();
        for Holder { entity, name, text, attached_at } in read.await? {
            let (id, attach_date) = (entity.id.to_string(), attached_at.to_string());
            match entity.kind {
                EntityType::User => {
                    response.users.user.push(User { user_id: id, user_name: name, display_name: text, attach_date });
                }
                EntityType::Group => {
                    response.groups.group.push(Group { group_name: name, comments: text, attach_date });
                }
                EntityType::Role => {
                    let arn = format!("acs:ram::{}:role/{name}", cx.account());
                    response.roles.role.push(Role {
                        role_id: id,
                        role_name: name,
                        arn,
                        description: text,
                        attach_date,
                    });
                }
            }
        }
        Ok(response)
    }
}
