//! The request line and the headers.

use std::mem::MaybeUninit;

use httparse::{Error, Header, Status};

use super::Fault;
use crate::signature::acs;

/// More headers than any client sends.
pub(crate) const MAX_HEADERS: usize = 128;

/// Room for the headers of one request.
pub(crate) type Slots<'b> = [MaybeUninit<Header<'b>>; MAX_HEADERS];

/// A request line and headers, borrowed from the bytes received.
#[derive(Debug)]
pub(crate) struct Head<'b> {
    pub(crate) method: &'b str,
    /// The path, which is `/` for every operation.
    pub(crate) path: &'b [u8],
    /// What follows `?`, still encoded.
    pub(crate) query: &'b [u8],
    pub(crate) headers: &'b [Header<'b>],
    pub(crate) known: Known<'b>,
    pub(crate) keep_alive: bool,
    pub(crate) framing: Framing,
}

/// How long the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// This many bytes.
    Sized(usize),
    /// As the chunks say.
    Chunked,
}

/// The headers that the gateway reads, found in one pass.
#[derive(Debug, Default)]
pub(crate) struct Known<'b> {
    pub(crate) host: Option<&'b [u8]>,
    pub(crate) authorization: Option<&'b [u8]>,
    pub(crate) bearer_token: Option<&'b [u8]>,
    pub(crate) content_type: Option<&'b [u8]>,
    pub(crate) content_md5: Option<&'b [u8]>,
    pub(crate) accept: Option<&'b [u8]>,
    pub(crate) user_agent: Option<&'b [u8]>,
    pub(crate) expects_continue: bool,
    pub(crate) acs: acs::Fields<'b>,
    content_length: Option<usize>,
    transfer_encoding: Option<&'b [u8]>,
    wants_close: bool,
}

/// Reads a head that is complete in `bytes`.
pub(crate) fn parse<'b>(bytes: &'b [u8], slots: &'b mut Slots<'b>) -> Result<Head<'b>, Fault> {
    let mut request = httparse::Request::new(&mut []);
    match httparse::ParserConfig::default().parse_request_with_uninit_headers(&mut request, bytes, slots) {
        Ok(Status::Complete(_)) => {}
        Err(Error::TooManyHeaders) => return Err(Fault::TooManyHeaders),
        Ok(Status::Partial) | Err(_) => return Err(Fault::Head),
    }
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(Fault::Head);
    };
    let known = Known::find(request.headers)?;
    let (path, query) = split_target(target.as_bytes());
    let framing = known.framing(minor)?;
    let keep_alive = minor == 1 && !known.wants_close;
    Ok(Head { method, path, query, headers: request.headers, known, keep_alive, framing })
}

/// Splits a target into path and query. The form with scheme and host, which proxies send, is taken too.
fn split_target(target: &[u8]) -> (&[u8], &[u8]) {
    let at = memchr::memchr(b'?', target).unwrap_or(target.len());
    let (mut path, query) = target.split_at(at);
    if let Some(rest) = path.strip_prefix(b"http://").or_else(|| path.strip_prefix(b"https://")) {
        let slash = memchr::memchr(b'/', rest).unwrap_or(rest.len());
        path = rest.get(slash..).filter(|path| !path.is_empty()).unwrap_or(b"/");
    }
    (path, query.get(1..).unwrap_or_default())
}

impl<'b> Known<'b> {
    fn find(headers: &[Header<'b>]) -> Result<Self, Fault> {
        let mut known = Self::default();
        for header in headers {
            known.take(header)?;
        }
        Ok(known)
    }

    fn take(&mut self, header: &Header<'b>) -> Result<(), Fault> {
        let mut lower = [0; 24];
        let Some(name) = lower.get_mut(..header.name.len()) else { return Ok(()) };
        name.copy_from_slice(header.name.as_bytes());
        name.make_ascii_lowercase();
        let value = header.value.trim_ascii();
        let slot = match &*name {
            b"host" => &mut self.host,
            b"authorization" => &mut self.authorization,
            b"content-type" => &mut self.content_type,
            b"content-md5" => &mut self.content_md5,
            b"user-agent" => {
                self.user_agent.get_or_insert(value);
                return Ok(());
            }
            b"transfer-encoding" => &mut self.transfer_encoding,
            b"x-acs-bearer-token" => &mut self.bearer_token,
            b"accept" => {
                self.accept.get_or_insert(value);
                return Ok(());
            }
            b"content-length" => return self.take_length(value),
            b"connection" => {
                self.wants_close |= has_token(value, b"close");
                return Ok(());
            }
            b"expect" => {
                self.expects_continue |= value.eq_ignore_ascii_case(b"100-continue");
                return Ok(());
            }
            name if name.starts_with(b"x-acs-") => {
                let Some(slot) = std::str::from_utf8(name).ok().and_then(|name| self.acs.slot(name)) else {
                    return Ok(());
                };
                slot
            }
            _ => return Ok(()),
        };
        // Twice the same header, and two readers may see two requests.
        if slot.replace(value).is_some() { Err(Fault::Head) } else { Ok(()) }
    }

    fn take_length(&mut self, value: &[u8]) -> Result<(), Fault> {
        let digits = !value.is_empty() && value.len() < 20 && value.iter().all(u8::is_ascii_digit);
        let length = std::str::from_utf8(value).ok().filter(|_| digits).and_then(|text| text.parse().ok());
        let length = length.ok_or(Fault::Length)?;
        match self.content_length.replace(length) {
            Some(before) if before != length => Err(Fault::Length),
            _ => Ok(()),
        }
    }

    fn framing(&self, minor: u8) -> Result<Framing, Fault> {
        match (self.transfer_encoding, self.content_length) {
            (None, length) => Ok(Framing::Sized(length.unwrap_or(0))),
            (Some(coding), None) if minor == 1 && coding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
            (Some(_), _) => Err(Fault::Length),
        }
    }
}

fn has_token(list: &[u8], token: &[u8]) -> bool {
    list.split(|&byte| byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<T>(text: &str, check: impl FnOnce(Result<Head<'_>, Fault>) -> T) -> T {
        let mut slots = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        check(parse(text.as_bytes(), &mut slots))
    }

    fn fault(text: &str) -> Fault {
        with(text, |head| head.unwrap_err())
    }

    #[test]
    fn target_host_and_framing_are_found() {
        let text =
            "POST /?a=b?c HTTP/1.1\r\nhost: http://127.0.0.1:18081\r\nCONTENT-LENGTH: 12\r\nX-Acs-Action: A \r\n\r\n";
        with(text, |head| {
            let head = head.unwrap();
            assert_eq!((head.method, head.path, head.query), ("POST", &b"/"[..], &b"a=b?c"[..]));
            assert_eq!(head.known.host, Some(&b"http://127.0.0.1:18081"[..]));
            assert_eq!(head.known.acs.action, Some(&b"A"[..]));
            assert_eq!((head.framing, head.keep_alive), (Framing::Sized(12), true));
        });
    }

    #[test]
    fn targets_of_every_form_are_split() {
        for (target, path, query) in [
            ("/", "/", ""),
            ("/?", "/", ""),
            ("/healthz?x", "/healthz", "x"),
            ("http://h:1/?a=/b", "/", "a=/b"),
            ("https://h", "/", ""),
            ("http://h?a=b", "/", "a=b"),
            ("*", "*", ""),
        ] {
            assert_eq!(split_target(target.as_bytes()), (path.as_bytes(), query.as_bytes()), "{target}");
        }
    }

    #[test]
    fn bytes_that_a_target_should_not_have_are_read() {
        with("GET /?a=中|<>\"{}^`\\# HTTP/1.1\r\n\r\n", |head| {
            assert_eq!(head.unwrap().query, "a=中|<>\"{}^`\\#".as_bytes());
        });
    }

    #[test]
    fn an_unclear_length_is_refused() {
        for headers in [
            "Content-Length: x",
            "Content-Length: -1",
            "Content-Length: +1",
            "Content-Length:",
            "Content-Length: 1, 1",
            "Content-Length: 99999999999999999999",
            "Content-Length: 1\r\nContent-Length: 2",
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: identity",
        ] {
            assert_eq!(fault(&format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n")), Fault::Length, "{headers}");
        }
        with("POST / HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\n", |head| {
            assert_eq!(head.unwrap().framing, Framing::Sized(1));
        });
    }

    #[test]
    fn malformed_heads_are_refused() {
        for text in [
            "\r\n\r\n",
            "GET\r\n\r\n",
            "GET /\r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n",
            "GET /a b HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\nna me: x\r\n\r\n",
            "GET / HTTP/1.1\r\nname : x\r\n\r\n",
            "GET / HTTP/1.1\r\nname: x\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\nname: \u{1}\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        ] {
            assert_eq!(fault(text), Fault::Head, "{text:?}");
        }
        let many = "a: b\r\n".repeat(MAX_HEADERS + 1);
        assert_eq!(fault(&format!("GET / HTTP/1.1\r\n{many}\r\n")), Fault::TooManyHeaders);
    }

    #[test]
    fn connections_are_kept_as_the_version_and_the_client_say() {
        for (version, connection, kept) in [
            ("1.1", "", true),
            ("1.1", "Connection: Close", false),
            ("1.1", "Connection: te, close", false),
            ("1.0", "", false),
            ("1.0", "Connection: Keep-Alive", false),
        ] {
            let line = if connection.is_empty() { String::new() } else { format!("{connection}\r\n") };
            with(&format!("GET / HTTP/{version}\r\n{line}\r\n"), |head| {
                assert_eq!(head.unwrap().keep_alive, kept, "{version} {connection}");
            });
        }
    }
}
