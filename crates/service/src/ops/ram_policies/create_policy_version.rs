//! `CreatePolicyVersion`: gives a policy another document.

use std::borrow::Cow;
use std::sync::Arc;

use sesame_derive::Params;
use sesame_domain::ram::{PolicyName, PolicyVersion, limits};
use sesame_store::ram_policies;

use super::custom;
use super::shown::{OneVersion, ShownVersion};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, RamKind, Target};
use crate::ops::ram_params::IdentityDocument;
use crate::params::{FromText, Kind};
use crate::registry::Product;

pub(crate) struct CreatePolicyVersion;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name of the policy.
    policy_name: PolicyName,
    /// The document, up to 6,144 characters of JSON besides white space.
    policy_document: IdentityDocument,
    /// Whether the new version applies from now on.
    set_as_default: Option<bool>,
    /// What to do when the policy has five versions: `None` to refuse the call, which is the default, or
    /// `DeleteOldestNonDefaultVersionWhenLimitExceeded`.
    rotate_strategy: Option<RotateStrategy>,
}

/// What is done when a policy has all the versions that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RotateStrategy {
    None,
    DeleteOldest,
}

impl FromText for RotateStrategy {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> std::result::Result<Self, Cow<'static, str>> {
        match text {
            "None" => Ok(Self::None),
            "DeleteOldestNonDefaultVersionWhenLimitExceeded" => Ok(Self::DeleteOldest),
            _ => Err("it must be None or DeleteOldestNonDefaultVersionWhenLimitExceeded".into()),
        }
    }
}

impl Operation for CreatePolicyVersion {
    const NAME: &'static str = "CreatePolicyVersion";
    const PRODUCT: Product = Product::Ram;
    const SUMMARY: &'static str = "Adds a version to a policy of the account, and makes it the default when asked to.";
    type Request = Request;
    type Response = OneVersion;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Ram(RamKind::Policy, request.policy_name.as_str())]
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<OneVersion> {
        let is_default = request.set_as_default == Some(true);
        let (account, now, request) = (cx.account().clone(), cx.now(), Arc::new(request));
        let document = request.policy_document.0.clone();
        let id = cx
            .store()
            .write(move |tx| {
                let (account, request) = (account.clone(), Arc::clone(&request));
                Box::pin(async move {
                    let name = &request.policy_name;
                    let policy = custom(tx, &account, name).await?;
                    let versions = ram_policies::versions(tx, &account, name).await?;
                    if versions.len() >= limits::POLICY_VERSIONS {
                        let oldest = versions.iter().find(|version| version.id != policy.default_version);
                        match oldest.filter(|_| request.rotate_strategy == Some(RotateStrategy::DeleteOldest)) {
                            Some(oldest) => ram_policies::remove_version(tx, &account, name, oldest.id).await?,
                            None => return Err(KmsError::from(Code::LimitExceededPolicyVersion)),
                        };
                    }
                    let id = ram_policies::add_version(tx, &account, name, &request.policy_document.0, now).await?;
                    if is_default {
                        ram_policies::set_default_version(tx, &account, name, id, now).await?;
                    }
                    Ok(id)
                })
            })
            .await?;
        let version = PolicyVersion { id, document, created_at: now };
        Ok(OneVersion { policy_version: ShownVersion::of(version, is_default) })
    }
}
