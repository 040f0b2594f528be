//! One record as a line of text.

use sesame_crypto::digest::sha256;

use crate::json;

/// The `prev` of the very first record.
pub(crate) const NOTHING: [u8; 64] = [b'0'; 64];

/// What a record holds; the name of its member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A call that manages something, or an event that the server made.
    Event,
    /// A call that uses a key or reads a secret.
    Data,
    /// The head of a file.
    File,
    /// A signature over everything before it.
    Checkpoint,
    /// Something about the trail itself.
    Notice,
}

impl Kind {
    /// Staged records are stored with their place in this list.
    pub(crate) const ALL: [Self; 5] = [Self::Event, Self::Data, Self::File, Self::Checkpoint, Self::Notice];

    /// The name of the member.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Data => "data",
            Self::File => "file",
            Self::Checkpoint => "checkpoint",
            Self::Notice => "notice",
        }
    }
}

/// A line that has the form of a record; whether its hash is right is another question.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Its number, from 1 without gaps.
    pub seq: u64,
    /// The hash of the record before it, in hex.
    pub prev: &'a [u8],
    /// What it holds.
    pub kind: Kind,
    /// What it holds, as JSON.
    pub body: &'a [u8],
    /// Its own hash, in hex.
    pub hash: &'a [u8],
    hashed: &'a [u8],
}

const HASH: &[u8] = b",\"hash\":\"";
const END: &[u8] = b"\"}";

/// What is hashed, and after it the hash: 64 hex digits with what stands around them.
const TAIL: usize = HASH.len() + 64 + END.len();

impl<'a> Line<'a> {
    /// Takes a line apart; its line end must be gone.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let (hashed, tail) = line.split_at_checked(line.len().checked_sub(TAIL)?)?;
        let hash = tail.strip_prefix(HASH)?.strip_suffix(END)?;
        let rest = hashed.strip_prefix(b"{\"seq\":")?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = rest.split_at_checked(digits)?;
        // One number has one text, so that no byte of a record is free.
        if digits.len() > 1 && digits.first() == Some(&b'0') {
            return None;
        }
        let seq = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let (prev, rest) = rest.strip_prefix(b",\"prev\":\"")?.split_at_checked(64)?;
        let rest = rest.strip_prefix(b"\",\"")?;
        let (kind, body) = Kind::ALL.into_iter().find_map(|kind| {
            let body = rest.strip_prefix(kind.name().as_bytes())?.strip_prefix(b"\":")?;
            Some((kind, body))
        })?;
        Some(Self { seq, prev, kind, body, hash, hashed })
    }

    /// Whether the hash is that of the record.
    pub fn is_intact(&self) -> bool {
        let mut hash = Vec::with_capacity(64);
        json::hex(&mut hash, &sha256(self.hashed));
        hash == self.hash
    }
}

/// Appends a line with its line end and says its hash.
pub(crate) fn write(out: &mut Vec<u8>, seq: u64, prev: &[u8; 64], kind: Kind, body: &[u8]) -> [u8; 64] {
    let start = out.len();
    out.extend_from_slice(b"{\"seq\":");
    json::number(out, seq);
    out.extend_from_slice(b",\"prev\":\"");
    out.extend_from_slice(prev);
    out.extend_from_slice(b"\",\"");
    out.extend_from_slice(kind.name().as_bytes());
    out.extend_from_slice(b"\":");
    out.extend_from_slice(body);
    let digest = sha256(out.get(start..).unwrap_or_default());
    out.extend_from_slice(HASH);
    let at = out.len();
    json::hex(out, &digest);
    let hash = out.get(at..).and_then(|hex| hex.try_into().ok()).unwrap_or(NOTHING);
    out.extend_from_slice(END);
    out.push(b'\n');
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Locked: what was written stays readable. The hash can be had with
    /// `printf '%s' '{"seq":1,…"a":1}' | sha256sum`.
    const RECORD_V1: &str = "{\"seq\":1,\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\",\
        \"event\":{\"a\":1},\"hash\":\"HASH\"}\n";

    #[test]
    fn a_record_is_its_line() {
        let mut out = Vec::new();
        let hash = write(&mut out, 1, &NOTHING, Kind::Event, b"{\"a\":1}");
        let hash = std::str::from_utf8(&hash).unwrap();
        assert_eq!(hash, "7f156b5f043de0a5d02ca4172a463b33ca2a95ef967cb719e0e4e7c388f2d334");
        assert_eq!(String::from_utf8(out.clone()).unwrap(), RECORD_V1.replace("HASH", hash));
        let line = Line::parse(out.strip_suffix(b"\n").unwrap()).unwrap();
        assert_eq!((line.seq, line.kind, line.body), (1, Kind::Event, &b"{\"a\":1}"[..]));
        assert!(line.is_intact());
    }

    #[test]
    fn other_lines_are_no_records() {
        for wrong in ["", "{}", "{\"seq\":1}", &RECORD_V1.replace("HASH", "00")] {
            assert!(Line::parse(wrong.trim_end().as_bytes()).is_none(), "{wrong}");
        }
    }
}
