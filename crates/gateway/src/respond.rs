//! One request, from its bytes to the bytes of its answer.

use std::time::Instant;

use sesame_service::error::{Code, KmsError, Result};
use sesame_service::guard::guarded;
use sesame_service::params::Params;
use sesame_service::registry::Entry;
use sesame_service::request::{Attempt, Call, Principal, Signature, SignedRequest, Source};
use sesame_service::wipe;

use crate::Gateway;
use crate::form::{self, Pair};
use crate::http::{Extra, Fault, Peer, Request, Response};
use crate::render::{self, Format};
use crate::rpc::{self, Dialect};
use crate::signature::{acs, v1};

/// What a buffer of a connection may keep between two requests.
const KEPT: usize = 32 * 1024;
/// Where clients on this machine get credentials; the rest of the path is the secret of a handle.
const CREDENTIALS: &[u8] = b"/credentials/";
const PLAIN: &str = "text/plain;charset=utf-8";

/// Buffers of one connection; empty and wiped between requests.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Decoded parameters.
    arena: Vec<u8>,
    /// The text that is signed.
    signed: Vec<u8>,
    /// The body of the answer.
    body: Vec<u8>,
}

impl Scratch {
    fn clear(&mut self) {
        for buffer in [&mut self.arena, &mut self.signed, &mut self.body] {
            wipe::clear_and_shrink(buffer, KEPT);
        }
    }
}

/// What has been learnt about a request, for its answer and for the log.
#[derive(Debug, Default)]
struct Seen {
    format: Format,
    operation: Option<&'static Entry>,
    /// Whether a call was made, which the service then counts.
    is_called: bool,
    /// Kept only when it is logged.
    access_key_id: Option<String>,
    is_logged: bool,
}

/// An answer whose body is written.
struct Reply {
    status: u16,
    content_type: &'static str,
    extra: Extra,
}

impl Gateway {
    /// Answers a request: appends the whole answer to `out`.
    pub(crate) async fn respond(
        &self,
        request: &Request<'_>,
        keep_alive: bool,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) {
        let is_logged = tracing::enabled!(tracing::Level::DEBUG);
        let began = is_logged.then(Instant::now);
        let request_id = self.service.new_request_id();
        let format = request.head.known.accept.map(Format::from_accept).unwrap_or_default();
        let mut seen = Seen { format, is_logged, ..Seen::default() };
        let handled = guarded(self.handle(request, &request_id, &mut seen, scratch)).await;
        let handled = handled.unwrap_or_else(|panic| Err(logged(&request_id, KmsError::internal(panic))));
        let (reply, code) = match handled {
            Ok(reply) => (reply, None),
            Err(error) => {
                if !seen.is_called {
                    self.service.metrics().refused(error.code.name());
                }
                wipe::clear(&mut scratch.body);
                let host = host_id(request.head.known.host);
                render::error(&mut scratch.body, seen.format, &request_id, &host, &error);
                let extra = Extra { retry_after_ms: error.retry_after_ms, ..Extra::default() };
                let reply = Reply { status: error.code.status(), content_type: seen.format.content_type(), extra };
                (reply, Some(error.code))
            }
        };
        let response = Response {
            status: reply.status,
            content_type: reply.content_type,
            request_id: &request_id,
            extra: Extra { cors: self.options.cors, ..reply.extra },
            body: &scratch.body,
            head_only: request.head.method == "HEAD",
            keep_alive,
        };
        response.write(out);
        scratch.clear();
        if let Some(began) = began {
            seen.log(&request_id, reply.status, code, began, request.peer);
        }
    }

    async fn handle(
        &self,
        request: &Request<'_>,
        request_id: &str,
        seen: &mut Seen,
        scratch: &mut Scratch,
    ) -> Result<Reply> {
        match (request.head.method, request.head.path) {
            ("GET" | "POST", b"/") => self.call(request, request_id, seen, scratch).await,
            ("OPTIONS", _) if self.options.cors => {
                Ok(Reply { status: 200, content_type: PLAIN, extra: Extra { preflight: true, ..Extra::default() } })
            }
            ("GET", path) if path.starts_with(CREDENTIALS) => self.hand_out(request, request_id, scratch).await,
            ("GET", b"/healthz") => Ok(plain(scratch, 200, "ok\n")),
            ("GET", b"/readyz") => Ok(match self.service.ready().await {
                Ok(()) => plain(scratch, 200, "ready\n"),
                Err(reason) => plain(scratch, 503, &reason),
            }),
            ("GET", b"/metrics") => {
                let reply = plain(scratch, 200, &self.service.metrics().encode());
                let content_type = "application/openmetrics-text;version=1.0.0;charset=utf-8";
                Ok(Reply { content_type, ..reply })
            }
            ("GET" | "POST", _) => Err(Code::InvalidApiNotFound.into()),
            _ => Err(Code::UnsupportedHttpMethod.into()),
        }
    }

    /// Answers credentials to whoever on this machine knows their URL.
    async fn hand_out(&self, request: &Request<'_>, request_id: &str, scratch: &mut Scratch) -> Result<Reply> {
        // A request that came through a proxy is not one of this machine, whatever its peer is.
        let forwarded =
            |name: &str| ["x-forwarded-for", "forwarded"].iter().any(|known| name.eq_ignore_ascii_case(known));
        let is_near = request.peer.address.to_canonical().is_loopback();
        if !is_near || request.head.headers.iter().any(|header| forwarded(header.name)) {
            return Err(Code::InvalidApiNotFound.into());
        }
        let secret = request.head.path.get(CREDENTIALS.len()..).unwrap_or_default();
        let secret = std::str::from_utf8(secret).unwrap_or_default();
        let handed = self.service.hand_out(secret, source(request), request_id).await;
        let handed = handed.map_err(|error| logged(request_id, error))?;
        let failed = |failure| logged(request_id, KmsError::internal(failure));
        serde_json::to_writer(&mut scratch.body, &handed).map_err(failed)?;
        let format = Format::Json;
        Ok(Reply { status: 200, content_type: format.content_type(), extra: Extra::default() })
    }

    async fn call(
        &self,
        request: &Request<'_>,
        request_id: &str,
        seen: &mut Seen,
        scratch: &mut Scratch,
    ) -> Result<Reply> {
        let Scratch { arena, signed, body } = scratch;
        let read = rpc::read(request, self.options.parameters, arena);
        let mut pairs = match read {
            Ok(pairs) => pairs,
            Err(error) => return Err(self.refuse_unread(request, request_id, seen, error).await),
        };
        let arena = arena.as_slice();
        let params = form::params(&pairs, arena)?;
        if let Some(format) = params.get("Format") {
            seen.format = Format::from_parameter(format);
        }
        form::sort(&mut pairs, arena);
        let dialect = rpc::dialect(&request.head.known, &params);
        let operation = rpc::operation(&request.head.known, dialect.as_ref().ok(), &params)?;
        seen.operation = Some(operation);
        let source = source(request);
        let signing = Signing { request, params: &params, sorted: &pairs, arena };
        let authenticated = match (form::contradiction(&pairs, arena), dialect) {
            (Some(name), _) => Err(rpc::contradicts(name)),
            (None, _) if operation.anonymous && rpc::is_unsigned(&request.head.known, &params) => {
                self.service.anonymous(source.address)
            }
            (None, Ok(dialect)) => self.authenticate(&signing, dialect, seen, signed).await,
            (None, Err(error)) => Err(error),
        };
        let principal = match authenticated {
            Ok(principal) => principal,
            Err(error) => {
                let error = logged(request_id, error);
                let access_key_id = claimed_access_key(request, &params);
                let attempt = Attempt { operation, params: &params, access_key_id, source, request_id };
                return Err(self.service.refuse(&attempt, error).await);
            }
        };
        let call = Call { operation, params: &params, principal: &principal, source, request_id };
        seen.is_called = true;
        let answer = self.service.call(call).await?;
        render::success(body, seen.format, operation.name, request_id, answer.body())
            .map_err(|failure| logged(request_id, KmsError::internal(failure)))?;
        Ok(Reply { status: 200, content_type: seen.format.content_type(), extra: Extra::default() })
    }

    /// Records a request whose parameters cannot be read, when its headers name an operation.
    async fn refuse_unread(
        &self,
        request: &Request<'_>,
        request_id: &str,
        seen: &mut Seen,
        error: KmsError,
    ) -> KmsError {
        let params = Params::default();
        let Ok(operation) = rpc::operation(&request.head.known, None, &params) else { return error };
        seen.operation = Some(operation);
        let access_key_id = claimed_access_key(request, &params);
        let attempt = Attempt { operation, params: &params, access_key_id, source: source(request), request_id };
        self.service.refuse(&attempt, error).await
    }

    async fn authenticate(
        &self,
        signing: &Signing<'_>,
        dialect: Dialect<'_>,
        seen: &mut Seen,
        out: &mut Vec<u8>,
    ) -> Result<Principal> {
        match dialect {
            Dialect::V1 => {
                let fields = v1::fields(signing.params)?;
                seen.access_key(fields.access_key_id);
                self.authenticate_v1(signing, &fields, out).await
            }
            Dialect::Acs(header) => {
                let authorization = acs::Authorization::parse(header)?;
                seen.access_key(authorization.access_key_id);
                self.authenticate_acs(signing, &authorization, out).await
            }
        }
    }

    async fn authenticate_v1(
        &self,
        signing: &Signing<'_>,
        fields: &v1::Fields<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Principal> {
        let Signing { request, sorted, arena, .. } = *signing;
        let method = request.head.method;
        v1::string_to_sign(out, method, sorted, arena, v1::Empty::Signed);
        let string_to_sign = std::str::from_utf8(out).map_err(KmsError::internal)?;
        let signed = SignedRequest {
            address: request.peer.address,
            access_key_id: fields.access_key_id,
            security_token: fields.security_token,
            timestamp: fields.timestamp,
            nonce: fields.nonce,
            signature: Signature::V1 {
                method: fields.method,
                string_to_sign,
                alternative: &|| v1::alternative(method, sorted, arena),
                signature: fields.signature,
            },
        };
        self.service.authenticate(&signed).await
    }

    async fn authenticate_acs(
        &self,
        signing: &Signing<'_>,
        authorization: &acs::Authorization<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Principal> {
        let Signing { request, sorted, arena, .. } = *signing;
        let sent = &request.head.known.acs;
        sent.all_signed(authorization.signed_headers)?;
        let text = |value: Option<_>| value.map(acs::text).transpose();
        let timestamp = text(sent.date)?;
        if let Some(scope) = &authorization.scope {
            acs::check_day(scope, timestamp)?;
        }
        let canonical = acs::Canonical {
            method: request.head.method,
            sorted,
            arena,
            headers: request.head.headers,
            signed_headers: authorization.signed_headers,
            payload_hash: sent.payload_hash(authorization.algorithm)?,
        };
        canonical.write(out, acs::Names::Encoded);
        let signed = SignedRequest {
            address: request.peer.address,
            access_key_id: authorization.access_key_id,
            security_token: text(sent.security_token)?.filter(|token| !token.is_empty()),
            timestamp: timestamp.filter(|text| !text.is_empty()),
            nonce: text(sent.nonce)?.filter(|nonce| !nonce.is_empty()),
            signature: Signature::Acs {
                algorithm: authorization.algorithm,
                canonical_request: out,
                alternative: &|| canonical.alternative(),
                payload_hash: canonical.payload_hash,
                body: request.body,
                signature: authorization.signature,
                scope: authorization.scope,
            },
        };
        self.service.authenticate(&signed).await
    }
}

fn source<'a>(request: &Request<'a>) -> Source<'a> {
    Source {
        address: request.peer.address,
        secure_transport: request.peer.tls,
        host: request.head.known.host.unwrap_or_default(),
        user_agent: request.head.known.user_agent.unwrap_or_default(),
    }
}

/// The access key that a request names, whether or not it has it.
fn claimed_access_key<'a>(request: &Request<'a>, params: &'a Params<'_>) -> Option<&'a str> {
    let header = request.head.known.authorization.filter(|header| acs::is_acs(header));
    match header {
        Some(header) => acs::Authorization::parse(header).ok().map(|parsed| parsed.access_key_id),
        None => params.get("AccessKeyId"),
    }
}

/// What a signature is checked against.
#[derive(Clone, Copy)]
struct Signing<'a> {
    request: &'a Request<'a>,
    params: &'a Params<'a>,
    sorted: &'a [Pair<'a>],
    arena: &'a [u8],
}

impl Seen {
    fn access_key(&mut self, id: &str) {
        if self.is_logged {
            self.access_key_id = Some(id.chars().take(128).collect());
        }
    }

    /// One line per request. These fields and no others: nothing that a caller sent beyond its key's id.
    fn log(&self, request_id: &str, status: u16, code: Option<Code>, began: Instant, peer: Peer) {
        tracing::debug!(
            request_id,
            action = self.operation.map_or("", |entry| entry.name),
            status,
            code = code.map_or("", Code::name),
            duration_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
            peer = %peer.address,
            access_key_id = self.access_key_id.as_deref().unwrap_or(""),
            "request"
        );
    }
}

/// Appends the answer to something that is no request.
pub(crate) fn refuse(gateway: &Gateway, fault: Fault, peer: Peer, out: &mut Vec<u8>) {
    let began = Instant::now();
    let request_id = gateway.service.new_request_id();
    let error = KmsError::from(fault);
    gateway.service.metrics().refused(error.code.name());
    let mut body = Vec::new();
    render::error(&mut body, Format::Json, &request_id, "", &error);
    let response = Response {
        status: error.code.status(),
        content_type: Format::Json.content_type(),
        request_id: &request_id,
        extra: Extra { cors: gateway.options.cors, ..Extra::default() },
        body: &body,
        head_only: false,
        keep_alive: false,
    };
    response.write(out);
    Seen::default().log(&request_id, error.code.status(), Some(error.code), began, peer);
}

fn plain(scratch: &mut Scratch, status: u16, text: &str) -> Reply {
    scratch.body.extend_from_slice(text.as_bytes());
    Reply { status, content_type: PLAIN, extra: Extra::default() }
}

/// Logs the cause of an error that arose outside a call; inside, the service has done so.
fn logged(request_id: &str, error: KmsError) -> KmsError {
    if let Some(cause) = &error.cause {
        tracing::error!(request_id, code = error.code.name(), %cause, "request failed");
    }
    error
}

/// The host addressed, as the client wrote it.
fn host_id(host: Option<&[u8]>) -> String {
    String::from_utf8_lossy(host.unwrap_or_default()).chars().filter(|c| !c.is_control()).take(255).collect()
}
