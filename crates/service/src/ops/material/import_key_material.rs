//! `ImportKeyMaterial`: brings material into a key of the origin EXTERNAL.

use std::sync::Arc;

use sesame_crypto::error::CryptoError;
use sesame_crypto::fingerprint::{fingerprint, is_fingerprint_of};
use sesame_crypto::{SecretBytes, WrappingKeyPair};
use sesame_derive::Params;
use sesame_domain::{KeyId, KeyRef, KeyState, Timestamp};
use sesame_store::import_tokens::{self, ImportToken};
use sesame_store::{key_versions, keys};

use super::is_external;
use super::token::Token;
use crate::authorize::Granted;
use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::operation::{Empty, Operation, Target};
use crate::ops::key_for_write;
use crate::values::{Bytes, UnixSeconds};
use crate::workers::Work;

pub(crate) struct ImportKeyMaterial;

#[derive(Debug, Params)]
pub(crate) struct Request {
    /// The id of a key with the origin EXTERNAL.
    key_id: KeyRef,
    /// The wrapped material.
    encrypted_key_material: Bytes,
    /// The token that came with the public key.
    import_token: String,
    /// When the material expires, in seconds since 1970; never, when 0 or left out.
    key_material_expire_unix: Option<UnixSeconds>,
}

impl Operation for ImportKeyMaterial {
    const NAME: &'static str = "ImportKeyMaterial";
    const SUMMARY: &'static str = "Imports key material that was wrapped under a public key of GetParametersForImport.";
    type Request = Request;
    type Response = Empty;

    fn targets(request: &Request) -> impl IntoIterator<Item = Target<'_>> + Send {
        [Target::KeyById(&request.key_id)]
    }

    fn check(_: &Request, on: &Granted) -> Result<()> {
        is_external(on)
    }

    async fn run(cx: &Context<'_>, on: Granted, request: Request) -> Result<Empty> {
        let key = &on.key()?.key;
        let (token, private_key) = usable_token(cx, &key.id, &request.import_token).await?;
        let expires_at = expiry(cx, request.key_material_expire_unix)?;
        let known = keys::material_fingerprint(&mut cx.store().reader().await?, &key.id).await?;
        let (id, spec, wrapped, random) =
            (key.id.clone(), key.spec, request.encrypted_key_material.0, Arc::clone(&cx.service.random));
        // Material that does not unwrap and material that is not the first one are refused alike, after the same work.
        let wrapping = token.algorithm.wrapping_key_spec();
        let unwrap = move || {
            let pair = WrappingKeyPair::from_material(wrapping, &private_key)?;
            let material = pair.unwrap(token.algorithm, spec, &wrapped)?;
            if known.is_empty() {
                let print = fingerprint(&*random, id.as_str(), &material)?;
                Ok((material, print))
            } else if is_fingerprint_of(&known, id.as_str(), &material) {
                Ok((material, known))
            } else {
                Err(CryptoError::Integrity)
            }
        };
        let unwrapped = cx.workers().run(Work::Private, wrapping.key_spec(), unwrap);
        let (material, print) = unwrapped.await?.map_err(|error| match error {
            CryptoError::Random | CryptoError::Internal => error.into(),
            _ => KmsError::from(Code::InvalidKeyMaterial),
        })?;
        store(cx, key.id.clone(), material, print, expires_at).await?;
        Ok(Empty {})
    }
}

/// The token's record and its private key, if it belongs to this key and has not expired.
async fn usable_token(cx: &Context<'_>, key: &KeyId, text: &str) -> Result<(ImportToken, SecretBytes)> {
    let token = Token::parse(text)?;
    let found = import_tokens::get(&mut cx.store().reader().await?, &token.id()).await?;
    match found {
        Some((record, _)) if record.key != *key => Err(Code::InvalidImportToken.into()),
        Some((record, _)) if record.expires_at <= cx.now() => Err(Code::ExpiredImportToken.into()),
        Some(found) => Ok(found),
        None if token.expires_at() <= cx.now() => Err(Code::ExpiredImportToken.into()),
        None => Err(Code::InvalidImportToken.into()),
    }
}

fn expiry(cx: &Context<'_>, given: Option<UnixSeconds>) -> Result<Option<Timestamp>> {
    match given {
        None | Some(UnixSeconds(0)) => Ok(None),
        Some(UnixSeconds(seconds)) if seconds < cx.now().seconds() => {
            Err(KmsError::invalid("KeyMaterialExpireUnix", "it must not be in the past"))
        }
        Some(UnixSeconds(seconds)) => Ok(Some(Timestamp::from_seconds(seconds))),
    }
}

async fn store(
    cx: &Context<'_>,
    id: KeyId,
    material: SecretBytes,
    print: String,
    expires_at: Option<Timestamp>,
) -> Result<()> {
    let (material, print, now) = (Arc::new(material), Arc::<str>::from(print), cx.now());
    cx.store()
        .write(move |tx| {
            let (id, material, print) = (id.clone(), Arc::clone(&material), Arc::clone(&print));
            Box::pin(async move {
                let key = key_for_write(tx, &id, ImportKeyMaterial::NAME).await?;
                // Another import may have been the first since the fingerprint was read.
                let known = keys::material_fingerprint(tx, &id).await?;
                if known.is_empty() {
                    keys::set_material_fingerprint(tx, &id, &print).await?;
                } else if !is_fingerprint_of(&known, id.as_str(), &material) {
                    return Err(Code::InvalidKeyMaterial.into());
                }
                key_versions::set_material(tx, &id, &key.primary_version, &material).await?;
                keys::set_material_expiry(tx, &id, expires_at).await?;
                if key.state_at(now) == KeyState::PendingImport {
                    keys::set_state(tx, &id, key.state, KeyState::Enabled, None).await?;
                }
                Ok::<_, KmsError>(())
            })
        })
        .await
}
