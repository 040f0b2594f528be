//! Where the root key comes from: so far a file that only its owner can read.

mod file;

use std::fmt;
use std::io;
use std::path::PathBuf;

use sesame_crypto::error::CryptoError;
use sesame_crypto::random::Random;
use sesame_crypto::secret::SecretBytes;

pub use file::FileSeal;

/// Length of a root key in bytes.
pub const ROOT_KEY_BYTES: usize = 32;

/// The key that wraps the barrier keys of a store. It is in no database.
pub struct RootKey(SecretBytes);

impl RootKey {
    /// Draws a new root key.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn generate(random: &dyn Random) -> Result<Self, SealError> {
        let mut key = SecretBytes::zeroed(ROOT_KEY_BYTES);
        // EXPOSE: the generator writes the key here.
        random.fill(key.expose_mut())?;
        Ok(Self(key))
    }

    /// Takes over the bytes of a root key.
    ///
    /// # Errors
    /// [`SealError::Malformed`] when there are not 32 of them.
    pub fn from_secret(key: SecretBytes) -> Result<Self, SealError> {
        if key.len() == ROOT_KEY_BYTES { Ok(Self(key)) } else { Err(SealError::Malformed) }
    }

    /// The bytes, still wrapped.
    pub fn secret(&self) -> &SecretBytes {
        &self.0
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey")
    }
}

/// Why there is no root key.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The file exists; a root key is never overwritten.
    #[error("{} exists; a root key is never overwritten", .0.display())]
    Exists(PathBuf),
    /// The file is missing.
    #[error("the root key file {} is missing; without it nothing in the database can be opened", .0.display())]
    Missing(PathBuf),
    /// Others than the owner have access to the file.
    #[error("others can access the root key file {path}: run chmod 600 {path}", path = .0.display())]
    Permissions(PathBuf),
    /// The file belongs to another user.
    #[error("the root key file {path} belongs to another user: run chown $(id -un) {path} as root", path = .0.display())]
    Owner(PathBuf),
    /// The path names something that is not a regular file.
    #[error("the root key file {} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// The content is not a root key of a known form.
    #[error("this is not a root key: one line with the word sesame-root-key-v1 and 44 characters of Base64 is wanted")]
    Malformed,
    /// The file system refused.
    #[error("the root key file {}: {cause}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        #[source]
        cause: io::Error,
    },
    /// The key could not be drawn.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}
