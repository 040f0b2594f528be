//! Bodies in chunks. No client of this API sends one, but any HTTP library may.

use super::Fault;

/// More than a chunk's size line or a trailer needs.
const MAX_LINE: usize = 256;
const MAX_TRAILERS: usize = 16;

/// A decoder that is fed whatever has arrived.
#[derive(Debug, Default)]
pub(crate) struct Chunked {
    state: State,
    trailers: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Size,
    Data(usize),
    DataEnd,
    Trailer,
    Done,
}

impl Chunked {
    /// Takes what it can from `input`, appends the data to `body` and says how many bytes it took.
    pub(crate) fn decode(&mut self, input: &[u8], body: &mut Vec<u8>, limit: usize) -> Result<usize, Fault> {
        let mut rest = input;
        loop {
            match self.state {
                State::Done => break,
                State::Data(0) => self.state = State::DataEnd,
                State::Data(left) => {
                    let (data, after) = rest.split_at(left.min(rest.len()));
                    if data.is_empty() {
                        break;
                    }
                    sesame_service::wipe::reserve(body, data.len());
                    body.extend_from_slice(data);
                    self.state = State::Data(left - data.len());
                    rest = after;
                }
                State::Size | State::DataEnd | State::Trailer => {
                    let Some((line, after)) = line(rest)? else { break };
                    self.state = self.after_line(line, body.len(), limit)?;
                    rest = after;
                }
            }
        }
        Ok(input.len() - rest.len())
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    fn after_line(&mut self, line: &[u8], received: usize, limit: usize) -> Result<State, Fault> {
        match (self.state, line) {
            (State::Size, _) => match size(line)? {
                0 => Ok(State::Trailer),
                size if size > limit.saturating_sub(received) => Err(Fault::TooLarge),
                size => Ok(State::Data(size)),
            },
            (State::Trailer, []) => Ok(State::Done),
            (State::Trailer, _) if self.trailers < MAX_TRAILERS => {
                self.trailers += 1;
                Ok(State::Trailer)
            }
            (State::DataEnd, []) => Ok(State::Size),
            _ => Err(Fault::Chunk),
        }
    }
}

/// A line without its end, and what follows it.
type Line<'a> = (&'a [u8], &'a [u8]);

/// The first line, once it is there.
fn line(input: &[u8]) -> Result<Option<Line<'_>>, Fault> {
    let searched = input.get(..MAX_LINE).unwrap_or(input);
    let Some(end) = memchr::memchr(b'\n', searched) else {
        return if input.len() < MAX_LINE { Ok(None) } else { Err(Fault::Chunk) };
    };
    let (line, after) = input.split_at(end);
    let line = line.strip_suffix(b"\r").ok_or(Fault::Chunk)?;
    Ok(Some((line, after.get(1..).unwrap_or_default())))
}

/// The size of a chunk; extensions after `;` mean nothing here.
fn size(line: &[u8]) -> Result<usize, Fault> {
    let digits = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii_end();
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(Fault::Chunk);
    }
    let text = std::str::from_utf8(digits).map_err(|_| Fault::Chunk)?;
    usize::from_str_radix(text, 16).map_err(|_| Fault::Chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(input: &[u8], step: usize) -> Result<(Vec<u8>, usize, bool), Fault> {
        let (mut decoder, mut body, mut taken) = (Chunked::default(), Vec::new(), 0);
        let mut arrived = 0;
        while arrived < input.len() && !decoder.is_done() {
            arrived = (arrived + step).min(input.len());
            taken += decoder.decode(&input[taken..arrived], &mut body, 20)?;
        }
        Ok((body, taken, decoder.is_done()))
    }

    #[test]
    fn chunks_are_joined_however_they_arrive() {
        let input = b"4\r\nWiki\r\nA;x=1\r\npedia in c\r\n0\r\nTrailer: x\r\n\r\nnext";
        for step in 1..input.len() {
            assert_eq!(decode(input, step).unwrap(), (b"Wikipedia in c".to_vec(), input.len() - 4, true), "{step}");
        }
    }

    #[test]
    fn broken_chunks_are_refused() {
        for input in [&b"x\r\n"[..], b"\r\n", b"-1\r\n", b"1\n", b"1\r\nab\r\n", b"123456789\r\n", &[b'1'; 300]] {
            assert_eq!(decode(input, 1_000), Err(Fault::Chunk), "{input:?}");
        }
        assert_eq!(decode(b"14\r\n01234567890123456789\r\n1\r\n", 1_000), Err(Fault::TooLarge));
    }
}
