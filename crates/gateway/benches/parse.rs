//! What it costs to parse and canonicalise an Encrypt request: head, query, parameters, canonical request, wiping.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sesame_gateway::testing::Buffers;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The Base64 form of `bytes` bytes that look random, percent-encoded as the SDKs do.
fn plaintext(bytes: usize) -> String {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut text = String::new();
    for _ in 0..bytes.div_ceil(3) * 4 - 1 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match ALPHABET.get((state >> 58) as usize) {
            Some(b'+') => text.push_str("%2B"),
            Some(b'/') => text.push_str("%2F"),
            byte => text.extend(byte.map(|&byte| char::from(byte))),
        }
    }
    text + "%3D"
}

fn acs3(bytes: usize) -> Vec<u8> {
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let signed = "accept;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;\
        x-acs-signature-nonce;x-acs-version";
    format!(
        "POST /?KeyId=key-hzz65f1cb13a6b9f2vlxi&Plaintext={} HTTP/1.1\r\nAccept-Encoding: identity\r\n\
         host: 127.0.0.1:8600\r\nx-acs-version: 2016-01-20\r\nx-acs-action: Encrypt\r\n\
         user-agent: AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2\r\n\
         x-acs-date: 2026-01-02T03:04:05Z\r\nx-acs-signature-nonce: 0123456789abcdef0123456789abcdef\r\n\
         accept: application/json\r\nx-acs-content-sha256: {hash}\r\nx-acs-credentials-provider: static_ak\r\n\
         Authorization: ACS3-HMAC-SHA256 Credential=testid,SignedHeaders={signed},Signature={hash}\r\n\
         Content-Length: 0\r\n\r\n",
        plaintext(bytes)
    )
    .into_bytes()
}

fn v1(bytes: usize) -> Vec<u8> {
    format!(
        "POST /?KeyId=key-hzz65f1cb13a6b9f2vlxi&Plaintext={}&Version=2016-01-20&Action=Encrypt&Format=JSON\
         &RegionId=cn-hangzhou&Timestamp=2026-01-02T03%3A04%3A05Z&SignatureMethod=HMAC-SHA1&SignatureType=\
         &SignatureVersion=1.0&SignatureNonce=0123456789abcdef0123456789abcdef&AccessKeyId=testid\
         &Signature=E%2BPc72YJBQAJv0OssH5W%2FB7mf80%3D HTTP/1.1\r\nHost: 127.0.0.1:8600\r\n\
         User-Agent: AlibabaCloud (Linux;x86_64) Python/3.11.7 Core/2.16.1\r\nAccept-Encoding: identity\r\n\
         Accept: */*\r\nConnection: keep-alive\r\nx-acs-action: Encrypt\r\nx-acs-version: 2016-01-20\r\n\
         x-sdk-client: python/2.0.0\r\nContent-Length: 0\r\n\r\n",
        plaintext(bytes)
    )
    .into_bytes()
}

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse and canonicalise");
    for (size, bytes) in [("64 B", 64), ("1 KiB", 1_024), ("4 KiB", 4_096)] {
        for (dialect, request) in [("ACS3", acs3(bytes)), ("V1", v1(bytes))] {
            let mut buffers = Buffers::default();
            assert!(buffers.canonicalise(&request, request.len()).is_some(), "the request is well formed");
            group.throughput(Throughput::Bytes(request.len() as u64));
            group.bench_function(format!("{dialect} Encrypt {size}"), |b| {
                b.iter(|| buffers.canonicalise(black_box(&request), request.len()));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
