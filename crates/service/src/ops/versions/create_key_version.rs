//! `CreateKeyVersion`: makes a new version of a key.

use std::sync::Arc;

use sesame_crypto::spec::KeyClass;
use sesame_derive::Params;
use sesame_domain::{Key, KeyRef, Origin, Timestamp};
use sesame_store::keys::NewVersion;
use sesame_store::{Tx, key_versions};

use super::Response;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, Target};
use crate::ops::key_for_write;
use crate::rotation;
use crate::service::Limits;

pub(crate) struct CreateKeyVersion;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of the key.
    key_id: KeyRef,
}

impl Operation for CreateKeyVersion {
    const NAME: &'static str = "CreateKeyVersion";
    const SUMMARY: &'static str = "Makes a new version of a key; that of a symmetric key is used from then on.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Key(&request.key_id)]
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        let key = &on.key()?.key;
        if key.origin == Origin::External || key.spec.class() == KeyClass::Mac {
            let message = "Only symmetric and asymmetric keys whose material the service made can have new versions.";
            return Err(KmsError::new(Code::RejectedUnsupportedOperation, message));
        }
        Ok(())
    }

    async fn run(cx: &Context<'_>, on: Granted, _: Request) -> Result<Response> {
        let key = &on.key()?.key;
        let fresh = Arc::new(rotation::fresh_version(cx.service, key, cx.now()).await?);
        let response = Response { key_version: (&fresh.version).into() };
        let (limits, now) = (cx.service.limits, cx.now());
        cx.store()
            .write(move |tx| {
                let fresh = Arc::clone(&fresh);
                Box::pin(async move {
                    let key = key_for_write(tx, &fresh.version.key, Self::NAME).await?;
                    rotation::within_quota(tx, &key.account, limits.key_versions_per_account).await?;
                    let asymmetric = key.spec.class() == KeyClass::Asymmetric;
                    if asymmetric {
                        within_limits(tx, &key, limits, now).await?;
                    }
                    let new = NewVersion { version: fresh.version.clone(), material: &fresh.material };
                    // An asymmetric key has no primary version: its callers name one in each call.
                    key_versions::insert(tx, &new, !asymmetric).await?;
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(response)
    }
}

/// The limits of asymmetric keys: time between two versions, and their number.
async fn within_limits(tx: &mut Tx<'_>, key: &Key, limits: Limits, now: Timestamp) -> Result<()> {
    let allowed_at = key.last_rotated_at.plus_seconds(i64::from(limits.asymmetric_version_seconds));
    // A last version from a day or more ahead was made while the clock was wrong, and says nothing.
    if now < allowed_at && key.last_rotated_at < now.plus_seconds(rotation::CLOCK_TOLERANCE_SECONDS) {
        let message = format!("The last version is too young; the next one can be made at {allowed_at}.");
        return Err(KmsError::new(Code::RejectedUnsupportedOperation, message));
    }
    let most = limits.asymmetric_versions;
    if most != 0 && key_versions::count(tx, &key.id).await? >= i64::from(most) {
        let message = format!("An asymmetric key can have {most} versions at most.");
        return Err(KmsError::new(Code::LimitExceeded, message));
    }
    Ok(())
}
