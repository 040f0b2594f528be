//! No `Debug` output holds a secret, as text, as hexadecimal digits or as a list of numbers.

use std::fmt::Debug;

use sesame_crypto::digest::to_hex;
use sesame_crypto::{
    AeadAlgorithm, AeadKey, HmacHash, HmacKey, KeySpec, SecretBytes, SecretText, SystemRandom, UnlockedKey,
    WrappingKeyPair, WrappingKeySpec,
};

fn check(value: &impl Debug, secret: &[u8]) {
    for shown in [format!("{value:?}"), format!("{value:#?}")] {
        let flat: String = shown.split_whitespace().collect();
        for window in secret.windows(4) {
            let numbers = window.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
            let hex = to_hex(window);
            assert!(!flat.contains(&numbers) && !flat.to_lowercase().contains(&hex), "{shown}");
            let text = std::str::from_utf8(window).unwrap_or("not text");
            assert!(!flat.contains(text), "{shown}");
        }
    }
}

#[test]
fn secret_types_show_no_secret() {
    let canary = b"canary-Q7#canary-Q7#canary-Q7#32";
    check(&SecretBytes::from_slice(canary), canary);
    check(&SecretText::new(String::from_utf8(canary.to_vec()).unwrap()), canary);
    check(&AeadKey::new(AeadAlgorithm::Aes256Gcm, &SecretBytes::from_slice(canary)).unwrap(), canary);
    check(&AeadKey::new(AeadAlgorithm::Sm4Gcm, &SecretBytes::from_slice(&canary[..16])).unwrap(), canary);
    for hash in [HmacHash::Sha256, HmacHash::Sm3] {
        let key = HmacKey::new(hash, canary);
        check(&key, canary);
        check(&key.sign(&[b"message"]), key.sign(&[b"message"]).as_bytes());
    }
}

#[test]
fn unlocked_keys_show_no_material() {
    for spec in KeySpec::ALL {
        let (key, material) = UnlockedKey::generate(spec, &SystemRandom).unwrap();
        check(&key, material.expose());
        check(&material, material.expose());
    }
    for spec in WrappingKeySpec::ALL.iter().copied() {
        let (pair, material) = WrappingKeyPair::generate(spec, &SystemRandom).unwrap();
        check(&pair, material.expose());
    }
}
