//! `GenerateDataKeyWithoutPlaintext`: a random data key, only encrypted under a key.

use serde::Serialize;
use sesame_crypto::encryption_context::EncryptionContext;
use sesame_derive::Params;
use sesame_domain::KeyRef;

use super::SYMMETRIC_DEFAULT;
use super::can_encrypt;
use super::generate_data_key::{DataKeyLength, DataKeySpec, data_key_bytes, new_data_key};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::Result;
use crate::operation::{Operation, Target};

pub(crate) struct GenerateDataKeyWithoutPlaintext;

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
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    key_id: String,
    key_version_id: String,
    ciphertext_blob: String,
}

impl Operation for GenerateDataKeyWithoutPlaintext {
    const NAME: &'static str = "GenerateDataKeyWithoutPlaintext";
    const SUMMARY: &'static str = "Makes a random data key and answers it encrypted under a key, not in clear.";
    type Request = Request;
    type Response = Response;

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
        let (_, ciphertext_blob) = new_data_key(cx, version, request.encryption_context.as_ref(), length)?;
        Ok(Response { key_id: key.key.id.to_string(), key_version_id: version.version.id.to_string(), ciphertext_blob })
    }
}
