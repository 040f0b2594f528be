//! Managed data keys, for the operator: the API has no operation that makes one.

use std::sync::Arc;

use sesame_crypto::random::alphanumeric;
use sesame_crypto::secret::SecretBytes;
use sesame_domain::AccountId;
use sesame_store::managed_data_keys;

use crate::error::{KmsError, Result};
use crate::service::Service;

const KEY_BYTES: usize = 32;
const VERSION_CHARS: usize = 8;
/// That of a secret, as which the API shows each version.
const NAME_CHARS: usize = 64;

/// The name that the API shows for a version.
pub(crate) fn version_name(name: &str, version: &str) -> String {
    format!("kms-datakeyversion!{name}!{version}")
}

/// Whether a text can be the name of a managed data key: 1 to 64 letters, digits, `_`, `/`, `+`, `=`, `.`, `@` or `-`.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_/+=.@-".contains(&byte);
    (1..=NAME_CHARS).contains(&text.len()) && text.bytes().all(plain)
}

impl Service {
    /// Adds a version to a managed data key, and with the first version makes the key. Answers the version's id.
    ///
    /// # Errors
    /// `InvalidParameter` when the name cannot be one.
    pub async fn add_managed_data_key_version(&self, account: &AccountId, name: &str) -> Result<String> {
        if !is_name(name) {
            return Err(KmsError::invalid("DataKeyName", "it must be 1 to 64 letters, digits or _/+=.@-"));
        }
        let version = alphanumeric(&*self.random, VERSION_CHARS)?;
        let mut key = SecretBytes::zeroed(KEY_BYTES);
        // EXPOSE: filled in place.
        self.random.fill(key.expose_mut())?;
        let wanted = Arc::new((account.clone(), name.to_owned(), version.clone(), key));
        let now = self.clock.now();
        self.store
            .write(move |tx| {
                let wanted = Arc::clone(&wanted);
                Box::pin(async move {
                    let (account, name, version, key) = &*wanted;
                    managed_data_keys::add(tx, account, name, version, key, now).await
                })
            })
            .await?;
        Ok(version)
    }
}
