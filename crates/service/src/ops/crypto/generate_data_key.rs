//! `GenerateDataKey`: a random data key, in clear and encrypted under a key.

use serde::Serialize;
use sesame_crypto::encryption_context::EncryptionContext;
use sesame_crypto::secret::{SecretBytes, SecretText};
use sesame_derive::Params;
use sesame_domain::{KeyRef, limits};

use super::SYMMETRIC_DEFAULT;
use super::{can_encrypt, seal};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::keys::LoadedVersion;
use crate::operation::{Operation, Target};
use crate::params::{FromText, Kind};
use crate::values::{Reveal, encode_secret};

pub(crate) struct GenerateDataKey;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of a symmetric key.
    key_id: KeyRef,
    /// `AES_256` (default) or `AES_128`; ignored when NumberOfBytes is given.
    key_spec: Option<DataKeySpec>,
    /// The length of the data key in bytes, 1 to 1,024.
    number_of_bytes: Option<DataKeyLength>,
    /// A JSON object of strings that must be given again to Decrypt.
    encryption_context: Option<EncryptionContext>,
    /// Whether to only rehearse the call.
    dry_run: Option<bool>,
    /// Attestation of a recipient; not supported.
    recipient: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    key_id: String,
    key_version_id: String,
    plaintext: Reveal,
    ciphertext_blob: String,
}

impl Operation for GenerateDataKey {
    const NAME: &'static str = "GenerateDataKey";
    const SUMMARY: &'static str = "Makes a random data key and answers it in clear and encrypted under a key.";
    const SENSITIVE: bool = true;
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        super::no_recipient(request.recipient.as_deref())
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Key(&request.key_id)]
    }

    fn is_dry_run(request: &Request) -> bool {
        request.dry_run == Some(true)
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        can_encrypt(on)
    }

    fn encryption_algorithm(_: &Request) -> Option<&str> {
        Some(SYMMETRIC_DEFAULT)
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let key = on.key()?;
        let version = cx.keys().primary(key).await?;
        let length = data_key_bytes(request.key_spec, request.number_of_bytes);
        let context = request.encryption_context.as_ref();
        let (plaintext, ciphertext_blob) = new_data_key(cx, version, context, length)?;
        Ok(Response {
            key_id: key.key.id.to_string(),
            key_version_id: version.version.id.to_string(),
            plaintext: Reveal(plaintext),
            ciphertext_blob,
        })
    }
}

/// `KeySpec` of a data key.
#[derive(Clone, Copy, Debug)]
pub(super) enum DataKeySpec {
    Aes256,
    Aes128,
}

impl FromText for DataKeySpec {
    const KIND: Kind = Kind::Text;

    fn from_text(text: &str) -> std::result::Result<Self, std::borrow::Cow<'static, str>> {
        match text {
            "AES_256" => Ok(Self::Aes256),
            "AES_128" => Ok(Self::Aes128),
            _ => Err("it must be AES_256 or AES_128".into()),
        }
    }
}

/// `NumberOfBytes` of a data key: 1 to 1,024.
#[derive(Clone, Copy, Debug)]
pub(super) struct DataKeyLength(u32);

impl FromText for DataKeyLength {
    const KIND: Kind = Kind::Integer;

    fn from_text(text: &str) -> std::result::Result<Self, std::borrow::Cow<'static, str>> {
        let length = u32::from_text(text).ok().filter(|length| (1..=limits::DATA_KEY_BYTES).contains(length));
        length.map(Self).ok_or_else(|| format!("it must be 1 to {}", limits::DATA_KEY_BYTES).into())
    }
}

/// The length of a data key; NumberOfBytes wins, and neither means 32 bytes.
pub(super) fn data_key_bytes(spec: Option<DataKeySpec>, length: Option<DataKeyLength>) -> usize {
    match (length, spec) {
        (Some(DataKeyLength(length)), _) => usize::try_from(length).unwrap_or_default(),
        (None, Some(DataKeySpec::Aes128)) => 16,
        (None, Some(DataKeySpec::Aes256) | None) => 32,
    }
}

/// A data key as Base64, and that text encrypted: Decrypt gives back the same Base64 (keys reference, 5.2).
pub(super) fn new_data_key(
    cx: &Context<'_>,
    under: &LoadedVersion,
    context: Option<&EncryptionContext>,
    length: usize,
) -> Result<(SecretText, String)> {
    let mut key = SecretBytes::zeroed(length);
    cx.random().fill(key.expose_mut())?;
    let text = encode_secret(&key)?;
    // EXPOSE: the cipher takes a slice; it neither keeps nor logs it.
    let blob = seal(cx, under, context, text.expose().as_bytes())?;
    Ok((text, blob))
}
