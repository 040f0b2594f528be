//! What the operations on attachments have in common, whether a user, a group or a role holds the policy.

use serde::Serialize;
use sesame_domain::AccountId;
use sesame_domain::ram::{EntityType, GroupName, PolicyType, RoleName, UserName, limits};
use sesame_policy::system;
use sesame_store::ram_attachments::{self, Attached, Entity, PolicyRef};
use sesame_store::{Conn, StoreError, ram_groups, ram_roles, ram_users};

use super::{custom, of_the_service};
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::Empty;

/// Who holds a policy, by name.
#[derive(Clone, Debug)]
pub(super) enum Named {
    User(UserName),
    Group(GroupName),
    Role(RoleName),
}

/// What differs between users, groups and roles.
struct Rules {
    /// There is none of the name.
    missing: Code,
    /// It holds the policy already.
    attached: Code,
    /// It does not hold the policy.
    not_attached: Code,
    /// It holds as many as it may.
    full: Code,
    /// How many policies of its account it may hold.
    most_custom: i64,
}

impl Named {
    fn rules(&self) -> Rules {
        match self {
            Self::User(_) => Rules {
                missing: Code::UserNotExist,
                attached: Code::UserPolicyAlreadyExists,
                not_attached: Code::UserPolicyNotExist,
                full: Code::LimitExceededUserPolicy,
                most_custom: limits::POLICIES_OF_USER,
            },
            Self::Group(_) => Rules {
                missing: Code::GroupNotExist,
                attached: Code::GroupPolicyAlreadyExists,
                not_attached: Code::GroupPolicyNotExist,
                full: Code::LimitExceededGroupPolicy,
                most_custom: limits::POLICIES_OF_OTHERS,
            },
            Self::Role(_) => Rules {
                missing: Code::RoleNotExist,
                attached: Code::RolePolicyAlreadyExists,
                not_attached: Code::RolePolicyNotExist,
                full: Code::LimitExceededRolePolicy,
                most_custom: limits::POLICIES_OF_OTHERS,
            },
        }
    }

    /// The user, group or role of this name.
    ///
    /// # Errors
    /// `EntityNotExist.User`, `.Group` or `.Role`.
    async fn find(&self, conn: &mut Conn<'_>, account: &AccountId) -> Result<Entity> {
        let (kind, id) = match self {
            Self::User(name) => (EntityType::User, ram_users::by_name(conn, account, name).await?.map(|user| user.id)),
            Self::Group(name) => {
                (EntityType::Group, ram_groups::by_name(conn, account, name).await?.map(|group| group.id))
            }
            Self::Role(name) => (EntityType::Role, ram_roles::by_name(conn, account, name).await?.map(|role| role.id)),
        };
        Ok(Entity { kind, id: id.ok_or(self.rules().missing)? })
    }
}

/// Attaches a policy.
///
/// # Errors
/// `EntityNotExist.…`, `EntityAlreadyExists.….Policy`, `LimitExceeded.….Policy`.
pub(super) async fn attach(
    cx: &Context<'_>,
    holder: Named,
    policy: PolicyRef,
    resource_group: Option<&str>,
) -> Result<Empty> {
    in_whole_account(cx, resource_group)?;
    let (account, now) = (cx.account().clone(), cx.now());
    cx.store()
        .write(move |tx| {
            let (account, holder, policy) = (account.clone(), holder.clone(), policy.clone());
            Box::pin(async move {
                let rules = holder.rules();
                let entity = holder.find(tx, &account).await?;
                exists(tx, &account, &policy).await?;
                ram_attachments::attach(tx, &account, &entity, &policy, now).await.map_err(|error| match error {
                    StoreError::AlreadyExists => rules.attached.into(),
                    other => KmsError::from(other),
                })?;
                let most = match policy.kind {
                    PolicyType::System => limits::SYSTEM_POLICIES_ATTACHED,
                    PolicyType::Custom => rules.most_custom,
                };
                if ram_attachments::count_of_entity(tx, &entity.id, policy.kind).await? > most {
                    return Err(KmsError::from(rules.full));
                }
                Ok(())
            })
        })
        .await?;
    Ok(Empty {})
}

/// Takes a policy off.
///
/// # Errors
/// `EntityNotExist.…`.
pub(super) async fn detach(
    cx: &Context<'_>,
    holder: Named,
    policy: PolicyRef,
    resource_group: Option<&str>,
) -> Result<Empty> {
    in_whole_account(cx, resource_group)?;
    let account = cx.account().clone();
    cx.store()
        .write(move |tx| {
            let (account, holder, policy) = (account.clone(), holder.clone(), policy.clone());
            Box::pin(async move {
                let entity = holder.find(tx, &account).await?;
                if ram_attachments::detach(tx, &account, &entity, &policy).await? {
                    return Ok(());
                }
                exists(tx, &account, &policy).await?;
                Err(KmsError::from(holder.rules().not_attached))
            })
        })
        .await?;
    Ok(Empty {})
}

/// The policies that are attached to a user, group or role itself.
///
/// # Errors
/// `EntityNotExist.User`, `.Group` or `.Role`.
pub(super) async fn attached(cx: &Context<'_>, holder: Named) -> Result<AttachedPolicies> {
    let account = cx.account().clone();
    let read = cx.store().read(move |conn| {
        Box::pin(async move {
            let entity = holder.find(conn, &account).await?;
            Ok::<_, KmsError>(ram_attachments::of_entity(conn, &entity.id).await?)
        })
    });
    let policy = read.await?.into_iter().map(AttachedPolicy::of).collect();
    Ok(AttachedPolicies { policies: Policies { policy } })
}

async fn exists(conn: &mut Conn<'_>, account: &AccountId, policy: &PolicyRef) -> Result<()> {
    match policy.kind {
        PolicyType::System => of_the_service(&policy.name).map(|_| ()),
        PolicyType::Custom => custom(conn, account, &policy.name).await.map(|_| ()),
    }
}

/// Refuses a resource group. In other products of the original, the id of the account stands for the whole account.
fn in_whole_account(cx: &Context<'_>, resource_group: Option<&str>) -> Result<()> {
    match resource_group {
        Some(group) if group != cx.account().as_str() => Err(Code::ResourceGroupNotExist.into()),
        _ => Ok(()),
    }
}

/// Policies with the moments when they were attached.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttachedPolicies {
    policies: Policies,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policies {
    policy: Vec<AttachedPolicy>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct AttachedPolicy {
    policy_name: String,
    policy_type: &'static str,
    description: String,
    default_version: String,
    attach_date: String,
}

impl AttachedPolicy {
    fn of(attached: Attached) -> Self {
        let PolicyRef { kind, name } = attached.policy;
        // A later release may lack a policy of the service that is attached: it grants nothing, and can be detached.
        let of_the_service = system::find(name.as_str()).filter(|_| kind == PolicyType::System);
        let version = || attached.default_version.map(|version| version.to_string()).unwrap_or_default();
        Self {
            policy_name: name.to_string(),
            policy_type: kind.name(),
            description: of_the_service.map_or(attached.description, |policy| policy.description.to_owned()),
            default_version: of_the_service.map_or_else(version, |policy| policy.version.to_owned()),
            attach_date: attached.attached_at.to_string(),
        }
    }
}
