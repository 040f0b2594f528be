//! The operations, one file each, by family.

pub(crate) mod account;
pub(crate) mod aliases;
pub(crate) mod asymmetric;
pub(crate) mod certificates;
pub(crate) mod crypto;
pub(crate) mod diagnosis;
mod filters;
pub(crate) mod keys;
pub(crate) mod mac;
pub(crate) mod managed;
pub(crate) mod material;
pub(crate) mod oidc_providers;
pub(crate) mod policies;
pub(crate) mod ram;
mod ram_params;
pub(crate) mod ram_policies;
pub(crate) mod ram_roles;
pub(crate) mod secrets;
pub(crate) mod sts;
pub(crate) mod tags;
pub(crate) mod trail;
pub(crate) mod versions;

use sesame_domain::{Key, KeyId};
use sesame_store::Tx;

use crate::error::{Code, Result};

/// The key as the transaction sees it, if its state still permits the operation. What was authorized may have changed
/// since, and a write must not act on what it was.
pub(crate) async fn key_for_write(tx: &mut Tx<'_>, id: &KeyId, operation: &str) -> Result<Key> {
    let key = sesame_store::keys::get(tx, id).await?.ok_or(Code::KeyNotFound)?;
    key.state.permits(operation)?;
    Ok(key)
}
