//! Encrypt, Decrypt, ReEncrypt and data keys.
#![expect(clippy::unwrap_used, reason = "a call that must succeed fails its test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sesame_testkit::{Refusal, TestKms};

fn code<T: std::fmt::Debug>(result: Result<T, Refusal>) -> (u16, &'static str) {
    let refusal = result.unwrap_err();
    (refusal.status, refusal.code)
}

fn text(answer: &Value, member: &str) -> String {
    answer[member].as_str().unwrap().to_owned()
}

async fn encrypted(kms: &TestKms, params: &[(&str, &str)]) -> String {
    text(&kms.call("Encrypt", params).await.unwrap(), "CiphertextBlob")
}

async fn decrypted(kms: &TestKms, params: &[(&str, &str)]) -> String {
    text(&kms.call("Decrypt", params).await.unwrap(), "Plaintext")
}

#[tokio::test]
async fn decrypt_gives_back_the_text_that_was_encrypted() {
    let kms = TestKms::new().await;
    let long = STANDARD.encode(vec![7; 6_144]);
    for spec in ["Aliyun_AES_256", "Aliyun_AES_192", "Aliyun_AES_128", "Aliyun_SM4"] {
        let key = kms.key(&[("KeySpec", spec)]).await;
        for plaintext in ["aGVsbG8=", "-----BEGIN PEM-----\nnot Base64\n", "明文", &long] {
            let answer = kms.call("Encrypt", &[("KeyId", &key), ("Plaintext", plaintext)]).await.unwrap();
            let blob = text(&answer, "CiphertextBlob");
            let bytes = STANDARD.decode(&blob).unwrap();
            assert_eq!(bytes.len(), 36 + 12 + plaintext.len() + 16);
            assert_eq!(&bytes[..36], text(&answer, "KeyVersionId").as_bytes());
            let back = kms.call("Decrypt", &[("CiphertextBlob", &blob)]).await.unwrap();
            assert_eq!((text(&back, "Plaintext"), text(&back, "KeyId")), (plaintext.to_owned(), key.clone()));
            assert_eq!(back["KeyVersionId"], answer["KeyVersionId"]);
        }
    }
}

#[tokio::test]
async fn the_same_context_in_any_order_opens_a_ciphertext_and_no_other_does() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let context = ("EncryptionContext", r#"{"b":"2","a":"1"}"#);
    let blob = encrypted(&kms, &[("KeyId", &key), ("Plaintext", "aGk="), context]).await;
    let open =
        async |context: &str| kms.call("Decrypt", &[("CiphertextBlob", &blob), ("EncryptionContext", context)]).await;
    open(r#"{ "a": "1", "b": "2" }"#).await.unwrap();
    for wrong in ["", "{}", r#"{"a":"1"}"#, r#"{"a":"1","b":"3"}"#] {
        assert_eq!(code(open(wrong).await), (400, "InvalidParameter"), "{wrong}");
    }
    for malformed in ["x", "[]", r#"{"a":1}"#, r#"{"a":{}}"#, r#"{"a":"1","a":"2"}"#] {
        assert_eq!(code(open(malformed).await), (400, "InvalidParameter"), "{malformed}");
    }
}

#[tokio::test]
async fn no_context_and_an_empty_one_open_each_others_ciphertexts() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let without = encrypted(&kms, &[("KeyId", &key), ("Plaintext", "aGk=")]).await;
    let empty = encrypted(&kms, &[("KeyId", &key), ("Plaintext", "aGk="), ("EncryptionContext", "{}")]).await;
    for blob in [without, empty] {
        assert_eq!(decrypted(&kms, &[("CiphertextBlob", &blob)]).await, "aGk=");
        assert_eq!(decrypted(&kms, &[("CiphertextBlob", &blob), ("EncryptionContext", "{}")]).await, "aGk=");
    }
}

#[tokio::test]
async fn altered_and_foreign_ciphertexts_do_not_open() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let blob = STANDARD.decode(encrypted(&kms, &[("KeyId", &key), ("Plaintext", "aGk=")]).await).unwrap();
    let refusal = async |blob: &[u8]| code(kms.call("Decrypt", &[("CiphertextBlob", &STANDARD.encode(blob))]).await);
    for at in [36, 48, 52, blob.len() - 1] {
        let mut altered = blob.clone();
        altered[at] ^= 1;
        assert_eq!(refusal(&altered).await, (400, "InvalidParameter"), "byte {at}");
    }
    assert_eq!(refusal(&blob[..63]).await, (400, "InvalidParameter"));
    let mut unknown_version = blob.clone();
    unknown_version[35] = if blob[35] == b'0' { b'1' } else { b'0' };
    assert_eq!(refusal(&unknown_version).await, (404, "Forbidden.KeyNotFound"));
    let mut unknown_key = blob.clone();
    unknown_key[10] = if blob[10] == b'0' { b'1' } else { b'0' };
    assert_eq!(refusal(&unknown_key).await, (404, "Forbidden.KeyNotFound"));
    for text in ["not Base64!", "a b"] {
        assert_eq!(code(kms.call("Decrypt", &[("CiphertextBlob", text)]).await), (400, "InvalidParameter"));
    }
    assert_eq!(code(kms.call("Decrypt", &[]).await), (400, "MissingParameter"));
}

#[tokio::test]
async fn encrypt_refuses_what_is_missing_or_too_long() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let (too_long, longest) = (STANDARD.encode(vec![0; 6_145]), STANDARD.encode(vec![0; 6_144]));
    encrypted(&kms, &[("KeyId", &key), ("Plaintext", &longest)]).await;
    let id = ("KeyId", key.as_str());
    let context = format!(r#"{{"a":"{}"}}"#, "x".repeat(8_192));
    for (call, expected) in [
        (&[("Plaintext", "aGk=")][..], (400, "MissingParameter")),
        (&[id], (400, "MissingParameter")),
        (&[id, ("Plaintext", "")], (400, "MissingParameter")),
        (&[id, ("Plaintext", &too_long)], (400, "InvalidParameter")),
        (&[id, ("Plaintext", "aGk="), ("EncryptionContext", &context)], (400, "InvalidParameter")),
        (&[id, ("Plaintext", "aGk="), ("DryRun", "maybe")], (400, "InvalidParameter")),
    ] {
        assert_eq!(code(kms.call("Encrypt", call).await), expected, "{call:?}");
    }
}

#[tokio::test]
async fn a_data_key_decrypts_to_the_same_base64() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let id = ("KeyId", key.as_str());
    for (call, length) in [
        (&[id][..], 32),
        (&[id, ("KeySpec", "AES_256")], 32),
        (&[id, ("KeySpec", "AES_128")], 16),
        (&[id, ("NumberOfBytes", "1")], 1),
        (&[id, ("NumberOfBytes", "1024"), ("KeySpec", "AES_128")], 1_024),
    ] {
        let made = kms.call("GenerateDataKey", call).await.unwrap();
        let plaintext = text(&made, "Plaintext");
        assert_eq!(STANDARD.decode(&plaintext).unwrap().len(), length);
        assert_eq!(decrypted(&kms, &[("CiphertextBlob", &text(&made, "CiphertextBlob"))]).await, plaintext);
        let hidden = kms.call("GenerateDataKeyWithoutPlaintext", call).await.unwrap();
        assert_eq!(hidden.get("Plaintext"), None);
        let plaintext = decrypted(&kms, &[("CiphertextBlob", &text(&hidden, "CiphertextBlob"))]).await;
        assert_eq!(STANDARD.decode(plaintext).unwrap().len(), length);
    }
    for wrong in [("NumberOfBytes", "0"), ("NumberOfBytes", "1025"), ("KeySpec", "AES_192")] {
        assert_eq!(code(kms.call("GenerateDataKey", &[id, wrong]).await), (400, "InvalidParameter"));
    }
    let recipient = [id, ("Recipient", "x")];
    assert_eq!(code(kms.call("GenerateDataKey", &recipient).await), (400, "UnsupportedOperation"));
}

#[tokio::test]
async fn re_encrypt_moves_a_ciphertext_to_another_key_and_context() {
    let kms = TestKms::new().await;
    let (from, to) = (kms.key(&[]).await, kms.key(&[("KeySpec", "Aliyun_SM4")]).await);
    let blob = encrypted(&kms, &[("KeyId", &from), ("Plaintext", "aGk="), ("EncryptionContext", r#"{"a":"1"}"#)]).await;
    let call = [
        ("CiphertextBlob", blob.as_str()),
        ("SourceEncryptionContext", r#"{"a":"1"}"#),
        ("DestinationKeyId", to.as_str()),
        ("DestinationEncryptionContext", r#"{"b":"2"}"#),
    ];
    let moved = kms.call("ReEncrypt", &call).await.unwrap();
    assert_eq!(moved["KeyId"], from.as_str());
    let blob = text(&moved, "CiphertextBlob");
    let back = kms.call("Decrypt", &[("CiphertextBlob", &blob), ("EncryptionContext", r#"{"b":"2"}"#)]).await.unwrap();
    assert_eq!((text(&back, "KeyId"), text(&back, "Plaintext")), (to.clone(), "aGk=".to_owned()));
    assert_eq!(code(kms.call("ReEncrypt", &[call[0], call[2]]).await), (400, "InvalidParameter"));
    kms.call("DisableKey", &[("KeyId", &to)]).await.unwrap();
    assert_eq!(code(kms.call("ReEncrypt", &call).await), (409, "Rejected.Disabled"));
}

#[tokio::test]
async fn a_rehearsal_never_succeeds_and_tells_what_would_happen() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let dry = ("DryRun", "true");
    let encrypt = async |rest: &[(&str, &str)]| code(kms.call("Encrypt", &[rest, &[dry]].concat()).await);
    let plaintext = ("Plaintext", "aGk=");
    assert_eq!(encrypt(&[("KeyId", &key), plaintext]).await, (400, "DryRunOperationError"));
    assert_eq!(encrypt(&[("KeyId", &key)]).await, (400, "ValidationError"));
    assert_eq!(encrypt(&[("KeyId", "no-such-key"), plaintext]).await, (400, "ValidationError"));
    let arn = format!("acs:kms:cn-hangzhou:1234567890123456:key/{key}");
    let foreign = kms.call_from("2222222222222222", "Encrypt", &[("KeyId", &arn), plaintext, dry]).await;
    assert_eq!(code(foreign), (403, "AccessDeniedError"));
    kms.call("DisableKey", &[("KeyId", &key)]).await.unwrap();
    assert_eq!(encrypt(&[("KeyId", &key), plaintext]).await, (400, "ValidationError"));
}

#[tokio::test]
async fn a_disabled_key_stops_at_once_and_starts_again() {
    let kms = TestKms::new().await;
    let key = kms.key(&[]).await;
    let blob = encrypted(&kms, &[("KeyId", &key), ("Plaintext", "aGk=")]).await;
    kms.call("DisableKey", &[("KeyId", &key)]).await.unwrap();
    assert_eq!(code(kms.call("Decrypt", &[("CiphertextBlob", &blob)]).await), (409, "Rejected.Disabled"));
    kms.call("EnableKey", &[("KeyId", &key)]).await.unwrap();
    assert_eq!(decrypted(&kms, &[("CiphertextBlob", &blob)]).await, "aGk=");
    kms.call("ScheduleKeyDeletion", &[("KeyId", &key), ("PendingWindowInDays", "7")]).await.unwrap();
    assert_eq!(code(kms.call("Decrypt", &[("CiphertextBlob", &blob)]).await), (409, "Rejected.PendingDeletion"));
}
