//! `UpdateRotationPolicy`: turns automatic rotation on or off.

use std::sync::Arc;

use sesame_derive::Params;
use sesame_domain::rotation::RotationInterval;
use sesame_domain::{KeyRef, Origin};
use sesame_store::keys;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::ops::key_for_write;
use crate::rotation;

pub(crate) struct UpdateRotationPolicy;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of the key.
    key_id: KeyRef,
    /// Whether new versions are made automatically.
    enable_automatic_rotation: bool,
    /// Time between two automatic rotations, such as `365d`; 7 to 730 days.
    rotation_interval: Option<RotationInterval>,
}

impl Operation for UpdateRotationPolicy {
    const NAME: &'static str = "UpdateRotationPolicy";
    const SUMMARY: &'static str = "Turns the automatic rotation of a symmetric key on or off.";
    type Request = Request;
    type Response = Empty;

    fn validate(request: &Request) -> Result<()> {
        if request.enable_automatic_rotation && request.rotation_interval.is_none() {
            return Err(KmsError::missing("RotationInterval"));
        }
        Ok(())
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::KeyById(&request.key_id)]
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        let key = &on.key()?.key;
        if !key.spec.can_rotate_automatically() || key.origin == Origin::External {
            let message = "Only symmetric keys whose material the service made rotate automatically.";
            return Err(KmsError::new(Code::RejectedUnsupportedOperation, message));
        }
        Ok(())
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Empty> {
        let interval = request.rotation_interval.filter(|_| request.enable_automatic_rotation);
        let now = cx.now();
        // For the case that the new policy makes a rotation due at once.
        let fresh = Arc::new(rotation::fresh_version(cx.service, &on.key()?.key, now).await?);
        let rotated = cx.store().write(move |tx| {
            let fresh = Arc::clone(&fresh);
            Box::pin(async move {
                let id = &fresh.version.key;
                key_for_write(tx, id, Self::NAME).await?;
                keys::set_rotation(tx, id, interval).await?;
                rotation::rotate_if_due(tx, &fresh, now).await
            })
        });
        if rotated.await? {
            cx.service.metrics.rotated_keys.inc();
        }
        Ok(Empty {})
    }
}
