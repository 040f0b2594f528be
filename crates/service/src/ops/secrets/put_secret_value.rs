//! `PutSecretValue`: stores a new version of a generic secret.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use sesame_crypto::secret::SecretBytes;
use sesame_derive::Params;
use sesame_domain::secret::{DataType, Keep, SecretRef, SecretVersion, SecretVersionId, StageLabel, Versions};
use sesame_store::secrets;
use sesame_store::secrets::NewSecretVersion;

use super::params::{SecretData, Stages};
use super::{VersionStages, only_for, secret_for_write, stage_refused};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, Target};
use crate::secrets::{open_envelope, seal};

pub(crate) struct PutSecretValue;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name or the ARN of the secret.
    secret_name: SecretRef,
    /// The id of the new version. Storing the same value again under its id changes nothing.
    version_id: SecretVersionId,
    /// The value, up to 30,720 bytes.
    secret_data: SecretData,
    /// `text` (default) or `binary`; the value is stored as it is in both cases.
    secret_data_type: Option<DataType>,
    /// The labels of the new version, `["ACSCurrent"]` by default.
    version_stages: Option<Stages>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    secret_name: String,
    version_id: String,
    version_stages: VersionStages,
}

/// What the transaction did.
enum Put {
    Stored(Versions),
    Exists(SecretVersion, SecretBytes, Versions),
}

impl Operation for PutSecretValue {
    const NAME: &'static str = "PutSecretValue";
    const SUMMARY: &'static str = "Stores a new value of a generic secret as a new version.";
    const SUPPLIES_KEY_TAGS: bool = false;
    type Request = Request;
    type Response = Response;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::SecretAndKey(&request.secret_name, "GenerateDataKey")]
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        let secret = on.secret()?;
        only_for(false, &secret.secret)?;
        secret.live()
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let (secret, key) = (&on.secret()?.secret, on.key()?);
        let data_type = request.secret_data_type.unwrap_or(DataType::Text);
        let new = SecretVersion { id: request.version_id.clone(), number: 0, created_at: cx.now(), data_type };
        let envelope = seal(cx, key, secret, &new, &request.secret_data.0).await?;
        let labels = request.version_stages.map(|stages| stages.0).unwrap_or_default();
        let put = put(cx, secret, new, envelope, labels).await?;
        let versions = match put {
            Put::Stored(versions) => versions,
            Put::Exists(version, envelope, versions) => {
                // EXPOSE: an envelope is no secret; the values are compared in constant time.
                let stored = open_envelope(cx, key, secret, &version, envelope.expose()).await?;
                if stored != request.secret_data.0 || version.data_type != data_type {
                    let message = "The resource already exists: the version has another value.";
                    return Err(KmsError::new(Code::ResourceExist, message));
                }
                versions
            }
        };
        Ok(Response {
            secret_name: secret.name.to_string(),
            version_stages: VersionStages::of(&versions, &request.version_id),
            version_id: request.version_id.to_string(),
        })
    }
}

async fn put(
    cx: &Context<'_>,
    secret: &sesame_domain::secret::Secret,
    new: SecretVersion,
    envelope: SecretBytes,
    labels: BTreeSet<StageLabel>,
) -> Result<Put> {
    let (id, now) = (secret.id.clone(), cx.now());
    let input = Arc::new((new, envelope, labels));
    cx.store()
        .write(move |tx| {
            let (id, input) = (id.clone(), Arc::clone(&input));
            Box::pin(async move {
                let (new, envelope, labels) = &*input;
                let secret = secret_for_write(tx, &id).await?;
                let mut versions = secrets::versions(tx, &id).await?;
                if let Some(existing) = versions.get(&new.id).cloned() {
                    let envelope = secrets::value(tx, &id, existing.number).await?.unwrap_or_default();
                    return Ok(Put::Exists(existing, envelope, versions));
                }
                let version = SecretVersion { number: versions.next_number(), ..new.clone() };
                let gone = versions.put(version.clone(), labels, Keep::Newest).map_err(stage_refused)?;
                let value = NewSecretVersion { version: &version, value: envelope };
                secrets::add_version(tx, &secret, &value, &versions, &gone, now).await?;
                Ok::<_, KmsError>(Put::Stored(versions))
            })
        })
        .await
}
