use std::fs;

use crate::server::{Server, run, said, sesame};

#[test]
fn a_listener_can_be_off_but_not_both() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = Server::command(&data);
    command.args(["--https", "off"]);
    let server = Server::start_with(command, &data);
    assert!(server.endpoints.get("https").is_none());
    assert!(!data.join("ca.pem").exists());
    let port: u16 = server.http().rsplit_once(':').unwrap().1.parse().unwrap();
    assert_ne!(port, 0);
    assert!(server.stop().success());

    let refused = Server::command(&data).args(["--http", "off", "--https", "off"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("both off"));
}

#[test]
fn plain_http_beyond_this_machine_has_to_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let refused = Server::command(&data).args(["--http", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("--http-anywhere"));
    let mut command = Server::command(&data);
    command.args(["--http", "0.0.0.0:0", "--http-anywhere"]);
    assert!(Server::start_with(command, &data).http().starts_with("127.0.0.1:"));
}

#[test]
fn a_taken_port_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = Server::command(&folder.path().join("data")).args(["--http", &address]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains(&format!("cannot listen on {address}")), "{}", said(&refused));
}

#[test]
fn the_effective_configuration_is_printed_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sesame.toml"), "region = \"cn-beijing\"\n[log]\nformat = \"json\"\n").unwrap();
    let output = sesame()
        .args(["serve", "--print-config", "--http", "off", "--data"])
        .arg(folder.path())
        .env("SESAME_STORAGE_URL", "postgres://sesame:canary@db/sesame")
        .env("SESAME_TEST_ANYTHING", "1")
        .output()
        .unwrap();
    let text = said(&output);
    assert!(output.status.success() && !text.contains("canary"), "{text}");
    for part in
        ["region = \"cn-beijing\"", "sesame.toml:1", "http = \"off\"", "# --http", "# SESAME_STORAGE_URL", "# default"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!folder.path().join("root.key").exists());
}

#[test]
fn unknown_keys_are_refused_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    fs::write(&file, "[log]\nformt = \"json\"\n").unwrap();
    let refused = Server::command(&folder.path().join("data")).arg("--config").arg(&file).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let text = said(&refused);
    assert!(text.contains("my.toml:2:1: there is no setting log.formt. Did you mean \"log.format\"?"), "{text}");
    assert_eq!(run(&["serve", "--config", "/nowhere/x.toml"]).status.code(), Some(2));
}

#[test]
fn the_sample_is_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let sample = run(&["serve", "--print-sample-config"]);
    fs::write(folder.path().join("sesame.toml"), &sample.stdout).unwrap();
    let output = sesame().args(["serve", "--print-config", "--data"]).arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn limits_of_key_versions_are_those_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = Server::command(&data);
    command
        .args(["--set", "limits.asymmetric_versions=3", "--set", "limits.asymmetric_version_seconds=0"])
        .env("SESAME_LIMITS_KEY_VERSIONS_PER_ACCOUNT", "4");
    let server = Server::start_with(command, &data);
    let key = |spec: &str| {
        let made = server.answer(&["CreateKey", "--KeySpec", spec]);
        made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
    };
    let asymmetric = key("EC_P256");
    for _ in 0..2 {
        server.answer(&["CreateKeyVersion", "--KeyId", &asymmetric]);
    }
    let limit = |call: &[&str], says: &str| {
        let refused = said(&server.call(call));
        assert!(refused.starts_with("Rejected.LimitExceeded: ") && refused.contains(says), "{refused}");
    };
    limit(&["CreateKeyVersion", "--KeyId", &asymmetric], "3 versions at most");
    let symmetric = key("Aliyun_AES_256");
    limit(&["CreateKeyVersion", "--KeyId", &symmetric], "4 versions together");
    limit(&["CreateKey"], "4 versions together");
    assert!(server.stop().success());

    // Without settings, versions of an asymmetric key are a week apart.
    let server = Server::start(&data);
    server.answer(&["CreateKey"]);
    let refused = said(&server.call(&["CreateKeyVersion", "--KeyId", &asymmetric]));
    assert!(refused.starts_with("Rejected.UnsupportedOperation: "), "{refused}");
}

#[test]
fn log_lines_can_be_json() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = Server::command(&data);
    command.args(["--log-format", "json"]).env("SESAME_REGOIN", "x");
    let server = Server::start_with(command, &data);
    let log = server.log();
    for line in log.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
    assert!(log.contains("hardening measure taken") && log.contains("SESAME_REGION"), "{log}");
}

#[test]
fn quotas_of_calls_are_those_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = Server::command(&data);
    command.args(["--set", "quotas.groups=activation=1/h, key_read=off"]).env("SESAME_QUOTAS_CALLS", "original");
    let server = Server::start_with(command, &data);
    server.answer(&["DescribeAccountKmsStatus"]);
    let refused = said(&server.call(&["DescribeAccountKmsStatus"]));
    assert!(refused.starts_with("Rejected.Throttling: QPS Limit Exceeded"), "{refused}");
    assert!(server.stop().success());

    for (wrong, says) in [
        ("quotas.groups=nonsense=1/s", "quotas.groups must name one of the groups activation, "),
        ("quotas.groups=key_read=1", "quotas.groups must be a rate such as 20/s"),
        ("quotas.accounts=1=off", "quotas.accounts must be a list of accounts with rates"),
        ("quotas.calls=on", "quotas.calls must be off or original"),
        ("limits.failures_per_address=5", "limits.failures_per_address must be a rate such as 20/s"),
    ] {
        let refused = Server::command(&data).args(["--set", wrong]).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{wrong}");
        assert!(said(&refused).contains(says), "{}", said(&refused));
    }
}
