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

/// Writes a new file so that it is there whole or not at all, whenever the power fails; fails when it exists.
fn write_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    // What a start that was cut short left behind was never used as a key.
    match std::fs::remove_file(&draft) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    // A link, unlike a rename, does not replace what is there.
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    linked?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use sesame_crypto::random::{SystemRandom, alphanumeric};

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let name = format!("sesame-seal-{}", alphanumeric(&SystemRandom, 12).unwrap());
            let path = std::env::temp_dir().join(name);
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_root_key_is_read_back_and_never_overwritten() {
        let folder = Folder::new();
        let path = folder.0.join("root.key");
        assert!(matches!(FileSeal::open(&path), Err(SealError::Missing(_))));
        let made = FileSeal::new(&path).open_or_create(&SystemRandom).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(FileSeal::open(&path).unwrap().secret(), made.secret());
        assert_eq!(FileSeal::new(&path).open_or_create(&SystemRandom).unwrap().secret(), made.secret());
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(FileSeal::create(&path, &SystemRandom), Err(SealError::Exists(_))));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_can_access_is_refused_with_advice() {
        let folder = Folder::new();
        let path = folder.0.join("root.key");
        FileSeal::create(&path, &SystemRandom).unwrap();
        for mode in [0o640, 0o620, 0o604, 0o601, 0o610] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let refused = FileSeal::open(&path).unwrap_err();
            assert!(matches!(refused, SealError::Permissions(_)), "{mode:o}: {refused}");
            assert!(refused.to_string().contains(&format!("chmod 600 {}", path.display())));
        }
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o400)).unwrap();
        FileSeal::open(&path).unwrap();
    }

    #[test]
    fn what_is_no_root_key_is_refused() {
        let folder = Folder::new();
        let path = folder.0.join("root.key");
        FileSeal::create(&path, &SystemRandom).unwrap();
        let good = std::fs::read_to_string(&path).unwrap();
        for wrong in ["", &good[1..], &format!("{good}x"), &good.replace("v1", "v2"), &good.replace('=', "!")] {
            std::fs::write(&path, wrong).unwrap();
            assert!(matches!(FileSeal::open(&path), Err(SealError::Malformed)), "{wrong:?}");
        }
        assert!(matches!(FileSeal::open(&folder.0), Err(SealError::NotAFile(_))));
    }

    #[test]
    fn debug_shows_no_key() {
        let key = RootKey::from_secret(SecretBytes::new(vec![b'k'; 32])).unwrap();
        assert_eq!(format!("{key:?}"), "RootKey");
        assert!(RootKey::from_secret(SecretBytes::new(vec![1; 31])).is_err());
    }
}
