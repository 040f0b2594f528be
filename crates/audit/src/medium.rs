//! The files that records go to; tests put others in their place.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, PosixFadviseAdvice, fallocate, posix_fadvise};
use nix::sys::statfs::{EXT4_SUPER_MAGIC, FsType, TMPFS_MAGIC, XFS_SUPER_MAGIC, fstatfs};

/// Makes files.
pub trait Files: Send + Sync + fmt::Debug {
    /// Makes a file that must not be there yet.
    ///
    /// # Errors
    /// Those of the file system.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn Medium>>;

    /// Opens or makes a file of so many bytes to be mapped into memory; `None` where storing to mapped memory could need
    /// space that is not there, which would end the process.
    ///
    /// # Errors
    /// Those of the file system.
    fn mappable(&self, path: &Path, bytes: u64) -> io::Result<Option<File>>;
}

/// A file that is only ever appended to.
pub trait Medium: Send + Sync + fmt::Debug {
    /// Writes bytes at the end, which is at this offset; when it returns, they have left this process.
    ///
    /// # Errors
    /// Those of the file system; a part may have been written.
    fn write_at(&self, end: u64, bytes: &[u8]) -> io::Result<()>;

    /// Waits until everything that was written is on disk.
    ///
    /// # Errors
    /// Those of the file system.
    fn sync(&self) -> io::Result<()>;

    /// Sets space aside for what will be written, from `from` to `to`.
    ///
    /// # Errors
    /// When there is none.
    fn reserve(&self, from: u64, to: u64) -> io::Result<()>;

    /// Takes back what lies behind `length`, space that was set aside included.
    ///
    /// # Errors
    /// Those of the file system.
    fn cut(&self, length: u64) -> io::Result<()>;

    /// Whether the file is still the one at its path, with at least this length.
    fn is_in_place(&self, length: u64) -> bool;

    /// Gives back the memory that keeps a copy of what is on disk, since nobody is about to read it.
    fn forget(&self);
}

/// Files on a disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

#[derive(Debug)]
struct DiskFile {
    file: File,
    path: PathBuf,
}

impl Files for Disk {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn Medium>> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Arc::new(DiskFile { file, path: path.to_owned() }))
    }

    fn mappable(&self, path: &Path, bytes: u64) -> io::Result<Option<File>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        if overwrites_in_place(fstatfs(&file)?.filesystem_type()) {
            match fallocate(&file, FallocateFlags::empty(), 0, offset(bytes)?) {
                Ok(()) => return Ok(Some(file)),
                Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
        fs::remove_file(path)?;
        Ok(None)
    }
}

/// Whether a file system overwrites blocks of a file where they are, so that space once set aside is enough for ever.
/// Those that copy on write need new space each time, and those on a network may go away.
fn overwrites_in_place(kind: FsType) -> bool {
    [EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, TMPFS_MAGIC].contains(&kind)
}

fn offset(at: u64) -> io::Result<i64> {
    i64::try_from(at).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

impl Medium for DiskFile {
    fn write_at(&self, end: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, end)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn reserve(&self, from: u64, to: u64) -> io::Result<()> {
        let length = offset(to.saturating_sub(from))?;
        match fallocate(&self.file, FallocateFlags::FALLOC_FL_KEEP_SIZE, offset(from)?, length) {
            // Not every file system can; then a full disk is noticed when it is full.
            Ok(()) | Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => Ok(()),
            Err(refused) => Err(refused.into()),
        }
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn is_in_place(&self, length: u64) -> bool {
        let (Ok(ours), Ok(there)) = (self.file.metadata(), fs::metadata(&self.path)) else { return false };
        (ours.dev(), ours.ino()) == (there.dev(), there.ino()) && there.len() >= length
    }

    fn forget(&self) {
        // Only advice; where it is not taken, the system gives the memory back when it needs it.
        let _ = posix_fadvise(&self.file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED);
    }
}
