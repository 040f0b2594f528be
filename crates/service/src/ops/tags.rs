//! Tags on keys and secrets. Two families of operations work on one set of tags (keys reference, 10).

mod list_resource_tags;
mod list_tag_resources;
pub(crate) mod params;
mod tag_resource;
mod tag_resources;
mod untag_resource;
mod untag_resources;

pub(crate) use list_resource_tags::ListResourceTags;
pub(crate) use list_tag_resources::ListTagResources;
pub(crate) use tag_resource::TagResource;
pub(crate) use tag_resources::TagResources;
pub(crate) use untag_resource::UntagResource;
pub(crate) use untag_resources::UntagResources;

use std::collections::BTreeSet;
use std::sync::Arc;

use sesame_domain::secret::{SecretId, SecretName, SecretRef};
use sesame_domain::tag::ResourceType;
use sesame_domain::{AccountId, KeyId, KeyRef, RegionId, Tag, TagKey, limits};
use sesame_store::{Tx, tags};

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::ops::key_for_write;
use crate::ops::secrets::secret_for_write;

/// Refuses a region other than this deployment's.
fn in_this_region(cx: &Context<'_>, region: &RegionId) -> Result<()> {
    if region == cx.region() {
        return Ok(());
    }
    Err(KmsError::invalid("RegionId", format_args!("this server holds the resources of {}", cx.region())))
}

/// The target of TagResource and UntagResource: a key, a secret or a certificate, exactly one.
fn one_target(key: Option<&KeyRef>, secret: Option<&SecretRef>, certificate: Option<&String>) -> Result<()> {
    match (key, secret, certificate) {
        (Some(_), None, None) | (None, Some(_), None) | (None, None, Some(_)) => Ok(()),
        _ => Err(KmsError::invalid("KeyId", "give exactly one of KeyId, SecretName and CertificateId")),
    }
}

/// What carries the tags: the keys or the secrets that were granted, each once.
#[derive(Debug)]
enum Holders {
    Keys(Option<AccountId>, BTreeSet<KeyId>),
    Secrets(AccountId, BTreeSet<(SecretName, SecretId)>),
}

impl Holders {
    fn of(on: &Granted) -> Arc<Self> {
        Arc::new(match on.secrets() {
            [] => {
                let owner = on.keys().first().map(|key| key.key.account.clone());
                Self::Keys(owner, on.keys().iter().map(|key| key.key.id.clone()).collect())
            }
            secrets @ [first, ..] => {
                let names = secrets.iter().map(|loaded| (loaded.secret.name.clone(), loaded.secret.id.clone()));
                Self::Secrets(first.secret.account.clone(), names.collect())
            }
        })
    }

    /// Tags are kept under the account that owns what carries them.
    fn account<'a>(&'a self, caller: &'a AccountId) -> &'a AccountId {
        match self {
            Self::Keys(owner, _) => owner.as_ref().unwrap_or(caller),
            Self::Secrets(owner, _) => owner,
        }
    }

    fn kind(&self) -> ResourceType {
        match self {
            Self::Keys(..) => ResourceType::Key,
            Self::Secrets(..) => ResourceType::Secret,
        }
    }

    /// Ids of keys, names of secrets.
    fn names(&self) -> Vec<&str> {
        match self {
            Self::Keys(_, ids) => ids.iter().map(KeyId::as_str).collect(),
            Self::Secrets(_, secrets) => secrets.iter().map(|(name, _)| name.as_str()).collect(),
        }
    }

    /// Refuses when one of them does not permit the operation any more.
    async fn permit(&self, tx: &mut Tx<'_>, operation: &str) -> Result<()> {
        match self {
            Self::Keys(_, ids) => {
                for id in ids {
                    key_for_write(tx, id, operation).await?;
                }
            }
            Self::Secrets(_, secrets) => {
                for (_, id) in secrets {
                    secret_for_write(tx, id).await?;
                }
            }
        }
        Ok(())
    }
}

/// Puts tags on resources: on all of them, or on none when one cannot take them.
async fn put(cx: &Context<'_>, operation: &'static str, holders: Arc<Holders>, new: Vec<Tag>) -> Result<()> {
    let (account, new) = (holders.account(cx.account()).clone(), Arc::<[Tag]>::from(new));
    cx.store()
        .write(move |tx| {
            let (account, holders, new) = (account.clone(), Arc::clone(&holders), Arc::clone(&new));
            Box::pin(async move {
                holders.permit(tx, operation).await?;
                let (kind, names) = (holders.kind(), holders.names());
                let most = tags::count_after(tx, &account, kind, &names, &new).await?;
                if most.unsigned_abs() > limits::TAGS as u64 {
                    let message = format!("A resource can have {} tags at most.", limits::TAGS);
                    return Err(KmsError::new(Code::LimitExceeded, message));
                }
                tags::put(tx, &account, kind, &names, &new).await?;
                Ok(())
            })
        })
        .await
}

/// Which tags to remove.
enum Which {
    Named(Vec<TagKey>),
    All,
}

/// Removes tags from resources: from all of them, or from none. Tags that one does not have are no fault.
async fn remove(cx: &Context<'_>, operation: &'static str, holders: Arc<Holders>, which: Which) -> Result<()> {
    let (account, which) = (holders.account(cx.account()).clone(), Arc::new(which));
    cx.store()
        .write(move |tx| {
            let (account, holders, which) = (account.clone(), Arc::clone(&holders), Arc::clone(&which));
            Box::pin(async move {
                holders.permit(tx, operation).await?;
                let (kind, names) = (holders.kind(), holders.names());
                match &*which {
                    Which::Named(tag_keys) => {
                        tags::remove(tx, &account, kind, &names, tag_keys).await?;
                    }
                    Which::All => tags::remove_all(tx, &account, kind, &names).await?,
                }
                Ok::<_, KmsError>(())
            })
        })
        .await
}
