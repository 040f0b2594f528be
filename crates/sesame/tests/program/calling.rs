use std::process::Stdio;

use crate::server::{Server, run, said, sesame};

#[test]
fn calls_print_their_answer_and_errors_their_code() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let key = server.answer(&["CreateKey", "--Description", "for the tests"])["KeyMetadata"]["KeyId"].clone();
    let key = key.as_str().unwrap();
    let blob = server.answer(&["Encrypt", "--KeyId", key, "--Plaintext", "aGk="])["CiphertextBlob"].clone();
    assert_eq!(server.answer(&["Decrypt", "--CiphertextBlob", blob.as_str().unwrap()])["Plaintext"], "aGk=");

    // A product can be named, for operations that two of them have.
    let listed = server.answer(&["ram:ListUsers"]);
    assert_eq!(listed["Users"]["User"], serde_json::json!([]));

    let tag = [
        "TagResources",
        "--ResourceType",
        "key",
        "--ResourceId",
        key,
        "--Tag",
        "env=test",
        "--Tag.2.Key",
        "b",
        "--Tag.2.Value",
        "c d",
    ];
    server.answer(&tag);
    let table = said(&server.call(&["--output", "table", "ListResourceTags", "--KeyId", key]));
    assert!(table.contains("TagKey") && table.contains("env") && table.contains("c d"), "{table}");
    server.answer(&[
        "UntagResources",
        "--ResourceType",
        "key",
        "--ResourceId",
        key,
        "--TagKey",
        "env",
        "--TagKey",
        "b",
    ]);

    let refused = server.call(&["DescribeKey", "--KeyId", "key-hzz000000000000000000000"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.stdout.is_empty());
    let text = said(&refused);
    assert!(text.starts_with("Forbidden.KeyNotFound: ") && text.contains("HTTP status 404, request id "), "{text}");

    let https = server.endpoints["https"].as_str().unwrap();
    assert!(server.answer(&["--endpoint", https, "ListKeys"])["TotalCount"].is_u64());
    let foreign = server.call(&["ListKeys", "--endpoint", https, "--ca", "/dev/null"]);
    assert_eq!(foreign.status.code(), Some(2));
}

#[test]
fn values_come_from_files_and_the_standard_input() {
    use std::io::Write as _;

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let key = server.answer(&["CreateKey"])["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
    let mut child = sesame()
        .args(["call", "Encrypt", "--KeyId", &key, "--Plaintext", "@base64:-", "--data"])
        .arg(&data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"from a pipe").unwrap();
    let output = child.wait_with_output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let file = folder.path().join("blob");
    std::fs::write(&file, format!("{}\n", answer["CiphertextBlob"].as_str().unwrap())).unwrap();
    let blob = format!("@{}", file.display());
    assert_eq!(server.answer(&["Decrypt", "--CiphertextBlob", &blob])["Plaintext"], "ZnJvbSBhIHBpcGU=");
}

#[test]
fn credentials_of_the_environment_are_used_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let mut command = sesame();
    command.args(["call", "ListKeys"]).current_dir(folder.path());
    command.env("SESAME_ENDPOINT", server.endpoints["http"].as_str().unwrap());
    let refused = command.output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("no access key"), "{}", said(&refused));
    command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAIofthecloud");
    command.env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "x");
    let refused = command.output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("came from ALIBABA_CLOUD_ACCESS_KEY_ID"), "{}", said(&refused));
    let sourced = crate::server::sourced(&data.join("credentials.env"));
    command.env("ALIBABA_CLOUD_ACCESS_KEY_ID", &sourced[0]).env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", &sourced[1]);
    assert!(command.output().unwrap().status.success());
}

#[test]
fn mistakes_are_found_before_anything_is_sent() {
    for (arguments, part) in [
        (&["call", "Encrpyt"][..], "Did you mean \"Encrypt\"?"),
        (&["call"], "<OPERATION>"),
        (&["call", "Encrypt", "--KeyId"], "--KeyId needs a value"),
        (&["call", "Encrypt", "--endpiont", "x"], "--endpoint"),
        (&["call", "DescribeKey", "--KeyId", "a", "b"], "--KeyId a --KeyId b"),
        (&["call", "ListKeys", "--data", "/nowhere"], "no server runs on the data folder /nowhere"),
        (&["frobnicate"], "frobnicate"),
        (&["help", "Encrpyt"], "Did you mean \"Encrypt\"?"),
    ] {
        let refused = run(arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(said(&refused).contains(part), "{arguments:?}: {}", said(&refused));
    }
}

#[test]
fn parameters_are_checked_against_the_registry_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let refused = server.call(&["Encrypt", "--KeyID", "x"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("Did you mean \"KeyId\"?"), "{}", said(&refused));
    let refused = server.call(&["Encrypt", "--KeyId", "x"]);
    assert!(said(&refused).contains("also needs --Plaintext"), "{}", said(&refused));
    let sent = server.call(&["Encrypt", "--KeyId", "x", "--force"]);
    assert_eq!(sent.status.code(), Some(1));
    assert!(said(&sent).starts_with("MissingParameter"), "{}", said(&sent));
}

#[test]
fn pages_and_completion_know_every_operation() {
    let page = run(&["help", "UntagResources"]);
    assert!(page.status.success());
    let text = said(&page);
    for part in ["--ResourceId", "required", "--TagKey", "Usage: sesame call UntagResources"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(said(&run(&["help"])).contains("GenerateDataKeyWithoutPlaintext"));
    assert!(said(&run(&["help", "call"])).contains("--endpoint"));
    assert!(said(&run(&["version"])).starts_with("sesame "));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completion", shell]);
        assert!(script.status.success());
        let text = said(&script);
        assert!(text.contains("UntagResources") && text.contains("TagKey") && text.contains("endpoint"), "{shell}");
    }
}

/// What bash offers for a line that ends in a tab.
#[test]
fn bash_completes_operations_and_parameters() {
    let offered = |words: &str| {
        let script = format!(
            "eval \"$({} completion bash)\"; COMP_WORDS=({words} ''); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             COMP_WORDS[COMP_CWORD]=${{last:-}}; _sesame sesame \"${{COMP_WORDS[COMP_CWORD]}}\" x; echo \"${{COMPREPLY[@]}}\"",
            env!("CARGO_BIN_EXE_sesame")
        );
        let output = std::process::Command::new("bash")
            .args(["-c", &script])
            .env("last", if words.contains("Encrypt") { "--" } else { "" })
            .output();
        output.map(|output| said(&output))
    };
    // A machine without bash has nothing to complete in.
    let Ok(operations) = offered("sesame call") else { return };
    assert!(operations.contains("Encrypt") && operations.contains("UntagResources"), "{operations}");
    let parameters = offered("sesame call Encrypt").unwrap();
    assert!(parameters.contains("--KeyId") && parameters.contains("--endpoint"), "{parameters}");
    assert!(offered("sesame help").unwrap().contains("GenerateDataKey"));
}
