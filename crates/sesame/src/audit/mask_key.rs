//! The key that masks values, wrapped by the root key in a file beside the trail: so a value can be looked up while the
//! server has the database.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sesame_crypto::{AeadAlgorithm, AeadKey, SecretBytes, SystemRandom};
use sesame_seal::RootKey;

use crate::data_folder::PRIVATE;

const FILE: &str = "mask.key";
/// Says what the wrapped key is for, so that it opens as nothing else.
const PLACE: &[u8] = b"sesame audit mask key, file";

/// Writes the file when it is not there or holds another key.
pub(crate) fn keep(folder: &Path, key: &SecretBytes, root_key: &RootKey) -> Result<()> {
    // EXPOSE: only compared; whoever can read the root key has both.
    if read(folder, root_key).is_ok_and(|known| known.expose() == key.expose()) {
        return Ok(());
    }
    let wrapping = AeadKey::new(AeadAlgorithm::Aes256Gcm, root_key.secret())?;
    // EXPOSE: the cipher reads the key that it wraps.
    let mut sealed = Vec::new();
    wrapping.seal(&SystemRandom, PLACE, key.expose(), &mut sealed)?;
    let text = format!("sesame-mask-key-v1 {}\n", STANDARD.encode(sealed));
    let partial = folder.join(".mask.key.partial");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(PRIVATE).open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&partial, folder.join(FILE)).context("the mask key of the audit trail cannot be kept")
}

/// Reads the file.
pub(crate) fn read(folder: &Path, root_key: &RootKey) -> Result<SecretBytes> {
    let path = folder.join(FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let opened = text.trim_end().strip_prefix("sesame-mask-key-v1 ").and_then(|text| {
        let bytes = STANDARD.decode(text).ok()?;
        let (iv, sealed) = bytes.split_first_chunk()?;
        AeadKey::new(AeadAlgorithm::Aes256Gcm, root_key.secret()).ok()?.open(iv, PLACE, sealed).ok()
    });
    opened.with_context(|| format!("{} does not open with this root key", path.display()))
}
