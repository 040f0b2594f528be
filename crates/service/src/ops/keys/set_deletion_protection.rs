//! `SetDeletionProtection`: refuses or allows the deletion of a key.

use sesame_derive::Params;
use sesame_domain::{KeyRef, limits};
use sesame_store::keys;

use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::ops::key_for_write;
use crate::values::Text;

pub(crate) struct SetDeletionProtection;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The ARN of the key.
    protected_resource_arn: Option<KeyRef>,
    /// The id of the key, in place of its ARN.
    key_id: Option<KeyRef>,
    /// The id of a KMS instance, in place of a key.
    kms_instance_id: Option<String>,
    /// Whether deletion is refused. When it is not given, only the description changes.
    enable_deletion_protection: Option<bool>,
    /// Why the resource is protected, up to 8,192 characters; kept only while it is.
    deletion_protection_description: Option<Text<{ limits::DESCRIPTION_CHARS }>>,
}

impl Operation for SetDeletionProtection {
    const NAME: &'static str = "SetDeletionProtection";
    const SUMMARY: &'static str = "Refuses, or allows again, the deletion of a key.";
    type Request = Request;
    type Response = Empty;

    fn validate(request: &Request) -> Result<()> {
        if request.kms_instance_id.is_some() {
            return Err(Code::DkmsInstanceNotFound.into());
        }
        if matches!(request.protected_resource_arn, Some(KeyRef::Id(_) | KeyRef::Alias(_, None) | KeyRef::Unknown)) {
            return Err(KmsError::invalid("ProtectedResourceArn", "it must be the ARN of a key"));
        }
        match (&request.protected_resource_arn, &request.key_id) {
            (None, None) => Err(KmsError::missing("ProtectedResourceArn")),
            (Some(KeyRef::Arn(_, named)), Some(KeyRef::Id(id) | KeyRef::Arn(_, id))) if named != id => {
                Err(KmsError::invalid("KeyId", "it names another key than ProtectedResourceArn"))
            }
            _ if request.enable_deletion_protection.is_none() && request.deletion_protection_description.is_none() => {
                Err(KmsError::missing("EnableDeletionProtection"))
            }
            _ => Ok(()),
        }
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        request.protected_resource_arn.as_ref().or(request.key_id.as_ref()).map(Target::KeyById)
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Empty> {
        let id = on.key()?.key.id.clone();
        let (enable, description) = (request.enable_deletion_protection, request.deletion_protection_description);
        cx.store()
            .write(move |tx| {
                let (id, description) = (id.clone(), description.clone());
                Box::pin(async move {
                    let key = key_for_write(tx, &id, Self::NAME).await?;
                    let enable = enable.unwrap_or(key.deletion_protection);
                    let description = match description {
                        Some(Text(text)) if enable => text,
                        None if enable => key.deletion_protection_description.clone(),
                        _ => String::new(),
                    };
                    keys::set_deletion_protection(tx, &id, enable, &description).await?;
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Empty {})
    }
}
