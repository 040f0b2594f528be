//! What the gateway makes of bytes: well formed, malformed, slow, pipelined, or in the middle of a stop.

use std::time::Duration;

use crate::support::{Running, acs3, read_answer};
use sesame_gateway::Options;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const HOST: &str = "127.0.0.1:18081";

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn malformed_requests_get_an_error_of_the_api() {
    let kms = Running::start().await;
    for request in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"{}",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /?a b HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nbroken\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\x01b\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: ten\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        b"GET /?a=%zz HTTP/1.1\r\n\r\n",
        b"GET /?a=%FF HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
    ] {
        let answer = kms.send(request).await;
        assert_eq!(answer.refusal(), refusal(400, "ParseRequestParameterException"), "{request:?}");
    }
}

#[tokio::test]
async fn bytes_that_a_target_should_not_have_are_no_error_by_themselves() {
    let kms = Running::start().await;
    for target in ["/?a=中文", "/?a=|<>{}\"^`\\", "/?a=b#c", "http://h/?a=1"] {
        let answer = kms.send(format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes()).await;
        assert_eq!(answer.refusal(), refusal(400, "MissingAction"), "{target}");
    }
}

#[tokio::test]
async fn methods_and_paths_are_judged_before_anything_else() {
    let kms = Running::start().await;
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "BREW"] {
        let answer = kms.send(format!("{method} / HTTP/1.1\r\nhost: {HOST}\r\n\r\n").as_bytes()).await;
        assert_eq!(answer.refusal(), refusal(403, "UnsupportedHTTPMethod"), "{method}");
        assert_eq!(answer.json()["HostId"], HOST);
    }
    let answer = kms.send(b"POST /keys?Action=ListKeys HTTP/1.1\r\n\r\n").await;
    assert_eq!(answer.refusal(), refusal(404, "InvalidApi.NotFound"));
}

#[tokio::test]
async fn an_answer_to_head_has_no_body() {
    let kms = Running::start().await;
    let mut stream = kms.connect().await;
    stream.write_all(b"HEAD / HTTP/1.1\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut all = String::new();
    stream.read_to_string(&mut all).await.unwrap();
    assert!(all.starts_with("HTTP/1.1 403 ") && all.ends_with("\r\n\r\n"), "{all}");
}

#[tokio::test]
async fn pages_of_other_origins_may_call_only_when_that_is_set() {
    let kms = Running::with(Options { cors: true, ..Options::default() }).await;
    let answer = kms.send(b"OPTIONS / HTTP/1.1\r\norigin: https://x\r\n\r\n").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
    let answer = kms.send(b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}

#[tokio::test]
async fn the_operator_s_pages_answer() {
    let kms = Running::start().await;
    for (path, start) in [("/healthz", "ok"), ("/readyz", "ready"), ("/metrics", "# HELP")] {
        let answer = kms.send(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).await;
        assert!(answer.status == 200 && answer.body.starts_with(start), "{path} {answer:?}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_what_is_just_large_is_not() {
    let kms = Running::start().await;
    let with_query = |bytes: usize| format!("POST /?a={} HTTP/1.1\r\nhost: {HOST}\r\n\r\n", "x".repeat(bytes));
    assert_eq!(kms.send(with_query(250_000).as_bytes()).await.refusal(), refusal(400, "MissingAction"));
    assert_eq!(kms.send(with_query(270_000).as_bytes()).await.refusal(), refusal(413, "RequestEntityTooLarge"));
    assert_eq!(kms.send(with_query(3_000_000).as_bytes()).await.refusal(), refusal(413, "RequestEntityTooLarge"));
    let with_header = |bytes: usize| format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(bytes));
    assert_eq!(kms.send(with_header(60_000).as_bytes()).await.refusal(), refusal(400, "MissingAction"));
    assert_eq!(kms.send(with_header(70_000).as_bytes()).await.refusal(), refusal(413, "RequestEntityTooLarge"));
    let form = "content-type: application/x-www-form-urlencoded";
    let with_body =
        |bytes: usize| format!("POST / HTTP/1.1\r\n{form}\r\ncontent-length: {bytes}\r\n\r\n{}", "x".repeat(bytes));
    assert_eq!(kms.send(with_body(1 << 20).as_bytes()).await.refusal(), refusal(400, "MissingAction"));
    assert_eq!(kms.send(with_body((1 << 20) + 1).as_bytes()).await.refusal(), refusal(413, "RequestEntityTooLarge"));
    assert_eq!(kms.send(with_body(9 << 20).as_bytes()).await.refusal(), refusal(413, "RequestEntityTooLarge"));
    let pairs = "a&".repeat(1_001);
    let answer = kms.send(format!("GET /?{pairs} HTTP/1.1\r\n\r\n").as_bytes()).await;
    assert_eq!(answer.refusal(), refusal(400, "InvalidParameter"));
}

#[tokio::test]
async fn a_client_that_asks_whether_to_continue_is_told_so() {
    let kms = Running::start().await;
    let mut stream = kms.connect().await;
    let form = "content-type: application/x-www-form-urlencoded\r\nexpect: 100-continue";
    let head = format!("POST / HTTP/1.1\r\n{form}\r\ncontent-length: 8\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(read_answer(&mut stream).await.unwrap().status, 100);
    stream.write_all(b"Action=X").await.unwrap();
    assert_eq!(read_answer(&mut stream).await.unwrap().refusal(), refusal(400, "MissingVersion"));
    let head = format!("POST / HTTP/1.1\r\n{form}\r\ncontent-length: 8000000\r\n\r\n");
    assert_eq!(kms.send(head.as_bytes()).await.refusal(), refusal(413, "RequestEntityTooLarge"));
}

#[tokio::test]
async fn a_body_may_come_in_chunks_and_in_pieces() {
    let kms = Running::start().await;
    let request = b"POST /?Version=2016-01-20 HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded;charset=utf-8\r\n\
        transfer-encoding: chunked\r\n\r\n7\r\nAction=\r\n3\r\nNo\xc3\r\n1\r\n\xb6\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n\r\n";
    let mut stream = kms.connect().await;
    stream.set_nodelay(true).unwrap();
    for byte in request {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(read_answer(&mut stream).await.unwrap().refusal(), refusal(404, "InvalidAction.NotFound"));
    assert_eq!(read_answer(&mut stream).await.unwrap().body, "ok\n");
}

#[tokio::test]
async fn the_check_sum_of_a_body_is_checked() {
    let kms = Running::start().await;
    let request = |sum: &str| {
        format!(
            "POST / HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-md5: {sum}\r\n\
             content-length: 3\r\n\r\nabc"
        )
    };
    let answer = kms.send(request("kAFQmDzST7DWlj99KOF/cg==").as_bytes()).await;
    assert_eq!(answer.refusal(), refusal(400, "MissingAction"));
    let answer = kms.send(request("AAAQmDzST7DWlj99KOF/cg==").as_bytes()).await;
    assert_eq!(answer.refusal(), refusal(400, "ContentMD5NotMatched"));
}

#[tokio::test]
async fn requests_in_one_piece_are_answered_in_order() {
    let kms = Running::start().await;
    let mut stream = kms.connect().await;
    let mut all = acs3("DescribeRegions", "", "n1", HOST);
    all.extend(b"\r\nGET /healthz HTTP/1.1\r\n\r\n");
    all.extend(acs3("DescribeRegions", "", "n2", HOST));
    stream.write_all(&all).await.unwrap();
    assert_eq!(read_answer(&mut stream).await.unwrap().json()["Regions"]["Region"][0]["RegionId"], "cn-hangzhou");
    assert_eq!(read_answer(&mut stream).await.unwrap().body, "ok\n");
    assert_eq!(read_answer(&mut stream).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_slow_client_is_told_and_an_idle_one_is_left() {
    let quick = Duration::from_millis(100);
    let options = Options { head_timeout: quick, body_timeout: quick, idle_timeout: quick, ..Options::default() };
    let kms = Running::with(options).await;
    for part in ["GET / HTTP/1.1\r\nhost", "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nabc"] {
        let answer = kms.send(part.as_bytes()).await;
        assert_eq!(answer.refusal(), refusal(400, "ParseRequestParameterException"));
    }
    assert!(read_answer(&mut kms.connect().await).await.is_none());
}

#[tokio::test]
async fn a_stop_finishes_what_has_begun_and_ends_what_is_idle() {
    let kms = Running::start().await;
    let mut idle = kms.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(read_answer(&mut idle).await.unwrap().status, 200);
    let mut busy = kms.connect().await;
    let head = "POST / HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 8\r\n\r\n";
    busy.write_all(format!("{head}Act").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let address = kms.address;
    let stopped = kms.stop();
    assert!(read_answer(&mut idle).await.is_none());
    busy.write_all(b"ion=X").await.unwrap();
    let answer = read_answer(&mut busy).await.unwrap();
    assert_eq!((answer.refusal(), answer.header("connection")), (refusal(400, "MissingVersion"), Some("close")));
    stopped.await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
