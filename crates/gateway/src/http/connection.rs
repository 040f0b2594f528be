//! One connection: a request is read whole, answered, and wiped before the next.

use std::future::{Future, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use sesame_service::wipe;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::{Duration, Instant, timeout};

use super::chunked::Chunked;
use super::head::{self, Framing, MAX_HEADERS};
use super::read_buffer::ReadBuffer;
use super::timer::Timer;
use super::{Fault, Peer, Request};
use crate::Gateway;
use crate::respond::{Scratch, refuse};

/// What an answer buffer may keep between two requests.
const KEPT: usize = 32 * 1024;
/// How long, and for how many bytes, a client that was refused may go on sending before the connection is cut. Closing
/// at once would make its system throw the answer away.
const LINGER: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 64 << 20;

/// A connection, its buffers and its timer.
pub(crate) struct Connection<S> {
    gateway: Arc<Gateway>,
    stream: S,
    peer: Peer,
    read: ReadBuffer,
    chunks: Vec<u8>,
    scratch: Scratch,
    out: Vec<u8>,
    timer: Timer,
    stop: Stop,
}

/// Resolves once the gateway stops.
struct Stop(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

enum Next {
    Request,
    End,
    Linger,
}

enum Fill {
    Data,
    End,
    Late,
    Stopping,
}

/// What came of a request whose head is there.
enum Outcome {
    Answered { used: usize, keep_alive: bool },
    Incomplete { framing: Framing, expects_continue: bool },
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn new(gateway: Arc<Gateway>, stream: S, peer: Peer, stop: watch::Receiver<bool>) -> Self {
        let timer = Timer::new(Instant::now() + gateway.options.idle_timeout);
        Self {
            gateway,
            stream,
            peer,
            read: ReadBuffer::default(),
            chunks: Vec::new(),
            scratch: Scratch::default(),
            out: Vec::new(),
            timer,
            stop: Stop::new(stop),
        }
    }

    /// Serves until the client leaves, is idle for too long, or the gateway stops.
    pub(crate) async fn run(mut self) {
        let next = loop {
            match self.exchange().await {
                Ok(Next::Request) => {}
                Ok(next) => break next,
                Err(_) => return,
            }
        };
        if self.stream.shutdown().await.is_ok() && matches!(next, Next::Linger) {
            let _ = timeout(LINGER, self.discard()).await;
        }
    }

    /// Answers with an error alone, and ends.
    pub(crate) async fn refuse(mut self, fault: Fault) {
        if self.answer_fault(fault).await.is_ok() && self.stream.shutdown().await.is_ok() {
            let _ = timeout(LINGER, self.discard()).await;
        }
    }

    async fn exchange(&mut self) -> io::Result<Next> {
        let answered = match self.receive_head().await? {
            Ok(None) => return Ok(Next::End),
            Ok(Some(head_len)) => self.receive_and_answer(head_len).await?,
            Err(fault) => Err(fault),
        };
        match answered {
            Ok((used, keep_alive)) => {
                self.send().await?;
                self.read.consume(used);
                wipe::clear_and_shrink(&mut self.chunks, KEPT);
                Ok(if keep_alive { Next::Request } else { Next::End })
            }
            Err(fault) => {
                self.answer_fault(fault).await?;
                Ok(Next::Linger)
            }
        }
    }

    /// Waits for a whole head and says how long it is; `None` when there is no further request.
    async fn receive_head(&mut self) -> io::Result<Result<Option<usize>, Fault>> {
        let mut searched = 0;
        let mut began = None;
        loop {
            let blank = self.read.filled().iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if searched == 0 && blank > 0 {
                self.read.consume(blank);
            }
            let filled = self.read.filled();
            match filled.first() {
                Some(0x16) if !self.peer.tls => return Ok(Err(Fault::TlsOnPlain)),
                Some(first) if !first.is_ascii_alphabetic() => return Ok(Err(Fault::Head)),
                _ => {}
            }
            let end = head_end(filled, searched);
            if self.is_too_large(filled, end) {
                return Ok(Err(Fault::TooLarge));
            }
            if end.is_some() {
                return Ok(Ok(end));
            }
            searched = filled.len();
            let idle = filled.is_empty();
            let deadline = match (idle, began) {
                (true, _) => Instant::now() + self.gateway.options.idle_timeout,
                (false, began_before) => {
                    *began.insert(began_before.unwrap_or_else(Instant::now)) + self.gateway.options.head_timeout
                }
            };
            match self.fill(deadline, idle).await? {
                Fill::Data => {}
                Fill::Stopping => return Ok(Ok(None)),
                Fill::End | Fill::Late if idle => return Ok(Ok(None)),
                Fill::End => return Ok(Err(Fault::Head)),
                Fill::Late => return Ok(Err(Fault::TooSlow)),
            }
        }
    }

    /// Whether the request line or the headers, as far as they have arrived, are too large.
    fn is_too_large(&self, filled: &[u8], end: Option<usize>) -> bool {
        let options = &self.gateway.options;
        let arrived = end.unwrap_or(filled.len());
        if arrived <= options.request_line_bytes.min(options.header_bytes) {
            return false;
        }
        let line = memchr::memchr(b'\n', filled).unwrap_or(filled.len());
        line > options.request_line_bytes || arrived.saturating_sub(line) > options.header_bytes
    }

    async fn receive_and_answer(&mut self, head_len: usize) -> io::Result<Result<(usize, bool), Fault>> {
        let (framing, expects_continue) = match self.answer(head_len, None).await {
            Ok(Outcome::Answered { used, keep_alive }) => return Ok(Ok((used, keep_alive))),
            Ok(Outcome::Incomplete { framing, expects_continue }) => (framing, expects_continue),
            Err(fault) => return Ok(Err(fault)),
        };
        if expects_continue && self.read.filled().len() == head_len {
            self.out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            self.send().await?;
        }
        let total = match self.receive_body(head_len, framing).await? {
            Ok(total) => total,
            Err(fault) => return Ok(Err(fault)),
        };
        Ok(match self.answer(head_len, Some(total)).await {
            Ok(Outcome::Answered { used, keep_alive }) => Ok((used, keep_alive)),
            Ok(Outcome::Incomplete { .. }) => Err(Fault::Length),
            Err(fault) => Err(fault),
        })
    }

    /// Waits for the rest of the body and says where it ends in the buffer.
    async fn receive_body(&mut self, head_len: usize, framing: Framing) -> io::Result<Result<usize, Fault>> {
        let deadline = Instant::now() + self.gateway.options.body_timeout;
        let limit = self.gateway.options.body_bytes;
        let mut decoder = Chunked::default();
        let mut used = head_len;
        loop {
            match framing {
                Framing::Sized(length) if self.read.filled().len() >= head_len + length => {
                    return Ok(Ok(head_len + length));
                }
                Framing::Sized(_) => {}
                Framing::Chunked => {
                    let input = self.read.filled().get(used..).unwrap_or_default();
                    match decoder.decode(input, &mut self.chunks, limit) {
                        Ok(taken) => used += taken,
                        Err(fault) => return Ok(Err(fault)),
                    }
                    if decoder.is_done() {
                        return Ok(Ok(used));
                    }
                    if used > head_len + 2 * limit {
                        return Ok(Err(Fault::TooLarge)); // chunks of a few bytes each
                    }
                }
            }
            match self.fill(deadline, false).await? {
                Fill::Data => {}
                Fill::End | Fill::Stopping => return Ok(Err(Fault::Length)),
                Fill::Late => return Ok(Err(Fault::TooSlow)),
            }
        }
    }

    /// Reads the head, and when the body is there too, writes the answer into `out`. `chunked_end` says where a body in
    /// chunks ends, once it is decoded.
    async fn answer(&mut self, head_len: usize, chunked_end: Option<usize>) -> Result<Outcome, Fault> {
        let Self { gateway, read, chunks, scratch, out, peer, .. } = self;
        let mut slots = [const { MaybeUninit::uninit() }; MAX_HEADERS];
        let (head, rest) = read.filled().split_at_checked(head_len).ok_or(Fault::Head)?;
        let head = head::parse(head, &mut slots)?;
        let incomplete = Outcome::Incomplete { framing: head.framing, expects_continue: head.known.expects_continue };
        let (body, used) = match head.framing {
            Framing::Sized(length) if length > gateway.options.body_bytes => return Err(Fault::TooLarge),
            Framing::Sized(length) => match rest.get(..length) {
                Some(body) => (body, head_len + length),
                None => return Ok(incomplete),
            },
            Framing::Chunked => match chunked_end {
                Some(end) => (chunks.as_slice(), end),
                None => return Ok(incomplete),
            },
        };
        let keep_alive = head.keep_alive && !gateway.is_stopping();
        let peer = gateway.options.proxies.client(*peer, head.headers);
        gateway.respond(&Request { head: &head, body, peer }, keep_alive, scratch, out).await;
        Ok(Outcome::Answered { used, keep_alive })
    }

    async fn answer_fault(&mut self, fault: Fault) -> io::Result<()> {
        wipe::clear(&mut self.out);
        refuse(&self.gateway, fault, self.peer, &mut self.out);
        self.send().await
    }

    /// Sends what is in `out` and wipes it.
    async fn send(&mut self) -> io::Result<()> {
        let Self { stream, out, gateway, .. } = self;
        let sent = timeout(gateway.options.write_timeout, async {
            stream.write_all(out).await?;
            stream.flush().await
        });
        let sent = sent.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        wipe::clear_and_shrink(out, KEPT);
        sent
    }

    /// Reads once, until `deadline`; while the connection is idle, the end of the gateway ends the wait too.
    async fn fill(&mut self, deadline: Instant, idle: bool) -> io::Result<Fill> {
        let Self { stream, read, timer, stop, .. } = self;
        poll_fn(|cx| {
            if let Poll::Ready(count) = read.poll_fill(cx, stream) {
                return Poll::Ready(count.map(|count| if count == 0 { Fill::End } else { Fill::Data }));
            }
            if idle && stop.poll(cx).is_ready() {
                return Poll::Ready(Ok(Fill::Stopping));
            }
            timer.poll_passed(cx, deadline).map(|()| Ok(Fill::Late))
        })
        .await
    }

    /// Reads and forgets, so that the client gets to read its answer.
    async fn discard(&mut self) {
        let mut total = 0;
        while total < LINGER_BYTES {
            self.read.consume(usize::MAX);
            match poll_fn(|cx| self.read.poll_fill(cx, &mut self.stream)).await {
                Ok(count) if count > 0 => total += count,
                _ => return,
            }
        }
    }
}

impl<S> Drop for Connection<S> {
    fn drop(&mut self) {
        wipe::clear(&mut self.chunks);
        wipe::clear(&mut self.out);
    }
}

impl Stop {
    fn new(mut stop: watch::Receiver<bool>) -> Self {
        Self(Some(Box::pin(async move {
            // An error means that the gateway is gone, which is a stop as well.
            let _ = stop.wait_for(|stopping| *stopping).await;
        })))
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(future) = &mut self.0 else { return Poll::Ready(()) };
        let polled = future.as_mut().poll(cx);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

/// Where the empty line after the headers ends; bytes before `searched` were looked at before.
fn head_end(filled: &[u8], searched: usize) -> Option<usize> {
    let from = searched.saturating_sub(3);
    memchr::memchr_iter(b'\n', filled.get(from..)?).find_map(|at| match filled.get(from + at + 1..)? {
        [b'\n', ..] => Some(from + at + 2),
        [b'\r', b'\n', ..] => Some(from + at + 3),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::head_end;

    #[test]
    fn the_end_of_a_head_is_found_however_it_arrives() {
        let text = b"GET / HTTP/1.1\r\nhost: x\r\n\r\nbody";
        let end = text.len() - 4;
        for arrived in 0..end {
            assert_eq!(head_end(&text[..arrived], 0), None);
            for later in end..=text.len() {
                assert_eq!(head_end(&text[..later], arrived), Some(end));
            }
        }
        assert_eq!(head_end(b"GET / HTTP/1.1\n\nx", 0), Some(16));
    }
}
