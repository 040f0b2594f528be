//! Answers, written in one piece.

use std::io::Write as _;

use sesame_service::wipe;

use crate::date;

/// Header lines that only some answers have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extra {
    /// `x-acs-retry-after`, in milliseconds.
    pub(crate) retry_after_ms: Option<u64>,
    /// The headers that let a page of another origin call.
    pub(crate) cors: bool,
    /// As `cors`, for the question before the call.
    pub(crate) preflight: bool,
}

/// A whole answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    pub(crate) content_type: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) extra: Extra,
    pub(crate) body: &'a [u8],
    /// Whether the answer is to a HEAD request, which has no body.
    pub(crate) head_only: bool,
    pub(crate) keep_alive: bool,
}

impl Response<'_> {
    /// Appends the answer as it goes on the wire.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        wipe::reserve(out, 640 + self.body.len());
        out.extend_from_slice(status_line(self.status));
        out.extend_from_slice(b"content-type: ");
        out.extend_from_slice(self.content_type.as_bytes());
        out.extend_from_slice(b"\r\nx-acs-request-id: ");
        out.extend_from_slice(self.request_id.as_bytes());
        out.extend_from_slice(b"\r\ncache-control: no-store\r\ndate: ");
        date::write_now(out);
        out.extend_from_slice(b"\r\ncontent-length: ");
        write_number(out, self.body.len());
        self.write_extra(out);
        if !self.keep_alive {
            out.extend_from_slice(b"\r\nconnection: close");
        }
        out.extend_from_slice(b"\r\n\r\n");
        if !self.head_only {
            out.extend_from_slice(self.body);
        }
    }

    fn write_extra(&self, out: &mut Vec<u8>) {
        if let Some(milliseconds) = self.extra.retry_after_ms {
            // Writing to memory cannot fail.
            let _ = write!(out, "\r\nx-acs-retry-after: {milliseconds}");
        }
        if self.extra.cors || self.extra.preflight {
            out.extend_from_slice(b"\r\naccess-control-allow-origin: *\r\naccess-control-expose-headers: *");
        }
        if self.extra.preflight {
            out.extend_from_slice(
                b"\r\naccess-control-allow-methods: POST, GET, OPTIONS\r\naccess-control-allow-headers: *, authorization\
                  \r\naccess-control-max-age: 172800",
            );
        }
    }
}

fn write_number(out: &mut Vec<u8>, number: usize) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn status_line(status: u16) -> &'static [u8] {
    match status {
        200 => b"HTTP/1.1 200 OK\r\n",
        400 => b"HTTP/1.1 400 Bad Request\r\n",
        403 => b"HTTP/1.1 403 Forbidden\r\n",
        404 => b"HTTP/1.1 404 Not Found\r\n",
        409 => b"HTTP/1.1 409 Conflict\r\n",
        413 => b"HTTP/1.1 413 Content Too Large\r\n",
        429 => b"HTTP/1.1 429 Too Many Requests\r\n",
        503 => b"HTTP/1.1 503 Service Unavailable\r\n",
        // Every code of the table has one of these; a test of the gateway holds them together.
        _ => b"HTTP/1.1 500 Internal Server Error\r\n",
    }
}

#[cfg(test)]
mod tests {
    use sesame_service::error::Code;

    use super::*;

    #[test]
    fn every_code_has_its_status_line() {
        for code in Code::ALL {
            let line = String::from_utf8_lossy(status_line(code.status()));
            assert!(line.starts_with(&format!("HTTP/1.1 {} ", code.status())), "{}", code.name());
        }
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, 10, 65_536, usize::MAX] {
            let mut out = Vec::new();
            write_number(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }
}
