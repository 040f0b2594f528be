//! `CreateSecret`: makes a secret with its first version.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use sesame_crypto::random::{alphanumeric, uuid_v4};
use sesame_crypto::secret::{SecretBytes, SecretText};
use sesame_crypto::spec::{KeyClass, KeyUsage};
use sesame_derive::Params;
use sesame_domain::secret::{
    DataType, InvalidSecretData, Keep, ManagedConfig, Secret, SecretName, SecretRotation, SecretRotationInterval,
    SecretType, SecretVersion, SecretVersionId, StageLabel, Versions, initial_values,
};
use sesame_domain::tag::ResourceType;
use sesame_domain::{KeyRef, Tag, limits};
use sesame_policy::Kind;
use sesame_store::secrets::NewSecretVersion;
use sesame_store::{StoreError, secrets, tags};

use super::RotationFields;
use super::SetSecretPolicy;
use super::default_key::default_key;
use super::params::{NewName, SecretData, name_refused};
use crate::authorize::{Gate, Granted};
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::keys::LoadedKey;
use crate::operation::{Operation, Target, TargetKey};
use crate::ops::policies::{Proposed, SecretPolicy};
use crate::ops::tags::params::JsonTags;
use crate::quotas::Resource;
use crate::rotator::RotationTarget;
use crate::secrets::seal;
use crate::values::{JsonText, Text};

pub(crate) struct CreateSecret;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The name, unique in the account; `$Auto` for `RAMCredentials`, which are named after their user.
    secret_name: NewName,
    /// The id of the first version, 1 to 64 characters.
    version_id: SecretVersionId,
    /// The value, up to 30,720 bytes, in the form of the secret's type.
    secret_data: SecretData,
    /// `text` (default) or `binary`; the value is stored as it is in both cases.
    secret_data_type: Option<DataType>,
    /// `Generic` (default), `Rds`, `Redis`, `RAMCredentials`, `ECS` or `PolarDB`.
    secret_type: Option<SecretType>,
    /// The id, the ARN or an alias of the symmetric key that seals the values; a key of the service by default.
    encryption_key_id: Option<KeyRef>,
    /// The KMS instance to hold the secret; none for a secret outside instances.
    #[param(name = "DKMSInstanceId")]
    dkms_instance_id: Option<String>,
    /// What the secret is for, up to 8,192 characters.
    description: Option<Text<{ limits::DESCRIPTION_CHARS }>>,
    /// Tags: `[{"TagKey":"k","TagValue":"v"}]`, up to 20.
    tags: Option<JsonTags>,
    /// A JSON object that says what a managed secret opens; ignored for `Generic`.
    extended_config: Option<JsonText<65_536>>,
    /// Whether the service changes the value by itself; managed secrets only.
    enable_automatic_rotation: Option<bool>,
    /// Time between two rotations, such as `7d`; 6 hours to 365 days.
    rotation_interval: Option<String>,
    /// The secret policy, up to 32,768 bytes.
    policy: Option<SecretPolicy>,
}

/// What is left to find out about a well-formed request.
struct Plan {
    name: SecretName,
    config: Option<ManagedConfig>,
    rotation: Option<SecretRotationInterval>,
}

impl Request {
    fn kind(&self) -> SecretType {
        self.secret_type.unwrap_or(SecretType::Generic)
    }

    fn plan(&self) -> Result<Plan> {
        let kind = self.kind();
        let config = if kind.is_managed() {
            let text = self.extended_config.as_ref().ok_or_else(|| KmsError::missing("ExtendedConfig"))?;
            let parsed = ManagedConfig::parse(kind, &text.0);
            Some(parsed.map_err(|refusal| KmsError::invalid("ExtendedConfig", refusal))?)
        } else {
            None
        };
        let name = match (&config, kind) {
            (Some(config), SecretType::RamCredentials) => {
                if self.secret_name.0 != "$Auto" {
                    return Err(KmsError::invalid("SecretName", "it must be $Auto for RAMCredentials"));
                }
                format!("acs/ram/user/{}", config.target())
            }
            _ => self.secret_name.0.clone(),
        };
        let name: SecretName = name.parse().map_err(name_refused)?;
        name.allowed_for(kind).map_err(name_refused)?;
        if kind.is_managed() && self.secret_data_type == Some(DataType::Binary) {
            return Err(KmsError::invalid("SecretDataType", "a managed secret holds text"));
        }
        let rotation = if kind.is_managed() && self.enable_automatic_rotation == Some(true) {
            let text = self.rotation_interval.as_ref().ok_or_else(|| KmsError::missing("RotationInterval"))?;
            Some(text.parse().map_err(|refusal| KmsError::invalid("RotationInterval", refusal))?)
        } else {
            None
        };
        Ok(Plan { name, config, rotation })
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    arn: String,
    secret_name: String,
    version_id: String,
    secret_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_config: Option<String>,
    #[serde(flatten)]
    rotation: RotationFields,
}

impl Operation for CreateSecret {
    const NAME: &'static str = "CreateSecret";
    const SUMMARY: &'static str = "Makes a secret and stores its first value.";
    const SUPPLIES_KEY_TAGS: bool = false;
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        if request.dkms_instance_id.is_some() {
            return Err(Code::DkmsInstanceNotFound.into());
        }
        request.plan().map(drop)
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        let key = request.encryption_key_id.as_ref();
        let key = key.map(|key| Target::With("GenerateDataKey", TargetKey::Any(key)));
        std::iter::once(Target::Collection("secret")).chain(key)
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        match on.keys().first() {
            Some(key) if key.key.spec.class() != KeyClass::Symmetric || key.key.usage != KeyUsage::EncryptDecrypt => {
                Err(KmsError::invalid("EncryptionKeyId", "it must be a symmetric key for encryption"))
            }
            _ => Ok(()),
        }
    }

    fn request_tags(request: &Request) -> &[Tag] {
        request.tags.as_ref().map_or(&[], |tags| &tags.0)
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let Plan { name, config, rotation } = request.plan()?;
        if let (SecretType::RamCredentials, Some(config)) = (request.kind(), &config) {
            // Whoever holds the secret will hold a new access key of the user after each rotation.
            let gate = Gate::of::<Self>(cx, Some(&request)).await?;
            gate.pass_for_user("CreateAccessKey", config.target()).await?;
        }
        if let Some(policy) = &request.policy {
            let (kind, owner) = (Kind::Secret, cx.account());
            Proposed { kind, owner, text: policy.as_str(), replaces: None }.admit::<SetSecretPolicy>(cx).await?;
        }
        // Asked before anything is made on the system that the secret opens; the transaction asks again.
        if let Some(taken) = cx.secrets().get(cx.account(), &name).await? {
            taken.live()?;
            return Err(Code::ResourceExist.into());
        }
        let key = match on.keys().first() {
            Some(key) => Arc::clone(key),
            None => default_key(cx).await?,
        };
        // Also the key of the service can be disabled.
        key.key.state.permits(Self::NAME)?;
        let kind = request.kind();
        let secret = Secret {
            id: alphanumeric(cx.random(), 24)?.parse().map_err(KmsError::internal)?,
            account: cx.account().clone(),
            name,
            kind,
            description: request.description.map(|text| text.0).unwrap_or_default(),
            key: key.key.id.clone(),
            instance_id: String::new(),
            extended_config: config.as_ref().map(ManagedConfig::to_text).unwrap_or_default(),
            rotation: kind.is_managed().then(|| SecretRotation::OFF.with_policy(rotation, cx.now())),
            created_at: cx.now(),
            updated_at: cx.now(),
            delete_at: None,
            owing_service: String::new(),
            creator: cx.account().to_string(),
        };
        let data_type = request.secret_data_type.unwrap_or(DataType::Text);
        let first = First { id: request.version_id, data_type, data: request.secret_data.0 };
        let (versions, values) = first_versions(cx, &key, &secret, config.as_ref(), first).await?;
        let new = Arc::new((secret, versions, values));
        let tags = Arc::<[_]>::from(request.tags.map(|tags| tags.0).unwrap_or_default());
        let policy = request.policy;
        let limits = cx.service.limits;
        let stored = Arc::clone(&new);
        cx.store()
            .write(move |tx| {
                let (stored, tags, policy) = (Arc::clone(&stored), Arc::clone(&tags), policy.clone());
                Box::pin(async move {
                    let (secret, versions, values) = &*stored;
                    if let Some(quota) = limits.quota(Resource::Secrets) {
                        quota.admit_beside(secrets::count(tx, &secret.account).await?)?;
                    }
                    let values: Vec<_> = versions
                        .list()
                        .iter()
                        .zip(values)
                        .map(|(version, value)| NewSecretVersion { version, value })
                        .collect();
                    secrets::insert(tx, secret, &values, versions).await.map_err(|error| match error {
                        StoreError::AlreadyExists => Code::ResourceExist.into(),
                        error => KmsError::from(error),
                    })?;
                    if let Some(policy) = &policy {
                        secrets::set_policy(tx, secret, policy.as_str()).await?;
                    }
                    if !tags.is_empty() {
                        tags::put(tx, &secret.account, ResourceType::Secret, &[secret.name.as_str()], &tags).await?;
                    }
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        let (secret, versions, _) = &*new;
        let current = versions.marked(&StageLabel::current());
        Ok(Response {
            arn: cx.arn(cx.account(), format_args!("secret/{}", secret.name)),
            secret_name: secret.name.to_string(),
            version_id: current.map(|version| version.id.to_string()).unwrap_or_default(),
            secret_type: kind.name(),
            extended_config: config.map(|config| config.to_text()),
            rotation: RotationFields::of(secret),
        })
    }
}

/// The version that the caller names.
struct First {
    id: SecretVersionId,
    data_type: DataType,
    data: SecretText,
}

/// The versions of a new secret in the order of their numbers, and their values in envelopes.
async fn first_versions(
    cx: &Context<'_>,
    key: &LoadedKey,
    secret: &Secret,
    config: Option<&ManagedConfig>,
    first: First,
) -> Result<(Versions, Vec<SecretBytes>)> {
    let (current, previous) = match config {
        None => (first.data, None),
        Some(config) => {
            let new = initial_values(secret.kind, config, first.data, cx.now(), cx.random());
            let new = new.map_err(|refusal| match refusal {
                InvalidSecretData::Form(_) => KmsError::invalid("SecretData", refusal),
                InvalidSecretData::Crypto(cause) => cause.into(),
            })?;
            if new.made_here
                && let (Some(target), Some(previous)) = (RotationTarget::of(secret), &new.previous)
            {
                let rotator = cx.service.rotator_of(&target)?;
                let made = rotator.make_accounts(&target, [&new.current, previous]).await;
                made.map_err(|failure| KmsError::invalid("ExtendedConfig", failure))?;
            }
            (new.current, new.previous)
        }
    };
    let (mut versions, mut values) = (Versions::default(), Vec::new());
    let second = previous.map(|value| Ok::<_, KmsError>((uuid_v4(cx.random())?, value))).transpose()?;
    let older = second.map(|(id, value)| id.parse().map(|id| (id, value))).transpose().map_err(KmsError::internal)?;
    for (id, value) in older.into_iter().chain([(first.id, current)]) {
        let number = versions.next_number();
        let version = SecretVersion { id, number, created_at: cx.now(), data_type: first.data_type };
        values.push(seal(cx, key, secret, &version, &value).await?);
        versions.put(version, &BTreeSet::new(), Keep::Newest).map_err(KmsError::internal)?;
    }
    Ok((versions, values))
}
