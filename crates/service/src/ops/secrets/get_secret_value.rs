//! `GetSecretValue`: the value of a version.

use serde::Serialize;
use sesame_derive::Params;
use sesame_domain::secret::{SecretRef, SecretVersion, SecretVersionId, SelectRefusal, StageLabel};

use super::{RotationFields, VersionStages};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::keys::LoadedKey;
use crate::operation::{Operation, Target};
use crate::ops::crypto::no_recipient;
use crate::secrets::{LoadedSecret, open};
use crate::values::Reveal;

pub(crate) struct GetSecretValue;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name or the ARN of the secret.
    secret_name: SecretRef,
    /// The label of the version, `ACSCurrent` by default.
    version_stage: Option<StageLabel>,
    /// The id of the version; it must carry VersionStage when both are given. Ignored for managed secrets.
    version_id: Option<SecretVersionId>,
    /// Whether to answer the extended configuration of a managed secret too.
    fetch_extended_config: Option<bool>,
    /// Whether to only rehearse the call.
    dry_run: Option<bool>,
    /// Attestation of a recipient; not supported.
    recipient: Option<String>,
}

/// Which version is asked for, and how much of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted<'r> {
    pub(super) stage: Option<&'r StageLabel>,
    pub(super) id: Option<&'r SecretVersionId>,
    pub(super) extended_config: bool,
}

impl Wanted<'_> {
    /// The version, of a secret that is live.
    pub(super) fn version<'s>(&self, from: &'s LoadedSecret) -> Result<&'s SecretVersion> {
        from.live()?;
        let managed = from.secret.kind.is_managed();
        if managed && self.stage.is_some_and(|stage| !stage.is_built_in()) {
            return Err(KmsError::invalid("VersionStage", "a managed secret has ACSCurrent and ACSPrevious"));
        }
        from.versions.select(self.id.filter(|_| !managed), self.stage).map_err(|refusal| match refusal {
            SelectRefusal::NotFound => KmsError::new(Code::ResourceNotFound, "Resource not found: the secret version."),
            SelectRefusal::Mismatch => KmsError::invalid("VersionStage", refusal),
        })
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    secret_name: String,
    version_id: String,
    secret_data: Reveal,
    secret_data_type: &'static str,
    secret_type: &'static str,
    create_time: String,
    version_stages: VersionStages,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_config: Option<String>,
    #[serde(flatten)]
    rotation: RotationFields,
}

impl Operation for GetSecretValue {
    const NAME: &'static str = "GetSecretValue";
    const SUMMARY: &'static str = "Gives the value of a secret: the current one, or that of another version.";
    const SENSITIVE: bool = true;
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        no_recipient(request.recipient.as_deref())
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::SecretAndKey(&request.secret_name, "Decrypt")]
    }

    fn is_dry_run(request: &Request) -> bool {
        request.dry_run == Some(true)
    }

    fn check(request: &Request, on: &Granted) -> Result<()> {
        request.wanted().version(on.secret()?).map(drop)
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        read(cx, on.secret()?, on.key()?, request.wanted()).await
    }
}

impl Request {
    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            stage: self.version_stage.as_ref(),
            id: self.version_id.as_ref(),
            extended_config: self.fetch_extended_config == Some(true),
        }
    }
}

/// Reads a version of a secret that the caller may read.
pub(super) async fn read(
    cx: &Context<'_>,
    from: &LoadedSecret,
    key: &LoadedKey,
    wanted: Wanted<'_>,
) -> Result<Response> {
    let LoadedSecret { secret, versions } = from;
    let version = wanted.version(from)?;
    let value = open(cx, key, secret, version).await?;
    let value =
        value.ok_or_else(|| KmsError::new(Code::ResourceNotFound, "Resource not found: the secret version."))?;
    let managed = secret.kind.is_managed();
    Ok(Response {
        secret_name: secret.name.to_string(),
        version_id: version.id.to_string(),
        secret_data: Reveal(value),
        secret_data_type: version.data_type.name(),
        secret_type: secret.kind.name(),
        create_time: secret.created_at.to_string(),
        version_stages: VersionStages::of(versions, &version.id),
        extended_config: (managed && wanted.extended_config).then(|| secret.extended_config.clone()),
        rotation: RotationFields::of(secret),
    })
}
