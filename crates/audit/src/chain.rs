//! The end of the chain: the open file, and what is needed to go on after a failure.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read as _, Seek as _};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sesame_crypto::Ed25519;
use sesame_crypto::digest::{sha256, to_hex};

use crate::line::{self, Kind, Line, NOTHING};
use crate::medium::{Files, Medium};
use crate::read::{file_name, files};
use crate::{json, verify};

/// Space that is set aside at a time.
const RESERVED: u64 = 4 << 20;
/// Space that has to be left for calls in flight when no more can be set aside.
const HEADROOM: u64 = 1 << 20;

thread_local! {
    /// The lines of one write. Each thread has its own, since threads take turns: what one has just written is not in
    /// the cache of the other's core.
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What a buffer may keep between two writes.
const KEPT: usize = 256 << 10;

/// Events whose places are remembered.
const PLACES: usize = 4_096;

/// Where a record is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) seq: u64,
    pub(crate) file: u64,
    pub(crate) offset: u64,
}

/// The newest records of [`Kind::Event`], so that who wants only them need not read all the others.
#[derive(Debug)]
struct Places {
    list: VecDeque<Place>,
    /// All of them behind this record are in the list.
    after: u64,
}

impl Places {
    fn push(&mut self, place: Place) {
        if self.list.len() == PLACES
            && let Some(oldest) = self.list.pop_front()
        {
            self.after = oldest.seq;
        }
        self.list.push_back(place);
    }
}

/// Events that wait for the next write, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ends: Vec<(usize, Kind)>,
}

impl Batch {
    pub(crate) fn push(&mut self, kind: Kind, event: &[u8]) {
        self.bytes.extend_from_slice(event);
        self.ends.push((self.bytes.len(), kind));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Kind, &[u8])> {
        let mut from = 0;
        self.ends.iter().map(move |(end, kind)| {
            let event = self.bytes.get(from..*end).unwrap_or_default();
            from = *end;
            (*kind, event)
        })
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.ends.clear();
    }
}

/// The bytes that a file ends with and that are no record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Torn {
    pub(crate) file: u64,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

#[derive(Debug)]
pub(crate) struct Chain {
    folder: PathBuf,
    trail: String,
    node: String,
    files: Arc<dyn Files>,
    signer: Arc<Ed25519>,
    file_bytes: u64,
    open: Option<Open>,
    /// The number of the newest file.
    number: u64,
    pub(crate) seq: u64,
    /// Records appended since the start.
    pub(crate) records: u64,
    pub(crate) hash: [u8; 64],
    /// What the next file has to declare.
    torn: Vec<Torn>,
    /// Files that were written to since they were last on disk.
    unsynced: Vec<Arc<dyn Medium>>,
    /// Files that get no more records.
    left: Vec<Arc<dyn Medium>>,
    signed_seq: u64,
    places: Places,
}

#[derive(Debug)]
struct Open {
    medium: Arc<dyn Medium>,
    size: u64,
    reserved: u64,
    day: i64,
    is_unsynced: bool,
}

impl Chain {
    /// Reads where the chain ends; nothing is written.
    pub(crate) fn find(
        folder: &Path,
        (trail, node): (&str, &str),
        files: Arc<dyn Files>,
        signer: Arc<Ed25519>,
        file_bytes: u64,
    ) -> io::Result<Self> {
        let end = End::find(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            trail: trail.to_owned(),
            node: node.to_owned(),
            files,
            signer,
            file_bytes,
            open: None,
            number: end.number,
            seq: end.seq,
            records: 0,
            hash: end.hash,
            torn: end.torn,
            unsynced: Vec::new(),
            left: Vec::new(),
            signed_seq: end.seq,
            places: Places { list: VecDeque::new(), after: end.seq },
        })
    }

    /// Appends events in one write.
    pub(crate) fn append<'e>(&mut self, events: impl Iterator<Item = (Kind, &'e [u8])>, now: i64) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|open| open.size >= self.file_bytes || open.day != day(now)) {
            self.rotate(now)?;
        }
        if self.open.is_none() {
            self.start_file(now)?;
        }
        self.records += self.write(events)?;
        Ok(())
    }

    /// Appends something about the trail itself.
    pub(crate) fn note(&mut self, body: &serde_json::Value, now: i64) -> io::Result<()> {
        self.append([(Kind::Notice, body.to_string().as_bytes())].into_iter(), now)
    }

    /// Appends a signature over everything so far, when there is anything new to sign.
    pub(crate) fn checkpoint(&mut self, now: i64) -> io::Result<()> {
        if self.open.is_none() || self.seq == self.signed_seq {
            return Ok(());
        }
        let body = self.head(now);
        self.write([(Kind::Checkpoint, body.as_bytes())].into_iter())?;
        self.signed_seq = self.seq;
        Ok(())
    }

    /// The end of the chain, signed.
    pub(crate) fn head(&self, now: i64) -> String {
        let mut time = Vec::new();
        json::time(&mut time, now);
        let time = String::from_utf8_lossy(&time);
        let hash = String::from_utf8_lossy(&self.hash);
        let signature = self.signer.sign(verify::signed_text(&self.node, self.seq, &hash, &time).as_bytes());
        let signature = STANDARD.encode(signature);
        let (node, seq) = (&self.node, self.seq);
        format!(
            "{{\"node\":\"{node}\",\"seq\":{seq},\"hash\":\"{hash}\",\"time\":\"{time}\",\"signature\":\"{signature}\"}}"
        )
    }

    /// The first event behind a record, or that there is none; `None` when that is not remembered.
    pub(crate) fn event_after(&self, seq: u64) -> Option<Option<Place>> {
        let Places { list, after } = &self.places;
        (*after <= seq).then(|| list.get(list.partition_point(|place| place.seq <= seq)).copied())
    }

    /// Takes the files that have to be brought to disk.
    pub(crate) fn take_unsynced(&mut self) -> Vec<Arc<dyn Medium>> {
        if let Some(open) = &mut self.open {
            open.is_unsynced = false;
        }
        mem::take(&mut self.unsynced)
    }

    /// Takes the files that get no more records.
    pub(crate) fn take_left(&mut self) -> Vec<Arc<dyn Medium>> {
        mem::take(&mut self.left)
    }

    /// Whether the open file has been taken away or shortened by somebody else.
    pub(crate) fn is_disturbed(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.medium.is_in_place(open.size))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Makes sure that there is space for calls in flight.
    pub(crate) fn reserve(&mut self) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.size + HEADROOM > open.reserved {
            open.medium.reserve(open.size, open.size + RESERVED)?;
            open.reserved = open.size + RESERVED;
        }
        Ok(())
    }

    /// Leaves the open file as it is; the next record begins a new one.
    pub(crate) fn leave_file(&mut self) {
        let Some(open) = self.open.take() else { return };
        // What a write that failed left behind; when it cannot be taken back, the next file declares it.
        let _ = open.medium.cut(open.size);
        let path = self.folder.join(file_name(self.number));
        self.torn.extend(Torn::behind(self.number, &path, open.size).unwrap_or_default());
        self.left.push(open.medium);
    }

    fn rotate(&mut self, now: i64) -> io::Result<()> {
        self.checkpoint(now)?;
        self.leave_file();
        Ok(())
    }

    fn start_file(&mut self, now: i64) -> io::Result<()> {
        let number = self.number + 1;
        let medium = self.files.create(&self.folder.join(file_name(number)))?;
        // From here on the number is taken: what becomes of the file is declared by the next one.
        self.number = number;
        let mut time = Vec::new();
        json::time(&mut time, now);
        let head = serde_json::json!({
            "format": 1,
            "number": self.number,
            "trail": self.trail,
            "node": self.node,
            "time": String::from_utf8_lossy(&time),
            "publicKey": STANDARD.encode(self.signer.public()),
            "torn": self.torn,
        });
        self.open = Some(Open { medium, size: 0, reserved: 0, day: day(now), is_unsynced: false });
        self.reserve()?;
        self.write([(Kind::File, head.to_string().as_bytes())].into_iter())?;
        self.torn.clear();
        // The name of the file has to be on disk as well; what is in it will be within a second.
        fs::File::open(&self.folder)?.sync_all()
    }

    fn write<'e>(&mut self, events: impl Iterator<Item = (Kind, &'e [u8])>) -> io::Result<u64> {
        LINES.with_borrow_mut(|lines| {
            lines.clear();
            let written = self.write_as(lines, events);
            lines.shrink_to(KEPT);
            written
        })
    }

    fn write_as<'e>(&mut self, lines: &mut Vec<u8>, events: impl Iterator<Item = (Kind, &'e [u8])>) -> io::Result<u64> {
        let Some(open) = &mut self.open else { return Err(io::ErrorKind::NotConnected.into()) };
        let (mut seq, mut hash) = (self.seq, self.hash);
        for (kind, body) in events {
            seq += 1;
            if kind == Kind::Event {
                let offset = open.size + lines.len() as u64;
                self.places.push(Place { seq, file: self.number, offset });
            }
            hash = line::write(lines, seq, &hash, kind, body);
        }
        if let Err(refused) = open.medium.write_at(open.size, lines) {
            self.places.list.retain(|place| place.seq <= self.seq);
            self.leave_file();
            return Err(refused);
        }
        open.size += lines.len() as u64;
        if !open.is_unsynced {
            open.is_unsynced = true;
            self.unsynced.push(Arc::clone(&open.medium));
        }
        let records = seq - self.seq;
        (self.seq, self.hash) = (seq, hash);
        Ok(records)
    }
}

impl Torn {
    /// What a file ends with behind its records; nothing of them is read.
    fn behind(file: u64, path: &Path, size: u64) -> io::Result<Option<Self>> {
        let mut open = fs::File::open(path)?;
        if open.metadata()?.len() <= size {
            return Ok(None);
        }
        open.seek(io::SeekFrom::Start(size))?;
        let mut rest = Vec::new();
        open.read_to_end(&mut rest)?;
        Ok(Some(Self { file, offset: size, bytes: rest.len() as u64, sha256: to_hex(&sha256(&rest)) }))
    }

    fn of(file: u64, bytes: &[u8], valid: usize) -> Option<Self> {
        let rest = bytes.get(valid..).filter(|rest| !rest.is_empty())?;
        let (offset, length) = (valid as u64, rest.len() as u64);
        Some(Self { file, offset, bytes: length, sha256: to_hex(&sha256(rest)) })
    }

    /// What a file ends with after `valid` bytes of records.
    pub(crate) fn after(file: u64, bytes: &[u8], valid: usize) -> Option<Self> {
        Self::of(file, bytes, valid)
    }
}

/// Where the chain of a folder ends.
#[derive(Debug)]
struct End {
    number: u64,
    seq: u64,
    hash: [u8; 64],
    torn: Vec<Torn>,
}

impl End {
    fn find(folder: &Path) -> io::Result<Self> {
        let files = files(folder)?;
        let number = files.last().map_or(0, |(number, _)| *number);
        let mut torn = Vec::new();
        for (file, path) in files.iter().rev() {
            let bytes = fs::read(path)?;
            let (valid, last) = valid_part(&bytes);
            torn.extend(Torn::of(*file, &bytes, valid));
            if let Some((seq, hash)) = last {
                torn.reverse();
                return Ok(Self { number, seq, hash, torn });
            }
        }
        torn.reverse();
        Ok(Self { number, seq: 0, hash: NOTHING, torn })
    }
}

/// How many bytes of a file are records, and the last of them. A file that ends with the notice of an orderly stop is
/// not read through: it was whole when that was written, and whether it still is is the question of `verify`.
fn valid_part(bytes: &[u8]) -> (usize, Option<(u64, [u8; 64])>) {
    if let Some(whole) = bytes.strip_suffix(b"\n") {
        let from = whole.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if let Some(line) = Line::parse(whole.get(from..).unwrap_or_default())
            && line.kind == Kind::Checkpoint
            && line.is_intact()
            && let Ok(hash) = line.hash.try_into()
        {
            return (bytes.len(), Some((line.seq, hash)));
        }
    }
    let (mut valid, mut last) = (0, None);
    let mut expected: Option<(u64, [u8; 64])> = None;
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = piece.strip_suffix(b"\n").and_then(Line::parse).filter(Line::is_intact) else { break };
        let follows = expected.is_none_or(|(seq, hash)| line.seq == seq + 1 && line.prev == hash);
        let (true, Ok(hash)) = (follows, line.hash.try_into()) else { break };
        valid += piece.len();
        expected = Some((line.seq, hash));
        last = expected;
    }
    (valid, last)
}

fn day(millis: i64) -> i64 {
    millis.div_euclid(86_400_000)
}
