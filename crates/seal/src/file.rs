use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sesame_crypto::random::Random;
use sesame_crypto::secret::SecretBytes;
use zeroize::Zeroizing;

use crate::{ROOT_KEY_BYTES, RootKey, SealError};

/// First word of the file; names the form of the rest.
const VERSION: &str = "sesame-root-key-v1";

/// Length of the whole file: version, space, Base64, end of line.
const FILE_BYTES: usize = VERSION.len() + 1 + BASE64_BYTES + 1;
const BASE64_BYTES: usize = ROOT_KEY_BYTES.div_ceil(3) * 4;

/// A root key in a file that only its owner can read.
#[derive(Clone, Debug)]
pub struct FileSeal {
    path: PathBuf,
}

impl FileSeal {
    /// A seal in this file, which may or may not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Draws a root key and writes it to a new file of mode 0600. When this returns, a power failure cannot lose it.
    ///
    /// # Errors
    /// [`SealError::Exists`]: a root key is never overwritten.
    pub fn create(path: &Path, random: &dyn Random) -> Result<RootKey, SealError> {
        let key = RootKey::generate(random)?;
        let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES));
        text.push_str(VERSION);
        text.push(' ');
        // EXPOSE: this file is where the key lives.
        STANDARD.encode_string(key.secret().expose(), &mut text);
        text.push('\n');
        match write_durably(path, text.as_bytes()) {
            Ok(()) => Ok(key),
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Err(SealError::Exists(path.into())),
            Err(cause) => Err(SealError::Io { path: path.into(), cause }),
        }
    }

    /// Reads a root key.
    ///
    /// # Errors
    /// When the file is missing, not a regular file, of another owner, accessible to others, or not a root key.
    pub fn open(path: &Path) -> Result<RootKey, SealError> {
        let io = |cause: io::Error| match cause.kind() {
            io::ErrorKind::NotFound => SealError::Missing(path.into()),
            _ => SealError::Io { path: path.into(), cause },
        };
        // Opening a pipe would wait for its other end.
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            return Err(SealError::NotAFile(path.into()));
        }
        let mut file = File::open(path).map_err(io)?;
        let found = file.metadata().map_err(io)?;
        if !found.is_file() {
            return Err(SealError::NotAFile(path.into()));
        }
        if found.uid() != nix::unistd::geteuid().as_raw() {
            return Err(SealError::Owner(path.into()));
        }
        if found.mode() & 0o077 != 0 {
            return Err(SealError::Permissions(path.into()));
        }
        let mut text = Zeroizing::new([0; FILE_BYTES]);
        file.read_exact(&mut *text).map_err(|_| SealError::Malformed)?;
        if file.read(&mut [0]).map_err(io)? != 0 {
            return Err(SealError::Malformed);
        }
        parse(&*text)
    }

    /// The root key, made at first use.
    ///
    /// # Errors
    /// As [`FileSeal::open`] and [`FileSeal::create`].
    pub fn open_or_create(&self, random: &dyn Random) -> Result<RootKey, SealError> {
        match Self::open(&self.path) {
            Err(SealError::Missing(_)) => Self::create(&self.path, random),
            outcome => outcome,
        }
    }
}

fn parse(text: &[u8]) -> Result<RootKey, SealError> {
    let base64 = text
        .strip_prefix(VERSION.as_bytes())
        .and_then(|rest| rest.strip_prefix(b" "))
        .and_then(|rest| rest.strip_suffix(b"\n"))
        .ok_or(SealError::Malformed)?;
    let mut key = SecretBytes::zeroed(ROOT_KEY_BYTES);
    // EXPOSE: the key is decoded into its place.
    let length = STANDARD.decode_slice(base64, key.expose_mut()).map_err(|_| SealError::Malformed)?;
    if length == ROOT_KEY_BYTES { RootKey::from_secret(key) } else { Err(SealError::Malformed) }
}

fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}
