//! The folder that one server keeps its things in.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// The first access key and how to reach the server, for clients on this machine.
pub(crate) const CREDENTIALS: &str = "credentials.env";
/// The addresses that are bound, while they are.
pub(crate) const ENDPOINTS: &str = "endpoints.json";
/// The certificate of the folder's own CA.
pub(crate) const CA_CERTIFICATE: &str = "ca.pem";
/// The private key of the folder's own CA.
pub(crate) const CA_KEY: &str = "ca.key";

const LOCK: &str = "lock";

/// Readable and writable for its owner only.
pub(crate) const PRIVATE: u32 = 0o600;
/// Readable for everybody.
pub(crate) const PUBLIC: u32 = 0o644;

/// A data folder that this process alone serves from, until it is dropped.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: Flock<File>,
}

impl DataFolder {
    /// Makes the folder when there is none, and takes it for this process.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot make the data folder {}; name another with --data", path.display()))?;
        let lock = take(path)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The path of the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Whether others than the owner can look into the folder.
    pub(crate) fn is_open_to_others(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
    }

    /// Writes a file so that a reader, or a machine that loses its power, finds the old content or the new one.
    pub(crate) fn write(&self, name: &str, mode: u32, content: &str) -> Result<()> {
        let path = self.file(name);
        // What is there already needs no wait for the disk.
        if self.read(name).ok().flatten().as_deref() == Some(content) && has_mode(&path, mode) {
            return Ok(());
        }
        self.replace(name, mode, content, true).with_context(|| format!("cannot write {}", path.display()))
    }

    /// As [`DataFolder::write`], for a file that means nothing after a loss of power: it does not wait for the disk.
    pub(crate) fn write_for_now(&self, name: &str, mode: u32, content: &str) -> Result<()> {
        let path = self.file(name);
        self.replace(name, mode, content, false).with_context(|| format!("cannot write {}", path.display()))
    }

    fn replace(&self, name: &str, mode: u32, content: &str, durable: bool) -> io::Result<()> {
        let partial = self.file(&format!(".{name}.partial"));
        // The lock makes this process the only writer, so whatever lies there is left from one that was killed.
        match fs::remove_file(&partial) {
            Err(refused) if refused.kind() != io::ErrorKind::NotFound => return Err(refused),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&partial)?;
        // The umask keeps new files private; a public one is opened up here.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(content.as_bytes())?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&partial, self.file(name))?;
        if durable { File::open(&self.path)?.sync_all() } else { Ok(()) }
    }

    /// Removes a file; that it is not there is no failure.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let path = self.file(name);
        match fs::remove_file(&path) {
            Err(refused) if refused.kind() != io::ErrorKind::NotFound => {
                Err(refused).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Reads a file; nothing when there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<String>> {
        read_if_present(&self.file(name))
    }
}

fn has_mode(path: &Path, mode: u32) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o777 == mode)
}

/// Reads a file; nothing when there is none.
pub(crate) fn read_if_present(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(refused) if refused.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(refused) => Err(refused).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The lock belongs to the open file, so it ends with the process however that ends.
fn take(folder: &Path) -> Result<Flock<File>> {
    let path = folder.join(LOCK);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(PRIVATE)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            lock.set_len(0)?;
            write!(lock, "{}", std::process::id())?;
            Ok(lock)
        }
        Err((_, Errno::EWOULDBLOCK)) => {
            let holder = fs::read_to_string(&path).unwrap_or_default();
            let holder = if holder.is_empty() { String::new() } else { format!(" (process {holder})") };
            bail!(
                "another server{holder} uses the data folder {}; stop it, or give this one a folder and ports of its \
                 own with --data, --http and --https",
                folder.display()
            )
        }
        Err((_, refused)) => Err(refused).with_context(|| format!("cannot lock {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_whole_and_with_their_mode() {
        let path = std::env::temp_dir().join(format!("sesame-folder-{}", std::process::id()));
        let folder = DataFolder::open(&path).unwrap();
        fs::write(folder.file(".x.partial"), "left over").unwrap();
        folder.write("x", PRIVATE, "one").unwrap();
        folder.write("x", PUBLIC, "two").unwrap();
        assert_eq!(folder.read("x").unwrap().as_deref(), Some("two"));
        assert_eq!(fs::metadata(folder.file("x")).unwrap().permissions().mode() & 0o777, PUBLIC);
        folder.remove("x").unwrap();
        folder.remove("x").unwrap();
        assert_eq!(folder.read("x").unwrap(), None);
        let refused = DataFolder::open(&path).unwrap_err().to_string();
        assert!(refused.contains(&format!("another server (process {})", std::process::id())), "{refused}");
        drop(folder);
        DataFolder::open(&path).unwrap();
        fs::remove_dir_all(&path).unwrap();
    }
}
