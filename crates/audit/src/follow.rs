//! Reading a trail while it is written.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::AuditLog;
use crate::chain::Place;
use crate::line::Line;
use crate::read::{file_name, files, first_seq};

/// Reads records in their order, across files, and goes on when there are more.
#[derive(Debug)]
pub struct Follow {
    folder: PathBuf,
    /// Records up to this number have been read.
    after: u64,
    /// The newest file that was read to its end.
    done: u64,
    open: Option<Open>,
    line: Vec<u8>,
}

#[derive(Debug)]
struct Open {
    number: u64,
    file: BufReader<fs::File>,
    /// Where the next line begins.
    at: u64,
    /// Whether a later file was there before the last look: then this one gets no more records.
    is_last_look: bool,
}

impl Follow {
    /// Goes on behind the record of a number; 0 begins with the oldest that is left.
    pub fn after(folder: &Path, seq: u64) -> Self {
        Self { folder: folder.to_owned(), after: seq, done: 0, open: None, line: Vec::new() }
    }

    /// The number of the last record that was read.
    pub fn position(&self) -> u64 {
        self.after
    }

    /// As [`Follow::next_line`], for a reader who wants records of [`crate::Kind::Event`] only: what lies between them
    /// is passed over where the writer remembers where they are.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn next_event(&mut self, log: &AuditLog, through: u64) -> io::Result<Option<Line<'_>>> {
        match log.event_after(self.after) {
            None => {}
            Some(Some(place)) if place.seq <= through => self.jump(place)?,
            Some(_) => {
                self.after = self.after.max(through);
                return Ok(None);
            }
        }
        self.next_line(through)
    }

    /// Goes to where a record begins.
    fn jump(&mut self, place: Place) -> io::Result<()> {
        let open = match self.open.take() {
            Some(open) if (open.number, open.at) == (place.file, place.offset) => {
                self.open = Some(open);
                return Ok(());
            }
            Some(open) if open.number == place.file => open,
            _ => match Open::new(place.file, &self.folder.join(file_name(place.file))) {
                // It is too old to be kept.
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
                open => open?,
            },
        };
        let mut open = Open { at: place.offset, is_last_look: false, ..open };
        open.go_back()?;
        self.done = place.file.saturating_sub(1);
        self.after = place.seq.saturating_sub(1);
        self.open = Some(open);
        Ok(())
    }

    /// The next record up to the one of number `through`; nothing when it is not there yet. Behind the newest record
    /// of the writer lie bytes that it may take back, so `through` must not be larger than that.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn next_line(&mut self, through: u64) -> io::Result<Option<Line<'_>>> {
        if self.after >= through {
            return Ok(None);
        }
        loop {
            let Some(open) = &mut self.open else {
                if self.open_file()? {
                    continue;
                }
                return Ok(None);
            };
            self.line.clear();
            let read = open.file.read_until(b'\n', &mut self.line)?;
            if self.line.pop() == Some(b'\n') {
                let seq = Line::parse(&self.line).map(|line| line.seq);
                if seq.is_some_and(|seq| seq > through) {
                    open.go_back()?;
                    return Ok(None);
                }
                open.at += read as u64;
                if let Some(seq) = seq.filter(|seq| *seq > self.after) {
                    self.after = seq;
                    break;
                }
                continue;
            }
            // The end for now, perhaps in the middle of a line.
            open.go_back()?;
            if open.is_last_look {
                self.done = open.number;
                self.open = None;
            } else if files(&self.folder)?.last().is_some_and(|(newest, _)| *newest > open.number) {
                open.is_last_look = true;
            } else {
                return Ok(None);
            }
        }
        Ok(Line::parse(&self.line))
    }

    /// Opens the file in which the next record is; whether there is one.
    fn open_file(&mut self) -> io::Result<bool> {
        let mut found = None;
        for (number, path) in files(&self.folder)?.into_iter().filter(|(number, _)| *number > self.done) {
            // A file without a record yet is the newest, or one that a crash left.
            let first = first_seq(&path)?;
            if found.is_none() || first.is_some_and(|first| first <= self.after + 1) {
                found = Some((number, path));
            }
        }
        let Some((number, path)) = found else { return Ok(false) };
        self.open = Some(Open::new(number, &path)?);
        Ok(true)
    }
}

impl Open {
    fn new(number: u64, path: &Path) -> io::Result<Self> {
        let file = BufReader::with_capacity(128 << 10, fs::File::open(path)?);
        Ok(Self { number, file, at: 0, is_last_look: false })
    }

    fn go_back(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.at)).map(|_| ())
    }
}
