//! By what imported material is recognised when it comes again.

use crate::digest::{Sha256, to_hex};
use crate::error::CryptoError;
use crate::random::Random;
use crate::secret::SecretBytes;

/// Bytes of salt.
const SALT_LEN: usize = 16;

/// The fingerprint of a key's material: `1:`, the salt, `:`, and SHA-256 of salt, context and material, in
/// hexadecimal. Whoever has it can check a guess, so it is to be sealed like the material.
pub fn fingerprint(random: &dyn Random, context: &str, material: &SecretBytes) -> Result<String, CryptoError> {
    let mut salt = [0; SALT_LEN];
    random.fill(&mut salt)?;
    Ok(with_salt(&to_hex(&salt), context, material))
}

/// Whether `fingerprint` was made of this material in this context.
pub fn is_fingerprint_of(fingerprint: &str, context: &str, material: &SecretBytes) -> bool {
    let salt = fingerprint.split(':').nth(1).unwrap_or_default();
    with_salt(salt, context, material) == fingerprint
}

fn with_salt(salt: &str, context: &str, material: &SecretBytes) -> String {
    let mut hash = Sha256::new();
    for part in [salt, context] {
        // No part may run into the next.
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    // EXPOSE: hashed.
    hash.update(material.expose());
    format!("1:{salt}:{}", to_hex(&hash.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn only_the_same_material_of_the_same_key_has_the_fingerprint() {
        let material = SecretBytes::from_slice(&[7; 32]);
        let print = fingerprint(&SystemRandom, "key", &material).unwrap();
        assert!(is_fingerprint_of(&print, "key", &material));
        assert!(!is_fingerprint_of(&print, "kez", &material));
        assert!(!is_fingerprint_of(&print, "key", &SecretBytes::from_slice(&[8; 32])));
        assert!(!is_fingerprint_of("", "key", &material));
        assert_ne!(print, fingerprint(&SystemRandom, "key", &material).unwrap());
    }

    #[test]
    fn the_first_form_is_recognised_for_ever() {
        let print = "1:00:b176546ae5aaad3a55a6bc738518fb16f19761a184180a8254fcbe1b4b1c73d2";
        let material = SecretBytes::from_slice(b"material");
        assert_eq!(with_salt("00", "key", &material), print);
    }
}
