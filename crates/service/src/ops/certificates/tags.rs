//! Tags on certificates, for TagResource and UntagResource.

use std::sync::Arc;

use sesame_domain::certificate::Certificate;
use sesame_domain::tag::ResourceType;
use sesame_domain::{Tag, TagKey, limits};
use sesame_store::tags;

use super::for_write;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};

/// Puts tags on a certificate.
pub(crate) async fn put_tags(cx: &Context<'_>, certificate: Arc<Certificate>, new: Vec<Tag>) -> Result<()> {
    let new = Arc::<[Tag]>::from(new);
    cx.store()
        .write(move |tx| {
            let (certificate, new) = (Arc::clone(&certificate), Arc::clone(&new));
            Box::pin(async move {
                let Certificate { id, account, .. } = for_write(tx, &certificate.id).await?;
                let most = tags::count_after(tx, &account, ResourceType::Certificate, &[&id], &new).await?;
                if most.unsigned_abs() > limits::TAGS as u64 {
                    let message = format!("A resource can have {} tags at most.", limits::TAGS);
                    return Err(KmsError::new(Code::LimitExceeded, message));
                }
                tags::put(tx, &account, ResourceType::Certificate, &[&id], &new).await?;
                Ok(())
            })
        })
        .await
}

/// Removes tags from a certificate.
pub(crate) async fn remove_tags(cx: &Context<'_>, certificate: Arc<Certificate>, old: Vec<TagKey>) -> Result<()> {
    let old = Arc::<[TagKey]>::from(old);
    cx.store()
        .write(move |tx| {
            let (certificate, old) = (Arc::clone(&certificate), Arc::clone(&old));
            Box::pin(async move {
                let Certificate { id, account, .. } = for_write(tx, &certificate.id).await?;
                tags::remove(tx, &account, ResourceType::Certificate, &[&id], &old).await?;
                Ok::<_, KmsError>(())
            })
        })
        .await
}
