//! Verifies tokens of OpenID Connect (access-control reference, 1.8).

use std::collections::HashSet;

use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use sesame_domain::Timestamp;
use sesame_domain::ram::OidcProvider;

use crate::error::{Code, KmsError, Result};
use crate::issuers::{IssuerKey, IssuerKeys};

/// How far the clock of an issuer may be from ours.
const SKEW_SECONDS: i64 = 60;
/// Never `none`, and never HMAC, under which whoever verifies could also sign.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// What a token that was verified says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Checks a token against the provider that is said to have issued it: who issued it, for whom, its signature, and its
/// times.
///
/// # Errors
/// `AuthenticationFail.OIDCToken.Invalid` and `.Expired`; `ServiceUnavailableTemporary` when the keys of the issuer cannot
/// be fetched.
pub(crate) async fn verify(
    keys: &IssuerKeys,
    provider: &OidcProvider,
    token: &str,
    now: Timestamp,
) -> Result<Verified> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| invalid("it is no signed JSON Web Token"))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(invalid("it must be signed with RS, PS, ES256, ES384 or EdDSA"));
    }
    // Looked at before the signature, so that nobody is asked for keys who has nothing to do with it.
    let claimed: Claims = jsonwebtoken::dangerous::insecure_decode_claims(token)
        .map_err(|_| invalid("it must have the claims iss, sub, aud, exp and iat"))?;
    if claimed.iss != provider.issuer_url {
        return Err(invalid("its issuer is not that of the OIDC provider"));
    }
    let id = header.kid.as_deref();
    let has = |keys: &[IssuerKey]| keys.iter().any(|key| key.fits(id, header.alg));
    let keys = keys.of(&provider.issuer_url, &provider.fingerprints, now, has).await?;
    let mut rules = Validation::new(header.alg);
    // Times are checked below by our own clock, audiences against those of the provider.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims = HashSet::new();
    let signed = keys
        .iter()
        .filter(|key| key.fits(id, header.alg))
        .find_map(|key| jsonwebtoken::decode::<Claims>(token, &key.key, &rules).ok());
    let claims = signed.ok_or_else(|| invalid("no key of the issuer made its signature"))?.claims;
    admit(claims, provider, now)
}

fn admit(claims: Claims, provider: &OidcProvider, now: Timestamp) -> Result<Verified> {
    let audiences = match claims.aud {
        Audience::One(one) => vec![one],
        Audience::Many(many) => many,
    };
    if !audiences.iter().any(|audience| provider.client_ids.contains(audience)) {
        return Err(invalid("none of its audiences is a client ID of the OIDC provider"));
    }
    let (issued_at, expires_at) = (moment(claims.iat)?, moment(claims.exp)?);
    let later = now.plus_seconds(SKEW_SECONDS);
    if issued_at > later || claims.nbf.map(moment).transpose()?.is_some_and(|begin| begin > later) {
        return Err(invalid("it is not valid yet"));
    }
    if expires_at.plus_seconds(SKEW_SECONDS) <= now {
        return Err(Code::OidcTokenExpired.into());
    }
    let limit = i64::from(provider.issuance_limit_hours).saturating_mul(3_600).saturating_add(SKEW_SECONDS);
    if now.seconds().saturating_sub(issued_at.seconds()) > limit {
        let hours = provider.issuance_limit_hours;
        return Err(KmsError::new(
            Code::OidcTokenExpired,
            format!("The OIDC token is expired: it was issued more than {hours} hours ago."),
        ));
    }
    Ok(Verified { issuer: claims.iss, subject: claims.sub, audiences, issued_at, expires_at })
}

/// A date of a claim, in seconds since 1970, which may have a fraction.
fn moment(seconds: f64) -> Result<Timestamp> {
    // The end of the year 9999.
    const LAST: f64 = 253_402_300_799.0;
    if !(0.0..=LAST).contains(&seconds) {
        return Err(invalid("it has a time that is none"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked, and a fraction of a second is dropped")]
    Ok(Timestamp::from_seconds(seconds as i64))
}

fn invalid(why: &str) -> KmsError {
    KmsError::new(Code::OidcTokenInvalid, format!("The OIDC token is not valid: {why}."))
}
