//! `CreatePolicy`: makes a policy with its first version.

use std::sync::Arc;

use sesame_derive::Params;
use sesame_domain::Tag;
use sesame_domain::ram::{Policy, PolicyName, PolicyVersionId, limits};
use sesame_domain::tag::ResourceType;
use sesame_store::{StoreError, ram_policies, tags};

use super::shown::{OnePolicy, ShownPolicy};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, RamKind, Target};
use crate::ops::ram_params::{Description, IdentityDocument};
use crate::ops::tags::params::NewTags;
use crate::registry::Product;

pub(crate) struct CreatePolicy;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name: 1 to 128 letters, digits and hyphens.
    policy_name: PolicyName,
    /// The document, up to 6,144 characters of JSON besides white space.
    policy_document: IdentityDocument,
    /// What the policy is for, up to 1,024 characters.
    description: Option<Description<{ limits::DESCRIPTION_CHARS }>>,
    /// Tags, up to 20.
    tag: Option<NewTags>,
}

impl Operation for CreatePolicy {
    const NAME: &'static str = "CreatePolicy";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Makes a policy, which can then be attached to users, groups and roles.";
    type Request = Request;
    type Response = OnePolicy;

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::RamCollection(RamKind::Policy)]
    }

    fn request_tags(request: &Request) -> &[Tag] {
        request.tag.as_ref().map_or(&[], |tags| &tags.0)
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<OnePolicy> {
        let policy = Policy {
            account: cx.account().clone(),
            name: request.policy_name,
            description: request.description.unwrap_or_default().0,
            default_version: PolicyVersionId::FIRST,
            created_at: cx.now(),
            updated_at: cx.now(),
        };
        let answer = OnePolicy { policy: ShownPolicy::new(&policy) };
        let tags = request.tag.map(|tags| tags.0).unwrap_or_default();
        let new = Arc::new((policy, request.policy_document.0, tags));
        cx.store()
            .write(move |tx| {
                let new = Arc::clone(&new);
                Box::pin(async move {
                    let (policy, document, tags) = &*new;
                    ram_policies::insert(tx, policy, document).await.map_err(|error| match error {
                        StoreError::AlreadyExists => Code::PolicyAlreadyExists.into(),
                        other => KmsError::from(other),
                    })?;
                    if ram_policies::count(tx, &policy.account).await? > limits::POLICIES {
                        return Err(KmsError::from(Code::LimitExceededPolicy));
                    }
                    if !tags.is_empty() {
                        tags::put(tx, &policy.account, ResourceType::Policy, &[policy.name.as_str()], tags).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(answer)
    }
}
