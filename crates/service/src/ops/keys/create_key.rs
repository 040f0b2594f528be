//! `CreateKey`: makes a key, or a container for imported material.

use std::sync::Arc;

use sesame_crypto::material::UnlockedKey;
use sesame_crypto::random::alphanumeric;
use sesame_crypto::secret::SecretBytes;
use sesame_crypto::spec::{KeySpec, KeyUsage};
use sesame_derive::Params;
use sesame_domain::rotation::RotationInterval;
use sesame_domain::tag::ResourceType;
use sesame_domain::{Key, KeyId, KeyState, KeyVersion, KeyVersionId, Origin, ProtectionLevel, Tag, limits};
use sesame_policy::Kind;
use sesame_store::keys::NewVersion;
use sesame_store::{key_policies, keys, tags};

use super::metadata::{KeyMetadata, Response};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, Target};
use crate::ops::policies::{KeyPolicy, Proposed, SetKeyPolicy};
use crate::ops::tags::params::JsonTags;
use crate::quotas::Resource;
use crate::rotation;
use crate::values::Text;
use crate::workers::Work;

pub(crate) struct CreateKey;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// What the key is for, up to 8,192 characters.
    description: Option<Text<{ limits::DESCRIPTION_CHARS }>>,
    /// Algorithm and size, `Aliyun_AES_256` by default.
    key_spec: Option<KeySpec>,
    /// What the key may be used for; signing when the spec can sign, else encryption, by default.
    key_usage: Option<KeyUsage>,
    /// `Aliyun_KMS` (default), or `EXTERNAL` for material to be imported.
    origin: Option<Origin>,
    /// `SOFTWARE` (default) or `HSM`.
    protection_level: Option<ProtectionLevel>,
    /// Whether new versions are made automatically; symmetric keys only.
    enable_automatic_rotation: Option<bool>,
    /// Time between two automatic rotations, such as `365d`; 7 to 730 days.
    rotation_interval: Option<RotationInterval>,
    /// The KMS instance to hold the key; none for a key outside instances.
    #[param(name = "DKMSInstanceId")]
    dkms_instance_id: Option<String>,
    /// Tags: `[{"TagKey":"k","TagValue":"v"}]`, up to 20.
    tags: Option<JsonTags>,
    /// The key policy, up to 32,768 bytes of JSON; by default the account's identity policies decide alone.
    policy: Option<KeyPolicy>,
    /// `HsmInternal` or `HsmEncryptedDatabase`; only for keys in a hardware instance.
    key_storage_mechanism: Option<String>,
}

impl Request {
    fn spec(&self) -> KeySpec {
        self.key_spec.unwrap_or(KeySpec::Aes256)
    }

    fn usage(&self) -> KeyUsage {
        self.key_usage.unwrap_or_else(|| self.spec().default_usage())
    }

    fn origin(&self) -> Origin {
        self.origin.unwrap_or(Origin::AliyunKms)
    }
}

impl Operation for CreateKey {
    const NAME: &'static str = "CreateKey";
    const SUMMARY: &'static str = "Makes a key, or a container for key material to be imported.";
    const DENIAL: Code = Code::NoPermissionAsBadRequest;
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        let (spec, origin) = (request.spec(), request.origin());
        if request.dkms_instance_id.is_some() {
            return Err(Code::DkmsInstanceNotFound.into());
        }
        if let Some(mechanism) = &request.key_storage_mechanism
            && !["HsmInternal", "HsmEncryptedDatabase"].contains(&mechanism.as_str())
        {
            return Err(KmsError::invalid("KeyStorageMechanism", "it must be HsmInternal or HsmEncryptedDatabase"));
        }
        if !spec.allows(request.usage()) {
            return Err(KmsError::invalid("KeyUsage", format_args!("a key of {} cannot have it", spec.name())));
        }
        if origin == Origin::External && !spec.importable() {
            let message = format!("Key material of {} cannot be imported.", spec.name());
            return Err(KmsError::new(Code::UnsupportedOperation, message));
        }
        if request.enable_automatic_rotation == Some(true) {
            if !spec.can_rotate_automatically() || origin == Origin::External {
                let reason = "only symmetric keys made by the service rotate automatically";
                return Err(KmsError::invalid("EnableAutomaticRotation", reason));
            }
            if request.rotation_interval.is_none() {
                return Err(KmsError::missing("RotationInterval"));
            }
        }
        Ok(())
    }

    fn targets(_: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Collection("key")]
    }

    fn request_tags(request: &Request) -> &[Tag] {
        request.tags.as_ref().map_or(&[], |tags| &tags.0)
    }

    async fn run(cx: &Context<'_>, _: Granted, request: Request) -> Result<Response> {
        let material = Arc::new(new_material(cx, request.spec(), request.origin()).await?);
        let (key, version) = new_key(cx, &request)?;
        let policy = request.policy;
        if let Some(policy) = &policy {
            let (kind, owner) = (Kind::Key, &key.account);
            Proposed { kind, owner, text: policy.as_str(), replaces: None }.admit::<SetKeyPolicy>(cx).await?;
        }
        let tags = Arc::<[_]>::from(request.tags.map(|tags| tags.0).unwrap_or_default());
        let limits = cx.service.limits;
        let response = Response { key_metadata: KeyMetadata::of_new(cx, &key) };
        let (key, version) = (Arc::new(key), Arc::new(version));
        cx.store()
            .write(move |tx| {
                let (key, version, material, tags, policy) =
                    (Arc::clone(&key), Arc::clone(&version), Arc::clone(&material), Arc::clone(&tags), policy.clone());
                Box::pin(async move {
                    if let Some(quota) = limits.quota(Resource::Keys) {
                        quota.admit_beside(keys::count(tx, &key.account).await?)?;
                    }
                    rotation::within_quota(tx, &key.account, limits.key_versions_per_account).await?;
                    let first = NewVersion { version: (*version).clone(), material: &material };
                    keys::insert(tx, &key, &[first]).await?;
                    if !tags.is_empty() {
                        tags::put(tx, &key.account, ResourceType::Key, &[key.id.as_str()], &tags).await?;
                    }
                    if let Some(policy) = &policy {
                        key_policies::set(tx, &key.id, policy.as_str()).await?;
                    }
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(response)
    }
}

fn new_key(cx: &Context<'_>, request: &Request) -> Result<(Key, KeyVersion)> {
    let id = KeyId::new(cx.region(), &alphanumeric(cx.random(), 18)?).map_err(KmsError::internal)?;
    let version_id = KeyVersionId::new(&id, &alphanumeric(cx.random(), 10)?).map_err(KmsError::internal)?;
    let origin = request.origin();
    let key = Key {
        account: cx.account().clone(),
        spec: request.spec(),
        usage: request.usage(),
        origin,
        protection_level: request.protection_level.unwrap_or(ProtectionLevel::Software),
        state: if origin == Origin::External { KeyState::PendingImport } else { KeyState::Enabled },
        description: request.description.as_ref().map(|text| text.0.clone()).unwrap_or_default(),
        creator: cx.account().to_string(),
        created_at: cx.now(),
        delete_at: None,
        deletion_protection: false,
        deletion_protection_description: String::new(),
        instance_id: String::new(),
        primary_version: version_id.clone(),
        rotation_interval: request.rotation_interval.filter(|_| request.enable_automatic_rotation == Some(true)),
        last_rotated_at: cx.now(),
        material_expires_at: None,
        id: id.clone(),
    };
    Ok((key, KeyVersion { id: version_id, key: id, created_at: cx.now() }))
}

/// Fresh material; none for a key whose material will be imported.
async fn new_material(cx: &Context<'_>, spec: KeySpec, origin: Origin) -> Result<SecretBytes> {
    match origin {
        Origin::External => Ok(SecretBytes::zeroed(0)),
        Origin::AliyunKms => {
            let random = Arc::clone(&cx.service.random);
            let generate = move || UnlockedKey::generate(spec, &*random).map(|(_, material)| material);
            Ok(cx.workers().run(Work::Generation, spec, generate).await??)
        }
    }
}
