use std::path::Path;
use std::process::Command;

use serde_json::json;
use sesame_domain::secret::SecretType;
use sesame_rotate::Kind;
use sesame_testkit::TestKms;

use crate::servers::{Server, free_port, installed, succeed};
use crate::world::{Case, World, instance};

const ADMIN: &str = "user default off\nuser keeper on >keepers-own ~* &* +@all\n";

fn daemon(folder: &Path, port: u16, more: &[&str]) -> Command {
    let mut command = Command::new("redis-server");
    let configuration = folder.join("redis.conf");
    if configuration.exists() {
        command.arg(configuration);
    }
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
    command.arg("--dir").arg(folder).args(more);
    command
}

fn with_acl_file(folder: &Path, port: u16) -> Command {
    daemon(folder, port, &["--aclfile", folder.join("users.acl").to_str().unwrap()])
}

fn case(name: &str, privilege: &str) -> Case {
    Case {
        name: name.to_owned(),
        kind: SecretType::Redis,
        config: json!({
            "SecretSubType": "DoubleUsers", "InstanceId": "r-1", "RegionId": "cn-hangzhou", "AccountName": name,
            "CloneAccountName": format!("{name}_clone"), "AccountPrivilege": privilege,
        }),
        data: "$Auto".to_owned(),
        overlaps: true,
    }
}

async fn world(port: u16) -> World {
    let world = World::new(TestKms::new().await, vec![("r-1", instance(Kind::Redis, port, Some("admin")))]).await;
    world.administrator("admin", &json!({"AccountName": "keeper", "AccountPassword": "keepers-own"})).await;
    world
}

fn ask(port: u16, user: &str, password: &str, command: &[&str]) -> String {
    let port = port.to_string();
    let login = ["-p", &port, "--no-auth-warning", "--user", user, "--pass", password];
    succeed(Command::new("redis-cli").args(login).args(command))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_redis() {
    if !installed(&["redis-server", "redis-cli"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("users.acl"), ADMIN).unwrap();
    let mut server = Server::start(folder, with_acl_file);
    let world = world(server.port).await;
    world.making_dies_everywhere(|number| case(&format!("made{number}"), "RoleReadWrite")).await;
    let app = case("app", "RoleReadOnly");
    world.dies_everywhere(&app).await;

    // What was set outlives the server.
    server.restart(with_acl_file);
    for stage in ["ACSCurrent", "ACSPrevious"] {
        let (_, value) = world.value(&app, stage).await.unwrap();
        assert!(world.opens(&app, &value).await, "{stage}");
        let value: serde_json::Value = serde_json::from_str(&value).unwrap();
        let (name, password) = (value["AccountName"].as_str().unwrap(), value["AccountPassword"].as_str().unwrap());
        assert_eq!(ask(server.port, name, password, &["GET", "x"]).trim(), "");
        assert!(ask(server.port, name, password, &["SET", "x", "1"]).contains("NOPERM"));
        assert!(ask(server.port, name, password, &["ACL", "LIST"]).contains("NOPERM"));
    }

    // Nobody becomes an administrator through a secret.
    ask(server.port, "keeper", "keepers-own", &["ACL", "SETUSER", "boss", "on", ">p", "+@all"]);
    for name in ["keeper", "boss", "default"] {
        let refusal = world.create(&case(name, "RoleReadOnly")).await.unwrap_err();
        assert_eq!((refusal.status, refusal.code), (400, "InvalidParameter"), "{name}");
        assert!(refusal.message.contains("account"), "{name}: {}", refusal.message);
    }

    // Without the server nothing is lost, and it goes on when it is back.
    let before = world.value(&app, "ACSCurrent").await.unwrap();
    server.stop();
    world.ask(&app, "later").await;
    for _ in 0..3 {
        world.round().await;
        world.kms.clock.advance_seconds(3_600);
    }
    let failures = world.failures(&app);
    assert!(failures.len() == 3 && failures.iter().all(|why| why.starts_with("unreachable: ")), "{failures:?}");
    assert_eq!(world.value(&app, "ACSCurrent").await.unwrap(), before);
    server.restart(with_acl_file);
    world.round().await;
    let (version, value) = world.value(&app, "ACSCurrent").await.unwrap();
    assert!(version == "later" && world.opens(&app, &value).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_redis_in_its_configuration_file() {
    if !installed(&["redis-server", "redis-cli"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("redis.conf"), ADMIN).unwrap();
    let mut server = Server::start(folder, |folder, port| daemon(folder, port, &[]));
    let world = world(server.port).await;
    let app = case("app", "RoleReadWrite");
    world.create(&app).await.unwrap();
    world.rotate(&app, "v1").await;
    server.restart(|folder, port| daemon(folder, port, &[]));
    for stage in ["ACSCurrent", "ACSPrevious"] {
        let (_, value) = world.value(&app, stage).await.unwrap();
        assert!(world.opens(&app, &value).await, "{stage}");
    }
    let kept = std::fs::read_to_string(server.folder.path().join("redis.conf")).unwrap();
    assert!(kept.contains("user app_clone on "), "{kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_would_forget_is_left_alone() {
    if !installed(&["redis-server", "redis-cli"]) {
        return;
    }
    let server = Server::start(tempfile::tempdir().unwrap(), |folder, port| daemon(folder, port, &[]));
    let set = |rules: &[&str]| {
        let port = server.port.to_string();
        succeed(Command::new("redis-cli").args(["-p", &port, "ACL", "SETUSER"]).args(rules))
    };
    set(&["keeper", "on", ">keepers-own", "~*", "&*", "+@all"]);
    let world = world(server.port).await;
    let refusal = world.create(&case("app", "RoleReadOnly")).await.unwrap_err();
    assert!(refusal.message.contains("aclfile"), "{}", refusal.message);
    let users = ask(server.port, "keeper", "keepers-own", &["ACL", "USERS"]);
    assert!(!users.contains("app"), "{users}");
    assert_ne!(free_port(), server.port);
}
