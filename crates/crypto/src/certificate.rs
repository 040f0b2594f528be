//! X.509: signing requests for our keys (RFC 2986), and reading and checking certificates (RFC 5280).
//!
//! What is checked of a chain: every signature, that each certificate names the next as its issuer, that issuers may
//! sign certificates, path lengths, and that none has expired. Whether a root is trusted is for the caller's callers
//! to decide; revocation lists are not read.

mod chain;
mod name;
mod request;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, SubjectKeyIdentifier};

use crate::der::Reader;
use crate::digest::sha1;
use crate::public_key::PublicKey;

pub use chain::check_chain;
pub use name::SubjectName;
pub use request::{DnsName, signing_request};

/// Why a certificate, a chain or a name is not accepted; for the caller, who can see everything that it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CertificateError(pub(crate) String);

impl CertificateError {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// A certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// What is signed, exactly as it was.
    signed_part: Vec<u8>,
    parsed: x509_cert::Certificate,
}

impl Certificate {
    /// Reads one certificate in PEM; text around it is ignored.
    pub fn from_pem(pem: &str) -> Result<Self, CertificateError> {
        let mut all = Self::all_from_pem(pem)?;
        match (all.pop(), all.is_empty()) {
            (Some(one), true) => Ok(one),
            _ => Err(CertificateError::new("it must be one certificate in PEM")),
        }
    }

    /// Reads certificates in PEM, in their order; text around them is ignored.
    pub fn all_from_pem(pem: &str) -> Result<Vec<Self>, CertificateError> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        const END: &str = "-----END CERTIFICATE-----";
        let wrong = || CertificateError::new("it is not PEM, or what is in it is not a certificate");
        let mut found = Vec::new();
        let mut rest = pem;
        while let Some((_, after)) = rest.split_once(BEGIN) {
            let (body, after) = after.split_once(END).ok_or_else(wrong)?;
            let body: String = body.split_whitespace().collect();
            found.push(STANDARD.decode(body).ok().and_then(|der| Self::from_der(&der)).ok_or_else(wrong)?);
            rest = after;
        }
        Ok(found)
    }

    fn from_der(der: &[u8]) -> Option<Self> {
        let parsed = x509_cert::Certificate::from_der(der).ok()?;
        let mut outer = Reader::new(der);
        let content = outer.element(crate::der::SEQUENCE)?;
        outer.finish()?;
        let mut inner = Reader::new(content);
        inner.element(crate::der::SEQUENCE)?;
        let signed_part = content.get(..content.len() - inner.rest_len())?.to_vec();
        Some(Self { signed_part, parsed })
    }

    /// In PEM, with a final newline.
    pub fn to_pem(&self) -> String {
        // INVARIANT: what was read from DER can be written as DER.
        crate::public_key::pem("CERTIFICATE", &self.parsed.to_der().unwrap_or_default())
    }

    /// Whether it certifies this key.
    pub fn certifies(&self, key: &PublicKey) -> bool {
        self.public_key().is_some_and(|own| own.der() == key.der())
    }

    /// Seconds since 1970 of the first moment of its validity.
    pub fn not_before(&self) -> i64 {
        seconds(self.parsed.tbs_certificate().validity().not_before)
    }

    /// Seconds since 1970 of the last moment of its validity.
    pub fn not_after(&self) -> i64 {
        seconds(self.parsed.tbs_certificate().validity().not_after)
    }

    /// The issuer, in the text form of RFC 2253.
    pub fn issuer(&self) -> String {
        self.parsed.tbs_certificate().issuer().to_string()
    }

    /// The subject, in the text form of RFC 2253.
    pub fn subject(&self) -> String {
        self.parsed.tbs_certificate().subject().to_string()
    }

    /// The serial number in upper-case hexadecimal.
    pub fn serial(&self) -> String {
        let bytes = self.parsed.tbs_certificate().serial_number().as_bytes();
        let bytes = match bytes {
            // The sign byte of a number whose first bit is set.
            [0, digits @ ..] if !digits.is_empty() => digits,
            bytes => bytes,
        };
        hex_upper(bytes, "")
    }

    /// The identifier of its public key: the one that it names, else SHA-1 of the key (RFC 5280, 4.2.1.2).
    pub fn subject_key_identifier(&self) -> String {
        let tbs = self.parsed.tbs_certificate();
        match tbs.get_extension::<SubjectKeyIdentifier>() {
            Ok(Some((_, named))) => hex_upper(named.0.as_bytes(), " "),
            _ => hex_upper(&sha1(tbs.subject_public_key_info().subject_public_key.raw_bytes()), " "),
        }
    }

    fn public_key(&self) -> Option<PublicKey> {
        let spki = self.parsed.tbs_certificate().subject_public_key_info().to_der().ok()?;
        PublicKey::from_spki_der(&spki).ok()
    }

    fn is_self_issued(&self) -> bool {
        self.parsed.tbs_certificate().issuer() == self.parsed.tbs_certificate().subject()
    }

    /// Whether it may sign certificates below which there are `below` further authorities.
    fn may_issue(&self, below: usize) -> bool {
        let tbs = self.parsed.tbs_certificate();
        let Ok(Some((_, constraints))) = tbs.get_extension::<BasicConstraints>() else { return false };
        let long_enough = constraints.path_len_constraint.is_none_or(|most| below <= usize::from(most));
        let may_sign = match tbs.get_extension::<KeyUsage>() {
            Ok(None) => true,
            Ok(Some((_, usage))) => usage.key_cert_sign(),
            Err(_) => false,
        };
        constraints.ca && long_enough && may_sign
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.subject())
    }
}

/// The identifier of a public key that no certificate names: SHA-1 of the key (RFC 5280, 4.2.1.2).
pub fn key_identifier(key: &PublicKey) -> String {
    let bits = x509_cert::spki::SubjectPublicKeyInfoOwned::from_der(key.der());
    bits.map(|spki| hex_upper(&sha1(spki.subject_public_key.raw_bytes()), " ")).unwrap_or_default()
}

fn seconds(time: x509_cert::time::Time) -> i64 {
    i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}

fn hex_upper(bytes: &[u8], between: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(between)
}

const SHA_256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const ECDSA_WITH_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
/// GM/T 0006-2012.
const SM2_WITH_SM3: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.501");

#[cfg(test)]
mod tests;
