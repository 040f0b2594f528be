//! Ways into the parsers for fuzzing and benchmarks; no part of the gateway's interface.

use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr};

use sesame_service::wipe;

use crate::form::{contradiction, params, sort};
use crate::http::{Chunked, MAX_HEADERS, Peer, Request, parse_head};
use crate::render::{self, Format};
use crate::signature::{acs, v1};
use crate::{Options, rpc};

/// Reads a request and builds every text that it could sign; says how many bytes those are. Panics never.
pub fn fuzz_request(bytes: &[u8]) -> usize {
    let at = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let (head, body) = bytes.split_at(at);
    let (mut arena, mut signed) = (Vec::new(), Vec::new());
    signed_text(head, body, &mut arena, &mut signed, true).unwrap_or(0)
}

/// Decodes a body in chunks that arrives in two parts, and checks that the parts do not matter.
pub fn fuzz_chunked(bytes: &[u8]) {
    let decode = |parts: &[&[u8]]| {
        let (mut decoder, mut body, mut pending) = (Chunked::default(), Vec::new(), Vec::new());
        for part in parts {
            pending.extend_from_slice(part);
            let taken = decoder.decode(&pending, &mut body, 1 << 16).ok()?;
            pending.drain(..taken);
        }
        Some((body, decoder.is_done()))
    };
    let (front, back) = bytes.split_at(bytes.len() / 2);
    if let (Some(whole), Some(parts)) = (decode(&[bytes]), decode(&[front, back])) {
        assert_eq!(whole, parts, "a body means the same however it arrives");
    }
}

/// Renders a text in both formats.
pub fn fuzz_render(text: &str) {
    for format in [Format::Json, Format::Xml] {
        let mut out = Vec::new();
        let rendered = render::success(&mut out, format, "Encrypt", text, &serde_json::json!({"Text": text, text: 1}));
        assert!(rendered.is_ok(), "every text can be rendered");
        if format == Format::Json {
            assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok(), "what is rendered is JSON");
        }
    }
}

/// Buffers of a connection, for benchmarks.
#[derive(Debug, Default)]
pub struct Buffers {
    arena: Vec<u8>,
    signed: Vec<u8>,
}

impl Buffers {
    /// Parses a request whose head ends at `head_len` and canonicalises it as the gateway does, wiping included.
    pub fn canonicalise(&mut self, request: &[u8], head_len: usize) -> Option<usize> {
        let (head, body) = request.split_at_checked(head_len)?;
        let length = signed_text(head, body, &mut self.arena, &mut self.signed, false);
        wipe::clear(&mut self.arena);
        wipe::clear(&mut self.signed);
        length
    }
}

fn signed_text(
    head: &[u8],
    body: &[u8],
    arena: &mut Vec<u8>,
    signed: &mut Vec<u8>,
    alternatives: bool,
) -> Option<usize> {
    let mut slots = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let head = parse_head(head, &mut slots).ok()?;
    let peer = Peer { address: IpAddr::V4(Ipv4Addr::LOCALHOST), tls: false };
    let request = Request { head: &head, body, peer };
    let mut pairs = rpc::read(&request, Options::default().parameters, arena).ok()?;
    let params = params(&pairs, arena).ok()?;
    sort(&mut pairs, arena);
    if contradiction(&pairs, arena).is_some() {
        return None;
    }
    match rpc::dialect(&head.known, &params).ok()? {
        rpc::Dialect::V1 => {
            v1::string_to_sign(signed, head.method, &pairs, arena, v1::Empty::Signed);
            let alternative = alternatives.then(|| v1::alternative(head.method, &pairs, arena)).flatten();
            Some(signed.len() + alternative.map_or(0, |text| text.len()))
        }
        rpc::Dialect::Acs(header) => {
            let authorization = acs::Authorization::parse(header).ok()?;
            head.known.acs.all_signed(authorization.signed_headers).ok()?;
            let canonical = acs::Canonical {
                method: head.method,
                sorted: &pairs,
                arena,
                headers: head.headers,
                signed_headers: authorization.signed_headers,
                payload_hash: head.known.acs.payload_hash(authorization.algorithm).ok()?,
            };
            canonical.write(signed, acs::Names::Encoded);
            let alternative = alternatives.then(|| canonical.alternative()).flatten();
            Some(signed.len() + alternative.map_or(0, |text| text.len()))
        }
    }
}
