use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use sesame_domain::secret::SecretType;
use sesame_rotate::{Instance, Kind};
use sesame_testkit::TestKms;
use tempfile::TempDir;

use crate::servers::{Server, installed, is_root, succeed};
use crate::world::{Case, World, instance};

/// A user of this machine; removed when dropped.
struct User(String);

impl User {
    fn new(folder: &Path, number: usize) -> Self {
        let user = Self(format!("sesame-test-{}-{number}", std::process::id()));
        let home = folder.join(&user.0);
        succeed(
            Command::new("useradd").args(["--create-home", "--shell", "/bin/sh", "--home-dir"]).arg(home).arg(&user.0),
        );
        user.password("first-password");
        user
    }

    fn password(&self, password: &str) {
        succeed(Command::new("sh").args(["-c", "echo \"$1:$2\" | chpasswd", "sh", &self.0, password]));
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = Command::new("userdel").args(["--force", &self.0]).output();
    }
}

fn key(folder: &Path, name: &str, kind: &str) -> (String, String) {
    let file = folder.join(name);
    succeed(Command::new("ssh-keygen").args(["-q", "-N", "", "-t", kind, "-f"]).arg(&file));
    let public = fs::read_to_string(file.with_extension("pub")).unwrap();
    (public.trim().to_owned(), fs::read_to_string(file).unwrap())
}

fn start(folder: TempDir, administrator: &str) -> Server {
    // Where the server shuts itself in before a login.
    fs::create_dir_all("/run/sshd").unwrap();
    fs::write(folder.path().join("administrators"), administrator).unwrap();
    Server::start(folder, |folder, port| {
        let path = folder.display();
        let configuration = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {path}/host\nPidFile none\nUsePAM no\nStrictModes no\n\
             PasswordAuthentication yes\nPermitRootLogin prohibit-password\nMaxStartups 200\nLogLevel ERROR\n\
             Match User root\n  AuthorizedKeysFile {path}/administrators\n"
        );
        fs::write(folder.join("sshd_config"), configuration).unwrap();
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f"]).arg(folder.join("sshd_config"));
        command
    })
}

fn case(sub_type: &str, instance: &str, data: &serde_json::Value) -> Case {
    Case {
        name: format!("acs/ecs/{sub_type}-{instance}"),
        kind: SecretType::Ecs,
        config: json!({"SecretSubType": sub_type, "RegionId": "cn-hangzhou", "InstanceId": instance}),
        data: data.to_string(),
        overlaps: sub_type == "SSHKey",
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_of_openssh() {
    if !installed(&["/usr/sbin/sshd", "ssh-keygen", "useradd", "chpasswd"]) {
        return;
    }
    if !is_root() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "only root can make users");
        eprintln!("SKIPPED: only root can make users, OpenSSH is not tested");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // The home folders are in it.
    let open = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    fs::set_permissions(folder.path(), open).unwrap();
    let (host, _) = key(folder.path(), "host", "ed25519");
    let (administrator, private) = key(folder.path(), "administrator", "ed25519");
    let server = start(folder, &administrator);
    let host_instance =
        |administrator| Instance { host_keys: vec![host.clone()], ..instance(Kind::Ssh, server.port, administrator) };
    let (first, second, third) =
        (User::new(server.folder.path(), 1), User::new(server.folder.path(), 2), User::new(server.folder.path(), 3));
    let (stranger, _) = key(server.folder.path(), "stranger", "ed25519");
    let wrong_host = Instance { host_keys: vec![stranger], ..host_instance(Some("root")) };
    let instances = vec![("i-1", host_instance(Some("root"))), ("i-2", host_instance(None)), ("i-3", wrong_host)];
    let world = World::new(TestKms::new().await, instances).await;
    world.administrator("root", &json!({"UserName": "root", "PrivateKey": private})).await;

    world.dies_everywhere(&case("Password", "i-1", &json!({"UserName": first.0, "Password": "first-password"}))).await;

    // A key by the administrator, and one that its owner changes.
    for (user, instance) in [(&second, "i-1"), (&third, "i-2")] {
        let (public, private) = key(server.folder.path(), &user.0.replace("test", "key"), "rsa");
        let file = server.folder.path().join(&user.0).join(".ssh/authorized_keys");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("# a line that stays\n{public}\n")).unwrap();
        succeed(Command::new("chown").arg("-R").arg(&user.0).arg(file.parent().unwrap()));
        let data = json!({"UserName": user.0, "PublicKey": public, "PrivateKey": private});
        world.dies_everywhere(&case("SSHKey", instance, &data)).await;
        let lines = fs::read_to_string(&file).unwrap();
        assert!(lines.starts_with("# a line that stays\n"), "{lines}");
        assert_eq!(lines.lines().count(), 3, "the current key and the previous one: {lines}");
        assert!(!lines.contains(&public));
        let home = fs::read_dir(file.parent().unwrap()).unwrap();
        assert_eq!(home.count(), 1, "nothing is left beside the file");
    }

    // The administrator is not for secrets to change, and a host must show the key that it is known by.
    for (instance, name, reason) in [("i-1", "root", "account: "), ("i-3", first.0.as_str(), "unreachable: ")] {
        let mut case = case("Password", instance, &json!({"UserName": name, "Password": "x"}));
        case.name.push_str("-refused");
        world.create(&case).await.unwrap();
        world.ask(&case, "v1").await;
        world.round().await;
        let failures = world.failures(&case);
        assert!(failures.len() == 1 && failures[0].starts_with(reason), "{name}: {failures:?}");
    }
    assert!(!server.log().contains("first-password"));
}
