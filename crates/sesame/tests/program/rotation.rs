use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::Server;

struct Redis(Child);

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn logs_in(port: u16, value: &str) -> bool {
    let value: Value = serde_json::from_str(value).unwrap();
    let text = |name: &str| value[name].as_str().unwrap().to_owned();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "AUTH {} {}\r\n", text("AccountName"), text("AccountPassword")).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.trim() == "+OK"
}

#[test]
fn the_configuration_says_how_a_system_is_reached() {
    if Command::new("redis-server").arg("--version").output().is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "redis-server is not installed");
        eprintln!("SKIPPED: redis-server is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users.acl");
    fs::write(&users, "user keeper on >keepers-own ~* &* +@all\n").unwrap();
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut redis = Command::new("redis-server");
    redis.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
    redis.arg("--dir").arg(folder.path()).arg("--aclfile").arg(&users);
    let _redis = Redis(redis.stdout(Stdio::null()).spawn().unwrap());

    let data = folder.path().join("data");
    let configuration = folder.path().join("sesame.toml");
    fs::write(
        &configuration,
        format!(
            "[rotation]\nretry_seconds = 1\n[rotation.instances.\"r-1\"]\nkind = \"redis\"\nhost = \"127.0.0.1\"\n\
             port = {port}\ntls = \"off\"\nadministrator_secret = \"admin\"\naccounts = [\"app\", \"app_clone\"]\n"
        ),
    )
    .unwrap();
    let start = || {
        let mut command = Server::command(&data);
        command.arg("--config").arg(&configuration);
        Server::start_with(command, &data)
    };
    let mut server = start();
    let call = |server: &Server, arguments: &[&str]| server.answer(arguments);
    let login = r#"{"AccountName":"keeper","AccountPassword":"keepers-own"}"#;
    call(&server, &["CreateSecret", "--SecretName", "admin", "--VersionId", "v1", "--SecretData", login]);
    let config = r#"{"SecretSubType":"DoubleUsers","InstanceId":"r-1","RegionId":"cn-hangzhou","AccountName":"app",
        "CloneAccountName":"app_clone","AccountPrivilege":"RoleReadOnly"}"#;
    let named = ["CreateSecret", "--SecretName", "s", "--VersionId", "v1", "--SecretType", "Redis"];
    let rest = ["--SecretData", "$Auto", "--ExtendedConfig", config];
    call(&server, &[&named[..], &rest].concat());

    let current = |server: &Server| call(server, &["GetSecretValue", "--SecretName", "s"]);
    let first = current(&server)["SecretData"].as_str().unwrap().to_owned();
    assert!(logs_in(port, &first));
    call(&server, &["RotateSecret", "--SecretName", "s", "--VersionId", "v2"]);
    let began = Instant::now();
    while current(&server)["VersionId"] != "v2" {
        assert!(began.elapsed() < Duration::from_secs(20), "it is not rotated: {}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let second = current(&server)["SecretData"].as_str().unwrap().to_owned();
    assert!(logs_in(port, &second) && second.contains("app_clone"));
    let log = server.log();
    assert!(log.contains("Secret:RotateSecret:Success"), "{log}");
    for value in [login, &first, &second] {
        let value: Value = serde_json::from_str(value).unwrap();
        assert!(!log.contains(value["AccountPassword"].as_str().unwrap()), "a password is in the log");
    }

    // What was configured is printed, and what is not described cannot be rotated.
    let mut print = crate::server::sesame();
    let printed = print.args(["serve", "--print-config", "--config"]).arg(&configuration).output().unwrap();
    assert!(String::from_utf8_lossy(&printed.stdout).contains("r-1"), "{printed:?}");
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    fs::write(&configuration, "").unwrap();
    let server = start();
    let refused = server.call(&["RotateSecret", "--SecretName", "s", "--VersionId", "v3"]);
    assert!(crate::server::said(&refused).contains("not configured to reach Redis r-1"));
}
