//! Tags on keys. Two families of operations work on one set of tags (keys reference, 10).

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

use sesame_domain::tag::ResourceType;
use sesame_domain::{KeyId, KeyRef, RegionId, Tag, TagKey, limits};
use sesame_store::{Tx, tags};

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::ops::key_for_write;

/// Refuses a region other than this deployment's.
fn in_this_region(cx: &Context<'_>, region: &RegionId) -> Result<()> {
    if region == cx.region() {
        return Ok(());
    }
    Err(KmsError::invalid("RegionId", format_args!("this server holds the resources of {}", cx.region())))
}

/// The target of TagResource and UntagResource: a key, a secret or a certificate, exactly one.
fn one_target<'r>(
    key: Option<&'r KeyRef>,
    secret: Option<&'r String>,
    certificate: Option<&'r String>,
) -> Result<Option<&'r KeyRef>> {
    match (key, secret, certificate) {
        (Some(key), None, None) => Ok(Some(key)),
        (None, Some(_), None) | (None, None, Some(_)) => Ok(None),
        _ => Err(KmsError::invalid("KeyId", "give exactly one of KeyId, SecretName and CertificateId")),
    }
}

/// The keys that were granted, each once.
fn distinct_keys(on: &Granted) -> Arc<[KeyId]> {
    let ids: BTreeSet<_> = on.keys().iter().map(|key| key.key.id.clone()).collect();
    ids.into_iter().collect()
}

/// Puts tags on keys: on all of them, or on none when one cannot take them.
async fn put(cx: &Context<'_>, operation: &'static str, keys: Arc<[KeyId]>, new: Vec<Tag>) -> Result<()> {
    let (account, new) = (cx.account().clone(), Arc::<[Tag]>::from(new));
    cx.store()
        .write(move |tx| {
            let (account, keys, new) = (account.clone(), Arc::clone(&keys), Arc::clone(&new));
            Box::pin(async move {
                let names = writable(tx, &keys, operation).await?;
                let most = tags::count_after(tx, &account, ResourceType::Key, &names, &new).await?;
                if most.unsigned_abs() > limits::TAGS as u64 {
                    let message = format!("A resource can have {} tags at most.", limits::TAGS);
                    return Err(KmsError::new(Code::LimitExceeded, message));
                }
                tags::put(tx, &account, ResourceType::Key, &names, &new).await?;
                Ok(())
            })
        })
        .await
}

/// The ids of the keys as text, if every one of them still permits the operation.
async fn writable<'k>(tx: &mut Tx<'_>, keys: &'k [KeyId], operation: &str) -> Result<Vec<&'k str>> {
    for id in keys {
        key_for_write(tx, id, operation).await?;
    }
    Ok(keys.iter().map(KeyId::as_str).collect())
}

/// Which tags to remove.
enum Which {
    Named(Vec<TagKey>),
    All,
}

/// Removes tags from keys: from all of them, or from none. Tags that a key does not have are no fault.
async fn remove(cx: &Context<'_>, operation: &'static str, keys: Arc<[KeyId]>, which: Which) -> Result<()> {
    let (account, which) = (cx.account().clone(), Arc::new(which));
    cx.store()
        .write(move |tx| {
            let (account, keys, which) = (account.clone(), Arc::clone(&keys), Arc::clone(&which));
            Box::pin(async move {
                let names = writable(tx, &keys, operation).await?;
                match &*which {
                    Which::Named(tag_keys) => {
                        tags::remove(tx, &account, ResourceType::Key, &names, tag_keys).await?;
                    }
                    Which::All => tags::remove_all(tx, &account, ResourceType::Key, &names).await?,
                }
                Ok::<_, KmsError>(())
            })
        })
        .await
}
