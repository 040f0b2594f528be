use std::time::{Duration, Instant};

use crate::client::Client;
use crate::server::Server;

#[test]
fn a_request_in_flight_is_finished_before_the_server_ends() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut server = Server::start(&data);
        let mut client = Client::connect(server.http(), &data).unwrap();
        let idle = Client::connect(server.http(), &data).unwrap();
        let request = client.request("CreateKey", &[("Description", &"d".repeat(2_000))]);
        let (first, rest) = request.split_at(request.len() - 1_000);
        client.send(first).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        server.signal(signal);
        std::thread::sleep(Duration::from_millis(100));
        assert!(server.child.try_wait().unwrap().is_none(), "{signal}: ended with a request in flight");
        assert!(!data.join("endpoints.json").exists());
        client.send(rest).unwrap();
        let (status, answer) = client.answer().unwrap();
        assert_eq!(status, 200, "{answer}");
        let key = answer["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
        let began = Instant::now();
        assert!(server.child.wait().unwrap().success(), "{}", server.log());
        assert!(began.elapsed() < Duration::from_secs(5), "{signal}: an idle connection held the server up");
        drop(idle);

        let server = Server::start(&data);
        assert_eq!(server.answer(&["DescribeKey", "--KeyId", &key])["KeyMetadata"]["KeyState"], "Enabled");
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = Server::start(&data);
    let mut client = Client::connect(server.http(), &data).unwrap();
    let request = client.request("CreateKey", &[("Description", "d")]);
    client.send(&request[..request.len() - 1]).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(100));
    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(1));
}

#[test]
fn an_unfinished_request_holds_the_server_up_for_the_timeout_only() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut command = Server::command(&data);
    command.args(["--set", "stop_timeout_seconds=1"]);
    let server = Server::start_with(command, &data);
    let mut client = Client::connect(server.http(), &data).unwrap();
    let request = client.request("CreateKey", &[("Description", "d")]);
    client.send(&request[..request.len() - 1]).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let began = Instant::now();
    assert!(server.stop().success());
    assert!((Duration::from_millis(900)..Duration::from_secs(5)).contains(&began.elapsed()));
}
