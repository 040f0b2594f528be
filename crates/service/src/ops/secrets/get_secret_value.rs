//! `GetSecretValue`: the value of a version.

use std::io::Write as _;
use std::sync::Arc;

use serde::ser::Error as _;
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
use crate::registry::Body as _;
use crate::secrets::{LoadedSecret, open_kept};
use crate::values::Reveal;
use crate::wipe;

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
    /// The number of the version.
    number: i64,
    value: Reveal,
    extended_config: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct View<'a> {
    secret_name: &'a str,
    version_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_data: Option<&'a Reveal>,
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

impl<'a> View<'a> {
    fn of(from: &'a LoadedSecret, version: &'a SecretVersion) -> Self {
        let LoadedSecret { secret, versions, shown, .. } = from;
        let RotationFields { automatic_rotation, rotation_interval, last_rotation_date, next_rotation_date } =
            &shown.rotation;
        Self {
            secret_name: secret.name.as_str(),
            version_id: version.id.as_str(),
            secret_data: None,
            secret_data_type: version.data_type.name(),
            secret_type: secret.kind.name(),
            create_time: &shown.create_time,
            version_stages: Stages { of: (versions, &version.id) },
            extended_config: None,
            automatic_rotation: *automatic_rotation,
            rotation_interval: rotation_interval.as_deref(),
            last_rotation_date: last_rotation_date.as_deref(),
            next_rotation_date: next_rotation_date.as_deref(),
        }
    }
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let from = &*self.from;
        let version = from.versions.numbered(self.number).ok_or_else(|| S::Error::custom("the version is gone"))?;
        let extended_config = self.extended_config.then_some(&*from.secret.extended_config);
        View { secret_data: Some(&self.value), extended_config, ..View::of(from, version) }.serialize(serializer)
    }
}

/// The answer with the value of a version as JSON, but for the value: without the brace at the end.
pub(crate) fn members_without_value(from: &LoadedSecret, version: &SecretVersion) -> Result<Box<[u8]>> {
    let mut members = serde_json::to_vec(&View::of(from, version)).map_err(KmsError::internal)?;
    members.pop();
    Ok(members.into())
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

    /// All but the value is the same in every answer: it is copied, not serialised.
    fn write_json(response: &Response, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let members = response.from.members_at_hand(response.number).filter(|_| !response.extended_config);
        let Some(members) = members else { return response.write_json(out) };
        let mut writer = wipe::Writer(out);
        // Writing to memory cannot fail.
        let _ = writer.write_all(members).and_then(|()| writer.write_all(b",\"SecretData\":"));
        serde_json::to_writer(&mut writer, &response.value)?;
        let _ = writer.write_all(b"}");
        Ok(())
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let (secret, key) = (on.secret()?, on.key()?);
        read(cx, secret, key, request.wanted()).await
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
        number: version.number,
        value: Reveal(value),
        extended_config: wanted.extended_config && from.secret.kind.is_managed(),
    })
}
