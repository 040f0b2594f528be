//! A client that signs and keeps its connection, without starting a process for each call.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use sesame_crypto::digest::{sha256, to_hex};
use sesame_crypto::random::uuid_v4;
use sesame_crypto::{HmacHash, HmacKey, SystemRandom};
use sesame_domain::{Clock as _, SystemClock};

use crate::server::sourced;

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    host: String,
    access_key_id: String,
    key: HmacKey,
}

impl Client {
    pub(crate) fn connect(host: &str, data: &Path) -> io::Result<Self> {
        let credentials = sourced(&data.join("credentials.env"));
        Self::connect_as(host, &credentials[0], &credentials[1])
    }

    pub(crate) fn connect_as(host: &str, id: &str, secret: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let key = HmacKey::new(HmacHash::Sha256, secret.as_bytes());
        Ok(Self { stream: BufReader::new(stream), host: host.to_owned(), access_key_id: id.to_owned(), key })
    }

    /// The status and the body of an answer; an error when the connection broke before it was whole.
    pub(crate) fn call(&mut self, action: &str, parameters: &[(&str, &str)]) -> io::Result<(u16, Value)> {
        let request = self.request(action, parameters);
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.answer()
    }

    /// A signed request as it goes over the wire.
    pub(crate) fn request(&self, action: &str, parameters: &[(&str, &str)]) -> String {
        let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let body = pairs.join("&");
        let hash = to_hex(&sha256(body.as_bytes()));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("host", &self.host),
            ("x-acs-action", action),
            ("x-acs-content-sha256", &hash),
            ("x-acs-date", &SystemClock.now().to_string()),
            ("x-acs-signature-nonce", &uuid_v4(&SystemRandom).unwrap()),
            ("x-acs-version", "2016-01-20"),
        ];
        let list = headers.map(|(name, _)| name).join(";");
        let lines = headers.iter().fold(String::new(), |mut lines, (name, value)| {
            let _ = writeln!(lines, "{name}:{value}");
            lines
        });
        let canonical = format!("POST\n/\n\n{lines}\n{list}\n{hash}");
        let text = format!("ACS3-HMAC-SHA256\n{}", to_hex(&sha256(canonical.as_bytes())));
        let signature = to_hex(self.key.sign(&[text.as_bytes()]).as_bytes());
        let id = &self.access_key_id;
        let lines = lines.replace('\n', "\r\n");
        format!(
            "POST / HTTP/1.1\r\n{lines}authorization: ACS3-HMAC-SHA256 Credential={id},SignedHeaders={list},\
             Signature={signature}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    pub(crate) fn send(&mut self, part: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(part.as_bytes())
    }

    pub(crate) fn answer(&mut self) -> io::Result<(u16, Value)> {
        let broken = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(|_| broken())?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// An unsigned GET, for the pages beside the API.
pub(crate) fn get(host: &str, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(host)?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Ok((status, text))
}
