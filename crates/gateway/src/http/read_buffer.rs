//! The bytes received on a connection: wiped once they are used, since queries and bodies hold plaintext.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use sesame_service::wipe;
use tokio::io::{AsyncRead, ReadBuf};

/// Enough for an Encrypt call of 4 KiB, so that most requests arrive with one read.
const INITIAL: usize = 8 * 1024;
/// What a connection may keep between two requests.
const KEPT: usize = 32 * 1024;

/// A buffer with a filled front part.
#[derive(Debug, Default)]
pub(crate) struct ReadBuffer {
    bytes: Vec<u8>,
    filled: usize,
}

impl ReadBuffer {
    /// What has arrived and is not used yet.
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    /// Reads once; 0 at the end of the stream. Grows when it is full, up to what the caller lets it hold.
    pub(crate) fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut S,
    ) -> Poll<io::Result<usize>> {
        if self.filled == self.bytes.len() {
            self.grow();
        }
        let Some(free) = self.bytes.get_mut(self.filled..) else { return Poll::Ready(Ok(0)) };
        let mut free = ReadBuf::new(free);
        ready!(Pin::new(stream).poll_read(cx, &mut free))?;
        let count = free.filled().len();
        self.filled += count;
        Poll::Ready(Ok(count))
    }

    /// Drops and wipes the first `count` bytes.
    pub(crate) fn consume(&mut self, count: usize) {
        let used = self.filled;
        self.bytes.copy_within(count.min(used)..used, 0);
        self.filled = used.saturating_sub(count);
        if let Some(stale) = self.bytes.get_mut(self.filled..used) {
            wipe::overwrite(stale);
        }
        if self.filled == 0 && self.bytes.len() > KEPT {
            self.bytes = Vec::new();
        }
    }

    fn grow(&mut self) {
        let mut larger = vec![0; (self.bytes.len() * 2).max(INITIAL)];
        if let Some(front) = larger.get_mut(..self.filled) {
            front.copy_from_slice(self.bytes.get(..self.filled).unwrap_or_default());
        }
        wipe::overwrite(&mut self.bytes);
        self.bytes = larger;
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        wipe::overwrite(&mut self.bytes);
    }
}
