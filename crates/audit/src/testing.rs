//! A disk that fails when a test says so.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::medium::{Disk, Files, Medium};

/// Files that take nothing while the switch is on.
#[derive(Debug, Default)]
pub struct Failing(pub Arc<AtomicBool>);

#[derive(Debug)]
struct FailingFile(Arc<dyn Medium>, Arc<AtomicBool>);

impl Failing {
    fn check(switch: &AtomicBool) -> io::Result<()> {
        if switch.load(Ordering::SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Files for Failing {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn Medium>> {
        Self::check(&self.0)?;
        Ok(Arc::new(FailingFile(Disk.create(path)?, Arc::clone(&self.0))))
    }

    fn mappable(&self, path: &Path, bytes: u64) -> io::Result<Option<File>> {
        Disk.mappable(path, bytes)
    }
}

/// Files on a disk where none can be mapped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unmapped;

impl Files for Unmapped {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn Medium>> {
        Disk.create(path)
    }

    fn mappable(&self, _: &Path, _: u64) -> io::Result<Option<File>> {
        Ok(None)
    }
}

impl Medium for FailingFile {
    fn write_at(&self, end: u64, bytes: &[u8]) -> io::Result<()> {
        if let Err(full) = Failing::check(&self.1) {
            // A full disk takes a part.
            self.0.write_at(end, bytes.get(..bytes.len() / 2).unwrap_or_default())?;
            return Err(full);
        }
        self.0.write_at(end, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn reserve(&self, from: u64, to: u64) -> io::Result<()> {
        Failing::check(&self.1)?;
        self.0.reserve(from, to)
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.0.cut(length)
    }

    fn is_in_place(&self, length: u64) -> bool {
        self.0.is_in_place(length)
    }

    fn forget(&self) {
        self.0.forget();
    }
}
