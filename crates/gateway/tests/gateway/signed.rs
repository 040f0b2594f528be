//! Signed requests, from the socket to the answer and back.

use sesame_domain::Network;
use sesame_gateway::Options;
use sesame_service::{CallQuotas, Limits, Rate};

use crate::support::{Running, acs3};

const HOST: &str = "127.0.0.1:18081";

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn an_answer_has_its_request_id_first_and_the_headers_that_clients_need() {
    let kms = Running::start().await;
    let answer = kms.send(&acs3("DescribeRegions", "", "n", HOST)).await;
    let id = answer.header("x-acs-request-id").unwrap().to_owned();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json;charset=utf-8"));
    assert!(answer.header("date").unwrap().ends_with(" GMT"));
    assert!(answer.body.starts_with(&format!("{{\"RequestId\":\"{id}\",\"Regions\":")), "{}", answer.body);
}

#[tokio::test]
async fn a_host_that_is_a_url_is_signed_as_it_is() {
    let kms = Running::start().await;
    for (nonce, host) in
        ["http://127.0.0.1:18081", "127.0.0.1:18081/", "kms.cn-hangzhou.aliyuncs.com"].iter().enumerate()
    {
        let answer = kms.send(&acs3("DescribeRegions", "", &nonce.to_string(), host)).await;
        assert_eq!(answer.status, 200, "{host} {answer:?}");
    }
}

#[tokio::test]
async fn a_repeated_request_is_a_used_nonce() {
    let kms = Running::start().await;
    let request = acs3("DescribeRegions", "", "n", HOST);
    assert_eq!(kms.send(&request).await.status, 200);
    assert_eq!(kms.send(&request).await.refusal(), refusal(400, "SignatureNonceUsed"));
}

#[tokio::test]
async fn xml_is_answered_when_it_is_asked_for() {
    let kms = Running::start().await;
    let answer = kms.send(&acs3("DescribeRegions", "Format=xml", "n", HOST)).await;
    assert_eq!(answer.header("content-type"), Some("text/xml;charset=utf-8"));
    let id = answer.header("x-acs-request-id").unwrap();
    assert_eq!(
        answer.body,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><DescribeRegionsResponse><RequestId>{id}</RequestId>\
             <Regions><Region><RegionId>cn-hangzhou</RegionId></Region></Regions></DescribeRegionsResponse>"
        )
    );
    let answer = kms.send(b"GET /?Format=XML HTTP/1.1\r\nhost: a&b\r\n\r\n").await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("<HostId>a&amp;b</HostId><Code>MissingAction</Code>"), "{}", answer.body);
}

#[tokio::test]
async fn a_wrong_signature_is_answered_with_the_text_of_the_server() {
    let kms = Running::start().await;
    let request = String::from_utf8(acs3("DescribeRegions", "a=1", "n", HOST)).unwrap().replace("a=1", "a=2");
    let answer = kms.send(request.as_bytes()).await;
    assert_eq!(answer.refusal(), refusal(400, "SignatureDoesNotMatch"));
    let message = answer.json()["Message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Specified signature does not match our calculation. server StringToSign is ["));
    assert!(message.contains("server CanonicalRequest is [POST\n/\na=2\nhost:127.0.0.1:18081\n"), "{message}");
}

#[tokio::test]
async fn the_checks_come_in_their_order() {
    let kms = Running::start().await;
    let common = "Action=DescribeRegions&Version=2016-01-20";
    let v1 = "SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&Timestamp=2026-11-24T11%3A16%3A14Z";
    for (query, status, code) in [
        ("", 400, "MissingAction"),
        ("Action=DescribeRegions", 400, "MissingVersion"),
        ("Action=DescribeRegions&Version=2015-01-20", 400, "InvalidVersion"),
        ("Action=describeRegions&Version=2016-01-20", 404, "InvalidAction.NotFound"),
        (common, 400, "MissingAccessKeyId"),
        (&format!("{common}&SignatureType=BEARERTOKEN&BearerToken=x"), 400, "MissingAccessKeyId"),
        (&format!("{common}&AccessKeyId=testid"), 400, "MissingSignature"),
        (&format!("{common}&AccessKeyId=testid&Signature=x"), 400, "MissingSignatureMethod"),
        (&format!("{common}&AccessKeyId=testid&Signature=x&SignatureMethod=RSA"), 400, "InvalidSignatureMethod"),
        (&format!("{common}&AccessKeyId=testid&Signature=x&SignatureMethod=HMAC-SHA1"), 400, "MissingSignatureVersion"),
        (&format!("{common}&AccessKeyId=nobody&Signature=x&{v1}"), 404, "InvalidAccessKeyId.NotFound"),
        (&format!("{common}&AccessKeyId=testid&Signature=x&{v1}"), 400, "SignatureDoesNotMatch"),
        (&format!("{common}&a=1&a=2"), 400, "InvalidParameter"),
        (&format!("{common}&a=1&a=1"), 400, "MissingAccessKeyId"),
    ] {
        let answer = kms.send(format!("GET /?{query} HTTP/1.1\r\n\r\n").as_bytes()).await;
        assert_eq!(answer.refusal(), refusal(status, code), "{query}");
    }
}

#[tokio::test]
async fn an_incomplete_authorization_is_refused() {
    let kms = Running::start().await;
    let good = String::from_utf8(acs3("DescribeRegions", "", "n", HOST)).unwrap();
    for (from, to, code) in [
        ("Credential=testid,", "", "IncompleteSignature"),
        (";x-acs-date;", ";", "IncompleteSignature"),
        ("x-acs-content-sha256: ", "x-other: ", "IncompleteSignature"),
        ("ACS3-HMAC-SHA256", "ACS3-RSA-SHA256", "InvalidSignatureMethod"),
        ("ACS3-HMAC-SHA256", "ACS4-HMAC-SHA256", "IncompleteSignature"),
        ("x-acs-action: DescribeRegions\r\n", "", "MissingAction"),
        ("x-acs-date: ", "x-other: ", "IllegalTimestamp"),
        ("11:16:15Z\r\n", "11:16:15\r\n", "InvalidTimeStamp.Format"),
        ("2026-11-24T11:16:15Z\r\n", "2026-11-24T10:16:15Z\r\n", "InvalidTimeStamp.Expired"),
    ] {
        let answer = kms.send(good.replace(from, to).as_bytes()).await;
        assert_eq!(answer.refusal(), refusal(400, code), "{from} -> {to}");
    }
}

/// The legacy Python SDK's own request, byte for byte, and its own signature (gateway reference, 1.6).
#[tokio::test]
async fn a_recorded_request_of_an_official_client_is_authenticated() {
    let kms = Running::start().await;
    let request = "POST /?ResourceId.1=k%201&ResourceId.2=k%2A2~&ResourceType=key&TagKey.1=a\
        &TagKey.2=%E4%B8%AD%E6%96%87&All=False&Version=2016-01-20&Action=UntagResources&Format=JSON\
        &RegionId=cn-hangzhou&Timestamp=2026-11-24T11%3A16%3A14Z&SignatureMethod=HMAC-SHA1&SignatureType=\
        &SignatureVersion=1.0&SignatureNonce=44c6d8efa9da5314ec5e0c30dd6be342&AccessKeyId=testid\
        &Signature=E%2BPc72YJBQAJv0OssH5W%2FB7mf80%3D HTTP/1.1\r\nHost: 127.0.0.1:18081\r\nAccept: */*\r\n\
        x-acs-action: untagResources\r\nContent-Length: 0\r\n\r\n";
    let answer = kms.send(request.as_bytes()).await;
    let (status, code) = answer.refusal();
    assert!(!code.contains("Signature") && status != 500, "{answer:?}");
}

#[tokio::test]
async fn a_call_beyond_the_quota_is_told_when_to_come_back() {
    let quotas = CallQuotas { groups: vec!["key_read=2/min".parse().unwrap()], ..CallQuotas::default() };
    let kms = Running::with_quotas(Options::default(), Limits::default(), quotas).await;
    for nonce in ["1", "2"] {
        assert_eq!(kms.send(&acs3("DescribeRegions", "", nonce, HOST)).await.status, 200);
    }
    let answer = kms.send(&acs3("DescribeRegions", "", "3", HOST)).await;
    assert_eq!(answer.refusal(), refusal(429, "Rejected.Throttling"));
    assert_eq!(answer.json()["Message"], "QPS Limit Exceeded");
    assert_eq!(answer.header("x-acs-retry-after"), Some("30000"));
    let other = kms.send(&acs3("DescribeAccountKmsStatus", "", "4", HOST)).await;
    assert_eq!((other.status, other.header("x-acs-retry-after")), (200, None));
    let metrics = kms.send(b"GET /metrics HTTP/1.1\r\n\r\n").await.body;
    assert!(metrics.contains("sesame_calls_throttled_total{group=\"key_read\"} 1\n"), "{metrics}");
    assert!(metrics.contains("sesame_calls_throttled_total{group=\"activation\"} 0\n"), "{metrics}");
}

#[tokio::test]
async fn failures_are_counted_for_whom_a_trusted_proxy_asks_for() {
    let limits = Limits { failures_per_address: Rate::per_minute(2), ..Limits::default() };
    let here = "127.0.0.1".parse::<Network>().unwrap();
    let options = Options { proxies: [here].into_iter().collect(), ..Options::default() };
    let trusting = Running::with_quotas(options, limits, CallQuotas::default()).await;
    let wary = Running::with_quotas(Options::default(), limits, CallQuotas::default()).await;
    let unknown = |nobody: &str, client: &str| {
        let request = String::from_utf8(acs3("DescribeRegions", "", nobody, HOST)).unwrap();
        let named = request.replace("testid", nobody);
        named.replacen("\r\n", &format!("\r\nX-Forwarded-For: {client}\r\n"), 1)
    };
    let (missing, braked) = (refusal(404, "InvalidAccessKeyId.NotFound"), refusal(429, "Rejected.Throttling"));
    for (nobody, client, by_proxy, by_peer) in [
        ("n1", "198.51.100.1", &missing, &missing),
        ("n2", "1.1.1.1, 198.51.100.1", &missing, &missing),
        ("n3", "8.8.8.8, 198.51.100.1", &braked, &braked),
        ("n4", "198.51.100.2", &missing, &braked),
    ] {
        let request = unknown(nobody, client);
        assert_eq!(trusting.send(request.as_bytes()).await.refusal(), *by_proxy, "{client}");
        assert_eq!(wary.send(request.as_bytes()).await.refusal(), *by_peer, "{client}");
    }
}

#[tokio::test]
async fn who_fails_too_often_is_not_heard_any_more() {
    let limits = Limits {
        failures_per_address: Rate::per_minute(5),
        failures_per_access_key: Rate::per_minute(3),
        ..Limits::default()
    };
    let kms = Running::with_quotas(Options::default(), limits, CallQuotas::default()).await;
    let good = |nonce: &str| String::from_utf8(acs3("DescribeRegions", "", nonce, HOST)).unwrap();
    assert_eq!(kms.send(good("0").as_bytes()).await.status, 200);
    // An address that fails with keys that do not exist is not asked about further ones; the one it knows goes on.
    for nobody in ["n1", "n2", "n3", "n4", "n5"] {
        let answer = kms.send(good(nobody).replace("testid", nobody).as_bytes()).await;
        assert_eq!(answer.refusal(), refusal(404, "InvalidAccessKeyId.NotFound"));
    }
    let answer = kms.send(good("6").replace("testid", "n6").as_bytes()).await;
    assert_eq!(answer.refusal(), refusal(429, "Rejected.Throttling"));
    assert!(answer.json()["Message"].as_str().unwrap().contains("failed authentication"));
    assert_eq!(answer.header("x-acs-retry-after"), Some("12000"));
    assert_eq!(kms.send(good("7").as_bytes()).await.status, 200);
    // With a key that exists, an address has its own, smaller number of failures.
    for nonce in ["8", "9", "10"] {
        let wrong = good(nonce).replace("DescribeRegions", "DescribeAccountKmsStatus");
        assert_eq!(kms.send(wrong.as_bytes()).await.refusal(), refusal(400, "SignatureDoesNotMatch"));
    }
    assert_eq!(kms.send(good("11").as_bytes()).await.refusal(), refusal(429, "Rejected.Throttling"));
    let metrics = kms.send(b"GET /metrics HTTP/1.1\r\n\r\n").await.body;
    assert!(metrics.contains("sesame_authentications_braked_total{by=\"address\"} 1\n"), "{metrics}");
    assert!(metrics.contains("sesame_authentications_braked_total{by=\"address_and_access_key\"} 1\n"), "{metrics}");
}
