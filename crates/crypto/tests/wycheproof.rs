//! Project Wycheproof's vectors; what an "acceptable" one answers is left open.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails is a test that fails")]

use std::path::Path;

use sesame_crypto::digest::sha256;
use sesame_crypto::{
    AeadAlgorithm, AeadKey, CallerIv, EncryptionAlgorithm, HmacHash, HmacKey, KeySpec, PublicKey, SecretBytes,
    SignatureAlgorithm, UnlockedKey, WrappingAlgorithm, WrappingKeyPair, WrappingKeySpec,
};

struct Case(serde_json::Value);

impl Case {
    fn bytes(&self, field: &str) -> Vec<u8> {
        unhex(self.0[field].as_str().unwrap())
    }

    fn id(&self) -> u64 {
        self.0["tcId"].as_u64().unwrap()
    }

    /// `None` for "acceptable".
    fn valid(&self) -> Option<bool> {
        match self.0["result"].as_str().unwrap() {
            "valid" => Some(true),
            "invalid" => Some(false),
            _ => None,
        }
    }

    fn check(&self, accepted: bool) {
        assert_eq!(accepted, self.valid().unwrap_or(accepted), "test case {}", self.id());
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Runs `test` on each group of a file: the group's key and its cases.
fn each(file: &str, at_least: usize, mut test: impl FnMut(Vec<u8>, Vec<Case>)) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file).with_extension("json");
    let groups: Vec<serde_json::Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut count = 0;
    for mut group in groups {
        let cases: Vec<Case> = group["tests"].as_array_mut().unwrap().drain(..).map(Case).collect();
        count += cases.len();
        test(unhex(group["key"].as_str().unwrap()), cases);
    }
    assert!(count >= at_least, "{file} has {count} cases only");
}

fn aead(file: &str, at_least: usize, algorithm: fn(usize) -> AeadAlgorithm) {
    each(file, at_least, |_, cases| {
        for case in cases {
            let key = SecretBytes::new(case.bytes("key"));
            let key = AeadKey::new(algorithm(key.len()), &key).unwrap();
            let (iv, aad, message) = (case.bytes("iv").try_into().unwrap(), case.bytes("aad"), case.bytes("msg"));
            let sealed = [case.bytes("ct"), case.bytes("tag")].concat();
            let opened = key.open(&iv, &aad, &sealed);
            case.check(opened.is_ok_and(|plaintext| plaintext.expose() == message));
            if case.valid() == Some(true) {
                let mut out = Vec::new();
                key.seal_with_chosen_iv(CallerIv(iv), &aad, &message, &mut out).unwrap();
                assert_eq!(out[12..], sealed, "test case {}", case.id());
            }
        }
    });
}

#[test]
fn aes_gcm() {
    aead("aes_gcm", 100, |key_len| match key_len {
        16 => AeadAlgorithm::Aes128Gcm,
        24 => AeadAlgorithm::Aes192Gcm,
        _ => AeadAlgorithm::Aes256Gcm,
    });
}

#[test]
fn sm4_gcm() {
    aead("sm4_gcm", 50, |_| AeadAlgorithm::Sm4Gcm);
}

#[test]
fn hmac() {
    for (file, hash) in [
        ("hmac_sha1", HmacHash::Sha1),
        ("hmac_sha224", HmacHash::Sha224),
        ("hmac_sha256", HmacHash::Sha256),
        ("hmac_sha384", HmacHash::Sha384),
        ("hmac_sha512", HmacHash::Sha512),
        ("hmac_sm3", HmacHash::Sm3),
    ] {
        each(file, 50, |_, cases| {
            for case in cases {
                let (key, message) = (HmacKey::new(hash, &case.bytes("key")), case.bytes("msg"));
                case.check(key.verify(&[&message], &case.bytes("tag")));
            }
        });
    }
}

#[test]
fn rsa_oaep() {
    for (file, at_least, spec, algorithm) in [
        ("rsa_oaep_2048_sha1_mgf1sha1", 15, KeySpec::Rsa2048, EncryptionAlgorithm::RsaesOaepSha1),
        ("rsa_oaep_3072_sha1_mgf1sha1", 3, KeySpec::Rsa3072, EncryptionAlgorithm::RsaesOaepSha1),
        ("rsa_oaep_4096_sha1_mgf1sha1", 3, KeySpec::Rsa4096, EncryptionAlgorithm::RsaesOaepSha1),
        ("rsa_oaep_2048_sha256_mgf1sha256", 15, KeySpec::Rsa2048, EncryptionAlgorithm::RsaesOaepSha256),
        ("rsa_oaep_3072_sha256_mgf1sha256", 15, KeySpec::Rsa3072, EncryptionAlgorithm::RsaesOaepSha256),
        ("rsa_oaep_4096_sha256_mgf1sha256", 15, KeySpec::Rsa4096, EncryptionAlgorithm::RsaesOaepSha256),
    ] {
        each(file, at_least, |key, cases| {
            let key = UnlockedKey::from_material(spec, &SecretBytes::new(key)).unwrap();
            for case in cases {
                let opened = key.decrypt(algorithm, &case.bytes("ct"));
                case.check(opened.is_ok_and(|plaintext| plaintext.expose() == case.bytes("msg")));
            }
        });
    }
}

/// Only messages as long as the key to import can be told apart from failures.
#[test]
fn rsa_pkcs1_unwrapping() {
    let specs = [KeySpec::Aes128, KeySpec::Aes192, KeySpec::Aes256];
    each("rsa_pkcs1_2048", 30, |key, cases| {
        let pair = WrappingKeyPair::from_material(WrappingKeySpec::Rsa2048, &SecretBytes::new(key)).unwrap();
        for case in cases {
            let (wrapped, message) = (case.bytes("ct"), case.bytes("msg"));
            for spec in specs {
                let unwrapped = pair.unwrap(WrappingAlgorithm::RsaesPkcs1V15, spec, &wrapped);
                let fits = spec.material_len() == Some(message.len());
                let accepted = unwrapped.is_ok_and(|material| material.expose() == message);
                assert_eq!(accepted, fits && case.valid() == Some(true), "test case {}", case.id());
            }
        }
    });
}

fn signatures(file: &str, spec: KeySpec, algorithm: SignatureAlgorithm, at_least: usize) {
    each(file, at_least, |key, cases| {
        let key = PublicKey::from_spki_der(&key).unwrap();
        assert_eq!(key.spec(), spec);
        for case in cases {
            let verified = key.verify_digest(algorithm, &sha256(&case.bytes("msg")), &case.bytes("sig"));
            case.check(verified.unwrap());
        }
    });
}

#[test]
fn rsa_pss() {
    signatures("rsa_pss_2048_sha256_mgf1_32", KeySpec::Rsa2048, SignatureAlgorithm::RsaPssSha256, 100);
    signatures("rsa_pss_3072_sha256_mgf1_32", KeySpec::Rsa3072, SignatureAlgorithm::RsaPssSha256, 50);
    signatures("rsa_pss_4096_sha256_mgf1_32", KeySpec::Rsa4096, SignatureAlgorithm::RsaPssSha256, 50);
}

#[test]
fn rsa_pkcs1_signatures() {
    signatures("rsa_signature_2048_sha256", KeySpec::Rsa2048, SignatureAlgorithm::RsaPkcs1Sha256, 100);
    signatures("rsa_signature_3072_sha256", KeySpec::Rsa3072, SignatureAlgorithm::RsaPkcs1Sha256, 50);
    signatures("rsa_signature_4096_sha256", KeySpec::Rsa4096, SignatureAlgorithm::RsaPkcs1Sha256, 50);
}

#[test]
fn ecdsa() {
    signatures("ecdsa_secp256r1_sha256", KeySpec::EcP256, SignatureAlgorithm::EcdsaSha256, 400);
    signatures("ecdsa_secp256k1_sha256", KeySpec::EcP256k, SignatureAlgorithm::EcdsaSha256, 400);
}
