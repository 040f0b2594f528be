//! Reading the files of a trail.

use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use crate::line::Line;

const PREFIX: &str = "audit-";
const SUFFIX: &str = ".jsonl";

pub(crate) fn file_name(number: u64) -> String {
    format!("{PREFIX}{number:010}{SUFFIX}")
}

/// The files of a folder by number. A folder that is not there has none.
///
/// # Errors
/// Those of the file system.
pub fn files(folder: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Err(refused) if refused.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok());
        if let Some(number) = number {
            found.push((number, entry.path()));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The records of a folder, oldest first. Bytes that are no record are passed over: [`crate::verify`] judges them.
#[derive(Debug)]
pub struct Records {
    files: std::vec::IntoIter<(u64, PathBuf)>,
    open: Option<BufReader<fs::File>>,
    line: Vec<u8>,
}

impl Records {
    /// From the record with this number on, or from the first one that is left.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn from(folder: &Path, seq: u64) -> io::Result<Self> {
        let mut files = files(folder)?;
        let mut keep = 0;
        for (at, (_, path)) in files.iter().enumerate() {
            if first_seq(path)?.is_some_and(|first| first <= seq) {
                keep = at;
            }
        }
        files.drain(..keep);
        Ok(Self { files: files.into_iter(), open: None, line: Vec::new() })
    }

    /// The next record.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            let Some(open) = &mut self.open else {
                let Some((_, path)) = self.files.next() else { return Ok(None) };
                self.open = Some(BufReader::with_capacity(256 << 10, fs::File::open(path)?));
                continue;
            };
            self.line.clear();
            if open.read_until(b'\n', &mut self.line)? == 0 {
                self.open = None;
                continue;
            }
            if self.line.pop() == Some(b'\n') && Line::parse(&self.line).is_some() {
                break;
            }
        }
        Ok(Line::parse(&self.line))
    }
}

pub(crate) fn first_seq(path: &Path) -> io::Result<Option<u64>> {
    let mut line = Vec::new();
    BufReader::new(fs::File::open(path)?).read_until(b'\n', &mut line)?;
    line.pop();
    Ok(Line::parse(&line).map(|line| line.seq))
}
