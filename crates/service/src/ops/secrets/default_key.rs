//! The key of secrets for which the caller names none: one per account, made on first use.

use std::sync::Arc;

use sesame_crypto::material::UnlockedKey;
use sesame_crypto::random::alphanumeric;
use sesame_crypto::spec::{KeySpec, KeyUsage};
use sesame_domain::alias::Alias;
use sesame_domain::{AliasName, Key, KeyId, KeyState, KeyVersion, KeyVersionId, Origin, ProtectionLevel};
use sesame_store::keys::NewVersion;
use sesame_store::{aliases, keys};

use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::keys::LoadedKey;

/// The alias of the key. Users cannot give it to another key: it begins with `alias/acs`.
const ALIAS: &str = "alias/acs/secretsmanager";
/// The creator of the key, by which it is told from keys of users.
pub(crate) const CREATOR: &str = "SecretsManager";

/// The account's key for secrets.
pub(super) async fn default_key(cx: &Context<'_>) -> Result<Arc<LoadedKey>> {
    let alias: AliasName = ALIAS.parse().map_err(KmsError::internal)?;
    let id = match cx.keys().by_alias(cx.account(), &alias).await? {
        Some(id) => id,
        None => make(cx, alias).await?,
    };
    let key = cx.keys().get(&id).await?.ok_or_else(|| KmsError::internal("the default key of secrets is missing"))?;
    Ok(key)
}

/// Makes the key, unless another call has.
async fn make(cx: &Context<'_>, alias: AliasName) -> Result<KeyId> {
    let (_, material) = UnlockedKey::generate(KeySpec::Aes256, cx.random())?;
    let id = KeyId::new(cx.region(), &alphanumeric(cx.random(), 18)?).map_err(KmsError::internal)?;
    let version = KeyVersionId::new(&id, &alphanumeric(cx.random(), 10)?).map_err(KmsError::internal)?;
    let key = Arc::new(Key {
        id,
        account: cx.account().clone(),
        spec: KeySpec::Aes256,
        usage: KeyUsage::EncryptDecrypt,
        origin: Origin::AliyunKms,
        protection_level: ProtectionLevel::Software,
        state: KeyState::Enabled,
        description: "Default key of secrets".to_owned(),
        creator: CREATOR.to_owned(),
        created_at: cx.now(),
        delete_at: None,
        deletion_protection: false,
        deletion_protection_description: String::new(),
        instance_id: String::new(),
        primary_version: version,
        rotation_interval: None,
        last_rotated_at: cx.now(),
        material_expires_at: None,
    });
    let material = Arc::new(material);
    cx.store()
        .write(move |tx| {
            let (key, material, alias) = (Arc::clone(&key), Arc::clone(&material), alias.clone());
            Box::pin(async move {
                if let Some(id) = aliases::get(tx, &key.account, &alias).await? {
                    return Ok(id);
                }
                let (id, created_at) = (key.id.clone(), key.created_at);
                let version = KeyVersion { id: key.primary_version.clone(), key: id.clone(), created_at };
                keys::insert(tx, &key, &[NewVersion { version, material: &material }]).await?;
                aliases::insert(tx, &key.account, &Alias { name: alias, key: id.clone() }, created_at).await?;
                Ok::<_, KmsError>(id)
            })
        })
        .await
}
