//! Imported key material.

mod delete_key_material;
mod get_parameters_for_import;
mod import_key_material;
mod token;

pub(crate) use delete_key_material::DeleteKeyMaterial;
pub(crate) use get_parameters_for_import::GetParametersForImport;
pub(crate) use import_key_material::ImportKeyMaterial;

use sesame_domain::{Key, KeyState, Origin};
use sesame_store::{Tx, key_versions, keys};

use crate::authorize::Granted;
use crate::error::{Code, Result};

/// Refuses keys whose material the service made.
fn is_external(on: &Granted) -> Result<()> {
    match on.key()?.key.origin {
        Origin::External => Ok(()),
        Origin::AliyunKms => Err(Code::UnsupportedOrigin.into()),
    }
}

/// Erases the material of a key, which then waits for the same material again, unless it waits for its deletion.
pub(crate) async fn erase(tx: &mut Tx<'_>, key: &Key) -> Result<()> {
    key_versions::clear_material(tx, &key.id, &key.primary_version).await?;
    keys::set_material_expiry(tx, &key.id, None).await?;
    if matches!(key.state, KeyState::Enabled | KeyState::Disabled) {
        keys::set_state(tx, &key.id, key.state, KeyState::PendingImport, None).await?;
    }
    Ok(())
}
