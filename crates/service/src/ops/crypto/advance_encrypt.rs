//! `AdvanceEncrypt`: encrypts with additional data and, if the caller wants, an IV of its own.
//!
//! An operation of the dedicated gateway. One old client also has it for the shared gateway, with these parameters and
//! no described answer; ours is that of the dedicated gateway (docs/decisions/0022).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sesame_crypto::aead::{CallerIv, IV_LEN};
use sesame_crypto::blob::{CiphertextBlob, add_advance_header};
use sesame_crypto::secret::SecretText;
use sesame_crypto::spec::KeySpec;
use sesame_derive::Params;
use sesame_domain::KeyRef;

use super::SYMMETRIC_DEFAULT;
use super::can_encrypt;
use super::encrypt::is_short_enough;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{KmsError, Result};
use crate::operation::{Operation, Target};
use crate::values::Bytes;

pub(crate) struct AdvanceEncrypt;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id, the ARN or an alias of a symmetric key.
    key_id: KeyRef,
    /// What to encrypt, usually Base64 of up to 6,144 bytes. Decrypt gives back exactly this text.
    plaintext: SecretText,
    /// `AES_GCM` for AES keys, `SM4_GCM` for SM4 keys; what fits the key by default.
    algorithm: Option<String>,
    /// The IV, Base64 of 12 bytes; a random one by default. Never use one twice with the same key.
    iv: Option<Bytes>,
    /// Data that is authenticated with the ciphertext but not part of it, Base64.
    aad: Option<Bytes>,
    /// `NO_PADDING` or `PKCS7_PADDING`; without effect, since GCM needs no padding.
    padding_mode: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    key_id: String,
    key_version_id: String,
    ciphertext_blob: String,
    iv: String,
    algorithm: &'static str,
    padding_mode: String,
}

impl Operation for AdvanceEncrypt {
    const NAME: &'static str = "AdvanceEncrypt";
    const SUMMARY: &'static str =
        "Encrypts under a symmetric key with additional data and an IV of the caller's choice.";
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        is_short_enough(&request.plaintext)?;
        if request.iv.as_ref().is_some_and(|iv| iv.0.len() != IV_LEN) {
            return Err(KmsError::invalid("Iv", format_args!("it must be Base64 of {IV_LEN} bytes")));
        }
        match request.padding_mode.as_deref() {
            None | Some("NO_PADDING" | "PKCS7_PADDING") => Ok(()),
            Some(_) => Err(KmsError::invalid("PaddingMode", "it must be NO_PADDING or PKCS7_PADDING")),
        }
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::Key(&request.key_id)]
    }

    fn check(request: &Request, on: &Granted) -> Result<()> {
        can_encrypt(on)?;
        let fitting = mode_of(on.key()?.key.spec);
        match request.algorithm.as_deref() {
            Some(other) if other != fitting => {
                Err(KmsError::invalid("Algorithm", format_args!("this key encrypts with {fitting} only")))
            }
            _ => Ok(()),
        }
    }

    fn encryption_algorithm(_: &Request) -> Option<&str> {
        Some(SYMMETRIC_DEFAULT)
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let key = on.key()?;
        let version = cx.keys().primary(key).await?;
        let aad = request.aad.as_ref().map(|aad| aad.0.as_slice()).unwrap_or_default();
        // EXPOSE: the cipher takes a slice; it neither keeps nor logs it.
        let plaintext = request.plaintext.expose().as_bytes();
        let mut blob = CiphertextBlob::begin(version.version.id.as_str(), plaintext.len())?;
        match request.iv.as_ref().and_then(|iv| iv.0.first_chunk::<IV_LEN>()) {
            Some(iv) => version.unlocked.seal_with_chosen_iv(CallerIv(*iv), aad, plaintext, &mut blob)?,
            None => version.unlocked.seal(cx.random(), aad, plaintext, &mut blob)?,
        }
        Ok(Response {
            key_id: key.key.id.to_string(),
            key_version_id: version.version.id.to_string(),
            iv: STANDARD.encode(CiphertextBlob::parse(&blob)?.iv),
            ciphertext_blob: STANDARD.encode(add_advance_header(&blob)),
            algorithm: mode_of(key.key.spec),
            padding_mode: request.padding_mode.unwrap_or_else(|| "NO_PADDING".to_owned()),
        })
    }
}

/// The mode that a software key offers. For SM4 no published client spells it; ours follows the pattern.
fn mode_of(spec: KeySpec) -> &'static str {
    if spec == KeySpec::Sm4 { "SM4_GCM" } else { "AES_GCM" }
}
