use std::fs;
use std::path::Path;
use std::process::Command;

use crate::server::{Server, said};

/// Runs a program that other systems check certificates with; nothing where it is not installed.
fn openssl(arguments: &[&str]) -> Option<String> {
    let output = Command::new("openssl").args(arguments).stdin(std::process::Stdio::null()).output().ok()?;
    Some(said(&output))
}

fn shown(authority: &str, ca: &Path, version: &str) -> Option<String> {
    openssl(&[
        "s_client",
        "-connect",
        authority,
        "-CAfile",
        ca.to_str().unwrap(),
        "-verify_return_error",
        version,
        "-x509_strict",
    ])
}

#[test]
fn the_own_certificate_satisfies_a_strict_client() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = Server::command(&data);
    command.env("SESAME_TLS_NAMES", "kms.internal,10.1.2.3,*.kms.internal");
    let server = Server::start_with(command, &data);
    let authority = server.endpoints["https"].as_str().unwrap().strip_prefix("https://").unwrap();
    let ca = data.join("ca.pem");
    for version in ["-tls1_2", "-tls1_3"] {
        let Some(text) = shown(authority, &ca, version) else { return };
        assert!(text.contains("Verify return code: 0 (ok)"), "{text}");
        let certificate = folder.path().join("leaf.pem");
        let begin = text.find("-----BEGIN CERTIFICATE-----").unwrap();
        let end = text.find("-----END CERTIFICATE-----").unwrap();
        fs::write(&certificate, &text[begin..end + 25]).unwrap();
        let leaf = openssl(&["x509", "-in", certificate.to_str().unwrap(), "-noout", "-text"]).unwrap();
        for part in [
            "DNS:localhost",
            "IP Address:127.0.0.1",
            "IP Address:0:0:0:0:0:0:0:1",
            "DNS:kms.internal",
            "IP Address:10.1.2.3",
            "DNS:*.kms.internal",
            "Authority Key Identifier",
            "Subject Key Identifier",
            "TLS Web Server Authentication",
            "CA:FALSE",
        ] {
            assert!(leaf.contains(part), "{part} in {leaf}");
        }
    }
    let root = openssl(&["x509", "-in", ca.to_str().unwrap(), "-noout", "-text"]).unwrap();
    for part in ["CA:TRUE, pathlen:0", "Certificate Sign", "Subject Key Identifier", "prime256v1"] {
        assert!(root.contains(part), "{part} in {root}");
    }
}

#[test]
fn given_certificates_are_shown_and_read_again_on_hangup() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (certificate, key) = (folder.path().join("given.pem"), folder.path().join("given.key"));
    let make = |name: &str| {
        let paths = [&key, &certificate].map(|path| path.to_str().unwrap());
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            paths[0],
            "-out",
            paths[1],
            "-subj",
            &format!("/CN={name}"),
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-days",
            "2",
        ])
    };
    if make("first").is_none() {
        return;
    }
    let mut command = Server::command(&data);
    command.env("SESAME_TLS_CERTIFICATE", &certificate).env("SESAME_TLS_KEY", &key);
    let server = Server::start_with(command, &data);
    assert!(!data.join("ca.pem").exists());
    let authority = server.endpoints["https"].as_str().unwrap().strip_prefix("https://").unwrap();
    assert!(shown(authority, &certificate, "-tls1_3").unwrap().contains("CN = first"));

    make("second");
    server.signal("HUP");
    let mut text = String::new();
    for _ in 0..100 {
        std::thread::sleep(std::time::Duration::from_millis(20));
        text = shown(authority, &certificate, "-tls1_3").unwrap();
        if text.contains("CN = second") {
            break;
        }
    }
    assert!(text.contains("CN = second"), "{text}");

    // A pair that does not fit leaves the old one in place.
    fs::write(&key, "not a key").unwrap();
    server.signal("HUP");
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert!(shown(authority, &certificate, "-tls1_3").unwrap().contains("CN = second"));
    assert!(server.log().contains("the old one stays"), "{}", server.log());
}
