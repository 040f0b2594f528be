//! The keys of the issuers of OIDC tokens: who fetches them, and how long they are kept.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use parking_lot::Mutex;
use sesame_domain::Timestamp;

use crate::error::{Code, KmsError, Result};

/// How long fetched keys are used. An issuer that takes a key back is heard after so long, one that adds a key at once.
const KEPT_SECONDS: i64 = 3_600;
/// Between two fetches from one issuer, whether the first failed or did not have the key asked for.
const PAUSE_SECONDS: i64 = 10;
/// Issuers whose keys are kept; they belong to providers that an account has made.
const ISSUERS_KEPT: usize = 1_024;
/// Keys of one issuer that are looked at.
const KEYS: usize = 100;

/// A fetch under way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = std::result::Result<Vec<u8>, NotFetched>> + Send + 'a>>;

/// Why keys could not be fetched, for the log.
#[derive(Debug, thiserror::Error)]
#[error("the keys of the issuer {issuer} cannot be fetched: {reason}")]
pub struct NotFetched {
    /// The issuer.
    pub issuer: String,
    /// What went wrong.
    pub reason: String,
}

/// Fetches the keys of issuers.
pub trait Issuers: Send + Sync + fmt::Debug {
    /// The JSON Web Key Set of an issuer, as `jwks_uri` in its `/.well-known/openid-configuration` says. `fingerprints`
    /// holds SHA-1 or SHA-256 digests of certificates, as hex digits of either case; when there are any, the server must
    /// be certified by one of these, otherwise by whom the operating system trusts.
    fn fetch<'a>(&'a self, issuer: &'a str, fingerprints: &'a [String]) -> Fetching<'a>;
}

/// The keys of all issuers, fetched when they are needed.
#[derive(Debug, Default)]
pub(crate) struct IssuerKeys {
    source: OnceLock<Arc<dyn Issuers>>,
    kept: Mutex<HashMap<Name, Arc<Slot>>>,
}

/// An issuer and the fingerprints of a provider: what one provider trusts is not trusted by another.
type Name = (String, Vec<String>);

/// One issuer. Whoever asks while a fetch is under way waits for it.
type Slot = tokio::sync::Mutex<Fetched>;

#[derive(Debug)]
struct Fetched {
    keys: Option<Arc<Vec<IssuerKey>>>,
    at: Timestamp,
    tried_at: Timestamp,
}

/// A key of an issuer that signs.
pub(crate) struct IssuerKey {
    id: Option<String>,
    /// What it may be used with.
    algorithms: &'static [Algorithm],
    pub(crate) key: DecodingKey,
}

impl fmt::Debug for IssuerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerKey({:?})", self.id)
    }
}

impl IssuerKey {
    /// Whether a token of this header can be signed with it.
    pub(crate) fn fits(&self, id: Option<&str>, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm) && id.is_none_or(|id| self.id.as_deref() == Some(id))
    }

    /// A key of a set; `None` for one of a kind that signs no tokens here.
    fn read(value: &serde_json::Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
        if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        // Never HMAC: the key of a set is public. A key that says its algorithm is used with no other one.
        let possible: &[Algorithm] = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => &[
                Algorithm::RS256,
                Algorithm::RS384,
                Algorithm::RS512,
                Algorithm::PS256,
                Algorithm::PS384,
                Algorithm::PS512,
            ],
            AlgorithmParameters::EllipticCurve(curve) => match curve.curve {
                EllipticCurve::P256 => &[Algorithm::ES256],
                EllipticCurve::P384 => &[Algorithm::ES384],
                _ => return None,
            },
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => &[Algorithm::EdDSA],
            _ => return None,
        };
        let algorithms = match value.get("alg").and_then(serde_json::Value::as_str) {
            None => possible,
            Some(named) => {
                let named: Algorithm = named.parse().ok()?;
                let at = possible.iter().position(|algorithm| *algorithm == named)?;
                possible.get(at..=at)?
            }
        };
        Some(Self { id: jwk.common.key_id.clone(), algorithms, key: DecodingKey::from_jwk(&jwk).ok()? })
    }
}

impl IssuerKeys {
    /// Sets who fetches; the first one stays.
    pub(crate) fn set(&self, source: Arc<dyn Issuers>) {
        let _ = self.source.set(source);
    }

    /// The keys of an issuer, fetched anew when none of those that are kept `has` what is wanted and the last fetch was
    /// not just now.
    ///
    /// # Errors
    /// `ServiceUnavailableTemporary` when they cannot be fetched.
    pub(crate) async fn of(
        &self,
        issuer: &str,
        fingerprints: &[String],
        now: Timestamp,
        has: impl Fn(&[IssuerKey]) -> bool,
    ) -> Result<Arc<Vec<IssuerKey>>> {
        let slot = self.slot(issuer, fingerprints);
        let mut fetched = slot.lock().await;
        let age = |since: Timestamp| now.seconds().saturating_sub(since.seconds());
        let current = fetched.keys.clone().filter(|_| age(fetched.at) < KEPT_SECONDS);
        if let Some(keys) = current.as_ref().filter(|keys| has(keys)) {
            return Ok(Arc::clone(keys));
        }
        if age(fetched.tried_at) < PAUSE_SECONDS {
            return current.ok_or_else(|| unavailable(None));
        }
        fetched.tried_at = now;
        match self.fetch(issuer, fingerprints).await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                *fetched = Fetched { keys: Some(Arc::clone(&keys)), at: now, tried_at: now };
                Ok(keys)
            }
            // The key may be one that the issuer does not have.
            Err(not_fetched) => match current {
                Some(keys) => {
                    tracing::warn!(%not_fetched, "an issuer of OIDC tokens does not answer");
                    Ok(keys)
                }
                None => Err(unavailable(Some(not_fetched))),
            },
        }
    }

    async fn fetch(&self, issuer: &str, fingerprints: &[String]) -> std::result::Result<Vec<IssuerKey>, NotFetched> {
        let failed = |reason: &str| NotFetched { issuer: issuer.to_owned(), reason: reason.to_owned() };
        let source = self.source.get().ok_or_else(|| failed("this server fetches none"))?;
        let set = source.fetch(issuer, fingerprints).await?;
        let set: serde_json::Value = serde_json::from_slice(&set).map_err(|_| failed("the set of keys is no JSON"))?;
        let keys = set.get("keys").and_then(serde_json::Value::as_array);
        let keys = keys.ok_or_else(|| failed("the set of keys has no member keys"))?;
        Ok(keys.iter().take(KEYS).filter_map(IssuerKey::read).collect())
    }

    fn slot(&self, issuer: &str, fingerprints: &[String]) -> Arc<Slot> {
        let never = Timestamp::from_seconds(0);
        let mut kept = self.kept.lock();
        if kept.len() >= ISSUERS_KEPT {
            kept.clear();
        }
        let name = (issuer.to_owned(), fingerprints.to_vec());
        let new = || Arc::new(Slot::new(Fetched { keys: None, at: never, tried_at: never }));
        Arc::clone(kept.entry(name).or_insert_with(new))
    }
}

fn unavailable(cause: Option<NotFetched>) -> KmsError {
    let message = "The keys of the issuer of the OIDC token cannot be fetched now. Try again later.";
    KmsError {
        cause: cause.map(|cause| Box::new(cause) as _),
        ..KmsError::new(Code::ServiceUnavailableTemporary, message)
    }
}

impl crate::Service {
    /// Sets who fetches the keys of issuers of OIDC tokens; the first one stays. Without one, AssumeRoleWithOIDC admits
    /// nobody.
    pub fn set_issuers(&self, issuers: Arc<dyn Issuers>) {
        self.issuers.set(issuers);
    }
}
