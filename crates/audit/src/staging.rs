//! Records that have left the process and are not in the chain yet: a file that is mapped into memory.
//!
//! What is stored in mapped memory belongs to the operating system, as what was written does: it outlives `kill -9`,
//! and costs no system call. The file has two halves: one takes records while those of the other go into the chain.
//! The next start brings into the chain what it finds here and not there.
//!
//! The file begins with the heads of the halves, of three numbers each: the format, the generation of what is in the
//! half, and the newest record of the chain when the half was begun. An entry is its length, its kind, the CRC-32 of its
//! event, the generation as a number of 32 bits, then the event, up to a multiple of 16 bytes; a head of zeros ends
//! them. All numbers are little endian. The generation and the CRC matter after a loss of power, when a part of the
//! file may be older than the rest.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::iter;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use vm_memory::{Bytes as _, FileOffset, MmapRegion, VolatileMemory as _};

use crate::Follow;
use crate::chain::Batch;
use crate::line::Kind;
use crate::medium::Files;

/// The file, in the folder of the trail.
const STAGED: &str = "staged";
/// What a half holds, in bytes: some thousand records, for as long as a write to the disk takes.
const HALF: usize = 2 << 20;
/// Where the first half begins.
const HEADS: usize = 4_096;
const LENGTH: usize = HEADS + 2 * HALF;
/// From one head to the next.
const HEAD: usize = 64;
const FORMAT: u64 = 1;
const ENTRY_HEAD: usize = 16;
/// What a copy may keep between two writes.
const KEPT: usize = 256 << 10;

const AT_FORMAT: usize = 0;
const AT_GENERATION: usize = 8;
const AT_BASE: usize = 16;

/// One of the two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Half(usize);

impl Half {
    const BOTH: [Self; 2] = [Self(0), Self(1)];

    fn other(self) -> Self {
        Self(1 - self.0)
    }

    fn head(self, field: usize) -> usize {
        self.0 * HEAD + field
    }

    fn start(self) -> usize {
        HEADS + self.0 * HALF
    }
}

/// The open file. What changes with each record is in one line of a cache: cores take turns with it.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Staging {
    region: Box<MmapRegion>,
    place: Box<(File, PathBuf)>,
    /// The half that takes records, how many bytes it has, and of which generation they are.
    active: Half,
    used: usize,
    generation: u64,
    /// How many bytes of the other half are not in the chain yet.
    leaving: usize,
}

impl Staging {
    /// Opens the file, without what is in it; `None` where no file can be mapped without danger. `base` is the newest
    /// record of the chain, `generation` the newest one that was in the file.
    pub(crate) fn open(files: &dyn Files, folder: &Path, base: u64, generation: u64) -> io::Result<Option<Self>> {
        let path = folder.join(STAGED);
        let Some(file) = files.mappable(&path, LENGTH as u64)? else { return Ok(None) };
        let mapped = FileOffset::new(file.try_clone()?, 0);
        let region = Box::new(MmapRegion::from_file(mapped, LENGTH).map_err(io::Error::other)?);
        let place = Box::new((file, path));
        let mut staging = Self { region, place, active: Half(0), used: 0, generation, leaving: 0 };
        for half in Half::BOTH {
            staging.set(half.start(), 0)?;
            staging.set(half.head(AT_FORMAT), FORMAT)?;
        }
        staging.begin(base)?;
        Ok(Some(staging))
    }

    /// Takes an event, given the CRC-32 of it, and says how many bytes are staged; `None` when there is no room. From
    /// then on the record outlives the process.
    pub(crate) fn push(&mut self, kind: Kind, crc: u32, event: &[u8]) -> Option<usize> {
        let taken = Entry::taken(event);
        let end = self.used.checked_add(taken)?;
        if end > HALF - ENTRY_HEAD {
            return None;
        }
        let head = Entry { length: u32::try_from(event.len()).ok()?, kind, crc, generation: self.generation };
        let [first, second] = head.words();
        let at = self.active.start() + self.used;
        self.region.get_slice(at + ENTRY_HEAD, event.len()).ok()?.copy_from(event);
        // The next head first, then this one: at any time, a head of zeros ends what is here.
        self.set(self.active.start() + end, 0).ok()?;
        self.set(at + 8, second).ok()?;
        self.set(at, first).ok()?;
        self.used = end;
        Some(end)
    }

    /// Copies the records that are to go into the chain next, and says whether there are any: those of a half that then
    /// takes no more until they have been [chained](Staging::chained). `base` is the newest record of the chain.
    pub(crate) fn leave(&mut self, base: u64, copy: &mut Leaving) -> io::Result<bool> {
        if self.is_empty() {
            return Ok(false);
        }
        if self.leaving == 0 {
            self.leaving = self.used;
            self.active = self.active.other();
            self.begin(base)?;
        }
        let (from, bytes) = (self.active.other().start(), copy.make_room(self.leaving));
        self.region.get_slice(from, bytes.len()).map_err(io::Error::other)?.copy_to(bytes);
        Ok(true)
    }

    /// Forgets the records that left.
    pub(crate) fn chained(&mut self) -> io::Result<()> {
        self.leaving = 0;
        self.set(self.active.other().start(), 0)
    }

    /// Whether the file is still the one at its path.
    pub(crate) fn is_in_place(&self) -> bool {
        let (file, path) = &*self.place;
        let (Ok(ours), Ok(there)) = (file.metadata(), fs::metadata(path)) else { return false };
        (ours.dev(), ours.ino()) == (there.dev(), there.ino())
    }

    /// Whether nothing is staged.
    pub(crate) fn is_empty(&self) -> bool {
        self.used == 0 && self.leaving == 0
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    fn begin(&mut self, base: u64) -> io::Result<()> {
        self.generation += 1;
        self.used = 0;
        self.set(self.active.head(AT_BASE), base)?;
        self.set(self.active.head(AT_GENERATION), self.generation)
    }

    fn set(&self, at: usize, value: u64) -> io::Result<()> {
        // Released: what was stored before is there when this is.
        let stored = self.region.as_volatile_slice().store(value.to_le(), at, Ordering::Release);
        stored.map_err(io::Error::other)
    }
}

/// A copy of records that leave.
#[derive(Debug, Default)]
pub(crate) struct Leaving {
    /// Behind the records is what was here before, so that nothing has to be zeroed each time.
    bytes: Vec<u8>,
    length: usize,
}

impl Leaving {
    fn make_room(&mut self, length: usize) -> &mut [u8] {
        if self.bytes.len() < length {
            self.bytes.resize(length, 0);
        }
        self.length = length;
        self.bytes.get_mut(..length).unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Kind, &[u8])> {
        let mut rest = self.bytes.get(..self.length).unwrap_or_default();
        iter::from_fn(move || {
            let (head, event) = Entry::split(rest)?;
            rest = rest.get(Entry::taken(event)..).unwrap_or_default();
            Some((head.kind, event))
        })
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
        self.bytes.truncate(KEPT);
        self.bytes.shrink_to(KEPT);
    }
}

/// What stands before an event.
#[derive(Clone, Copy, Debug)]
struct Entry {
    length: u32,
    kind: Kind,
    crc: u32,
    /// Of the copy in the file, the lower half.
    generation: u64,
}

impl Entry {
    /// The bytes that an event takes with its head.
    fn taken(event: &[u8]) -> usize {
        (ENTRY_HEAD + event.len()).next_multiple_of(ENTRY_HEAD)
    }

    fn words(self) -> [u64; 2] {
        let kind = Kind::ALL.iter().position(|kind| *kind == self.kind).unwrap_or_default();
        let pair = |low: u32, high: u64| u64::from(low) | high << 32;
        [pair(self.length, kind as u64), pair(self.crc, self.generation & u64::from(u32::MAX))]
    }

    /// The head and the event that bytes begin with; the CRC and the generation are as they are.
    fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_at_checked(ENTRY_HEAD)?;
        let word = |at: usize| Some(u32::from_le_bytes(head.get(at * 4..at * 4 + 4)?.try_into().ok()?));
        let [length, kind, crc, generation] = [word(0)?, word(1)?, word(2)?, word(3)?];
        let kind = *Kind::ALL.get(usize::try_from(kind).ok()?)?;
        let event = rest.get(..usize::try_from(length).ok()?)?;
        Some((Self { length, kind, crc, generation: generation.into() }, event))
    }

    /// Whether all of an event was stored, in a generation.
    fn is_whole(self, event: &[u8], generation: u64) -> bool {
        self.crc == crc32fast::hash(event) && self.generation == generation & u64::from(u32::MAX)
    }
}

/// What an earlier process left in the file.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// The records, oldest first.
    pub(crate) batch: Batch,
    /// Those of them that are in the chain are behind this record.
    pub(crate) base: u64,
    /// The newest generation.
    pub(crate) generation: u64,
}

impl Left {
    /// Reads the file of a folder, if there is one.
    pub(crate) fn find(folder: &Path) -> io::Result<Self> {
        match fs::read(folder.join(STAGED)) {
            Ok(bytes) => Self::read(&bytes),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(cause),
        }
    }

    fn read(bytes: &[u8]) -> io::Result<Self> {
        let mut left = Self { base: u64::MAX, ..Self::default() };
        let mut halves = Vec::new();
        for half in Half::BOTH {
            let field = |field| {
                let at = half.head(field);
                bytes.get(at..at + 8).and_then(|field| field.try_into().ok()).map_or(0, u64::from_le_bytes)
            };
            if ![0, FORMAT].contains(&field(AT_FORMAT)) {
                let text = format!("{STAGED} is in a format that this version does not know");
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            let stored = bytes.get(half.start()..).unwrap_or_default();
            halves.push((field(AT_GENERATION), field(AT_BASE), stored.get(..HALF).unwrap_or(stored)));
        }
        halves.sort_unstable_by_key(|(generation, ..)| *generation);
        for (generation, base, mut stored) in halves {
            left.generation = left.generation.max(generation);
            while let Some((head, event)) = Entry::split(stored)
                && !event.is_empty()
                && head.is_whole(event, generation)
            {
                left.base = left.base.min(base);
                left.batch.push(head.kind, event);
                stored = stored.get(Entry::taken(event)..).unwrap_or_default();
            }
        }
        Ok(left)
    }

    /// Those that are not in the chain, whose newest record is `seq`.
    pub(crate) fn behind(&self, folder: &Path, seq: u64) -> io::Result<Batch> {
        let mut behind = Batch::default();
        if self.batch.ends.is_empty() {
            return Ok(behind);
        }
        let mut known: HashMap<Vec<u8>, u32> = HashMap::new();
        let mut follow = Follow::after(folder, self.base);
        while let Some(line) = follow.next_line(seq)? {
            *known.entry(line.body.to_vec()).or_default() += 1;
        }
        for (kind, event) in self.batch.iter() {
            match known.get_mut(event) {
                Some(times) if *times > 0 => *times -= 1,
                _ => behind.push(kind, event),
            }
        }
        Ok(behind)
    }
}

/// How many records of a folder are staged and not in the chain yet. A running server brings them into it within half a
/// second, the next start when there is none.
///
/// # Errors
/// Those of the file system.
pub fn staged(folder: &Path) -> io::Result<usize> {
    Ok(Left::find(folder)?.behind(folder, u64::MAX)?.ends.len())
}
