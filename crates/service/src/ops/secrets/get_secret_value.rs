//! `GetSecretValue`: the value of a version.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use sesame_derive::Params;
use sesame_domain::secret::{SecretRef, SecretVersion, SecretVersionId, SelectRefusal, StageLabel, Versions};

use super::RotationFields;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::keys::LoadedKey;
use crate::operation::{Operation, Target};
use crate::ops::crypto::no_recipient;
use crate::secrets::{LoadedSecret, open_kept};
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
        let selected = match (self.id.filter(|_| !managed), self.stage) {
            (None, None) => from.current.as_ref().ok_or(SelectRefusal::NotFound),
            (id, stage) => from.versions.select(id, stage),
        };
        selected.map_err(|refusal| match refusal {
            SelectRefusal::NotFound => KmsError::new(Code::ResourceNotFound, "Resource not found: the secret version."),
            SelectRefusal::Mismatch => KmsError::invalid("VersionStage", refusal),
        })
    }
}

/// Written from what is loaded: the value is the only text that is made for one answer.
#[derive(Debug)]
pub(crate) struct Response {
    from: Arc<LoadedSecret>,
    version: SecretVersion,
    value: Reveal,
    extended_config: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct View<'a> {
    secret_name: &'a str,
    version_id: &'a str,
    secret_data: &'a Reveal,
    secret_data_type: &'static str,
    secret_type: &'static str,
    create_time: &'a str,
    version_stages: Stages<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_config: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    automatic_rotation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_interval: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_rotation_date: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rotation_date: Option<&'a str>,
}

#[derive(Serialize)]
struct Stages<'a> {
    #[serde(rename = "VersionStage", serialize_with = "labels")]
    of: (&'a Versions, &'a SecretVersionId),
}

fn labels<S: Serializer>(
    (versions, id): &(&Versions, &SecretVersionId),
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_seq(versions.labels_of(id).map(StageLabel::as_str))
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let LoadedSecret { secret, versions, shown, .. } = &*self.from;
        let RotationFields { automatic_rotation, rotation_interval, last_rotation_date, next_rotation_date } =
            &shown.rotation;
        let view = View {
            secret_name: secret.name.as_str(),
            version_id: self.version.id.as_str(),
            secret_data: &self.value,
            secret_data_type: self.version.data_type.name(),
            secret_type: secret.kind.name(),
            create_time: &shown.create_time,
            version_stages: Stages { of: (versions, &self.version.id) },
            extended_config: self.extended_config.then_some(&*secret.extended_config),
            automatic_rotation: *automatic_rotation,
            rotation_interval: rotation_interval.as_deref(),
            last_rotation_date: last_rotation_date.as_deref(),
            next_rotation_date: next_rotation_date.as_deref(),
        };
        view.serialize(serializer)
    }
}

impl Operation for GetSecretValue {
    const NAME: &'static str = "GetSecretValue";
    const SUMMARY: &'static str = "Gives the value of a secret: the current one, or that of another version.";
    const SENSITIVE: bool = true;
    const SUPPLIES_KEY_TAGS: bool = false;
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
    from: &Arc<LoadedSecret>,
    key: &LoadedKey,
    wanted: Wanted<'_>,
) -> Result<Response> {
    let version = wanted.version(from)?;
    let value = open_kept(cx, key, from, version).await?;
    let value =
        value.ok_or_else(|| KmsError::new(Code::ResourceNotFound, "Resource not found: the secret version."))?;
    Ok(Response {
        from: Arc::clone(from),
        version: version.clone(),
        value: Reveal(value),
        extended_config: wanted.extended_config && from.secret.kind.is_managed(),
    })
}
