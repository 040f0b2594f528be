//! Certificates, with an authority made by the `openssl` program.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a fixture that cannot be made fails its test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sesame_testkit::openssl::{Authority, issue, openssl};
use sesame_testkit::{Refusal, TestKms};

const SUBJECT: &str = "CN=userName,OU=kms,O=aliyun,C=CN";
const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n";
const EC: &[&str] = &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const RSA: &[&str] = &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const SPECS: [&str; 3] = ["RSA_2048", "EC_P256", "EC_SM2"];

fn code(outcome: Result<Value, Refusal>) -> (u16, &'static str) {
    let refusal = outcome.unwrap_err();
    (refusal.status, refusal.code)
}

/// The id of a new certificate, and its signing request.
async fn create(kms: &TestKms, spec: &str) -> (String, String) {
    let made = kms.call("CreateCertificate", &[("Subject", SUBJECT), ("KeySpec", spec)]).await.unwrap();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("CertificateId"), text("Csr"))
}

async fn upload(kms: &TestKms, id: &str, certificate: &str, chain: &str) -> Result<Value, Refusal> {
    let call = [("CertificateId", id), ("Certificate", certificate), ("CertificateChain", chain)];
    kms.call("UploadCertificate", &call).await
}

/// A certificate that can be used.
async fn active(kms: &TestKms, spec: &str) -> String {
    let (id, csr) = create(kms, spec).await;
    upload(kms, &id, &issue(kms.folder(), &csr), "").await.unwrap();
    id
}

async fn describe(kms: &TestKms, id: &str) -> Value {
    kms.call("DescribeCertificate", &[("CertificateId", id)]).await.unwrap()
}

async fn set_status(kms: &TestKms, id: &str, status: &str) -> Result<Value, Refusal> {
    kms.call("UpdateCertificateStatus", &[("CertificateId", id), ("Status", status)]).await
}

#[tokio::test]
async fn a_signing_request_is_one_to_the_openssl_program() {
    let kms = TestKms::new().await;
    for spec in SPECS {
        let names = r#"["example.com","*.example.com"]"#;
        let call = [
            ("Subject", "CN=例子\\, Inc,OU=kms,O=aliyun,ST=Zhejiang,L=杭州,C=CN"),
            ("KeySpec", spec),
            ("SubjectAlternativeNames", names),
        ];
        let made = kms.call("CreateCertificate", &call).await.unwrap();
        let csr = made["Csr"].as_str().unwrap();
        assert!(csr.starts_with("-----BEGIN CERTIFICATE REQUEST-----\n") && csr.ends_with("-----\n"), "{csr}");
        let checks = [
            "req",
            "-verify",
            "-noout",
            "-text",
            "-nameopt",
            "RFC2253,-esc_msb,utf8",
            "-vfyopt",
            "distid:1234567812345678",
        ];
        let checks = if spec == "EC_SM2" { &checks[..] } else { &checks[..6] };
        let text = String::from_utf8(openssl(checks, csr.as_bytes()).unwrap()).unwrap();
        for part in
            ["Subject: CN=例子\\, Inc,OU=kms,O=aliyun,ST=Zhejiang,L=杭州,C=CN", "DNS:example.com, DNS:*.example.com"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        let id = made["CertificateId"].as_str().unwrap();
        assert_eq!(made["Arn"], format!("acs:kms:cn-hangzhou:1234567890123456:certificate/{id}"));
        let described = describe(&kms, id).await;
        assert_eq!(described["SubjectAlternativeNames"], json!(["example.com", "*.example.com"]));
        assert_eq!(described["Subject"], "CN=例子\\, Inc,OU=kms,O=aliyun,ST=Zhejiang,L=杭州,C=CN");
    }
}

#[tokio::test]
async fn requests_that_do_not_do_are_refused() {
    let kms = TestKms::new().await;
    for (subject, spec, names) in [
        ("CN=a", "EC_P256", ""),
        ("userName", "EC_P256", ""),
        (SUBJECT, "RSA_4096", ""),
        (SUBJECT, "Aliyun_AES_256", ""),
        (SUBJECT, "EC_P256", "example.com"),
        (SUBJECT, "EC_P256", r#"["a b"]"#),
        (SUBJECT, "EC_P256", r#"["1","2","3","4","5","6","7","8","9","10","11"]"#),
    ] {
        let call = [("Subject", subject), ("KeySpec", spec), ("SubjectAlternativeNames", names)];
        assert_eq!(
            code(kms.call("CreateCertificate", &call).await),
            (400, "InvalidParameter"),
            "{subject} {spec} {names}"
        );
    }
    assert_eq!(code(kms.call("CreateCertificate", &[("KeySpec", "EC_P256")]).await), (400, "MissingParameter"));
}

#[tokio::test]
async fn a_certificate_is_described_before_and_after_its_upload() {
    let kms = TestKms::new().await;
    for (spec, algorithm) in [("RSA_2048", "RSA2048-SHA256"), ("EC_P256", "ECDSA-SHA256"), ("EC_SM2", "SM2-SM3")] {
        let (id, csr) = create(&kms, spec).await;
        let before = describe(&kms, &id).await;
        let expected = [
            ("CertificateId", json!(id)),
            ("CreatedAt", json!("2026-01-02T03:04:05Z")),
            ("ExportablePrivateKey", json!(true)),
            ("Issuer", json!("")),
            ("KeySpec", json!(spec)),
            ("NotAfter", json!("")),
            ("SignatureAlgorithm", json!(algorithm)),
            ("Status", json!("PENDING")),
            ("Subject", json!(SUBJECT)),
            ("SubjectAlternativeNames", json!([])),
            ("Tags", json!({})),
        ];
        for (member, value) in expected {
            assert_eq!(before[member], value, "{member}");
        }
        let got = kms.call("GetCertificate", &[("CertificateId", &id)]).await.unwrap();
        assert_eq!(got, json!({"CertificateId": id, "Certificate": "", "CertificateChain": "", "Csr": csr}));
        let authority = Authority { folder: kms.folder(), name: "root" };
        authority.root(EC);
        let extensions = "subjectKeyIdentifier=hash\n";
        let issued = authority.sign(&csr, extensions, &["-set_serial", "0x00ffee"]);
        kms.clock.advance_seconds(60);
        upload(&kms, &id, &format!("some text\n{issued}"), &authority.certificate()).await.unwrap();
        let after = describe(&kms, &id).await;
        for (member, value) in [("Status", "ACTIVE"), ("Issuer", "CN=root"), ("Serial", "FFEE"), ("Subject", SUBJECT)] {
            assert_eq!(after[member], value, "{member}");
        }
        // The program's identifier is the one that was shown before there was a certificate.
        assert_eq!(after["SubjectKeyIdentifier"], before["SubjectKeyIdentifier"]);
        let identifier = after["SubjectKeyIdentifier"].as_str().unwrap();
        assert!(identifier.len() == 59 && identifier.as_bytes()[2] == b' ', "{identifier}");
        assert_ne!(after["UpdatedAt"], after["CreatedAt"]);
        let public = openssl(&["x509", "-noout", "-pubkey"], issued.as_bytes()).unwrap();
        assert_eq!(after["SubjectPublicKey"], String::from_utf8(public).unwrap());
        let got = kms.call("GetCertificate", &[("CertificateId", &id)]).await.unwrap();
        assert_eq!((&got["Certificate"], &got["CertificateChain"]), (&json!(issued), &json!(authority.certificate())));
        kms.clock.advance_seconds(-60);
    }
}

#[tokio::test]
async fn chains_of_every_kind_of_authority_are_followed_to_the_root() {
    let kms = TestKms::new().await;
    let authority = |name| Authority { folder: kms.folder(), name };
    let (root, middle) = (authority("root"), authority("middle"));
    let p384: &[&str] = &["EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
    for algorithm in [RSA, EC, p384, &["SM2"][..], &["ED25519"]] {
        root.root(algorithm);
        middle.below(&root, algorithm, CA);
        for spec in SPECS {
            let (id, csr) = create(&kms, spec).await;
            let chain = format!("{}{}", middle.certificate(), root.certificate());
            upload(&kms, &id, &middle.sign(&csr, "", &[]), &chain).await.unwrap();
            assert_eq!(describe(&kms, &id).await["Status"], "ACTIVE");
        }
    }
}

#[tokio::test]
async fn what_does_not_belong_together_is_refused() {
    let kms = TestKms::new().await;
    let authority = |name| Authority { folder: kms.folder(), name };
    let (root, other, middle, leaf, weak) =
        (authority("root"), authority("other"), authority("middle"), authority("leaf"), authority("weak"));
    root.root(EC);
    other.root(EC);
    middle.below(&root, EC, "basicConstraints=critical,CA:TRUE,pathlen:0\n");
    leaf.below(&root, EC, "basicConstraints=CA:FALSE\n");
    weak.below(&root, EC, "basicConstraints=critical,CA:TRUE\nkeyUsage=cRLSign\n");
    let below_middle = authority("below-middle");
    below_middle.below(&middle, EC, CA);
    let (id, csr) = create(&kms, "EC_P256").await;
    let (_, foreign_csr) = create(&kms, "EC_P256").await;
    let (r, m) = (root.certificate(), middle.certificate());
    let good = middle.sign(&csr, "", &[]);
    // The same names, but another key signed.
    let impostor = Authority { folder: &kms.folder().join("impostor"), name: "root" };
    std::fs::create_dir(impostor.folder).unwrap();
    impostor.root(EC);
    let cases = [
        ("another key", middle.sign(&foreign_csr, "", &[]), String::new()),
        ("no certificate", "x".into(), String::new()),
        ("two certificates", format!("{good}{good}"), String::new()),
        ("a chain that is none", good.clone(), "x".into()),
        ("no root", good.clone(), m.clone()),
        ("the wrong order", good.clone(), format!("{r}{m}")),
        ("a gap", good.clone(), r.clone()),
        ("another root", good.clone(), format!("{m}{}", other.certificate())),
        ("a false root", good.clone(), format!("{m}{}", impostor.certificate())),
        ("an issuer that is no authority", leaf.sign(&csr, "", &[]), format!("{}{r}", leaf.certificate())),
        ("an authority that may not sign certificates", weak.sign(&csr, "", &[]), format!("{}{r}", weak.certificate())),
        ("too long a path", below_middle.sign(&csr, "", &[]), format!("{}{m}{r}", below_middle.certificate())),
        ("SHA-1", middle.sign(&csr, "", &["-sha1"]), format!("{m}{r}")),
    ];
    for (what, certificate, chain) in &cases {
        assert_eq!(code(upload(&kms, &id, certificate, chain).await), (400, "InvalidParameter"), "{what}");
        assert_eq!(describe(&kms, &id).await["Status"], "PENDING");
    }
    kms.clock.advance_seconds(100 * 365 * 86_400);
    let expired = upload(&kms, &id, &good, &format!("{m}{r}")).await.unwrap_err();
    assert!(expired.code == "InvalidParameter" && expired.message.contains("expired"), "{expired:?}");
    kms.clock.advance_seconds(-100 * 365 * 86_400);
    upload(&kms, &id, &good, &format!("{m}{r}")).await.unwrap();
    // A renewal.
    upload(&kms, &id, &middle.sign(&csr, "", &[]), &format!("{m}{r}")).await.unwrap();
}

#[tokio::test]
async fn signatures_are_made_and_checked_here_and_by_the_openssl_program() {
    let kms = TestKms::new().await;
    for (spec, algorithms) in [
        ("RSA_2048", &["RSA_PKCS1_SHA_256", "RSA_PSS_SHA_256"][..]),
        ("EC_P256", &["ECDSA_SHA_256"]),
        ("EC_SM2", &["SM2DSA"]),
    ] {
        let id = active(&kms, spec).await;
        let public = kms.folder().join("public.pem");
        std::fs::write(&public, describe(&kms, &id).await["SubjectPublicKey"].as_str().unwrap()).unwrap();
        for algorithm in algorithms {
            let message = STANDARD.encode("a message");
            let mut call = vec![("CertificateId", &*id), ("Algorithm", algorithm), ("Message", &*message)];
            let signed = kms.call("CertificatePrivateKeySign", &call).await.unwrap();
            assert_eq!(signed["CertificateId"], id);
            let value = signed["SignatureValue"].as_str().unwrap();
            let file = kms.folder().join("signature");
            std::fs::write(&file, STANDARD.decode(value).unwrap()).unwrap();
            let mut check = vec![
                "pkeyutl",
                "-verify",
                "-pubin",
                "-rawin",
                "-inkey",
                public.to_str().unwrap(),
                "-sigfile",
                file.to_str().unwrap(),
            ];
            check.extend(match *algorithm {
                "RSA_PSS_SHA_256" => {
                    &["-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:32"][..]
                }
                "SM2DSA" => &["-digest", "sm3", "-pkeyopt", "distid:1234567812345678"],
                _ => &["-digest", "sha256"],
            });
            let message_file = kms.folder().join("message");
            std::fs::write(&message_file, "a message").unwrap();
            check.extend(["-in", message_file.to_str().unwrap()]);
            openssl(&check, b"").unwrap();
            call.push(("SignatureValue", value));
            let verified = kms.call("CertificatePublicKeyVerify", &call).await.unwrap();
            assert_eq!(verified, json!({"CertificateId": id, "SignatureValid": true}));
            let other = STANDARD.encode("another message");
            call[2].1 = &other;
            let refused = kms.call("CertificatePublicKeyVerify", &call).await.unwrap();
            assert_eq!(refused["SignatureValid"], false);
        }
    }
}

#[tokio::test]
async fn a_digest_is_signed_as_it_is() {
    let kms = TestKms::new().await;
    let id = active(&kms, "EC_P256").await;
    let digest = STANDARD.encode(sesame_crypto::digest::sha256(b"m"));
    let mut call =
        vec![("CertificateId", &*id), ("Algorithm", "ECDSA_SHA_256"), ("MessageType", "DIGEST"), ("Message", &*digest)];
    let signed = kms.call("CertificatePrivateKeySign", &call).await.unwrap();
    let message = STANDARD.encode("m");
    call[2].1 = "RAW";
    call[3].1 = &message;
    call.push(("SignatureValue", signed["SignatureValue"].as_str().unwrap()));
    assert_eq!(kms.call("CertificatePublicKeyVerify", &call).await.unwrap()["SignatureValid"], true);
    let long = STANDARD.encode([0; 4_096]);
    let fits = STANDARD.encode([0; 4_095]);
    for (algorithm, kind, message, good) in [
        ("ECDSA_SHA_256", "RAW", &*long, false),
        ("ECDSA_SHA_256", "RAW", &fits, true),
        ("ECDSA_SHA_256", "DIGEST", &message, false),
        ("ECDSA_SHA_256", "digest", &digest, false),
        ("SM2DSA", "RAW", &message, false),
        ("RSA_PSS_SHA_256", "RAW", &message, false),
        ("ECDSA_SHA_256", "RAW", "no base64", false),
    ] {
        let call = [("CertificateId", &*id), ("Algorithm", algorithm), ("MessageType", kind), ("Message", message)];
        let outcome = kms.call("CertificatePrivateKeySign", &call).await;
        assert!(if good { outcome.is_ok() } else { code(outcome) == (400, "InvalidParameter") }, "{algorithm} {kind}");
    }
}

#[tokio::test]
async fn what_is_encrypted_under_the_public_key_is_decrypted_with_the_private_key() {
    let kms = TestKms::new().await;
    for (spec, algorithm, limit) in
        [("RSA_2048", "RSAES_OAEP_SHA_1", 214), ("RSA_2048", "RSAES_OAEP_SHA_256", 190), ("EC_SM2", "SM2PKE", 6_047)]
    {
        let id = active(&kms, spec).await;
        let named = [("CertificateId", &*id), ("Algorithm", algorithm)];
        let call = async |operation: &str, last: (&str, &str)| kms.call(operation, &[named[0], named[1], last]).await;
        let plaintext = STANDARD.encode(vec![7; limit]);
        let encrypted = call("CertificatePublicKeyEncrypt", ("Plaintext", &plaintext)).await.unwrap();
        let blob = encrypted["CiphertextBlob"].as_str().unwrap();
        let decrypted = call("CertificatePrivateKeyDecrypt", ("CiphertextBlob", blob)).await.unwrap();
        assert_eq!(decrypted, json!({"CertificateId": id, "Plaintext": plaintext}));
        let longer = STANDARD.encode(vec![7; limit + 1]);
        let refused = call("CertificatePublicKeyEncrypt", ("Plaintext", &longer)).await;
        assert_eq!(code(refused), (400, "InvalidParameter"));
        let mut altered = STANDARD.decode(blob).unwrap();
        altered[70] ^= 1;
        let refused = call("CertificatePrivateKeyDecrypt", ("CiphertextBlob", &STANDARD.encode(altered))).await;
        assert_eq!(code(refused), (400, "InvalidParameter"));
    }
    let id = active(&kms, "EC_P256").await;
    for algorithm in ["RSAES_OAEP_SHA_256", "SM2PKE", "ECIES_DH_SHA_1_XOR_HMAC"] {
        let call = [("CertificateId", &*id), ("Algorithm", algorithm), ("Plaintext", "AAAA")];
        assert_eq!(code(kms.call("CertificatePublicKeyEncrypt", &call).await), (400, "InvalidParameter"));
    }
}

#[tokio::test]
async fn the_status_decides_what_a_certificate_does() {
    let kms = TestKms::new().await;
    let (id, csr) = create(&kms, "EC_SM2").await;
    let named = ("CertificateId", &*id);
    let (sm2, pke) = (("Algorithm", "SM2DSA"), ("Algorithm", "SM2PKE"));
    // Which of signing, verifying and encrypting is allowed.
    let allowed = async || {
        let mut allowed = String::new();
        for (letter, operation, call) in [
            ('s', "CertificatePrivateKeySign", vec![named, sm2, ("Message", "AAAA")]),
            ('v', "CertificatePublicKeyVerify", vec![named, sm2, ("Message", "AAAA"), ("SignatureValue", "AAAA")]),
            ('e', "CertificatePublicKeyEncrypt", vec![named, pke, ("Plaintext", "AAAA")]),
            ('d', "CertificatePrivateKeyDecrypt", vec![named, pke, ("CiphertextBlob", "AAAA")]),
        ] {
            match kms.call(operation, &call).await {
                Ok(_) => allowed.push(letter),
                Err(refusal) if refusal.message.contains("decrypt") => allowed.push(letter),
                Err(refusal) => assert_eq!(refusal.code, "InvalidParameter"),
            }
        }
        allowed
    };
    assert_eq!(allowed().await, "");
    for status in ["ACTIVE", "INACTIVE", "REVOKED"] {
        assert_eq!(code(set_status(&kms, &id, status).await), (400, "InvalidParameter"));
    }
    let issued = issue(kms.folder(), &csr);
    upload(&kms, &id, &issued, "").await.unwrap();
    assert_eq!(allowed().await, "sved");
    set_status(&kms, &id, "INACTIVE").await.unwrap();
    assert_eq!(allowed().await, "");
    upload(&kms, &id, &issued, "").await.unwrap();
    assert_eq!(describe(&kms, &id).await["Status"], "INACTIVE");
    set_status(&kms, &id, "ACTIVE").await.unwrap();
    set_status(&kms, &id, "ACTIVE").await.unwrap();
    assert_eq!(code(set_status(&kms, &id, "PENDING").await), (400, "InvalidParameter"));
    set_status(&kms, &id, "REVOKED").await.unwrap();
    set_status(&kms, &id, "REVOKED").await.unwrap();
    assert_eq!(allowed().await, "v");
    for status in ["ACTIVE", "INACTIVE"] {
        assert_eq!(code(set_status(&kms, &id, status).await), (400, "InvalidParameter"));
    }
    assert_eq!(code(upload(&kms, &id, &issued, "").await), (400, "InvalidParameter"));
}

#[tokio::test]
async fn certificates_carry_tags() {
    let kms = TestKms::new().await;
    let (id, _) = create(&kms, "EC_P256").await;
    let put = async |tags: &str| kms.call("TagResource", &[("CertificateId", &id), ("Tags", tags)]).await;
    put(r#"[{"TagKey":"a","TagValue":"1"},{"TagKey":"b","TagValue":""}]"#).await.unwrap();
    put(r#"[{"TagKey":"a","TagValue":"2"}]"#).await.unwrap();
    assert_eq!(describe(&kms, &id).await["Tags"], json!({"a": "2", "b": ""}));
    let many: Vec<_> = (0..19).map(|n| json!({"TagKey": format!("k{n}"), "TagValue": ""})).collect();
    assert_eq!(code(put(&json!(many).to_string()).await), (400, "Rejected.LimitExceeded"));
    kms.call("UntagResource", &[("CertificateId", &id), ("TagKeys", r#"["a","none"]"#)]).await.unwrap();
    assert_eq!(describe(&kms, &id).await["Tags"], json!({"b": ""}));
}

#[tokio::test]
async fn an_unknown_certificate_is_not_found() {
    let kms = TestKms::new().await;
    let id = active(&kms, "EC_P256").await;
    let operations: &[(&str, &[(&str, &str)])] = &[
        ("UploadCertificate", &[("Certificate", "x")]),
        ("DescribeCertificate", &[]),
        ("GetCertificate", &[]),
        ("UpdateCertificateStatus", &[("Status", "ACTIVE")]),
        ("CertificatePrivateKeySign", &[("Algorithm", "ECDSA_SHA_256"), ("Message", "AAAA")]),
        (
            "CertificatePublicKeyVerify",
            &[("Algorithm", "ECDSA_SHA_256"), ("Message", "AAAA"), ("SignatureValue", "AAAA")],
        ),
        ("CertificatePublicKeyEncrypt", &[("Algorithm", "SM2PKE"), ("Plaintext", "AAAA")]),
        ("CertificatePrivateKeyDecrypt", &[("Algorithm", "SM2PKE"), ("CiphertextBlob", "AAAA")]),
        ("TagResource", &[("Tags", r#"[{"TagKey":"a","TagValue":"1"}]"#)]),
        ("UntagResource", &[("TagKeys", "a")]),
        ("DeleteCertificate", &[]),
    ];
    let not_found = (404, "Certificate.NotFound");
    for (operation, params) in operations {
        let named = |id| [&[("CertificateId", id)], *params].concat();
        for unknown in ["9a28de48-8d8b-484d-a766-dec400000000", "nonsense"] {
            assert_eq!(code(kms.call(operation, &named(unknown)).await), not_found, "{operation}");
        }
        assert_eq!(code(kms.call_from("6543210987654321", operation, &named(&id)).await), not_found, "{operation}");
        if !matches!(*operation, "TagResource" | "UntagResource") {
            assert_eq!(code(kms.call(operation, params).await), (400, "MissingParameter"), "{operation}");
        }
    }
    kms.call("DeleteCertificate", &[("CertificateId", &id)]).await.unwrap();
    assert_eq!(code(kms.call("DescribeCertificate", &[("CertificateId", &id)]).await), not_found);
}
