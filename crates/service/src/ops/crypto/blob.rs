//! The `CiphertextBlob` parameter.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sesame_crypto::blob::{CiphertextBlob, strip_advance_header};
use sesame_domain::KeyVersionId;

use crate::params::{FromText, Kind};
use crate::values::not_base64;

/// A ciphertext blob and the key version that it names (keys reference, 5.1).
#[derive(Debug)]
pub(crate) struct Blob {
    pub(super) bytes: Vec<u8>,
    pub(super) version: KeyVersionId,
}

impl FromText for Blob {
    const KIND: Kind = Kind::Base64;

    fn from_text(text: &str) -> Result<Self, Cow<'static, str>> {
        let bytes = STANDARD.decode(text).map_err(|_| not_base64(text))?;
        Self::parse(bytes).map_err(|_| "it is not a ciphertext of this service".into())
    }
}

impl Blob {
    /// Reads a blob, also one of the dedicated gateway; bytes that are none are given back.
    pub(super) fn parse(bytes: Vec<u8>) -> Result<Self, Vec<u8>> {
        let bare = strip_advance_header(&bytes).unwrap_or(&bytes);
        let version = CiphertextBlob::parse(bare).ok().and_then(|blob| blob.version_id.parse().ok());
        match version {
            Some(version) => Ok(Self { bytes: bare.to_vec(), version }),
            None => Err(bytes),
        }
    }
}
