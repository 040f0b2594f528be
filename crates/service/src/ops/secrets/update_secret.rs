//! `UpdateSecret`: changes the description of a secret, and the custom data of a managed one.

use sesame_derive::Params;
use sesame_domain::limits;
use sesame_domain::secret::{ManagedConfig, SecretRef};
use sesame_store::secrets;

use super::params::{CustomData, Given, UpdatedConfig};
use super::{Named, secret_for_write};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};
use crate::values::Text;

pub(crate) struct UpdateSecret;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name or the ARN of the secret.
    secret_name: SecretRef,
    /// The new description, up to 8,192 characters; an empty one clears it.
    description: Option<Given<Text<{ limits::DESCRIPTION_CHARS }>>>,
    /// The new custom data of a managed secret, with what is around them: `{"CustomData":{"Port":"3306"}}`.
    extended_config: Option<UpdatedConfig>,
    /// The new custom data of a managed secret: up to 10 texts in a JSON object.
    #[param(name = "ExtendedConfig.CustomData")]
    custom_data: Option<CustomData>,
}

impl Operation for UpdateSecret {
    const NAME: &'static str = "UpdateSecret";
    const SUMMARY: &'static str = "Changes the description of a secret, or the custom data of a managed one.";
    type Request = Request;
    type Response = Named;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Secret(&request.secret_name)]
    }

    fn check(request: &Request, on: &Granted) -> Result<()> {
        let secret = on.secret()?;
        secret.live()?;
        let changes_config = request.custom_data.is_some() || request.extended_config.is_some();
        if changes_config && !secret.secret.kind.is_managed() {
            return Err(KmsError::invalid("ExtendedConfig.CustomData", "a secret of type Generic has none"));
        }
        Ok(())
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Named> {
        let secret = &on.secret()?.secret;
        let (id, now) = (secret.id.clone(), cx.now());
        let description = request.description.map(|text| text.0.0);
        let custom = request.custom_data.map(|data| data.0).or(request.extended_config.map(|config| config.0));
        cx.store()
            .write(move |tx| {
                let (id, description, custom) = (id.clone(), description.clone(), custom.clone());
                Box::pin(async move {
                    let secret = secret_for_write(tx, &id).await?;
                    let config = match custom {
                        None => secret.extended_config.clone(),
                        Some(custom) => {
                            let config = ManagedConfig::parse(secret.kind, &secret.extended_config);
                            let config = config.map_err(KmsError::internal)?.with_custom_data(custom);
                            let refused = |refusal| KmsError::invalid("ExtendedConfig.CustomData", refusal);
                            config.map_err(refused)?.to_text()
                        }
                    };
                    let description = description.unwrap_or_else(|| secret.description.clone());
                    secrets::set_description_and_config(tx, &secret, &description, &config, now).await?;
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Named::of(secret))
    }
}
