//! What an operator does beside the running server, and while none runs: accounts, their access keys, explanations.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use sesame_crypto::random::alphanumeric;
use sesame_crypto::{Random as _, SystemRandom};

use crate::client::Client;
use crate::server::{Server, said, sesame, sourced};

/// Nobody: a user of every machine that owns nothing.
const STRANGER: u32 = 65_534;

/// A subcommand on a data folder.
fn operate(data: &Path, arguments: &[&str]) -> Output {
    sesame().args(arguments).arg("--data").arg(data).output().unwrap()
}

/// What a subcommand answers as JSON.
fn answer(data: &Path, arguments: &[&str]) -> Value {
    let output = operate(data, &[arguments, &["--output", "json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a subcommand says when it is refused, with status 1.
fn refusal(data: &Path, arguments: &[&str]) -> String {
    let output = operate(data, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_else(|| panic!("{member} in {value}"))
}

/// Status and code of a call with an access key.
fn call(server: &Server, id: &str, secret: &str) -> (u16, String) {
    let mut client = Client::connect_as(server.http(), id, secret).unwrap();
    let (status, answer) = client.call("ListKeys", &[]).unwrap();
    (status, answer["Code"].as_str().unwrap_or_default().to_owned())
}

fn works(server: &Server, id: &str, secret: &str) -> bool {
    call(server, id, secret).0 == 200
}

/// The ids of an account's own access keys.
fn root_keys(data: &Path, account: &str) -> Vec<String> {
    let shown = answer(data, &["account", "show", account]);
    let keys = shown["RootAccessKeyList"].as_array().unwrap();
    keys.iter().map(|key| text(key, "AccessKeyId").to_owned()).collect()
}

/// The id of the account that the server made.
fn first_account(data: &Path) -> String {
    let list = answer(data, &["account", "list"]);
    let ids = list["Accounts"].as_array().unwrap().iter().map(|account| text(account, "Account").to_owned());
    ids.into_iter().find(|id| answer(data, &["account", "show", id])["IsFirst"] == true).unwrap()
}

fn events(data: &Path, name: &str) -> Vec<Value> {
    let output = operate(data, &["audit", "export", "--where", &format!("eventName={name}")]);
    assert!(output.status.success(), "{}", said(&output));
    output.stdout.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

fn uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The life of a second account; the server is there at every moment that `live` needs it.
fn live_through_an_account(server: &Server, data: &Path) {
    let made = answer(data, &["account", "create", "--name", "Team B"]);
    let (account, id, secret) = (text(&made, "Account"), text(&made, "AccessKeyId"), text(&made, "AccessKeySecret"));
    assert!(account.len() == 16 && id.starts_with("LTAI") && secret.len() == 30, "{account} {id}");
    let mut client = Client::connect_as(server.http(), id, secret).unwrap();
    let (_, key) = client.call("CreateKey", &[]).unwrap();
    assert!(text(&key["KeyMetadata"], "Arn").contains(&format!(":{account}:key/")), "{key}");

    let listed = answer(data, &["account", "list"]);
    let listed = listed["Accounts"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    let second = listed.iter().find(|known| known["Account"] == account).unwrap();
    assert_eq!((&second["Name"], &second["Keys"], &second["RootAccessKeys"]), (&"Team B".into(), &1.into(), &1.into()));
    assert_eq!(root_keys(data, account), [id]);

    // The same connection: nothing about it is remembered.
    assert!(operate(data, &["account", "disable", account]).status.success());
    let (status, refused) = client.call("ListKeys", &[]).unwrap();
    assert_eq!((status, text(&refused, "Code")), (400, "InvalidAccessKeyId.Inactive"));
    assert!(server.answer(&["ListKeys"])["TotalCount"].is_u64(), "the other account goes on");
    assert!(!text(&answer(data, &["account", "show", account]), "DisabledAt").is_empty());
    assert!(operate(data, &["account", "enable", account]).status.success());
    assert_eq!(client.call("ListKeys", &[]).unwrap().0, 200);

    assert!(operate(data, &["account", "rename", account, "Team C"]).status.success());
    let shown = operate(data, &["account", "show", account]);
    assert!(said(&shown).contains("Team C") && said(&shown).contains(id), "{}", said(&shown));

    let rotated = answer(data, &["account", "rotate-root-key", account]);
    let (new, new_secret) = (text(&rotated, "AccessKeyId"), text(&rotated, "AccessKeySecret"));
    assert_eq!(text(&rotated, "Replaced"), id);
    assert!(works(server, new, new_secret));
    assert_eq!(call(server, id, secret), (404, "InvalidAccessKeyId.NotFound".into()));
}

#[test]
fn accounts_are_made_and_disabled_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    live_through_an_account(&server, &data);

    // Everything left a record that names the operator, and none holds a secret.
    for name in ["CreateAccount", "ListAccounts", "GetAccount", "DisableAccount", "RotateRootAccessKey"] {
        let events = events(&data, name);
        assert!(!events.is_empty(), "{name}");
        assert_eq!(events[0]["userIdentity"]["userName"], format!("uid:{}", uid()), "{}", events[0]);
        assert!(!events[0].to_string().contains("AccessKeySecret"));
    }
    let disabled = &events(&data, "DisableAccount")[0];
    assert_eq!(disabled["requestParameters"]["Account"], disabled["recipientAccountId"]);
}

#[test]
fn what_cannot_be_done_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let _server = Server::start(&data);
    let first = first_account(&data);
    let key = root_keys(&data, &first).remove(0);
    for (arguments, part) in [
        (vec!["account", "disable", "123"], "no account id: that has 16 digits"),
        (vec!["account", "enable", "9999999999999999"], "no account 9999999999999999"),
        (vec!["account", "show", "9999999999999999"], "sesame account list"),
        (vec!["account", "create", "--id", "12x"], "16 digits"),
        (vec!["account", "create", "--id", &first], "there is an account"),
        (vec!["account", "create", "--name", "two\nlines"], "on one line"),
        (vec!["account", "rename", "9999999999999999", "x"], "no account"),
        (vec!["account", "rotate-root-key", &first, "--old-key", "LTAIno"], "no access key LTAIno"),
        (vec!["account", "enable-root-key", &first, "LTAIno"], "no access key LTAIno"),
        (vec!["account", "delete-root-key", &first, &key], "rotate-root-key"),
        (vec!["account", "disable-root-key", &first, &key], "--last"),
        (vec!["data-key", "bad name"], "letters"),
    ] {
        let said = refusal(&data, &arguments);
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
    assert_eq!(root_keys(&data, &first), [key]);
    assert_eq!(events(&data, "EnableAccount")[0]["errorCode"], "NotFound");
    let nowhere = folder.path().join("nowhere");
    let output = operate(&nowhere, &["account", "list"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("there is no data folder") && !nowhere.exists(), "{}", said(&output));
}

#[test]
fn the_first_key_is_rotated_in_its_file_and_without_an_outage() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let account = first_account(&data);
    let file = data.join("credentials.env");
    let old = sourced(&file);

    let output = operate(&data, &["account", "rotate-root-key", &account, "--keep-old"]);
    assert!(output.status.success(), "{}", said(&output));
    let new = sourced(&file);
    assert_ne!(old[..2], new[..2]);
    assert_eq!(old[2], new[2], "the endpoint stays");
    assert!(works(&server, &old[0], &old[1]) && works(&server, &new[0], &new[1]));
    let text = said(&output);
    assert!(!text.contains(&new[1]) && text.contains("credentials.env"), "{text}");
    assert!(text.contains(&format!("sesame account delete-root-key {account} {}", old[0])), "{text}");

    let said = refusal(&data, &["account", "delete-root-key", &account, &new[0]]);
    assert!(said.contains("credentials.env"), "{said}");

    // Which of two is meant has to be said.
    let said = refusal(&data, &["account", "rotate-root-key", &account]);
    assert!(said.contains("--old-key") && said.contains(&old[0]) && said.contains(&new[0]), "{said}");

    // Out of use first, to see whether anybody complains.
    assert!(operate(&data, &["account", "disable-root-key", &account, &old[0]]).status.success());
    assert_eq!(call(&server, &old[0], &old[1]), (400, "InvalidAccessKeyId.Inactive".into()));
    assert!(operate(&data, &["account", "enable-root-key", &account, &old[0]]).status.success());
    assert!(works(&server, &old[0], &old[1]));
    assert!(operate(&data, &["account", "delete-root-key", &account, &old[0]]).status.success());
    assert_eq!(call(&server, &old[0], &old[1]).0, 404);
    assert!(server.stop().success());

    let server = Server::start(&data);
    assert!(server.answer(&["ListKeys"])["TotalCount"].is_u64());
    assert_eq!(sourced(&file)[..2], new[..2]);
}

#[test]
fn a_key_that_the_configuration_fixes_is_changed_there() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let fixed = || {
        let mut command = Server::command(&data);
        command
            .env("SESAME_ROOT_ACCESS_KEY_ID", "fixed-key")
            .env("SESAME_ROOT_ACCESS_KEY_SECRET", "fixed-secret-of-it");
        command
    };
    let server = Server::start_with(fixed(), &data);
    let account = first_account(&data);
    let said = refusal(&data, &["account", "rotate-root-key", &account]);
    assert!(said.contains("SESAME_ROOT_ACCESS_KEY_REPLACE"), "{said}");
    // Another one beside it is no contradiction.
    let made = answer(&data, &["account", "create-root-key", &account]);
    assert!(works(&server, text(&made, "AccessKeyId"), text(&made, "AccessKeySecret")));
    assert!(server.stop().success());
    assert!(Server::start_with(fixed(), &data).stop().success());
}

#[test]
fn credentials_go_to_a_file_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let file = folder.path().join("team-b.env");
    let path = file.to_str().unwrap();
    let made = answer(&data, &["account", "create", "--credentials", path]);
    let account = text(&made, "Account");
    assert!(made.get("AccessKeySecret").is_none(), "{made}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let first = sourced(&file);
    assert_eq!((&*first[0], &*first[2]), (text(&made, "AccessKeyId"), server.endpoints["http"].as_str().unwrap()));
    assert!(works(&server, &first[0], &first[1]));

    // The file says which key is replaced.
    let further = answer(&data, &["account", "create-root-key", account]);
    let rotated = operate(&data, &["account", "rotate-root-key", account, "--credentials", path]);
    assert!(rotated.status.success(), "{}", said(&rotated));
    let second = sourced(&file);
    assert_ne!(first[0], second[0]);
    assert!(works(&server, &second[0], &second[1]) && !works(&server, &first[0], &first[1]));
    assert!(works(&server, text(&further, "AccessKeyId"), text(&further, "AccessKeySecret")));

    // A file with something else in it is left alone, and no key is made for nothing.
    let before = root_keys(&data, account);
    fs::write(folder.path().join("notes"), "mine").unwrap();
    let notes = folder.path().join("notes");
    for arguments in [
        vec!["account", "create-root-key", account, "--credentials", path],
        vec!["account", "create-root-key", account, "--credentials", notes.to_str().unwrap()],
        vec!["account", "create-root-key", account, "--credentials", "/no/such/folder/file"],
    ] {
        let output = operate(&data, &arguments);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    }
    assert_eq!(root_keys(&data, account), before);
    assert_eq!(fs::read_to_string(notes).unwrap(), "mine");
}

#[test]
fn subcommands_open_the_database_while_no_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert!(Server::start(&data).stop().success());
    let made = answer(&data, &["account", "create", "--id", "1234567890123456"]);
    let old = sourced(&data.join("credentials.env"));
    let account = first_account(&data);
    assert!(operate(&data, &["account", "rotate-root-key", &account]).status.success());
    let new = sourced(&data.join("credentials.env"));
    assert!(operate(&data, &["data-key", "app"]).status.success());
    assert_eq!(events(&data, "CreateAccount")[0]["userIdentity"]["userName"], format!("uid:{}", uid()));

    let server = Server::start(&data);
    assert!(works(&server, text(&made, "AccessKeyId"), text(&made, "AccessKeySecret")));
    assert!(works(&server, &new[0], &new[1]) && !works(&server, &old[0], &old[1]));
    let output = operate(&data, &["data-key", "app"]);
    assert!(output.status.success(), "beside the server: {}", said(&output));
    let versions = server.answer(&["ListManagedDataKeyVersions", "--DataKeyName", "app"]);
    assert!(versions.to_string().matches("kms-datakeyversion!app!").count() >= 2, "{versions}");
}

#[test]
fn an_audit_trail_that_cannot_be_opened_is_said_and_stops_no_operator() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert!(Server::start(&data).stop().success());
    fs::rename(data.join("audit"), data.join("elsewhere")).unwrap();
    fs::write(data.join("audit"), "in the way").unwrap();
    let output = operate(&data, &["account", "create", "--name", "unrecorded"]);
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("NOT recorded in the audit trail"), "{text}");
}

#[test]
fn the_socket_is_for_the_user_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let socket = data.join("admin.sock");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    if uid() == 0 {
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let program = folder.path().join("sesame");
        fs::copy(env!("CARGO_BIN_EXE_sesame"), &program).unwrap();
        open(&program, 0o755);
        open(folder.path(), 0o755);
        open(&data, 0o755);
        let list = || {
            let mut command = std::process::Command::new(&program);
            command.args(["account", "list", "--data"]).arg(&data).env_clear().uid(STRANGER).gid(STRANGER);
            command.output().unwrap()
        };
        let refused = list();
        assert_eq!(refused.status.code(), Some(2));
        assert!(said(&refused).contains("belongs to another user"), "{}", said(&refused));
        // Even with every door open, the server looks at who it is.
        open(&socket, 0o666);
        let refused = list();
        assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
        assert!(said(&refused).contains(&format!("user id {STRANGER} may not ask")), "{}", said(&refused));
    } else {
        eprintln!("SKIPPED: only root can be another user");
    }
    assert!(server.stop().success());
    assert!(!socket.exists());
}

#[test]
fn nobody_keeps_others_from_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let socket = data.join("admin.sock");
    let ask = |line: &[u8]| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // The server may hang up before it has read a line that is too long.
        let _ = stream.write_all(line);
        let mut answer = String::new();
        let _ = BufReader::new(stream).read_line(&mut answer);
        answer
    };
    assert!(ask(b"{\"Version\":7,\"Request\":{\"Operation\":\"New\"}}\n").contains("version 1"));
    assert!(ask(b"{\"Version\":1,\"Request\":{\"Operation\":\"New\"}}\n").contains("Refusal"));
    assert!(!ask(&vec![b'x'; 1 << 20]).contains("Answer"));
    let silent: Vec<_> = (0..15).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    assert_eq!(answer(&data, &["account", "list"])["Accounts"].as_array().unwrap().len(), 1);
    drop(silent);
    // A server that was killed leaves the socket behind; the subcommand is not fooled by it.
    server.kill();
    assert!(socket.exists());
    assert_eq!(answer(&data, &["account", "list"])["Accounts"].as_array().unwrap().len(), 1);
    let server = Server::start(&data);
    assert_eq!(answer(&data, &["account", "list"])["Accounts"].as_array().unwrap().len(), 1);
    assert!(server.stop().success());
}

const KILLS: u64 = 10;

fn rotate(data: &Path, arguments: &[&str]) -> Child {
    let mut command = sesame();
    command.args(["account", "rotate-root-key"]).args(arguments).arg("--data").arg(data);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Deletes what an interrupted rotation left, so that there is room for the next.
fn keep_only(data: &Path, account: &str, id: &str) {
    for key in root_keys(data, account).into_iter().filter(|key| key != id) {
        assert!(operate(data, &["account", "delete-root-key", account, &key]).status.success());
    }
}

/// Whatever moment the server or the operator is killed at, the files hold keys that work.
#[test]
fn a_rotation_that_is_killed_takes_no_access_away() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = Server::start(&data);
    let first = first_account(&data);
    let file = folder.path().join("b.env");
    let made = answer(&data, &["account", "create", "--credentials", file.to_str().unwrap()]);
    let second = text(&made, "Account").to_owned();
    let own = data.join("credentials.env");
    for round in 0..KILLS {
        let old = sourced(&own).remove(0);
        let mut rotations = [
            rotate(&data, &[&first, "--old-key", &old]),
            rotate(&data, &[&second, "--credentials", file.to_str().unwrap()]),
        ];
        let mut random = [0; 2];
        SystemRandom.fill(&mut random).unwrap();
        std::thread::sleep(Duration::from_micros(u64::from(u16::from_be_bytes(random)) % 40_000));
        if round % 2 == 0 {
            server.kill();
            for rotation in &mut rotations {
                rotation.wait().unwrap();
            }
        } else {
            for rotation in &mut rotations {
                rotation.kill().unwrap();
                rotation.wait().unwrap();
            }
            // It ends what the operators asked for.
            assert!(server.stop().success());
        }
        server = Server::start(&data);
        for (account, file) in [(&first, &own), (&second, &file)] {
            let credentials = sourced(file);
            assert!(works(&server, &credentials[0], &credentials[1]), "round {round}, account {account}");
            keep_only(&data, account, &credentials[0]);
        }
    }
}

#[test]
fn a_decision_is_explained_with_the_statement_that_made_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let first = first_account(&data);
    let made = answer(&data, &["account", "create"]);
    let second = text(&made, "Account");
    let key = server.answer(&["CreateKey"])["KeyMetadata"].clone();
    let (id, arn) = (text(&key, "KeyId"), text(&key, "Arn"));
    let explain = |account: &str, more: &[&str]| {
        let principal = format!("acs:ram::{account}:root");
        let arguments = ["explain", "--principal", &principal, "--action", "kms:Decrypt", "--resource", arn];
        operate(&data, &[&arguments, more].concat())
    };
    let own = explain(&first, &[]);
    assert_eq!(own.status.code(), Some(0), "{}", said(&own));
    let other = explain(second, &[]);
    assert_eq!(other.status.code(), Some(3));
    assert!(said(&other).contains("no statement of the policy of the resource allows it"), "{}", said(&other));

    let policy = serde_json::json!({"Version": "1", "Statement": [
        {"Effect": "Allow", "Principal": {"RAM": [format!("acs:ram::{first}:*")]}, "Action": ["kms:*"], "Resource": ["*"]},
        {"Sid": "partners", "Effect": "Allow", "Principal": {"RAM": [format!("acs:ram::{second}:*")]},
         "Action": ["kms:Decrypt"], "Resource": ["*"], "Condition": {"IpAddress": {"acs:SourceIp": ["192.0.2.0/24"]}}},
    ]});
    server.answer(&["SetKeyPolicy", "--KeyId", id, "--PolicyName", "default", "--Policy", &policy.to_string()]);
    let unknown = explain(second, &[]);
    assert_eq!(unknown.status.code(), Some(3));
    assert!(said(&unknown).contains("does not have: acs:SourceIp"), "{}", said(&unknown));
    let near = explain(second, &["--source-ip", "192.0.2.7"]);
    assert_eq!(near.status.code(), Some(0), "{}", said(&near));
    assert!(said(&near).contains("statement 2 (partners) of the policy of the key"), "{}", said(&near));
    let near = explain(second, &["--source-ip", "192.0.2.7", "--output", "json"]);
    let near: Value = serde_json::from_slice(&near.stdout).unwrap();
    assert_eq!((&near["IsAllowed"], &near["Decision"]["Deciding"][0]["Sid"]), (&true.into(), &"partners".into()));
    assert_eq!(explain(second, &["--source-ip", "198.51.100.7"]).status.code(), Some(3));

    // The call itself is decided the same way: from here, 127.0.0.1, it is refused.
    let mut client =
        Client::connect_as(server.http(), text(&made, "AccessKeyId"), text(&made, "AccessKeySecret")).unwrap();
    let blob = server.answer(&["Encrypt", "--KeyId", id, "--Plaintext", "aGk="]);
    let (status, _) = client.call("Decrypt", &[("CiphertextBlob", text(&blob, "CiphertextBlob"))]).unwrap();
    assert_eq!(status, 403);

    assert!(operate(&data, &["account", "disable", second]).status.success());
    let disabled = explain(second, &["--source-ip", "192.0.2.7"]);
    assert_eq!(disabled.status.code(), Some(3));
    assert!(said(&disabled).contains("is disabled"), "{}", said(&disabled));
    for (principal, action, resource) in [
        ("alice", "kms:Decrypt", arn),
        ("acs:ram::1234567890123456:user/alice", "Decrypt", arn),
        ("acs:ram::1234567890123456:user/alice", "kms:Decrypt", id),
        (&*format!("acs:ram::{first}:user/nobody"), "kms:Decrypt", arn),
    ] {
        refusal(&data, &["explain", "--principal", principal, "--action", action, "--resource", resource]);
    }
}

/// A database on the PostgreSQL server that tests may use; dropped with it.
struct Postgres {
    server: String,
    name: String,
}

impl Postgres {
    fn new() -> Option<Self> {
        let Some(server) = std::env::var("SESAME_TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty()) else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "SESAME_TEST_POSTGRES_URL is not set");
            eprintln!("SKIPPED: SESAME_TEST_POSTGRES_URL is not set, PostgreSQL is not tested");
            return None;
        };
        let database = Self { server, name: format!("sesame_test_{}", alphanumeric(&SystemRandom, 12).unwrap()) };
        database.run(&format!("CREATE DATABASE {}", database.name));
        Some(database)
    }

    fn run(&self, sql: &str) {
        let call = ["--no-psqlrc", "--quiet", "--dbname", &self.server, "--command", sql];
        assert!(std::process::Command::new("psql").args(call).status().unwrap().success(), "{sql}");
    }

    fn url(&self) -> String {
        let (base, query) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let authority: Vec<_> = base.splitn(4, '/').take(3).collect();
        format!("{}/{}?{query}", authority.join("/"), self.name)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.run(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

#[test]
fn accounts_live_on_postgresql_too() {
    let Some(postgres) = Postgres::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let data: PathBuf = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(data.join("sesame.toml"), format!("[storage]\nurl = \"{}\"\n", postgres.url())).unwrap();
    let server = Server::start(&data);
    live_through_an_account(&server, &data);
    assert!(server.stop().success());
    let made = answer(&data, &["account", "create"]);
    let server = Server::start(&data);
    assert!(works(&server, text(&made, "AccessKeyId"), text(&made, "AccessKeySecret")));
    assert!(server.stop().success());
}
