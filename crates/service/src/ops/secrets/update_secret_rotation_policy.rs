//! `UpdateSecretRotationPolicy`: switches the automatic rotation of a managed secret.

use sesame_derive::Params;
use sesame_domain::secret::{SecretRef, SecretRotation, SecretRotationInterval, SecretType};
use sesame_store::{secret_rotations, secrets};

use super::{Named, only_for, secret_for_write};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, Target};

pub(crate) struct UpdateSecretRotationPolicy;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name or the ARN of the secret.
    secret_name: SecretRef,
    /// Whether the service changes the value by itself.
    enable_automatic_rotation: bool,
    /// Time between two rotations, such as `7d`: 6 hours to 365 days; needed to switch on.
    rotation_interval: Option<String>,
}

impl Request {
    fn interval(&self) -> Result<Option<SecretRotationInterval>> {
        if !self.enable_automatic_rotation {
            return Ok(None);
        }
        let text = self.rotation_interval.as_ref().ok_or_else(|| KmsError::missing("RotationInterval"))?;
        text.parse().map(Some).map_err(|refusal| KmsError::invalid("RotationInterval", refusal))
    }
}

impl Operation for UpdateSecretRotationPolicy {
    const NAME: &'static str = "UpdateSecretRotationPolicy";
    const SUMMARY: &'static str = "Switches the automatic rotation of a managed secret on or off.";
    type Request = Request;
    type Response = Named;

    fn validate(request: &Request) -> Result<()> {
        request.interval().map(drop)
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Secret(&request.secret_name)]
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        let secret = on.secret()?;
        only_for(true, &secret.secret)?;
        secret.live()
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Named> {
        let secret = &on.secret()?.secret;
        let (id, now, interval) = (secret.id.clone(), cx.now(), request.interval()?);
        cx.store()
            .write(move |tx| {
                let id = id.clone();
                Box::pin(async move {
                    let secret = secret_for_write(tx, &id).await?;
                    if secret.kind == SecretType::RamCredentials && secret_rotations::of(tx, &id).await?.is_some() {
                        let message = "The rotation policy cannot be changed while the secret is being rotated.";
                        return Err(KmsError::new(Code::ResourceInUse, message));
                    }
                    let rotation = secret.rotation.unwrap_or(SecretRotation::OFF);
                    let rotation = rotation.with_policy(interval, secret.created_at);
                    secrets::set_rotation(tx, &secret, rotation, now).await?;
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Named::of(secret))
    }
}
