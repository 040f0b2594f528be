//! `UpdateSecretVersionStage`: moves, adds or removes a label of a generic secret.

use sesame_derive::Params;
use sesame_domain::secret::{SecretRef, SecretVersionId, StageLabel};
use sesame_store::secrets;

use super::{Named, only_for, secret_for_write, stage_refused};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};

pub(crate) struct UpdateSecretVersionStage;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name or the ARN of the secret.
    secret_name: SecretRef,
    /// The label: `ACSCurrent`, `ACSPrevious`, or one of your own.
    version_stage: StageLabel,
    /// The version that gets the label; needed for `ACSCurrent` and `ACSPrevious`.
    move_to_version: Option<SecretVersionId>,
    /// The version that loses the label.
    remove_from_version: Option<SecretVersionId>,
}

impl Operation for UpdateSecretVersionStage {
    const NAME: &'static str = "UpdateSecretVersionStage";
    const SUMMARY: &'static str = "Moves a label to another version of a secret, adds it, or removes it.";
    type Request = Request;
    type Response = Named;

    fn validate(request: &Request) -> Result<()> {
        if request.move_to_version.is_some() {
            return Ok(());
        }
        if request.version_stage.is_built_in() || request.remove_from_version.is_none() {
            return Err(KmsError::missing("MoveToVersion"));
        }
        Ok(())
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Secret(&request.secret_name)]
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        let secret = on.secret()?;
        only_for(false, &secret.secret)?;
        secret.live()
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Named> {
        let secret = &on.secret()?.secret;
        let (id, now) = (secret.id.clone(), cx.now());
        let Request { version_stage, move_to_version, remove_from_version, .. } = request;
        let change = (version_stage, move_to_version, remove_from_version);
        cx.store()
            .write(move |tx| {
                let (id, (label, to, from)) = (id.clone(), change.clone());
                Box::pin(async move {
                    let secret = secret_for_write(tx, &id).await?;
                    let mut versions = secrets::versions(tx, &id).await?;
                    let before = versions.clone();
                    versions.move_stage(&label, to.as_ref(), from.as_ref()).map_err(stage_refused)?;
                    if versions != before {
                        secrets::replace_stages(tx, &secret, &versions, now).await?;
                    }
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Named::of(secret))
    }
}
