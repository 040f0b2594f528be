//! Data keys that leave under a public key, ciphertexts that arrive under one, and the dedicated gateway's blobs.
#![expect(clippy::unwrap_used, reason = "a call that must succeed fails its test")]

mod openssl;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::Bench;
use serde_json::Value;
use sesame_crypto::{EncryptionAlgorithm, KeySpec, PublicKey, SystemRandom, UnlockedKey};
use sesame_testkit::{Refusal, TestKms};

const INVALID: (u16, &str) = (400, "InvalidParameter");
const MISSING: (u16, &str) = (400, "MissingParameter");
const UNSUPPORTED: (u16, &str) = (400, "UnsupportedOperation");
const REJECTED: (u16, &str) = (400, "Rejected.UnsupportedOperation");

fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> (u16, &'static str) {
    let refusal = result.unwrap_err();
    (refusal.status, refusal.code)
}

fn text(answer: &Value, member: &str) -> String {
    answer[member].as_str().unwrap().to_owned()
}

fn changed<'a>(params: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = params.iter().filter(|(name, _)| !more.iter().any(|(given, _)| given == name));
    kept.chain(more).copied().collect()
}

/// A key pair of a caller, and its public half as PublicKeyBlob.
fn callers(spec: KeySpec) -> (UnlockedKey, String) {
    let (pair, _) = UnlockedKey::generate(spec, &SystemRandom).unwrap();
    let blob = STANDARD.encode(pair.public_key_der().unwrap());
    (pair, blob)
}

const WRAPPINGS: [(&str, &str, KeySpec, EncryptionAlgorithm); 3] = [
    ("RSA_2048", "RSAES_OAEP_SHA_256", KeySpec::Rsa2048, EncryptionAlgorithm::RsaesOaepSha256),
    ("RSA_2048", "RSAES_OAEP_SHA_1", KeySpec::Rsa2048, EncryptionAlgorithm::RsaesOaepSha1),
    ("EC_SM2", "SM2PKE", KeySpec::EcSm2, EncryptionAlgorithm::Sm2Pke),
];

#[tokio::test]
async fn an_exported_data_key_is_the_one_in_the_blob() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let context = ("EncryptionContext", r#"{"app":"pay"}"#);
    for (spec, algorithm, pair_spec, pair_algorithm) in WRAPPINGS {
        let (pair, public) = callers(pair_spec);
        let wrapping =
            [("PublicKeyBlob", public.as_str()), ("WrappingKeySpec", spec), ("WrappingAlgorithm", algorithm)];
        let unwrap = |answer: &Value| {
            let wrapped = STANDARD.decode(text(answer, "ExportedDataKey")).unwrap();
            STANDARD.encode(pair.decrypt(pair_algorithm, &wrapped).unwrap().expose())
        };
        let generated = kms.call("GenerateAndExportDataKey", &changed(&wrapping, &[("KeyId", &key), context])).await;
        let generated = generated.unwrap();
        let blob = text(&generated, "CiphertextBlob");
        let opened = kms.call("Decrypt", &[("CiphertextBlob", &blob), context]).await.unwrap();
        assert_eq!(unwrap(&generated), text(&opened, "Plaintext"));
        assert_eq!((text(&generated, "KeyId"), &generated["KeyVersionId"]), (key.clone(), &opened["KeyVersionId"]));
        assert!(generated.get("Plaintext").is_none());
        let exported = kms.call("ExportDataKey", &changed(&wrapping, &[("CiphertextBlob", &blob), context])).await;
        let exported = exported.unwrap();
        assert_eq!(unwrap(&exported), text(&opened, "Plaintext"));
        assert_eq!((text(&exported, "KeyId"), &exported["KeyVersionId"]), (key.clone(), &opened["KeyVersionId"]));
        let without = kms.call("ExportDataKey", &changed(&wrapping, &[("CiphertextBlob", &blob)])).await;
        assert_eq!(code(without), INVALID, "without the context");
    }
}

#[tokio::test]
async fn a_plaintext_that_is_not_base64_is_exported_as_it_is() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let blob =
        text(&kms.call("Encrypt", &[("KeyId", &key), ("Plaintext", "no Base64!")]).await.unwrap(), "CiphertextBlob");
    let (pair, public) = callers(KeySpec::Rsa2048);
    let params = [
        ("CiphertextBlob", blob.as_str()),
        ("PublicKeyBlob", &public),
        ("WrappingKeySpec", "RSA_2048"),
        ("WrappingAlgorithm", "RSAES_OAEP_SHA_256"),
    ];
    let wrapped = text(&kms.call("ExportDataKey", &params).await.unwrap(), "ExportedDataKey");
    let plaintext = pair.decrypt(EncryptionAlgorithm::RsaesOaepSha256, &STANDARD.decode(wrapped).unwrap()).unwrap();
    assert_eq!(plaintext.expose(), b"no Base64!");
}

#[tokio::test]
async fn openssl_unwraps_an_exported_data_key() {
    let Some(bench) = Bench::new() else { return };
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    bench.run("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem");
    bench.run("pkey -in key.pem -pubout -outform DER -out public.der");
    let public = STANDARD.encode(bench.read("public.der"));
    let params = [
        ("KeyId", key.as_str()),
        ("NumberOfBytes", "24"),
        ("PublicKeyBlob", &public),
        ("WrappingKeySpec", "RSA_2048"),
        ("WrappingAlgorithm", "RSAES_OAEP_SHA_256"),
    ];
    let answer = kms.call("GenerateAndExportDataKey", &params).await.unwrap();
    bench.write("wrapped", STANDARD.decode(text(&answer, "ExportedDataKey")).unwrap());
    bench.run(
        "pkeyutl -decrypt -inkey key.pem -in wrapped -out raw \
         -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256",
    );
    let blob = text(&answer, "CiphertextBlob");
    let opened = kms.call("Decrypt", &[("CiphertextBlob", &blob)]).await.unwrap();
    assert_eq!(STANDARD.encode(bench.read("raw")), text(&opened, "Plaintext"));
    assert_eq!(bench.read("raw").len(), 24);
}

#[tokio::test]
async fn an_export_is_refused_when_its_parts_do_not_fit() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let blob = text(&kms.call("GenerateDataKey", &[("KeyId", &key)]).await.unwrap(), "CiphertextBlob");
    let (_, rsa) = callers(KeySpec::Rsa2048);
    let (_, rsa_3072) = callers(KeySpec::Rsa3072);
    let (_, sm2) = callers(KeySpec::EcSm2);
    let signer = kms.key(&[("KeySpec", "EC_P256")]).await;
    let right =
        [("PublicKeyBlob", rsa.as_str()), ("WrappingKeySpec", "RSA_2048"), ("WrappingAlgorithm", "RSAES_OAEP_SHA_256")];
    let wrong = [
        (vec![("PublicKeyBlob", sm2.as_str())], INVALID),
        (vec![("PublicKeyBlob", rsa_3072.as_str())], INVALID),
        (vec![("PublicKeyBlob", "AAAA")], INVALID),
        (vec![("PublicKeyBlob", "")], MISSING),
        (vec![("WrappingKeySpec", "EC_SM2")], INVALID),
        (vec![("WrappingKeySpec", "RSA_1024")], INVALID),
        (vec![("WrappingAlgorithm", "SM2PKE")], INVALID),
        (vec![("WrappingAlgorithm", "RSAES_PKCS1_V1_5")], INVALID),
        (vec![("DryRun", "true")], (400, "DryRunOperationError")),
        (vec![("DryRun", "true"), ("WrappingAlgorithm", "SM2PKE")], (400, "ValidationError")),
    ];
    for (operation, own) in
        [("ExportDataKey", ("CiphertextBlob", &blob)), ("GenerateAndExportDataKey", ("KeyId", &key))]
    {
        let base = changed(&right, &[(own.0, own.1)]);
        for (change, expected) in &wrong {
            assert_eq!(code(kms.call(operation, &changed(&base, change)).await), *expected, "{operation} {change:?}");
        }
    }
    let generate = changed(&right, &[("KeyId", &key)]);
    assert!(kms.call("GenerateAndExportDataKey", &changed(&generate, &[("NumberOfBytes", "190")])).await.is_ok());
    for (name, value) in [("NumberOfBytes", "191"), ("NumberOfBytes", "0"), ("KeySpec", "AES_512")] {
        assert_eq!(code(kms.call("GenerateAndExportDataKey", &changed(&generate, &[(name, value)])).await), INVALID);
    }
    assert_eq!(
        code(kms.call("GenerateAndExportDataKey", &changed(&generate, &[("KeyId", &signer)])).await),
        UNSUPPORTED
    );
    let long = STANDARD.encode([1; 191]);
    let long = text(&kms.call("Encrypt", &[("KeyId", &key), ("Plaintext", &long)]).await.unwrap(), "CiphertextBlob");
    assert_eq!(code(kms.call("ExportDataKey", &changed(&right, &[("CiphertextBlob", &long)])).await), INVALID);
}

/// An asymmetric key for encryption: its id, version and public key.
async fn source(kms: &TestKms, spec: &str, usage: &str) -> (String, String, PublicKey) {
    let key = kms.key(&[("KeySpec", spec), ("KeyUsage", usage)]).await;
    let mut conn = kms.store.reader().await.unwrap();
    let known = sesame_store::keys::get(&mut conn, &key.parse().unwrap()).await.unwrap().unwrap();
    let version = known.primary_version.to_string();
    let pem =
        text(&kms.call("GetPublicKey", &[("KeyId", &key), ("KeyVersionId", &version)]).await.unwrap(), "PublicKey");
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    (key, version, PublicKey::from_spki_der(&STANDARD.decode(body).unwrap()).unwrap())
}

#[tokio::test]
async fn a_ciphertext_made_under_a_public_key_moves_to_a_symmetric_key() {
    let kms = TestKms::new().await;
    let destination = kms.key(&[]).await;
    for (spec, algorithm, _, made_with) in WRAPPINGS {
        let (key, version, public) = source(&kms, spec, "ENCRYPT/DECRYPT").await;
        let blob = STANDARD.encode(public.encrypt(made_with, b"a raw data key").unwrap());
        let params = [
            ("CiphertextBlob", blob.as_str()),
            ("SourceKeyId", &key),
            ("SourceKeyVersionId", &version),
            ("SourceEncryptionAlgorithm", algorithm),
            ("DestinationKeyId", &destination),
            ("DestinationEncryptionContext", r#"{"to":"here"}"#),
        ];
        let moved = kms.call("ReEncrypt", &params).await.unwrap();
        assert_eq!((text(&moved, "KeyId"), text(&moved, "KeyVersionId")), (key.clone(), version.clone()));
        let new = text(&moved, "CiphertextBlob");
        let opened = kms.call("Decrypt", &[("CiphertextBlob", &new), ("EncryptionContext", r#"{"to":"here"}"#)]).await;
        assert_eq!(text(&opened.unwrap(), "Plaintext"), STANDARD.encode(b"a raw data key"));
        for left_out in ["SourceKeyId", "SourceKeyVersionId", "SourceEncryptionAlgorithm"] {
            assert_eq!(code(kms.call("ReEncrypt", &changed(&params, &[(left_out, "")])).await), MISSING, "{left_out}");
        }
        let none = [("SourceKeyId", ""), ("SourceKeyVersionId", ""), ("SourceEncryptionAlgorithm", "")];
        assert_eq!(code(kms.call("ReEncrypt", &changed(&params, &none)).await), INVALID);
        for (change, expected) in [
            (("SourceKeyVersionId", "none"), (404, "Forbidden.KeyVersionNotFound")),
            (("SourceKeyId", "key-hzz000000000000000000"), (404, "Forbidden.KeyNotFound")),
            (("SourceKeyId", "alias/none"), (400, "Unsupported.Alias")),
            (("SourceEncryptionAlgorithm", "ECIES_DH_SHA_1_XOR_HMAC"), REJECTED),
            (("SourceEncryptionAlgorithm", "ROT13"), INVALID),
            (("CiphertextBlob", "AAAA"), INVALID),
            (("DestinationKeyId", key.as_str()), UNSUPPORTED),
            (("DryRun", "true"), (400, "DryRunOperationError")),
        ] {
            assert_eq!(code(kms.call("ReEncrypt", &changed(&params, &[change])).await), expected, "{change:?}");
        }
    }
}

#[tokio::test]
async fn a_source_that_signs_does_not_decrypt() {
    let kms = TestKms::new().await;
    let destination = kms.key(&[]).await;
    let (key, version, _) = source(&kms, "RSA_2048", "SIGN/VERIFY").await;
    let blob = STANDARD.encode([0; 256]);
    let params = [
        ("CiphertextBlob", blob.as_str()),
        ("SourceKeyId", &key),
        ("SourceKeyVersionId", &version),
        ("SourceEncryptionAlgorithm", "RSAES_OAEP_SHA_256"),
        ("DestinationKeyId", &destination),
    ];
    assert_eq!(code(kms.call("ReEncrypt", &params).await), REJECTED);
}

#[tokio::test]
async fn advance_encrypt_frames_its_blob_and_decrypt_opens_it() {
    let kms = TestKms::new().await;
    for (spec, algorithm) in [("Aliyun_AES_256", "AES_GCM"), ("Aliyun_SM4", "SM4_GCM")] {
        let key = kms.key(&[("KeySpec", spec)]).await;
        let answer = kms.call("AdvanceEncrypt", &[("KeyId", &key), ("Plaintext", "aGVsbG8=")]).await.unwrap();
        assert_eq!(text(&answer, "Algorithm"), algorithm);
        let blob = text(&answer, "CiphertextBlob");
        let bytes = STANDARD.decode(&blob).unwrap();
        assert_eq!(bytes[..3], [0x24, 0x00, 0x02]);
        assert_eq!(bytes[39..51], STANDARD.decode(text(&answer, "Iv")).unwrap());
        let opened = kms.call("Decrypt", &[("CiphertextBlob", &blob)]).await.unwrap();
        assert_eq!((text(&opened, "Plaintext"), text(&opened, "KeyId")), ("aGVsbG8=".to_owned(), key.clone()));
        assert_eq!(opened["KeyVersionId"], answer["KeyVersionId"]);
    }
}

#[tokio::test]
async fn advance_encrypt_takes_an_iv_and_the_digest_of_a_context_as_additional_data() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let iv = STANDARD.encode([5; 12]);
    // What EncryptionContext {"a":"1"} stands for.
    let aad = STANDARD.encode(sesame_crypto::digest::sha256(b"a=1"));
    let params = [("KeyId", key.as_str()), ("Plaintext", "aGVsbG8="), ("Iv", &iv), ("Aad", &aad)];
    let answer = kms.call("AdvanceEncrypt", &params).await.unwrap();
    assert_eq!(text(&answer, "Iv"), iv);
    let blob = text(&answer, "CiphertextBlob");
    let opened =
        kms.call("Decrypt", &[("CiphertextBlob", &blob), ("EncryptionContext", r#"{"a":"1"}"#)]).await.unwrap();
    assert_eq!(text(&opened, "Plaintext"), "aGVsbG8=");
    assert_eq!(code(kms.call("Decrypt", &[("CiphertextBlob", &blob)]).await), INVALID);
    for change in [
        ("Iv", "AAAA"),
        ("Iv", "x"),
        ("Aad", "x"),
        ("Algorithm", "AES_CBC"),
        ("Algorithm", "SM4_GCM"),
        ("PaddingMode", "ZERO"),
    ] {
        assert_eq!(code(kms.call("AdvanceEncrypt", &changed(&params, &[change])).await), INVALID, "{change:?}");
    }
    let signer = kms.key(&[("KeySpec", "EC_P256")]).await;
    assert_eq!(code(kms.call("AdvanceEncrypt", &changed(&params, &[("KeyId", &signer)])).await), UNSUPPORTED);
}

#[tokio::test]
async fn every_challenge_is_another() {
    let kms = TestKms::new().await;
    let (one, other) = (kms.call("GetChallenge", &[]).await.unwrap(), kms.call("GetChallenge", &[]).await.unwrap());
    assert_eq!(STANDARD.decode(text(&one, "Nonce")).unwrap().len(), 32);
    assert_ne!(one["Nonce"], other["Nonce"]);
    assert_ne!(one["ChallengeToken"], other["ChallengeToken"]);
}
