//! `GetParametersForImport`: a public key to wrap key material under, and the token to import it with.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sesame_crypto::{WrappingAlgorithm, WrappingKeyPair, WrappingKeySpec};
use sesame_derive::Params;
use sesame_domain::KeyRef;
use sesame_store::import_tokens::{self, ImportToken};

use super::is_external;
use super::token::{LIFE_SECONDS, Token};
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Operation, Target};
use crate::workers::Work;

pub(crate) struct GetParametersForImport;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of a key with the origin EXTERNAL.
    key_id: KeyRef,
    /// How the material will be wrapped.
    wrapping_algorithm: WrappingAlgorithm,
    /// The kind of public key to wrap under: `RSA_2048` or `EC_SM2`.
    wrapping_key_spec: WrappingKeySpec,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Response {
    key_id: String,
    import_token: String,
    public_key: String,
    token_expire_time: String,
}

impl Operation for GetParametersForImport {
    const NAME: &'static str = "GetParametersForImport";
    const SUMMARY: &'static str = "Gives a public key to wrap key material under, and a token to import it with.";
    type Request = Request;
    type Response = Response;

    fn validate(request: &Request) -> Result<()> {
        let wanted = request.wrapping_algorithm.wrapping_key_spec();
        if wanted == request.wrapping_key_spec {
            return Ok(());
        }
        let reason = format!("{} needs {}", request.wrapping_algorithm, wanted);
        Err(KmsError::invalid("WrappingKeySpec", reason))
    }

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::KeyById(&request.key_id)]
    }

    fn check(request: &Request, on: &Granted) -> Result<()> {
        is_external(on)?;
        let spec = on.key()?.key.spec;
        if request.wrapping_algorithm.fits(spec) {
            return Ok(());
        }
        let reason = format!("material of {spec} cannot be wrapped with {}", request.wrapping_algorithm);
        Err(KmsError::invalid("WrappingAlgorithm", reason))
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Response> {
        let key = &on.key()?.key.id;
        let (spec, random) = (request.wrapping_key_spec, Arc::clone(&cx.service.random));
        let generate = move || WrappingKeyPair::generate(spec, &*random);
        let (pair, private_key) = cx.workers().run(Work::Generation, spec.key_spec(), generate).await??;
        let expires_at = cx.now().plus_seconds(LIFE_SECONDS);
        let token = Token::new(cx.random(), expires_at)?;
        let record =
            ImportToken { id: token.id(), key: key.clone(), algorithm: request.wrapping_algorithm, expires_at };
        let kept = Arc::new((record, private_key));
        cx.store()
            .write(move |tx| {
                let kept = Arc::clone(&kept);
                Box::pin(async move {
                    let (record, private_key) = &*kept;
                    // The key may have been destroyed while the pair was made.
                    sesame_store::keys::get(tx, &record.key).await?.ok_or(Code::KeyNotFound)?;
                    import_tokens::insert(tx, record, private_key).await?;
                    Ok::<_, KmsError>(())
                })
            })
            .await?;
        Ok(Response {
            key_id: key.to_string(),
            import_token: token.to_text(),
            public_key: STANDARD.encode(pair.public_key_der()?),
            token_expire_time: expires_at.to_string(),
        })
    }
}
