//! One keep-alive connection: signs, sends, and reads no more of the answer than it needs.

use crate::{
    acs3::{Request, Signer},
    target::Target,
};
use anyhow::{Context, Result, bail};
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const ANSWER_CAPACITY: usize = 32 * 1024;

/// A connection to one target, with its signer and its buffers.
#[derive(Debug)]
pub struct Connection {
    target: Arc<Target>,
    stream: Stream,
    signer: Signer,
    out: Vec<u8>,
    input: Vec<u8>,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What came back.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// Status line and headers, without the empty line.
    pub head: &'a [u8],
    /// The whole body.
    pub body: &'a [u8],
}

impl Connection {
    /// Connects, for https up to the end of the handshake.
    ///
    /// # Errors
    /// When the server cannot be reached or its certificate is not trusted.
    pub async fn open(target: Arc<Target>) -> Result<Self> {
        let stream = Stream::open(&target).await?;
        let signer = Signer::new(target.credentials.clone(), &target.host)?;
        Ok(Self { target, stream, signer, out: Vec::new(), input: Vec::with_capacity(ANSWER_CAPACITY) })
    }

    /// Connects anew, after an error that leaves the old connection in an unknown state.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn reopen(&mut self) -> Result<()> {
        self.stream = Stream::open(&self.target).await?;
        Ok(())
    }

    /// Signs and sends `request` and waits for the whole answer.
    ///
    /// # Errors
    /// When the connection breaks or the answer is not HTTP/1.1 with a `Content-Length`.
    pub async fn call(&mut self, request: &Request) -> Result<Answer<'_>> {
        self.signer.write(request, &mut self.out);
        self.stream.send(&self.out).await?;
        self.input.clear();
        let head = loop {
            self.receive().await?;
            if let Some(head) = Head::parse(&self.input)? {
                break head;
            }
        };
        while self.input.len() < head.end + head.content_length {
            self.receive().await?;
        }
        if head.close {
            self.reopen().await?;
        }
        let (text, rest) = self.input.split_at_checked(head.end).context("the head has an end")?;
        let body = rest.get(..head.content_length).context("the body is whole")?;
        Ok(Answer { status: head.status, head: text.trim_ascii_end(), body })
    }

    async fn receive(&mut self) -> Result<()> {
        let read = match &mut self.stream {
            Stream::Plain(stream) => stream.read_buf(&mut self.input).await?,
            Stream::Tls(stream) => stream.read_buf(&mut self.input).await?,
        };
        if read == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

impl Stream {
    async fn open(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(target.address).await.with_context(|| format!("connecting {}", target.host))?;
        stream.set_nodelay(true)?;
        let Some((config, name)) = &target.tls else { return Ok(Self::Plain(stream)) };
        let handshake = TlsConnector::from(Arc::clone(config)).connect(name.clone(), stream).await;
        Ok(Self::Tls(Box::new(handshake.context("TLS handshake")?)))
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes).await?,
            Self::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await?;
            }
        }
        Ok(())
    }
}

/// The few facts of a response head that matter here.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    content_length: usize,
    close: bool,
    /// Where the body begins.
    end: usize,
}

impl Head {
    /// Nothing while the empty line is missing.
    fn parse(input: &[u8]) -> Result<Option<Self>> {
        let Some(end) = input.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
        let head = input.get(..end).unwrap_or_default();
        let mut lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let status = lines.next().and_then(|line| line.strip_prefix(b"HTTP/1.1 ")?.get(..3)).and_then(number);
        let (mut content_length, mut close) = (None, false);
        for line in lines {
            // Every header passes here for every answer: look at the first letter before anything else.
            if line.first().is_some_and(|first| first | 0x20 == b'c') {
                if let Some(value) = value(line, b"content-length:") {
                    content_length = number(value);
                } else if let Some(value) = value(line, b"connection:") {
                    close = value.eq_ignore_ascii_case(b"close");
                }
            }
        }
        match (status, content_length) {
            (Some(status), Some(content_length)) => {
                let status = u16::try_from(status).context("status of three digits")?;
                Ok(Some(Self { status, content_length, close, end: end + 4 }))
            }
            _ => bail!("not an answer with a length: {}", String::from_utf8_lossy(head)),
        }
    }
}

fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_parsed_once_it_is_whole() {
        let answer = b"HTTP/1.1 404 Not Found\r\nCONTENT-LENGTH: 12\r\ncontent-type: a\r\nConnection: close\r\n\r\n{}";
        for length in 0..answer.len() - 2 {
            assert_eq!(Head::parse(&answer[..length]).unwrap(), None);
        }
        let expected = Head { status: 404, content_length: 12, close: true, end: answer.len() - 2 };
        assert_eq!(Head::parse(answer).unwrap(), Some(expected));
    }

    #[test]
    fn an_answer_without_length_is_refused() {
        assert!(Head::parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(Head::parse(b"SSH-2.0\r\n\r\n").is_err());
    }
}
