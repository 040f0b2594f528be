//! Signatures, encryption under public keys, public keys, message authentication.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a call that must succeed fails its test")]

mod openssl;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::Bench;
use serde_json::Value;
use sesame_testkit::{Refusal, TestKms};

const SIGNING: [(&str, &[&str]); 6] = [
    ("RSA_2048", &["RSA_PSS_SHA_256", "RSA_PKCS1_SHA_256"]),
    ("RSA_3072", &["RSA_PSS_SHA_256", "RSA_PKCS1_SHA_256"]),
    ("RSA_4096", &["RSA_PSS_SHA_256"]),
    ("EC_P256", &["ECDSA_SHA_256"]),
    ("EC_P256K", &["ECDSA_SHA_256"]),
    ("EC_SM2", &["SM2DSA"]),
];

/// Spec, algorithm, longest plaintext.
const ENCRYPTING: [(&str, &str, usize); 6] = [
    ("RSA_2048", "RSAES_OAEP_SHA_256", 190),
    ("RSA_2048", "RSAES_OAEP_SHA_1", 214),
    ("RSA_3072", "RSAES_OAEP_SHA_256", 318),
    ("EC_P256", "ECIES_DH_SHA_1_XOR_HMAC", 6_059),
    ("EC_P256K", "ECIES_DH_SHA_1_XOR_HMAC", 6_059),
    ("EC_SM2", "SM2PKE", 6_047),
];

const NOT_FOUND: (u16, &str) = (404, "Forbidden.KeyNotFound");
const NO_VERSION: (u16, &str) = (404, "Forbidden.KeyVersionNotFound");
const NO_ALIAS: (u16, &str) = (404, "Forbidden.AliasNotFound");
const MISSING: (u16, &str) = (400, "MissingParameter");
const INVALID: (u16, &str) = (400, "InvalidParameter");
const REJECTED: (u16, &str) = (400, "Rejected.UnsupportedOperation");
const UNSUPPORTED: (u16, &str) = (400, "UnsupportedOperation");
const WOULD_SUCCEED: (u16, &str) = (400, "DryRunOperationError");
const WOULD_FAIL: (u16, &str) = (400, "ValidationError");
const WOULD_BE_DENIED: (u16, &str) = (403, "AccessDeniedError");

fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> (u16, &'static str) {
    let refusal = result.unwrap_err();
    (refusal.status, refusal.code)
}

fn text(answer: &Value, member: &str) -> String {
    answer[member].as_str().unwrap().to_owned()
}

/// An asymmetric key and its version.
struct Pair {
    kms: TestKms,
    key: String,
    version: String,
}

impl Pair {
    async fn new(spec: &str, usage: &str) -> Self {
        Self::of(TestKms::new().await, spec, usage).await
    }

    async fn of(kms: TestKms, spec: &str, usage: &str) -> Self {
        let key = kms.key(&[("KeySpec", spec), ("KeyUsage", usage)]).await;
        let version = first_version(&kms, &key).await;
        Self { kms, key, version }
    }

    /// Calls with KeyId and KeyVersionId of the pair, unless `params` has them.
    async fn call(&self, operation: &str, params: &[(&str, &str)]) -> Result<Value, Refusal> {
        let own = [("KeyId", self.key.as_str()), ("KeyVersionId", self.version.as_str())];
        let own = own.into_iter().filter(|(name, _)| !params.iter().any(|(given, _)| given == name));
        let all: Vec<_> = own.chain(params.iter().copied()).collect();
        self.kms.call(operation, &all).await
    }

    async fn sign(&self, algorithm: &str, digest: &[u8]) -> Vec<u8> {
        let digest = STANDARD.encode(digest);
        let answer = self.call("AsymmetricSign", &[("Algorithm", algorithm), ("Digest", &digest)]).await.unwrap();
        assert_eq!((text(&answer, "KeyId"), text(&answer, "KeyVersionId")), (self.key.clone(), self.version.clone()));
        STANDARD.decode(text(&answer, "Value")).unwrap()
    }

    async fn verify(&self, algorithm: &str, digest: &[u8], signature: &[u8]) -> bool {
        let (digest, signature) = (STANDARD.encode(digest), STANDARD.encode(signature));
        let params = [("Algorithm", algorithm), ("Digest", &digest), ("Value", &signature)];
        self.call("AsymmetricVerify", &params).await.unwrap()["Value"].as_bool().unwrap()
    }

    async fn encrypt(&self, algorithm: &str, plaintext: &[u8]) -> Vec<u8> {
        let plaintext = STANDARD.encode(plaintext);
        let params = [("Algorithm", algorithm), ("Plaintext", &plaintext)];
        STANDARD.decode(text(&self.call("AsymmetricEncrypt", &params).await.unwrap(), "CiphertextBlob")).unwrap()
    }

    async fn decrypt(&self, algorithm: &str, ciphertext: &[u8]) -> Result<Vec<u8>, Refusal> {
        let blob = STANDARD.encode(ciphertext);
        let answer = self.call("AsymmetricDecrypt", &[("Algorithm", algorithm), ("CiphertextBlob", &blob)]).await?;
        Ok(STANDARD.decode(text(&answer, "Plaintext")).unwrap())
    }

    async fn public_pem(&self) -> String {
        text(&self.call("GetPublicKey", &[]).await.unwrap(), "PublicKey")
    }
}

/// CreateKey does not answer the version of an asymmetric key; the database knows it.
async fn first_version(kms: &TestKms, key: &str) -> String {
    let mut conn = kms.store.reader().await.unwrap();
    let key = sesame_store::keys::get(&mut conn, &key.parse().unwrap()).await.unwrap().unwrap();
    key.primary_version.to_string()
}

#[tokio::test]
async fn what_one_call_signs_another_verifies_and_nothing_else() {
    for (spec, algorithms) in SIGNING {
        let pair = Pair::new(spec, "SIGN/VERIFY").await;
        for algorithm in algorithms {
            let signature = pair.sign(algorithm, &[7; 32]).await;
            assert!(pair.verify(algorithm, &[7; 32], &signature).await, "{spec} {algorithm}");
            assert!(!pair.verify(algorithm, &[8; 32], &signature).await);
            assert!(!pair.verify(algorithm, &[7; 32], &signature[1..]).await);
            assert!(!pair.verify(algorithm, &[7; 32], b"no signature").await);
        }
    }
}

#[tokio::test]
async fn openssl_verifies_what_is_signed_here() {
    let Some(bench) = Bench::new() else { return };
    for (spec, algorithms) in SIGNING {
        let pair = Pair::new(spec, "SIGN/VERIFY").await;
        bench.write("public.pem", pair.public_pem().await);
        for algorithm in algorithms {
            let message = b"what is signed";
            bench.write("message", message);
            let digest = if spec == "EC_SM2" {
                // SM2 signs e = SM3(Z_A ‖ M), which the caller makes from the public key.
                bench.run("pkey -pubin -in public.pem -outform DER -out public.der");
                let public = sesame_crypto::PublicKey::from_spki_der(&bench.read("public.der")).unwrap();
                public.sm2_message_digest(message).unwrap()
            } else {
                sesame_crypto::digest::sha256(message)
            };
            bench.write("digest", digest);
            bench.write("signature", pair.sign(algorithm, &digest).await);
            let options = match *algorithm {
                "RSA_PSS_SHA_256" => {
                    "-in digest -pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:32"
                }
                "RSA_PKCS1_SHA_256" => "-in digest -pkeyopt digest:sha256",
                "SM2DSA" => "-rawin -digest sm3 -in message -pkeyopt distid:1234567812345678",
                _ => "-in digest",
            };
            bench.run(&format!("pkeyutl -verify -pubin -inkey public.pem -sigfile signature {options}"));
        }
    }
}

#[tokio::test]
async fn what_is_encrypted_under_the_public_key_decrypts() {
    for (spec, algorithm, longest) in ENCRYPTING {
        let pair = Pair::new(spec, "ENCRYPT/DECRYPT").await;
        for length in [1, 32, longest] {
            let ciphertext = pair.encrypt(algorithm, &vec![9; length]).await;
            assert_eq!(pair.decrypt(algorithm, &ciphertext).await.unwrap(), vec![9; length], "{spec} {length}");
            let mut altered = ciphertext;
            let last = altered.len() - 1;
            altered[last] ^= 1;
            assert_eq!(code(pair.decrypt(algorithm, &altered).await), INVALID);
        }
        assert_eq!(code(pair.decrypt(algorithm, b"too short").await), INVALID);
        let too_long = STANDARD.encode(vec![9; longest + 1]);
        let params = [("Algorithm", algorithm), ("Plaintext", too_long.as_str())];
        assert_eq!(code(pair.call("AsymmetricEncrypt", &params).await), INVALID, "{spec}");
    }
}

#[tokio::test]
async fn what_openssl_encrypts_decrypts_here() {
    let Some(bench) = Bench::new() else { return };
    bench.write("plaintext", b"for the owner of the key");
    let oaep = |hash| format!("-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:{hash} -pkeyopt rsa_mgf1_md:{hash}");
    for (spec, algorithm, options) in [
        ("RSA_2048", "RSAES_OAEP_SHA_256", oaep("sha256")),
        ("RSA_2048", "RSAES_OAEP_SHA_1", oaep("sha1")),
        ("RSA_4096", "RSAES_OAEP_SHA_256", oaep("sha256")),
        // OpenSSL writes SM2 ciphertexts in ASN.1.
        ("EC_SM2", "SM2PKE", String::new()),
    ] {
        let pair = Pair::new(spec, "ENCRYPT/DECRYPT").await;
        bench.write("public.pem", pair.public_pem().await);
        bench.run(&format!("pkeyutl -encrypt -pubin -inkey public.pem -in plaintext -out ciphertext {options}"));
        let plaintext = pair.decrypt(algorithm, &bench.read("ciphertext")).await.unwrap();
        assert_eq!(plaintext, b"for the owner of the key", "{spec} {algorithm}");
    }
}

#[tokio::test]
async fn a_public_key_is_pem_in_lines_of_64() {
    let pair = Pair::new("RSA_2048", "SIGN/VERIFY").await;
    let pem = pair.public_pem().await;
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\nMIIB"));
    assert!(pem.ends_with("\n-----END PUBLIC KEY-----\n"));
    assert!(pem.lines().all(|line| line.len() <= 64));
    let alias = [("AliasName", "alias/signer"), ("KeyId", pair.key.as_str())];
    pair.kms.call("CreateAlias", &alias).await.unwrap();
    let by_alias = pair.call("GetPublicKey", &[("KeyId", "alias/signer")]).await.unwrap();
    assert_eq!((text(&by_alias, "KeyId"), text(&by_alias, "PublicKey")), (pair.key.clone(), pem));
}

/// Every operation on a version, with parameters that are right for a pair of this usage.
fn calls(usage: &str) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let base64 = |length| STANDARD.encode(vec![7; length]);
    if usage == "SIGN/VERIFY" {
        let algorithm = ("Algorithm", "ECDSA_SHA_256".to_owned());
        let digest = ("Digest", base64(32));
        vec![
            ("AsymmetricSign", vec![algorithm.clone(), digest.clone()]),
            ("AsymmetricVerify", vec![algorithm, digest, ("Value", base64(70))]),
            ("GetPublicKey", vec![]),
        ]
    } else {
        let algorithm = ("Algorithm", "ECIES_DH_SHA_1_XOR_HMAC".to_owned());
        vec![
            ("AsymmetricEncrypt", vec![algorithm.clone(), ("Plaintext", base64(32))]),
            ("AsymmetricDecrypt", vec![algorithm, ("CiphertextBlob", base64(117))]),
            ("GetPublicKey", vec![]),
        ]
    }
}

fn with<'a>(params: &'a [(&'static str, String)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = params.iter().filter(|(name, _)| !more.iter().any(|(given, _)| given == name));
    kept.map(|(name, value)| (*name, value.as_str())).chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn keys_and_versions_must_exist_and_belong_together() {
    for usage in ["SIGN/VERIFY", "ENCRYPT/DECRYPT"] {
        let pair = Pair::of(TestKms::new().await, "EC_P256", usage).await;
        let other = pair.kms.key(&[("KeySpec", "EC_P256"), ("KeyUsage", usage)]).await;
        let other_version = first_version(&pair.kms, &other).await;
        let unknown_version = format!("{}-0000000000", pair.key);
        for (operation, params) in calls(usage) {
            let call = async |more: &[(&str, &str)]| code(pair.call(operation, &with(&params, more)).await);
            assert_eq!(call(&[("KeyId", "key-hzz000000000000000000")]).await, NOT_FOUND, "{operation}");
            assert_eq!(call(&[("KeyId", "alias/none")]).await, NO_ALIAS, "{operation}");
            for wrong in [other_version.as_str(), &unknown_version, "2ab1a983-7072-4bbc-a582-584b5bd80000", "v1"] {
                assert_eq!(call(&[("KeyVersionId", wrong)]).await, NO_VERSION, "{operation} {wrong}");
            }
            for required in ["KeyId", "KeyVersionId", "Algorithm", "Digest", "Value", "Plaintext", "CiphertextBlob"] {
                if required.starts_with("Key") || params.iter().any(|(name, _)| *name == required) {
                    assert_eq!(call(&[(required, "")]).await, MISSING, "{operation} {required}");
                }
            }
            for (name, value) in [
                ("Algorithm", "ROT13"),
                ("Digest", "AAAA"),
                ("Digest", "not Base64"),
                ("Value", "not Base64"),
                ("Plaintext", "AAA"),
                ("CiphertextBlob", "a b="),
                ("DryRun", "perhaps"),
            ] {
                if name == "DryRun" || params.iter().any(|(known, _)| *known == name) {
                    assert_eq!(call(&[(name, value)]).await, INVALID, "{operation} {name}={value}");
                }
            }
        }
    }
}

#[tokio::test]
async fn keys_of_another_kind_or_usage_are_refused() {
    for (spec, own_usage, usage) in [
        ("EC_P256", "ENCRYPT/DECRYPT", "SIGN/VERIFY"),
        ("EC_P256", "SIGN/VERIFY", "ENCRYPT/DECRYPT"),
        ("Aliyun_AES_256", "ENCRYPT/DECRYPT", "ENCRYPT/DECRYPT"),
        ("Aliyun_AES_256", "ENCRYPT/DECRYPT", "SIGN/VERIFY"),
        ("HMAC_SHA_256", "GENERATE_MAC/VERIFY_MAC", "SIGN/VERIFY"),
    ] {
        let pair = Pair::new(spec, own_usage).await;
        for (operation, params) in calls(usage) {
            if operation == "GetPublicKey" && spec == "EC_P256" {
                assert!(pair.call(operation, &with(&params, &[])).await.is_ok());
            } else {
                assert_eq!(code(pair.call(operation, &with(&params, &[])).await), REJECTED, "{operation} {spec}");
            }
        }
    }
    // An algorithm of other keys.
    let signer = Pair::new("EC_P256", "SIGN/VERIFY").await;
    let digest = STANDARD.encode([7; 32]);
    for algorithm in ["RSA_PSS_SHA_256", "SM2DSA"] {
        let params = [("Algorithm", algorithm), ("Digest", digest.as_str())];
        assert_eq!(code(signer.call("AsymmetricSign", &params).await), INVALID);
    }
    let cipher = Pair::new("EC_P256", "ENCRYPT/DECRYPT").await;
    for algorithm in ["RSAES_OAEP_SHA_256", "SM2PKE"] {
        let params = [("Algorithm", algorithm), ("Plaintext", digest.as_str())];
        assert_eq!(code(cipher.call("AsymmetricEncrypt", &params).await), REJECTED);
    }
}

#[tokio::test]
async fn a_rehearsal_tells_the_outcome_and_does_nothing() {
    for usage in ["SIGN/VERIFY", "ENCRYPT/DECRYPT"] {
        let pair = Pair::new("EC_P256", usage).await;
        let arn = format!("acs:kms:cn-hangzhou:1234567890123456:key/{}", pair.key);
        for (operation, params) in calls(usage) {
            let dry = ("DryRun", "true");
            let call = async |more: &[(&str, &str)]| code(pair.call(operation, &with(&params, more)).await);
            assert_eq!(call(&[dry]).await, WOULD_SUCCEED, "{operation}");
            assert_eq!(call(&[dry, ("KeyVersionId", "none")]).await, WOULD_FAIL, "{operation}");
            assert_eq!(call(&[dry, ("KeyId", "alias/none")]).await, WOULD_FAIL, "{operation}");
            assert_eq!(call(&[dry, ("KeyVersionId", "")]).await, WOULD_FAIL, "{operation}");
            let own = [("KeyId", arn.as_str()), ("KeyVersionId", pair.version.as_str()), dry];
            let foreign = pair.kms.call_from("6543210987654321", operation, &with(&params, &own)).await;
            assert_eq!(code(foreign), WOULD_BE_DENIED, "{operation}");
        }
    }
}

#[tokio::test]
async fn a_recipient_is_refused() {
    let pair = Pair::new("EC_P256", "ENCRYPT/DECRYPT").await;
    let (_, params) = calls("ENCRYPT/DECRYPT").remove(1);
    assert_eq!(code(pair.call("AsymmetricDecrypt", &with(&params, &[("Recipient", "{}")])).await), UNSUPPORTED);
}

#[tokio::test]
async fn a_message_is_authenticated() {
    for (spec, length) in
        [("HMAC_SHA_224", 28), ("HMAC_SHA_256", 32), ("HMAC_SHA_384", 48), ("HMAC_SHA_512", 64), ("HMAC_SM3", 32)]
    {
        let kms = TestKms::new().await;
        let key = kms.key(&[("KeySpec", spec)]).await;
        let message = STANDARD.encode(b"message");
        let params = [("KeyId", key.as_str()), ("Algorithm", spec), ("Message", &message)];
        let answer = kms.call("GenerateMac", &params).await.unwrap();
        assert_eq!((text(&answer, "KeyId"), text(&answer, "Algorithm")), (key.clone(), spec.to_owned()));
        let mac = STANDARD.decode(text(&answer, "Mac")).unwrap();
        assert_eq!(mac.len(), length);
        let verify = async |mac: &[u8]| {
            let mac = STANDARD.encode(mac);
            let answer = kms.call("VerifyMac", &[params[0], params[1], params[2], ("Mac", &mac)]).await.unwrap();
            assert_eq!((text(&answer, "KeyId"), text(&answer, "Algorithm")), (key.clone(), spec.to_owned()));
            answer["Value"].as_bool().unwrap()
        };
        assert!(verify(&mac).await);
        assert!(!verify(&mac[1..]).await);
        assert!(!verify(&[&mac[..], b"x"].concat()).await);
        assert!(!verify(&vec![0; length]).await);
    }
}

#[tokio::test]
async fn openssl_makes_the_same_macs() {
    let Some(bench) = Bench::new() else { return };
    bench.write("message", b"message");
    for (spec, hash) in [
        ("HMAC_SHA_224", "SHA224"),
        ("HMAC_SHA_256", "SHA256"),
        ("HMAC_SHA_384", "SHA384"),
        ("HMAC_SHA_512", "SHA512"),
        ("HMAC_SM3", "SM3"),
    ] {
        let kms = TestKms::new().await;
        let key = kms.key(&[("KeySpec", spec)]).await;
        let message = STANDARD.encode(b"message");
        let params = [("KeyId", key.as_str()), ("Algorithm", spec), ("Message", &message)];
        let mac = STANDARD.decode(text(&kms.call("GenerateMac", &params).await.unwrap(), "Mac")).unwrap();
        let version = first_version(&kms, &key).await.parse().unwrap();
        let mut conn = kms.store.reader().await.unwrap();
        let (_, material) = sesame_store::key_versions::get(&mut conn, &version).await.unwrap().unwrap();
        let hex: String = material.expose().iter().map(|byte| format!("{byte:02x}")).collect();
        bench.run(&format!("mac -digest {hash} -macopt hexkey:{hex} -in message -binary -out mac HMAC"));
        assert_eq!(bench.read("mac"), mac, "{spec}");
    }
}

#[tokio::test]
async fn what_is_no_mac_key_or_too_long_a_message_is_refused() {
    let kms = TestKms::new().await;
    let key = kms.key(&[("KeySpec", "HMAC_SHA_256")]).await;
    let symmetric = kms.key(&[]).await;
    let (message, longest) = (STANDARD.encode(b"message"), STANDARD.encode(vec![0; 6_144]));
    let too_long = STANDARD.encode(vec![0; 6_145]);
    for operation in ["GenerateMac", "VerifyMac"] {
        let call = async |key: &str, more: &[(&str, &str)]| {
            let params = [("KeyId", key), ("Algorithm", "HMAC_SHA_256"), ("Message", &message), ("Mac", "AAAA")];
            let kept = params.into_iter().filter(|(name, _)| !more.iter().any(|(given, _)| given == name));
            kms.call(operation, &kept.chain(more.iter().copied()).collect::<Vec<_>>()).await
        };
        assert!(call(&key, &[("Message", &longest)]).await.is_ok());
        assert_eq!(code(call(&key, &[("Message", &too_long)]).await), INVALID);
        assert_eq!(code(call(&key, &[("Message", "not Base64")]).await), INVALID);
        assert_eq!(code(call(&key, &[("Algorithm", "HMAC_SHA_512")]).await), INVALID);
        assert_eq!(code(call(&key, &[("Algorithm", "HMAC_MD5")]).await), INVALID);
        assert_eq!(code(call(&symmetric, &[]).await), REJECTED);
        assert_eq!(code(call("key-hzz000000000000000000", &[]).await), NOT_FOUND);
        assert_eq!(code(call("alias/none", &[]).await), NO_ALIAS);
        assert_eq!(code(call(&key, &[("Message", "")]).await), MISSING);
        assert_eq!(code(call(&key, &[("DryRun", "true")]).await), WOULD_SUCCEED);
        assert_eq!(code(call(&symmetric, &[("DryRun", "true")]).await), WOULD_FAIL);
        kms.call("DisableKey", &[("KeyId", &key)]).await.unwrap();
        assert_eq!(code(call(&key, &[]).await), (409, "Rejected.Disabled"));
        assert_eq!(code(call(&key, &[("DryRun", "true")]).await), WOULD_FAIL);
        kms.call("EnableKey", &[("KeyId", &key)]).await.unwrap();
    }
    let mac = [("KeyId", key.as_str()), ("Algorithm", "HMAC_SHA_256"), ("Message", &message), ("Mac", "%%")];
    assert_eq!(code(kms.call("VerifyMac", &mac).await), INVALID);
}
