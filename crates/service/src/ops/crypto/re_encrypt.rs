//! `ReEncrypt`: moves a ciphertext to a symmetric key, or to its newest version, without showing the plaintext.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sesame_crypto::algorithm::EncryptionAlgorithm;
use sesame_crypto::encryption_context::EncryptionContext;
use sesame_crypto::secret::SecretBytes;
use sesame_derive::Params;
use sesame_domain::{KeyRef, KeyVersionId};

use super::SYMMETRIC_DEFAULT;
use super::blob::Blob;
use super::{can_encrypt, is_symmetric, open, seal};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target, TargetKey};
use crate::ops::asymmetric;
use crate::params::{FromText, Kind};
use crate::values::{VersionId, encode_secret, not_base64};

pub(crate) struct ReEncrypt;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The ciphertext to move: of a symmetric key, or Base64 of what was encrypted under a public key.
    ciphertext_blob: Source,
    /// The id of the asymmetric key that the ciphertext was made under; only for such a ciphertext.
    source_key_id: Option<KeyRef>,
    /// The version of the asymmetric key.
    source_key_version_id: Option<VersionId>,
    /// The algorithm of the ciphertext of an asymmetric key.
    source_encryption_algorithm: Option<EncryptionAlgorithm>,
    /// The encryption context that the ciphertext of a symmetric key was made with.
    source_encryption_context: Option<EncryptionContext>,
    /// The id of the symmetric key to encrypt under.
    destination_key_id: KeyRef,
    /// The encryption context of the new ciphertext.
    destination_encryption_context: Option<EncryptionContext>,
    /// Whether to only rehearse the call.
    dry_run: Option<bool>,
}

impl Request {
    /// Whether the source was encrypted under a public key: any of the three parameters for it says so.
    fn is_from_asymmetric(&self) -> bool {
        self.source_key_id.is_some()
            || self.source_key_version_id.is_some()
            || self.source_encryption_algorithm.is_some()
    }

    fn source(&self) -> Option<Target<'_>> {
        if self.is_from_asymmetric() {
            let version = self.source_key_version_id.as_ref().and_then(VersionId::get);
            let key = self.source_key_id.as_ref()?;
            return Some(Target::With("ReEncryptFrom", TargetKey::Version(key, version)));
        }
        let version = self.ciphertext_blob.version()?;
        Some(Target::With("ReEncryptFrom", TargetKey::OfVersion(version)))
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    key_id: String,
    key_version_id: String,
    ciphertext_blob: String,
}

impl Operation for ReEncrypt {
    const NAME: &'static str = "ReEncrypt";
    const SUMMARY: &'static str =
        "Decrypts a ciphertext and encrypts it under another key, without showing the plaintext.";
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        if request.is_from_asymmetric() {
            return match request {
                Request { source_key_id: None, .. } => Err(KmsError::missing("SourceKeyId")),
                Request { source_key_version_id: None, .. } => Err(KmsError::missing("SourceKeyVersionId")),
                Request { source_encryption_algorithm: None, .. } => {
                    Err(KmsError::missing("SourceEncryptionAlgorithm"))
                }
                _ => Ok(()),
            };
        }
        match request.ciphertext_blob {
            Source::Symmetric(_) => Ok(()),
            Source::Other(_) => {
                let reason = "it is not a ciphertext of this service; one made under a public key needs the parameters \
                              SourceKeyId, SourceKeyVersionId and SourceEncryptionAlgorithm";
                Err(KmsError::invalid("CiphertextBlob", reason))
            }
        }
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        let destination = Target::With("ReEncryptTo", TargetKey::ById(&request.destination_key_id));
        request.source().into_iter().chain([destination])
    }

    fn is_dry_run(request: &Request) -> bool {
        request.dry_run == Some(true)
    }

    fn check(request: &Request, on: &Granted) -> Result<()> {
        match request.source_encryption_algorithm {
            None => can_encrypt(on),
            Some(algorithm) => {
                asymmetric::can_encrypt(&on.key()?.key, algorithm)?;
                is_symmetric(&on.second_key()?.key)
            }
        }
    }

    fn encryption_algorithm(request: &Request) -> Option<&str> {
        Some(request.source_encryption_algorithm.map_or(SYMMETRIC_DEFAULT, EncryptionAlgorithm::name))
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let (source, destination) = (on.key()?, on.second_key()?);
        let (plaintext, source_version) = match (request.source_encryption_algorithm, request.ciphertext_blob) {
            (None, Source::Symmetric(blob)) => {
                let context = request.source_encryption_context.as_ref();
                (open(cx, source, &blob, context, "SourceEncryptionContext").await?, blob.version)
            }
            (Some(algorithm), blob) => {
                let version = on.version()?;
                let plaintext = asymmetric::decrypt(cx, version, algorithm, blob.into_bytes()).await?;
                // As Base64, so that Decrypt answers what it answers of a data key (keys reference, 5.2).
                // EXPOSE: from one secret type into another.
                let text = SecretBytes::from_slice(encode_secret(&plaintext)?.expose().as_bytes());
                (text, version.version.id.clone())
            }
            (None, Source::Other(_)) => return Err(KmsError::internal("the source was not checked")),
        };
        let version = cx.keys().primary(destination).await?;
        let context = request.destination_encryption_context.as_ref();
        Ok(Response {
            // EXPOSE: from one cipher into the other.
            ciphertext_blob: seal(cx, version, context, plaintext.expose())?,
            // The key that opened the source, as the API says; the new blob names its own.
            key_id: source.key.id.to_string(),
            key_version_id: source_version.to_string(),
        })
    }
}

/// The ciphertext: one of this service, or any bytes, which may have been encrypted under a public key. Bytes of the
/// second kind may look like the first by chance, so what they are is decided by the other parameters.
#[derive(Debug)]
pub(crate) enum Source {
    Symmetric(Blob),
    Other(Vec<u8>),
}

impl Source {
    fn version(&self) -> Option<&KeyVersionId> {
        match self {
            Self::Symmetric(blob) => Some(&blob.version),
            Self::Other(_) => None,
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Symmetric(blob) => blob.bytes,
            Self::Other(bytes) => bytes,
        }
    }
}

impl FromText for Source {
    const KIND: Kind = Kind::Base64;

    fn from_text(text: &str) -> std::result::Result<Self, std::borrow::Cow<'static, str>> {
        let bytes = STANDARD.decode(text).map_err(|_| not_base64(text))?;
        Ok(Blob::parse(bytes).map_or_else(Self::Other, Self::Symmetric))
    }
}
