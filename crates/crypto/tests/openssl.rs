//! Cross-checks with the `openssl` program: what one side makes, the other accepts.
//!
//! Without the program the tests pass by doing nothing, except where the variable `CI` is `true`: there they fail.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails is a test that fails")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use sesame_crypto::digest::{sha1, sha256, sm3, to_hex};
use sesame_crypto::{
    CryptoError, EncryptionAlgorithm, HmacHash, HmacKey, KeySpec, PublicKey, SecretBytes, SignatureAlgorithm,
    SystemRandom, UnlockedKey, WrappingAlgorithm, WrappingKeyPair, WrappingKeySpec,
};

/// A folder for the files of one test, removed at its end.
struct Bench(PathBuf);

impl Bench {
    fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if Command::new("openssl").arg("version").output().is_err() {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "the openssl program is missing");
            return None;
        }
        let name = format!("sesame-openssl-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        Some(Self(folder))
    }

    fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.0.join(name), content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    /// Runs `openssl` with the words of `line`; whether it succeeded, and what it wrote.
    fn try_run(&self, line: &str) -> (bool, Vec<u8>) {
        let output = Command::new("openssl").args(line.split_whitespace()).current_dir(&self.0).output().unwrap();
        (output.status.success(), output.stdout)
    }

    fn run(&self, line: &str) -> Vec<u8> {
        let (succeeded, output) = self.try_run(line);
        assert!(succeeded, "openssl {line}");
        output
    }

    /// Makes `key.pem`, `key.der` (PKCS#8) and `public.der` with a command that writes `key.pem`.
    fn make_key(&self, command: &str) {
        self.run(command);
        self.run("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der");
        self.run("pkey -in key.pem -pubout -outform DER -out public.der");
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _best_effort = std::fs::remove_dir_all(self.path());
    }
}

/// How `openssl genpkey` makes a key of each spec, and how `openssl pkeyutl` signs with it.
const SIGNERS: [(KeySpec, SignatureAlgorithm, &str, &str); 9] = [
    (
        KeySpec::Rsa2048,
        SignatureAlgorithm::RsaPssSha256,
        "RSA -pkeyopt rsa_keygen_bits:2048",
        "-pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:32",
    ),
    (
        KeySpec::Rsa2048,
        SignatureAlgorithm::RsaPkcs1Sha256,
        "RSA -pkeyopt rsa_keygen_bits:2048",
        "-pkeyopt digest:sha256",
    ),
    (
        KeySpec::Rsa3072,
        SignatureAlgorithm::RsaPkcs1Sha256,
        "RSA -pkeyopt rsa_keygen_bits:3072",
        "-pkeyopt digest:sha256",
    ),
    (
        KeySpec::Rsa3072,
        SignatureAlgorithm::RsaPssSha256,
        "RSA -pkeyopt rsa_keygen_bits:3072",
        "-pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:32",
    ),
    (
        KeySpec::Rsa4096,
        SignatureAlgorithm::RsaPkcs1Sha256,
        "RSA -pkeyopt rsa_keygen_bits:4096",
        "-pkeyopt digest:sha256",
    ),
    (
        KeySpec::Rsa4096,
        SignatureAlgorithm::RsaPssSha256,
        "RSA -pkeyopt rsa_keygen_bits:4096",
        "-pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:32",
    ),
    (KeySpec::EcP256, SignatureAlgorithm::EcdsaSha256, "EC -pkeyopt ec_paramgen_curve:P-256", ""),
    (KeySpec::EcP256k, SignatureAlgorithm::EcdsaSha256, "EC -pkeyopt ec_paramgen_curve:secp256k1", ""),
    (KeySpec::EcSm2, SignatureAlgorithm::Sm2Dsa, "SM2", ""),
];

/// `openssl` hashes the message of an SM2 signature itself, with the id it is given.
fn sign_command(spec: KeySpec, options: &str) -> String {
    match spec {
        KeySpec::EcSm2 => "-rawin -digest sm3 -in message -pkeyopt distid:1234567812345678".to_owned(),
        _ => format!("-in digest {options}"),
    }
}

fn unlock(bench: &Bench, spec: KeySpec) -> UnlockedKey {
    let material = match spec {
        // Our material is the scalar: bytes 7 to 38 of the RFC 5915 structure inside PKCS#8.
        KeySpec::EcSm2 => {
            let text = bench.read("key.der");
            let at = text.windows(7).position(|window| window[..3] == [2, 1, 1] && window[3..5] == [4, 32]).unwrap();
            text[at + 5..at + 37].to_vec()
        }
        _ => bench.read("key.der"),
    };
    UnlockedKey::from_material(spec, &SecretBytes::new(material)).unwrap()
}

#[test]
fn signatures_go_both_ways() {
    let Some(bench) = Bench::new() else { return };
    for (spec, algorithm, generate, options) in SIGNERS {
        bench.make_key(&format!("genpkey -algorithm {generate} -out key.pem"));
        let key = unlock(&bench, spec);
        let message = b"a message";
        let digest = match spec {
            KeySpec::EcSm2 => key.public_key().unwrap().sm2_message_digest(message).unwrap(),
            _ => sha256(message),
        };
        bench.write("message", message);
        bench.write("digest", &digest);
        let command = sign_command(spec, options);

        let ours = key.sign_digest(algorithm, &digest).unwrap();
        bench.write("signature", &ours);
        bench.write("ours.pem", key.public_key_pem().unwrap().as_bytes());
        bench.run(&format!("pkeyutl -verify -pubin -inkey ours.pem -sigfile signature {command}"));
        let (first, rest) = ours.split_first().unwrap();
        bench.write("signature", &[&[first ^ 1], rest].concat());
        let (accepted, _) =
            bench.try_run(&format!("pkeyutl -verify -pubin -inkey ours.pem -sigfile signature {command}"));
        assert!(!accepted);

        let theirs = bench.run(&format!("pkeyutl -sign -inkey key.pem {command}"));
        let public = PublicKey::from_spki_der(&bench.read("public.der")).unwrap();
        assert_eq!((public.spec(), public.der()), (spec, key.public_key_der().unwrap()));
        assert!(public.verify_digest(algorithm, &digest, &theirs).unwrap(), "{spec}");
        assert!(!public.verify_digest(algorithm, &[0; 32], &theirs).unwrap(), "{spec}");
    }
}

#[test]
fn public_keys_have_the_same_pem() {
    let Some(bench) = Bench::new() else { return };
    for (spec, _, generate, _) in SIGNERS {
        bench.make_key(&format!("genpkey -algorithm {generate} -out key.pem"));
        let theirs = bench.run("pkey -in key.pem -pubout");
        assert_eq!(unlock(&bench, spec).public_key_pem().unwrap().as_bytes(), theirs, "{spec}");
    }
}

#[test]
fn ciphertexts_go_both_ways() {
    let Some(bench) = Bench::new() else { return };
    let mut pairs = vec![(KeySpec::EcSm2, EncryptionAlgorithm::Sm2Pke, "SM2".to_owned(), String::new())];
    for (spec, bits) in [(KeySpec::Rsa2048, 2048), (KeySpec::Rsa3072, 3072), (KeySpec::Rsa4096, 4096)] {
        let rsa = format!("RSA -pkeyopt rsa_keygen_bits:{bits}");
        let oaep = "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md";
        pairs.push((spec, EncryptionAlgorithm::RsaesOaepSha256, rsa.clone(), format!("{oaep}:sha256")));
        pairs.push((spec, EncryptionAlgorithm::RsaesOaepSha1, rsa, format!("{oaep}:sha1")));
    }
    for (spec, algorithm, generate, options) in pairs {
        bench.make_key(&format!("genpkey -algorithm {generate} -out key.pem"));
        let key = unlock(&bench, spec);
        bench.write("plaintext", b"encryption standard");
        let theirs =
            bench.run(&format!("pkeyutl -encrypt -pubin -keyform DER -inkey public.der -in plaintext {options}"));
        assert_eq!(key.decrypt(algorithm, &theirs).unwrap().expose(), b"encryption standard", "{algorithm}");
        let ours = key.encrypt(algorithm, b"encryption standard").unwrap();
        // We write C1 ‖ C3 ‖ C2 with SM2, of which openssl reads the ASN.1 form only.
        let ours = if spec == KeySpec::EcSm2 { sm2_asn1(&ours) } else { ours };
        bench.write("ciphertext", &ours);
        assert_eq!(
            bench.run(&format!("pkeyutl -decrypt -inkey key.pem -in ciphertext {options}")),
            b"encryption standard"
        );
    }
}

/// The parts of an SM2 ciphertext of less than 32 bytes of text, as SEQUENCE { x, y, C3, C2 }.
fn sm2_asn1(raw: &[u8]) -> Vec<u8> {
    let element = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let integer = |bytes: &[u8]| {
        let digits = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap()..];
        let sign: &[u8] = if digits[0] >= 0x80 { &[0] } else { &[] };
        element(2, &[sign, digits].concat())
    };
    let parts =
        [integer(&raw[1..33]), integer(&raw[33..65]), element(4, &raw[65..97]), element(4, &raw[97..])].concat();
    let length = u8::try_from(parts.len()).unwrap();
    [if length < 0x80 { vec![0x30, length] } else { vec![0x30, 0x81, length] }, parts].concat()
}

/// C1 ‖ C3 ‖ C2 from the ASN.1 form that openssl writes.
fn sm2_raw(asn1: &[u8]) -> Vec<u8> {
    let mut rest = if asn1[1] == 0x81 { &asn1[3..] } else { &asn1[2..] };
    let mut next = || {
        let (content, after) = rest[2..].split_at(usize::from(rest[1]));
        rest = after;
        content
    };
    let coordinate = |integer: &[u8]| {
        let padded = [&[0; 32], integer].concat();
        padded[padded.len() - 32..].to_vec()
    };
    let (x, y, c3, c2) = (coordinate(next()), coordinate(next()), next(), next());
    [&[4], &x[..], &y, c3, c2].concat()
}

/// The scheme once more, from the standard's text, on a shared secret that `openssl` derives.
#[test]
fn ecies_opens_with_a_secret_agreed_by_openssl() {
    let Some(bench) = Bench::new() else { return };
    for (spec, generate) in [
        (KeySpec::EcP256, "EC -pkeyopt ec_paramgen_curve:P-256"),
        (KeySpec::EcP256k, "EC -pkeyopt ec_paramgen_curve:secp256k1"),
    ] {
        bench.make_key(&format!("genpkey -algorithm {generate} -out key.pem"));
        let public = PublicKey::from_spki_der(&bench.read("public.der")).unwrap();
        let plaintext = b"a plaintext that is longer than one block of SHA-1";
        let ciphertext = public.encrypt(EncryptionAlgorithm::EciesDhSha1XorHmac, plaintext).unwrap();
        assert_eq!(ciphertext.len(), plaintext.len() + 85);
        let (point, rest) = ciphertext.split_at(65);
        let (masked, tag) = rest.split_at(plaintext.len());

        let spki_prefix = &public.der()[..public.der().len() - 65];
        bench.write("ephemeral.der", &[spki_prefix, point].concat());
        let shared = bench.run("pkeyutl -derive -inkey key.pem -peerform DER -peerkey ephemeral.der");
        let derived: Vec<u8> =
            (1u32..=4).flat_map(|counter| sha1(&[&shared[..], &counter.to_be_bytes()].concat())).collect();
        let opened: Vec<u8> = masked.iter().zip(&derived).map(|(byte, key)| byte ^ key).collect();
        assert_eq!(opened, plaintext, "{spec}");
        let mac = HmacKey::new(HmacHash::Sha1, &derived[plaintext.len()..plaintext.len() + 20]);
        assert!(mac.verify(&[masked], tag), "{spec}");
    }
}

#[test]
fn hashes_and_macs_agree() {
    let Some(bench) = Bench::new() else { return };
    for length in [0, 1, 55, 56, 64, 119, 120, 1000] {
        let message = vec![0x5a; length];
        bench.write("message", &message);
        assert_eq!(bench.run("dgst -sha256 -binary message"), sha256(&message));
        assert_eq!(bench.run("dgst -sha1 -binary message"), sha1(&message));
        assert_eq!(bench.run("dgst -sm3 -binary message"), sm3(&message));
        for (name, hash) in [
            ("sm3", HmacHash::Sm3),
            ("sha1", HmacHash::Sha1),
            ("sha224", HmacHash::Sha224),
            ("sha256", HmacHash::Sha256),
            ("sha384", HmacHash::Sha384),
            ("sha512", HmacHash::Sha512),
        ] {
            let theirs =
                bench.run(&format!("dgst -{name} -mac HMAC -macopt hexkey:{} -binary message", to_hex(&[9; 80])));
            assert_eq!(theirs, HmacKey::new(hash, &[9; 80]).sign(&[&message]).as_bytes(), "{name}");
        }
    }
}

/// The import as the documentation's shell examples do it.
#[test]
fn material_wrapped_with_openssl_is_unwrapped() {
    let Some(bench) = Bench::new() else { return };
    let (pair, _) = WrappingKeyPair::generate(WrappingKeySpec::Rsa2048, &SystemRandom).unwrap();
    bench.write("wrapping.der", pair.public_key_der().unwrap());
    let wrap = "pkeyutl -encrypt -pubin -keyform DER -inkey wrapping.der -in plaintext -pkeyopt rsa_padding_mode:";
    bench.write("plaintext", &[7; 32]);
    for (algorithm, options) in [
        (WrappingAlgorithm::RsaesPkcs1V15, "pkcs1"),
        (WrappingAlgorithm::RsaesOaepSha1, "oaep -pkeyopt rsa_oaep_md:sha1"),
        (WrappingAlgorithm::RsaesOaepSha256, "oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256"),
    ] {
        let wrapped = bench.run(&format!("{wrap}{options}"));
        assert_eq!(pair.unwrap(algorithm, KeySpec::Aes256, &wrapped).unwrap().expose(), [7; 32], "{algorithm}");
        assert!(pair.unwrap(algorithm, KeySpec::Aes128, &wrapped).is_err());
    }

    let ephemeral = bench.run(&format!("{wrap}oaep -pkeyopt rsa_oaep_md:sha256"));
    for (spec, generate) in [
        (KeySpec::Rsa2048, "RSA -pkeyopt rsa_keygen_bits:2048"),
        (KeySpec::EcP256, "EC -pkeyopt ec_paramgen_curve:P-256"),
        (KeySpec::EcP256k, "EC -pkeyopt ec_paramgen_curve:secp256k1"),
        (KeySpec::EcSm2, "SM2"),
    ] {
        bench.make_key(&format!("genpkey -algorithm {generate} -out key.pem"));
        let private = bench.run(&format!("enc -aes-256-ecb -K {} -in key.der", to_hex(&[7; 32])));
        let wrapped = [&ephemeral[..], &private].concat();
        let algorithm = WrappingAlgorithm::RsaesOaepSha256Aes256EcbPkcs7Pad;
        let material = pair.unwrap(algorithm, spec, &wrapped).unwrap();
        let restored = UnlockedKey::from_material(spec, &material).unwrap();
        assert_eq!(restored.public_key_der().unwrap(), bench.read("public.der"), "{spec}");
        let other = if spec == KeySpec::EcP256 { KeySpec::EcP256k } else { KeySpec::EcP256 };
        assert!(pair.unwrap(algorithm, other, &wrapped).is_err(), "{spec}");

        // The last byte belongs to the public point, or to the CRT coefficient of RSA: neither fits any more.
        let mut inconsistent = bench.read("key.der");
        *inconsistent.last_mut().unwrap() ^= 1;
        bench.write("key.der", &inconsistent);
        let private = bench.run(&format!("enc -aes-256-ecb -K {} -in key.der", to_hex(&[7; 32])));
        let refused = pair.unwrap(algorithm, spec, &[&ephemeral[..], &private].concat());
        assert_eq!(refused, Err(CryptoError::Integrity), "{spec}");
    }
}

#[test]
fn sm2_material_wrapped_with_openssl_is_unwrapped() {
    let Some(bench) = Bench::new() else { return };
    let (pair, _) = WrappingKeyPair::generate(WrappingKeySpec::EcSm2, &SystemRandom).unwrap();
    bench.write("wrapping.der", pair.public_key_der().unwrap());
    bench.write("ephemeral", &[7; 16]);
    let wrap = "pkeyutl -encrypt -pubin -keyform DER -inkey wrapping.der -in ephemeral";
    // The first part of an envelope is C1 ‖ C3 ‖ C2 and nothing else, so that it ends somewhere.
    let ephemeral = sm2_raw(&bench.run(wrap));
    assert_eq!(ephemeral.len(), 113);
    for wrapped in [bench.run(wrap), ephemeral.clone()] {
        assert_eq!(pair.unwrap(WrappingAlgorithm::Sm2Pke, KeySpec::Sm4, &wrapped).unwrap().expose(), [7; 16]);
    }
    let sm4 = format!("enc -sm4-ecb -K {} -in", to_hex(&[7; 16]));
    for (spec, generate) in [
        (KeySpec::Rsa3072, "RSA -pkeyopt rsa_keygen_bits:3072"),
        (KeySpec::EcP256, "EC -pkeyopt ec_paramgen_curve:P-256"),
        (KeySpec::EcSm2, "SM2"),
    ] {
        bench.make_key(&format!("genpkey -algorithm {generate} -out key.pem"));
        let wrapped = [&ephemeral[..], &bench.run(&format!("{sm4} key.der"))].concat();
        let material = pair.unwrap(WrappingAlgorithm::Sm2PkeSm4Ecb, spec, &wrapped).unwrap();
        let restored = UnlockedKey::from_material(spec, &material).unwrap();
        assert_eq!(restored.public_key_der().unwrap(), bench.read("public.der"), "{spec}");
        if spec == KeySpec::EcSm2 {
            bench.write("scalar", material.expose());
            for options in ["scalar -nopad", "scalar"] {
                let wrapped = [&ephemeral[..], &bench.run(&format!("{sm4} {options}"))].concat();
                assert_eq!(pair.unwrap(WrappingAlgorithm::Sm2PkeSm4Ecb, spec, &wrapped), Ok(material_copy(&material)));
            }
        }
    }
}

fn material_copy(material: &SecretBytes) -> SecretBytes {
    SecretBytes::from_slice(material.expose())
}
