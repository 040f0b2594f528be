//! `RotateSecret`: has a managed secret rotated now.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::secret::{SecretRef, SecretVersionId};
use sesame_store::{secret_rotations, secrets};

use super::{only_for, secret_for_write};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};
use crate::rotator::RotationTarget;

pub(crate) struct RotateSecret;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name or the ARN of the secret.
    secret_name: SecretRef,
    /// The id that the new version will have. A call with the id of a version that exists changes nothing.
    version_id: SecretVersionId,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    arn: String,
    secret_name: String,
    version_id: String,
}

impl Operation for RotateSecret {
    const NAME: &'static str = "RotateSecret";
    const SUMMARY: &'static str =
        "Has the credential of a managed secret changed now, or asks the webhook of a generic one.";
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Secret(&request.secret_name)]
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        on.secret()?.live()
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let loaded = on.secret()?;
        let secret = &loaded.secret;
        let response = Response {
            arn: cx.arn(&secret.account, format_args!("secret/{}", secret.name)),
            secret_name: secret.name.to_string(),
            version_id: request.version_id.to_string(),
        };
        if secret.kind.is_managed() && loaded.versions.get(&request.version_id).is_some() {
            return Ok(response);
        }
        let unreadable = || KmsError::internal("the extended configuration of a managed secret cannot be read");
        let target = RotationTarget::of(secret).ok_or_else(unreadable)?;
        let rotator = match cx.service.rotator_of(&target) {
            Ok(rotator) => rotator,
            // As on the original, unless there is a webhook.
            Err(unreachable) => return Err(only_for(true, secret).err().unwrap_or(unreachable)),
        };
        cx.service.rotations_asked.admit(&secret.account, cx.now())?;
        let (id, now, version) = (secret.id.clone(), cx.now(), request.version_id);
        cx.store()
            .write(move |tx| {
                let (id, version) = (id.clone(), version.clone());
                Box::pin(async move {
                    let secret = secret_for_write(tx, &id).await?;
                    if secrets::versions(tx, &id).await?.get(&version).is_none() {
                        secret_rotations::request(tx, &secret, &version, now).await?;
                    }
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        rotator.wake();
        Ok(response)
    }
}
