//! Imported key material. What can be wrapped with the `openssl` program is.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a fixture that cannot be made fails its test"
)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sesame_crypto::blob::CiphertextBlob;
use sesame_crypto::{EncryptionAlgorithm, KeySpec, PublicKey, SecretBytes, UnlockedKey};
use sesame_testkit::{Refusal, TestKms};

const DAY: i64 = 86_400;
const NOW: i64 = 1_767_323_045;

fn code(outcome: Result<Value, Refusal>) -> (u16, &'static str) {
    let refusal = outcome.unwrap_err();
    (refusal.status, refusal.code)
}

/// Runs the `openssl` program.
fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn hex(bytes: &[u8]) -> String {
    sesame_crypto::digest::to_hex(bytes)
}

/// What GetParametersForImport answered.
struct Parameters {
    public: Vec<u8>,
    token: String,
}

async fn parameters(kms: &TestKms, key: &str, algorithm: &str) -> Parameters {
    let spec = if algorithm.starts_with("SM2") { "EC_SM2" } else { "RSA_2048" };
    let call = [("KeyId", key), ("WrappingAlgorithm", algorithm), ("WrappingKeySpec", spec)];
    let answer = kms.call("GetParametersForImport", &call).await.unwrap();
    assert_eq!(answer["KeyId"], key);
    Parameters {
        public: STANDARD.decode(answer["PublicKey"].as_str().unwrap()).unwrap(),
        token: answer["ImportToken"].as_str().unwrap().to_owned(),
    }
}

/// `openssl pkeyutl -encrypt` under the public key.
fn encrypted(kms: &TestKms, public: &[u8], options: &[&str], plaintext: &[u8]) -> Vec<u8> {
    let file = kms.folder().join("wrapping.der");
    std::fs::write(&file, public).unwrap();
    let mut arguments = vec!["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", file.to_str().unwrap()];
    for option in options {
        arguments.extend(["-pkeyopt", option]);
    }
    openssl(&arguments, plaintext)
}

const OAEP_SHA_256: &[&str] = &["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"];

fn wrapped(kms: &TestKms, public: &[u8], algorithm: &str, material: &[u8]) -> Vec<u8> {
    let sm2 = |plaintext: &[u8]| {
        // The program writes ASN.1; the first part of an envelope is C1C3C2.
        PublicKey::from_spki_der(public).unwrap().encrypt(EncryptionAlgorithm::Sm2Pke, plaintext).unwrap()
    };
    match algorithm {
        "RSAES_PKCS1_V1_5" => encrypted(kms, public, &["rsa_padding_mode:pkcs1"], material),
        "RSAES_OAEP_SHA_1" => encrypted(kms, public, &["rsa_padding_mode:oaep", "rsa_oaep_md:sha1"], material),
        "RSAES_OAEP_SHA_256" => encrypted(kms, public, OAEP_SHA_256, material),
        "SM2PKE" => encrypted(kms, public, &[], material),
        "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD" => {
            let first = encrypted(kms, public, OAEP_SHA_256, &[9; 32]);
            [first, openssl(&["enc", "-aes-256-ecb", "-K", &hex(&[9; 32])], material)].concat()
        }
        "SM2PKE_SM4_ECB" if material.len() == 32 => {
            [sm2(&[9; 16]), openssl(&["enc", "-sm4-ecb", "-nopad", "-K", &hex(&[9; 16])], material)].concat()
        }
        "SM2PKE_SM4_ECB" => [sm2(&[9; 16]), openssl(&["enc", "-sm4-ecb", "-K", &hex(&[9; 16])], material)].concat(),
        other => panic!("{other}"),
    }
}

async fn import_with(kms: &TestKms, key: &str, token: &str, wrapped: &[u8], expiry: &str) -> Result<Value, Refusal> {
    let material = STANDARD.encode(wrapped);
    let call = [
        ("KeyId", key),
        ("EncryptedKeyMaterial", &*material),
        ("ImportToken", token),
        ("KeyMaterialExpireUnix", expiry),
    ];
    kms.call("ImportKeyMaterial", &call).await
}

async fn import(kms: &TestKms, key: &str, material: &[u8], expiry: &str) -> Result<Value, Refusal> {
    let Parameters { public, token } = parameters(kms, key, "SM2PKE").await;
    import_with(kms, key, &token, &wrapped(kms, &public, "SM2PKE", material), expiry).await
}

async fn external(kms: &TestKms, spec: &str) -> String {
    kms.key(&[("Origin", "EXTERNAL"), ("KeySpec", spec)]).await
}

async fn metadata(kms: &TestKms, key: &str) -> Value {
    kms.call("DescribeKey", &[("KeyId", key)]).await.unwrap()["KeyMetadata"].clone()
}

async fn state(kms: &TestKms, key: &str) -> String {
    metadata(kms, key).await["KeyState"].as_str().unwrap().to_owned()
}

async fn encrypt(kms: &TestKms, key: &str) -> Result<Value, Refusal> {
    kms.call("Encrypt", &[("KeyId", key), ("Plaintext", "aGVsbG8=")]).await
}

#[tokio::test]
async fn every_wrapping_algorithm_carries_every_symmetric_key() {
    let kms = TestKms::new().await;
    for (spec, length) in [(KeySpec::Aes256, 32), (KeySpec::Aes192, 24), (KeySpec::Aes128, 16), (KeySpec::Sm4, 16)] {
        let material = (1..=length).collect::<Vec<u8>>();
        let key = external(&kms, spec.name()).await;
        for algorithm in ["RSAES_PKCS1_V1_5", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"] {
            let Parameters { public, token } = parameters(&kms, &key, algorithm).await;
            let wrapped = wrapped(&kms, &public, algorithm, &material);
            import_with(&kms, &key, &token, &wrapped, "").await.unwrap();
            assert_eq!(state(&kms, &key).await, "Enabled");
        }
        let blob = STANDARD.decode(encrypt(&kms, &key).await.unwrap()["CiphertextBlob"].as_str().unwrap()).unwrap();
        let blob = CiphertextBlob::parse(&blob).unwrap();
        let own = UnlockedKey::from_material(spec, &SecretBytes::from_slice(&material)).unwrap();
        assert_eq!(own.open(blob.iv, b"", blob.sealed).unwrap().expose(), b"aGVsbG8=");
    }
}

/// A private key in PKCS#8, made by the program.
fn private_key(options: &[&str]) -> Vec<u8> {
    let pem = openssl(&[&["genpkey", "-algorithm"], options].concat(), b"");
    openssl(&["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], &pem)
}

#[tokio::test]
async fn both_envelopes_carry_every_asymmetric_key() {
    let kms = TestKms::new().await;
    let ec = |curve: &'static str| ["EC", "-pkeyopt", curve];
    let cases = [
        ("RSA_2048", private_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:2048"])),
        ("RSA_3072", private_key(&["RSA", "-pkeyopt", "rsa_keygen_bits:3072"])),
        ("EC_P256", private_key(&ec("ec_paramgen_curve:P-256"))),
        ("EC_P256K", private_key(&ec("ec_paramgen_curve:secp256k1"))),
        ("EC_SM2", private_key(&["SM2"])),
        ("EC_SM2", vec![0x5a; 32]),
    ];
    for (spec, private) in &cases {
        let key = external(&kms, spec).await;
        for algorithm in ["RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD", "SM2PKE_SM4_ECB"] {
            let Parameters { public, token } = parameters(&kms, &key, algorithm).await;
            let own = wrapped(&kms, &public, algorithm, private);
            import_with(&kms, &key, &token, &own, "").await.unwrap();
            assert_eq!(state(&kms, &key).await, "Enabled", "{spec} {algorithm}");
            for (other, foreign) in cases.iter().filter(|(other, _)| other != spec) {
                let foreign = wrapped(&kms, &public, algorithm, foreign);
                let outcome = import_with(&kms, &key, &token, &foreign, "").await;
                assert_eq!(code(outcome), (400, "InvalidKeyMaterial"), "{other} into {spec}");
            }
        }
    }
}

#[tokio::test]
async fn the_public_key_and_the_token_have_the_documented_form() {
    let kms = TestKms::new().await;
    let key = external(&kms, "Aliyun_AES_256").await;
    let call = [("KeyId", &*key), ("WrappingAlgorithm", "RSAES_OAEP_SHA_256"), ("WrappingKeySpec", "RSA_2048")];
    let answer = kms.call("GetParametersForImport", &call).await.unwrap();
    assert!(answer["PublicKey"].as_str().unwrap().starts_with("MIIBIjANBgkq"));
    assert_eq!(answer["TokenExpireTime"], "2026-01-03T03:04:05Z");
    assert!(STANDARD.decode(answer["ImportToken"].as_str().unwrap()).is_ok());
}

#[tokio::test]
async fn algorithm_spec_and_key_must_fit_each_other() {
    let kms = TestKms::new().await;
    let (symmetric, asymmetric) = (external(&kms, "Aliyun_AES_256").await, external(&kms, "EC_P256").await);
    for (key, algorithm, spec) in [
        (&symmetric, "RSAES_OAEP_SHA_256", "EC_SM2"),
        (&symmetric, "SM2PKE", "RSA_2048"),
        (&symmetric, "SM2PKE", "RSA_4096"),
        (&symmetric, "RSAES_OAEP_SHA_512", "RSA_2048"),
        (&symmetric, "SM2PKE_SM4_ECB", "EC_SM2"),
        (&symmetric, "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD", "RSA_2048"),
        (&asymmetric, "RSAES_PKCS1_V1_5", "RSA_2048"),
        (&asymmetric, "SM2PKE", "EC_SM2"),
    ] {
        let call = [("KeyId", &**key), ("WrappingAlgorithm", algorithm), ("WrappingKeySpec", spec)];
        assert_eq!(
            code(kms.call("GetParametersForImport", &call).await),
            (400, "InvalidParameter"),
            "{algorithm} {spec}"
        );
    }
}

#[tokio::test]
async fn keys_of_the_service_take_no_material() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    kms.call("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "7")]).await.unwrap();
    let get = [("KeyId", &*key), ("WrappingAlgorithm", "SM2PKE"), ("WrappingKeySpec", "EC_SM2")];
    assert_eq!(code(kms.call("GetParametersForImport", &get).await), (400, "Unsupported.Origin"));
    assert_eq!(code(import_with(&kms, &key, "x", b"x", "").await), (400, "Unsupported.Origin"));
    assert_eq!(code(kms.call("DeleteKeyMaterial", &[("KeyId", &key)]).await), (400, "Unsupported.Origin"));
    for id in ["key-hzz0123456789abcdefgh", "alias/none"] {
        let expected =
            if id.starts_with("alias") { (400, "Unsupported.Alias") } else { (404, "Forbidden.KeyNotFound") };
        assert_eq!(code(import_with(&kms, id, "x", b"x", "").await), expected);
        assert_eq!(code(kms.call("DeleteKeyMaterial", &[("KeyId", id)]).await), expected);
    }
}

#[tokio::test]
async fn a_token_serves_one_key_and_one_algorithm_for_a_day() {
    let kms = TestKms::new().await;
    let (key, other) = (external(&kms, "Aliyun_AES_256").await, external(&kms, "Aliyun_AES_256").await);
    let Parameters { public, token } = parameters(&kms, &key, "RSAES_OAEP_SHA_256").await;
    let good = wrapped(&kms, &public, "RSAES_OAEP_SHA_256", &[7; 32]);
    assert_eq!(code(import_with(&kms, &other, &token, &good, "").await), (400, "InvalidImportToken"));
    let altered = format!("{}AAAA", &token[..token.len() - 4]);
    for wrong in [&altered, "AAAA", "no token"] {
        assert_eq!(code(import_with(&kms, &key, wrong, &good, "").await), (400, "InvalidImportToken"), "{wrong}");
    }
    let by_other_algorithm = wrapped(&kms, &public, "RSAES_PKCS1_V1_5", &[7; 32]);
    assert_eq!(code(import_with(&kms, &key, &token, &by_other_algorithm, "").await), (400, "InvalidKeyMaterial"));
    // Another pair does not end the first; a token may be used again; and on another node.
    let second = parameters(&kms, &key, "SM2PKE").await;
    kms.clock.advance_seconds(DAY - 1);
    kms.service.run_jobs_once().await;
    import_with(&kms, &key, &token, &good, "").await.unwrap();
    import_with(&kms, &key, &token, &good, "").await.unwrap();
    let by_second = wrapped(&kms, &second.public, "SM2PKE", &[7; 32]);
    import_with(&kms, &key, &second.token, &by_second, "").await.unwrap();
    let crossed = import_with(&kms, &key, &second.token, &good, "").await;
    assert_eq!(code(crossed), (400, "InvalidKeyMaterial"));
    kms.clock.advance_seconds(1);
    assert_eq!(code(import_with(&kms, &key, &token, &good, "").await), (400, "ExpiredImportToken"));
    kms.service.run_jobs_once().await;
    assert_eq!(code(import_with(&kms, &key, &token, &good, "").await), (400, "ExpiredImportToken"));
    // Its row is gone for good: with the clock back where it was, the token is unknown.
    kms.clock.advance_seconds(-DAY);
    assert_eq!(code(import_with(&kms, &key, &token, &good, "").await), (400, "InvalidImportToken"));
}

#[tokio::test]
async fn whatever_is_wrong_with_the_material_is_one_error() {
    let kms = TestKms::new().await;
    let key = external(&kms, "Aliyun_AES_256").await;
    for algorithm in ["RSAES_PKCS1_V1_5", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"] {
        let Parameters { public, token } = parameters(&kms, &key, algorithm).await;
        let good = wrapped(&kms, &public, algorithm, &[7; 32]);
        let mut altered = good.clone();
        altered[100] ^= 1;
        let mut messages = std::collections::BTreeSet::new();
        for wrong in
            [altered, good[1..].to_vec(), vec![0; 256], wrapped(&kms, &public, algorithm, &[7; 31]), vec![1; 5_000]]
        {
            let refusal = import_with(&kms, &key, &token, &wrong, "").await.unwrap_err();
            assert_eq!(refusal.code, "InvalidKeyMaterial", "{algorithm}");
            messages.insert(refusal.message);
        }
        assert_eq!(messages.len(), 1);
        assert_eq!(state(&kms, &key).await, "PendingImport");
    }
    let refusal = kms
        .call("ImportKeyMaterial", &[("KeyId", &key), ("EncryptedKeyMaterial", "a b"), ("ImportToken", "AAAA")])
        .await;
    assert_eq!(code(refusal), (400, "InvalidParameter"));
    assert_eq!(code(kms.call("ImportKeyMaterial", &[("KeyId", &key)]).await), (400, "MissingParameter"));
}

#[tokio::test]
async fn later_imports_must_bring_the_first_material() {
    let kms = TestKms::new().await;
    let key = external(&kms, "Aliyun_AES_256").await;
    let version = metadata(&kms, &key).await["PrimaryKeyVersion"].clone();
    import(&kms, &key, &[7; 32], "").await.unwrap();
    let blob = encrypt(&kms, &key).await.unwrap()["CiphertextBlob"].as_str().unwrap().to_owned();
    assert_eq!(code(import(&kms, &key, &[8; 32], "").await), (400, "InvalidKeyMaterial"));
    kms.call("DeleteKeyMaterial", &[("KeyId", &key)]).await.unwrap();
    assert_eq!(state(&kms, &key).await, "PendingImport");
    assert_eq!(code(encrypt(&kms, &key).await), (409, "Rejected.PendingImport"));
    assert_eq!(code(import(&kms, &key, &[8; 32], "").await), (400, "InvalidKeyMaterial"));
    import(&kms, &key, &[7; 32], "").await.unwrap();
    assert_eq!(kms.call("Decrypt", &[("CiphertextBlob", &blob)]).await.unwrap()["Plaintext"], "aGVsbG8=");
    assert_eq!(metadata(&kms, &key).await["PrimaryKeyVersion"], version);
    // Two keys of the same material are two keys.
    let twin = external(&kms, "Aliyun_AES_256").await;
    import(&kms, &twin, &[7; 32], "").await.unwrap();
    let own = kms.call("Decrypt", &[("CiphertextBlob", &blob)]).await.unwrap();
    assert_eq!((&own["KeyId"], &own["KeyVersionId"]), (&Value::from(key), &version));
    assert_eq!(encrypt(&kms, &twin).await.unwrap()["KeyId"], twin);
}

#[tokio::test]
async fn of_two_first_imports_one_wins() {
    let kms = TestKms::new().await;
    let key = external(&kms, "Aliyun_AES_256").await;
    let Parameters { public, token } = parameters(&kms, &key, "SM2PKE").await;
    let (one, two) = (wrapped(&kms, &public, "SM2PKE", &[1; 32]), wrapped(&kms, &public, "SM2PKE", &[2; 32]));
    let (first, second) =
        tokio::join!(import_with(&kms, &key, &token, &one, ""), import_with(&kms, &key, &token, &two, ""));
    assert_eq!([first.is_ok(), second.is_ok()].iter().filter(|won| **won).count(), 1);
}

#[tokio::test]
async fn material_expires_and_comes_back() {
    let kms = TestKms::new().await;
    let key = external(&kms, "Aliyun_AES_256").await;
    assert_eq!(code(import(&kms, &key, &[7; 32], &(NOW - 1).to_string()).await), (400, "InvalidParameter"));
    for wrong in ["-1", "x", "999999999999999999999"] {
        assert_eq!(code(import(&kms, &key, &[7; 32], wrong).await), (400, "InvalidParameter"), "{wrong}");
    }
    import(&kms, &key, &[7; 32], &(NOW + DAY).to_string()).await.unwrap();
    assert_eq!(metadata(&kms, &key).await["MaterialExpireTime"], "2026-01-03T03:04:05Z");
    let blob = encrypt(&kms, &key).await.unwrap()["CiphertextBlob"].as_str().unwrap().to_owned();
    // A later date, then none.
    import(&kms, &key, &[7; 32], &(NOW + 2 * DAY).to_string()).await.unwrap();
    kms.clock.advance_seconds(DAY);
    kms.service.run_jobs_once().await;
    assert_eq!(state(&kms, &key).await, "Enabled");
    kms.clock.advance_seconds(DAY);
    // From that second on, whether or not the job has run.
    assert_eq!(state(&kms, &key).await, "PendingImport");
    assert_eq!(code(encrypt(&kms, &key).await), (409, "Rejected.PendingImport"));
    kms.service.run_jobs_once().await;
    kms.another_node(&kms.clock).run_jobs_once().await;
    let described = metadata(&kms, &key).await;
    assert_eq!((&described["KeyState"], &described["MaterialExpireTime"]), (&"PendingImport".into(), &"".into()));
    kms.clock.advance_seconds(-2 * DAY);
    assert_eq!(state(&kms, &key).await, "PendingImport", "what is erased does not come back with the clock");
    import(&kms, &key, &[7; 32], "0").await.unwrap();
    assert_eq!(metadata(&kms, &key).await["MaterialExpireTime"], "");
    assert_eq!(kms.call("Decrypt", &[("CiphertextBlob", &blob)]).await.unwrap()["Plaintext"], "aGVsbG8=");
}

#[tokio::test]
async fn the_states_of_a_key_follow_its_material() {
    let kms = TestKms::new().await;
    let key = external(&kms, "Aliyun_AES_256").await;
    let call = async |operation: &str| kms.call(operation, &[("KeyId", &key)]).await;
    assert_eq!(code(call("EnableKey").await), (409, "Rejected.StateModifiedFailed"));
    call("DeleteKeyMaterial").await.unwrap();
    import(&kms, &key, &[7; 32], "").await.unwrap();
    call("DisableKey").await.unwrap();
    import(&kms, &key, &[7; 32], "").await.unwrap();
    assert_eq!(state(&kms, &key).await, "Disabled");
    call("DeleteKeyMaterial").await.unwrap();
    assert_eq!(state(&kms, &key).await, "PendingImport");
    import(&kms, &key, &[7; 32], "").await.unwrap();
    kms.call("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "7")]).await.unwrap();
    let date = metadata(&kms, &key).await["DeleteDate"].clone();
    assert_eq!(code(import(&kms, &key, &[7; 32], "").await), (409, "Rejected.StateModifiedFailed"));
    call("DeleteKeyMaterial").await.unwrap();
    let described = metadata(&kms, &key).await;
    assert_eq!((&described["KeyState"], &described["DeleteDate"]), (&"PendingDeletion".into(), &date));
    call("CancelKeyDeletion").await.unwrap();
    assert_eq!(state(&kms, &key).await, "PendingImport");
}

#[tokio::test]
async fn expiry_leaves_a_pending_deletion_alone() {
    let kms = TestKms::new().await;
    let key = external(&kms, "Aliyun_AES_256").await;
    import(&kms, &key, &[7; 32], &(NOW + DAY).to_string()).await.unwrap();
    kms.call("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "7")]).await.unwrap();
    kms.clock.advance_seconds(DAY);
    kms.service.run_jobs_once().await;
    assert_eq!(state(&kms, &key).await, "PendingDeletion");
    kms.call("CancelKeyDeletion", &[("KeyId", &key)]).await.unwrap();
    assert_eq!(state(&kms, &key).await, "PendingImport");
    kms.call("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "7")]).await.unwrap();
    kms.clock.advance_seconds(7 * DAY);
    kms.service.run_jobs_once().await;
    assert_eq!(code(kms.call("DescribeKey", &[("KeyId", &key)]).await), (404, "Forbidden.KeyNotFound"));
}
