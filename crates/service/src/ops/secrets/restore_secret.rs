//! `RestoreSecret`: takes back the deletion of a secret.

use sesame_derive::Params;
use sesame_domain::secret::{Secret, SecretRef};
use sesame_store::secrets;

use super::Named;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, Target};

pub(crate) struct RestoreSecret;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name or the ARN of the secret.
    secret_name: SecretRef,
}

fn is_scheduled(secret: &Secret) -> Result<()> {
    if secret.delete_at.is_some() { Ok(()) } else { Err(Code::ResourceInUse.into()) }
}

impl Operation for RestoreSecret {
    const NAME: &'static str = "RestoreSecret";
    const SUMMARY: &'static str = "Takes back the deletion of a secret, with all its versions and labels.";
    type Request = Request;
    type Response = Named;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Secret(&request.secret_name)]
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        is_scheduled(&on.secret()?.secret)
    }

    async fn run(cx: &Context<'_>, on: Granted, _: Request) -> Result<Named> {
        let secret = &on.secret()?.secret;
        let id = secret.id.clone();
        cx.store()
            .write(move |tx| {
                let id = id.clone();
                Box::pin(async move {
                    let secret = secrets::get(tx, &id).await?.ok_or(Code::ResourceNotFound)?;
                    is_scheduled(&secret)?;
                    secrets::set_delete_at(tx, &secret, None).await?;
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Named::of(secret))
    }
}
