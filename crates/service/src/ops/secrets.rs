//! Secrets: Secrets Manager (secrets reference).

mod batch_get_secret_value;
mod create_secret;
mod default_key;
mod delete_secret;
mod describe_secret;
mod filters;
mod get_random_password;
mod get_secret_policy;
mod get_secret_value;
mod list_secret_version_ids;
mod list_secrets;
mod params;
mod put_secret_value;
mod restore_secret;
mod rotate_secret;
mod set_secret_policy;
mod update_secret;
mod update_secret_rotation_policy;
mod update_secret_version_stage;

pub(crate) use batch_get_secret_value::BatchGetSecretValue;
pub(crate) use create_secret::CreateSecret;
pub(crate) use default_key::CREATOR as DEFAULT_KEY_CREATOR;
pub(crate) use delete_secret::DeleteSecret;
pub(crate) use describe_secret::DescribeSecret;
pub(crate) use get_random_password::GetRandomPassword;
pub(crate) use get_secret_policy::GetSecretPolicy;
pub(crate) use get_secret_value::{GetSecretValue, members_without_value};
pub(crate) use list_secret_version_ids::ListSecretVersionIds;
pub(crate) use list_secrets::ListSecrets;
pub(crate) use list_secrets::SecretPage;
pub(crate) use put_secret_value::PutSecretValue;
pub(crate) use restore_secret::RestoreSecret;
pub(crate) use rotate_secret::RotateSecret;
pub(crate) use set_secret_policy::SetSecretPolicy;
pub(crate) use update_secret::UpdateSecret;
pub(crate) use update_secret_rotation_policy::UpdateSecretRotationPolicy;
pub(crate) use update_secret_version_stage::UpdateSecretVersionStage;

use serde::Serialize;
use sesame_domain::secret::{Secret, SecretId, SecretVersionId, StageRefusal, Versions};
use sesame_domain::tag::Tag;
use sesame_store::{Tx, secrets};

use crate::error::{Code, KmsError, Result};
use crate::secrets::live;

/// The secret as the transaction sees it, if it is still there and live.
pub(crate) async fn secret_for_write(tx: &mut Tx<'_>, id: &SecretId) -> Result<Secret> {
    let secret = secrets::get(tx, id).await?.ok_or(Code::ResourceNotFound)?;
    live(&secret)?;
    Ok(secret)
}

/// Refuses an operation that is for the other kind of secrets: those that the service manages, or those that it does not.
fn only_for(managed: bool, secret: &Secret) -> Result<()> {
    if secret.kind.is_managed() == managed {
        return Ok(());
    }
    let message = format!("This operation does not support secrets of type {}.", secret.kind.name());
    Err(KmsError::new(Code::UnsupportedOperation, message))
}

fn stage_refused(refusal: StageRefusal) -> KmsError {
    match refusal {
        StageRefusal::NoSuchVersion => KmsError::new(Code::ResourceNotFound, "Resource not found: the secret version."),
        StageRefusal::TooManyLabels => KmsError::new(Code::LimitExceeded, refusal.to_string() + "."),
        StageRefusal::WrongHolder => KmsError::invalid("RemoveFromVersion", refusal),
        StageRefusal::BuiltIn => KmsError::invalid("VersionStage", refusal),
    }
}

/// `{SecretName}`: what operations answer that change a secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Named {
    secret_name: String,
}

impl Named {
    fn of(secret: &Secret) -> Self {
        Self { secret_name: secret.name.to_string() }
    }
}

/// `VersionStages` in answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct VersionStages {
    version_stage: Vec<String>,
}

impl VersionStages {
    fn of(versions: &Versions, id: &SecretVersionId) -> Self {
        Self { version_stage: versions.labels_of(id).map(ToString::to_string).collect() }
    }
}

/// `Tags` in answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tags {
    tag: Vec<TagItem>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TagItem {
    tag_key: String,
    tag_value: String,
}

impl FromIterator<Tag> for Tags {
    fn from_iter<I: IntoIterator<Item = Tag>>(tags: I) -> Self {
        let item =
            |tag: Tag| TagItem { tag_key: tag.key.as_str().to_owned(), tag_value: tag.value.as_str().to_owned() };
        Self { tag: tags.into_iter().map(item).collect() }
    }
}

/// The rotation of a managed secret as answers show it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RotationFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    automatic_rotation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation_interval: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_rotation_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_rotation_date: Option<String>,
}

/// Times and rotation as answers with a value show them.
#[derive(Debug)]
pub(crate) struct Shown {
    create_time: String,
    rotation: RotationFields,
}

impl Shown {
    pub(crate) fn of(secret: &Secret) -> Self {
        Self { create_time: secret.created_at.to_string(), rotation: RotationFields::of(secret) }
    }
}

impl RotationFields {
    fn of(secret: &Secret) -> Self {
        let Some(rotation) = secret.rotation else { return Self::default() };
        Self {
            automatic_rotation: Some(rotation.automatic.name()),
            rotation_interval: rotation.interval.map(|interval| interval.to_string()),
            last_rotation_date: rotation.last.map(|time| time.to_string()),
            next_rotation_date: rotation.next.map(|time| time.to_string()),
        }
    }
}
