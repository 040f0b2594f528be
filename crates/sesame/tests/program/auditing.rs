//! The audit trail of the running program: whole after `kill -9`, provable beside the server, and searchable.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{Client, get};
use crate::server::{Server, run, said, sourced};

const CONNECTIONS: usize = 4;
const KILLS: usize = 12;

fn verify(data: &Path) -> String {
    let output = run(&["audit", "verify", "--data", data.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn events(data: &Path, more: &[&str]) -> Vec<Value> {
    let output = run(&[&["audit", "export", "--data", data.to_str().unwrap()], more].concat());
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn newest_file(data: &Path) -> PathBuf {
    let files = fs::read_dir(data.join("audit")).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl")).max().unwrap()
}

/// The ids and codes of everything that was answered, until the server is gone.
fn call_until_killed(host: &str, credentials: &[String], key: &str) -> Vec<(String, Option<String>)> {
    let mut answered = Vec::new();
    let mut client = Client::connect_as(host, &credentials[0], &credentials[1]).unwrap();
    let mut stranger = Client::connect_as(host, &credentials[0], "another secret").unwrap();
    let calls: [(&str, &[(&str, &str)]); 4] = [
        ("Encrypt", &[("KeyId", key), ("Plaintext", "aGk=")]),
        ("UpdateKeyDescription", &[("KeyId", key), ("Description", "d")]),
        ("DescribeKey", &[("KeyId", "key-hzz0000000000000000000")]),
        ("ListKeys", &[("PageSize", "many")]),
    ];
    loop {
        for (action, parameters) in calls {
            let Ok((_, answer)) = client.call(action, parameters) else { return answered };
            answered.push(seen(&answer));
        }
        let Ok((status, answer)) = stranger.call("ListKeys", &[]) else { return answered };
        assert_eq!(status, 400, "{answer}");
        answered.push(seen(&answer));
    }
}

fn seen(answer: &Value) -> (String, Option<String>) {
    (answer["RequestId"].as_str().unwrap().to_owned(), answer["Code"].as_str().map(str::to_owned))
}

#[test]
fn whatever_was_answered_is_on_record_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let credentials = sourced(&data.join("credentials.env"));
    let key = server.answer(&["CreateKey"])["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
    drop(server);
    let mut answered = Vec::new();
    for _ in 0..KILLS {
        // The stranger is to be heard each time.
        let mut command = Server::command(&data);
        command.args(["--set", "limits.failures_per_access_key=off", "--set", "limits.failures_per_address=off"]);
        let server = Server::start_with(command, &data);
        let host = server.http().to_owned();
        std::thread::scope(|scope| {
            let workers: Vec<_> =
                (0..CONNECTIONS).map(|_| scope.spawn(|| call_until_killed(&host, &credentials, &key))).collect();
            std::thread::sleep(Duration::from_millis(60));
            // Beside the server, which goes on writing.
            verify(&data);
            server.kill();
            for worker in workers {
                answered.extend(worker.join().unwrap());
            }
        });
    }
    // What was staged when the last kill came is brought into the chain by the next start.
    Server::start(&data).stop();
    assert!(verify(&data).starts_with("The audit trail is whole"), "after {KILLS} kills");
    let mut recorded: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
    for event in events(&data, &[]) {
        let id = event["requestId"].as_str().unwrap().to_owned();
        recorded.entry(id).or_default().push(event["errorCode"].as_str().map(str::to_owned));
    }
    assert!(answered.len() > KILLS * CONNECTIONS * 5, "only {} answers prove little", answered.len());
    for (id, code) in &answered {
        assert_eq!(recorded.get(id), Some(&vec![code.clone()]), "{id}");
    }
    println!("{KILLS} kills, {} answers, each with one record", answered.len());
}

#[test]
fn a_record_is_on_disk_and_signed_soon_after_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    server.answer(&["ListKeys"]);
    let text = fs::read_to_string(newest_file(&data)).unwrap();
    let newest: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(newest["event"]["eventName"], "ListKeys");
    let began = Instant::now();
    // Half a second by design; the rest is for a machine that is busy with other tests.
    while began.elapsed() < Duration::from_secs(10) {
        let head: Value = serde_json::from_slice(&fs::read(data.join("audit/head.json")).unwrap()).unwrap();
        if head["seq"].as_u64() >= newest["seq"].as_u64() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the record {} is not signed after ten seconds", newest["seq"]);
}

#[test]
fn a_changed_record_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    for _ in 0..3 {
        server.answer(&["ListKeys"]);
    }
    assert!(server.stop().success());
    let path = newest_file(&data);
    let whole = fs::read_to_string(&path).unwrap();
    let line = whole.lines().filter(|line| line.contains("ListKeys")).nth(1).unwrap();
    let record: Value = serde_json::from_str(line).unwrap();
    fs::write(&path, whole.replace(line, &line.replace("ListKeys", "ListKays"))).unwrap();
    let output = run(&["audit", "verify", "--data", data.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    let expected = format!("record {} is broken", record["seq"]);
    assert!(said(&output).contains(&expected), "{}: {expected}", said(&output));
    fs::write(&path, whole).unwrap();
    verify(&data);
}

#[test]
fn events_are_chosen_by_their_members_and_by_masked_values() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = Server::command(&data);
    command.args(["--set", "audit.durability=disk"]);
    let server = Server::start_with(command, &data);
    let key = server.answer(&["CreateKey"])["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
    let mut blobs = Vec::new();
    for _ in 0..2 {
        let sealed = server.answer(&["Encrypt", "--KeyId", &key, "--Plaintext", "aGk="]);
        let blob = sealed["CiphertextBlob"].as_str().unwrap().to_owned();
        let opened = server.answer(&["Decrypt", "--CiphertextBlob", &blob]);
        blobs.push((blob, opened["RequestId"].clone()));
    }
    let decryptions = events(&data, &["--where", "eventName=Decrypt", "--where", &format!("resourceName={key}")]);
    assert_eq!(decryptions.len(), 2);
    assert!(events(&data, &["--from", "2099-01-01T00:00:00Z"]).is_empty());
    for (blob, request_id) in blobs {
        let file = folder.path().join("blob.txt");
        fs::write(&file, format!("{blob}\n")).unwrap();
        let data = data.to_str().unwrap();
        let output = run(&["audit", "find-value", "--data", data, file.to_str().unwrap()]);
        let found = String::from_utf8(output.stdout).unwrap();
        assert_eq!(found.lines().count(), 1, "{found}");
        let event: Value = serde_json::from_str(&found).unwrap();
        assert_eq!(event["requestId"], request_id);
        assert_eq!(event["eventName"], "Decrypt");
    }
    assert!(server.stop().success());
}

/// A receiver of events that refuses the first batch; hands on what it took.
fn receiver(listener: TcpListener, token: &'static str) -> mpsc::Receiver<Value> {
    let (sender, taken) = mpsc::channel();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut length, mut is_known) = (0, false);
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                let Some((name, value)) = line.trim_end().split_once(':') else {
                    if line.trim_end().is_empty() {
                        break;
                    }
                    assert!(line.starts_with("POST /hook/audit HTTP/1.1"), "{line}");
                    continue;
                };
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim().parse().unwrap(),
                    "authorization" => is_known = value.trim() == format!("Bearer {token}"),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let status = if number == 0 { "503 Later" } else { "204 Taken" };
            stream.get_mut().write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).unwrap();
            if number > 0 && is_known {
                let batch: Vec<Value> = serde_json::from_slice(&body).unwrap();
                batch.into_iter().for_each(|event| drop(sender.send(event)));
            }
        }
    });
    taken
}

#[test]
fn copies_of_events_go_to_syslog_and_to_a_webhook_across_kills_and_refusals() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let syslog = UdpSocket::bind("127.0.0.1:0").unwrap();
    syslog.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "hook-token\n").unwrap();
    let settings = [
        format!("audit.syslog=udp://{}", syslog.local_addr().unwrap()),
        format!("audit.webhook=http://{}/hook/audit", listener.local_addr().unwrap()),
        format!("audit.webhook_token_file={}", token.display()),
    ];
    let command = || {
        let mut command = Server::command(&data);
        settings.iter().for_each(|setting| _ = command.args(["--set", setting]));
        command
    };
    let taken = receiver(listener, "hook-token");
    let server = Server::start_with(command(), &data);
    let key = server.answer(&["CreateKey"])["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
    server.answer(&["Encrypt", "--KeyId", &key, "--Plaintext", "aGk="]);
    server.answer(&["ListKeys"]);
    server.kill();
    let server = Server::start_with(command(), &data);
    server.answer(&["DisableKey", "--KeyId", &key]);

    let mut names: Vec<String> = Vec::new();
    while names.last().is_none_or(|name| name != "DisableKey") {
        let event = taken.recv_timeout(Duration::from_secs(30)).unwrap();
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["type"], "kms:ActionTrail:ApiCall");
        assert_eq!(event["id"], event["data"]["eventId"]);
        // What was sent when the server was killed may come twice.
        let name = event["data"]["eventName"].as_str().unwrap().to_owned();
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    assert_eq!(names, ["CreateKey", "ListKeys", "DisableKey"]);

    let mut messages: Vec<String> = Vec::new();
    while !messages.iter().any(|message| message.contains(" DisableKey - {")) {
        let mut buffer = [0; 16_384];
        let length = syslog.recv(&mut buffer).unwrap();
        messages.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
    }
    for (name, message) in ["CreateKey", "ListKeys", "DisableKey"].iter().zip(&messages) {
        assert!(message.starts_with("<110>1 ") && message.contains(&format!(" {name} - {{")), "{message}");
    }
    let (_, metrics) = get(server.http(), "/metrics").unwrap();
    assert!(metrics.contains("sesame_audit_copy_up{copy=\"webhook\"} 1"), "{metrics}");
    assert!(server.stop().success());
}

#[test]
fn events_are_looked_up_through_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(&data);
    let key = server.answer(&["CreateKey"])["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
    let found =
        server.answer(&["LookupEvents", "--LookupAttribute.1.Key", "ResourceName", "--LookupAttribute.1.Value", &key]);
    assert_eq!(found["Events"][0]["eventName"], "CreateKey");
    assert_eq!(found["Events"].as_array().unwrap().len(), 1);
    // A key in use is counted before the server ends.
    server.answer(&["Encrypt", "--KeyId", &key, "--Plaintext", "aGk="]);
    assert!(server.stop().success());
    let server = Server::start(&data);
    server.answer(&["DisableKey", "--KeyId", &key]);
    let event = events(&data, &["--where", "eventName=DisableKey"]).pop().unwrap();
    assert_eq!(event["additionalEventData"]["KeyLastUsed"]["Operation"], "Encrypt");
}
