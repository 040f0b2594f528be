//! Checking a certificate and those above it.

use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use x509_cert::der::Decode as _;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::{Certificate, CertificateError, ECDSA_WITH_SHA_256, SHA_256_WITH_RSA, SM2_WITH_SM3};
use crate::algorithm::SignatureAlgorithm;

const SHA_384_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const SHA_512_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const ECDSA_WITH_SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_WITH_SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const ED_25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// Most certificates above the first.
const LONGEST: usize = 10;

/// Checks a certificate and the chain above it, from its issuer to a self-signed root. Without a chain, a certificate
/// that says it is its own issuer must have signed itself; nothing can be said of another.
pub fn check_chain(leaf: &Certificate, chain: &[Certificate], now_seconds: i64) -> Result<(), CertificateError> {
    if chain.len() > LONGEST {
        return Err(CertificateError::new(format!("a chain has {LONGEST} certificates at most")));
    }
    let all: Vec<&Certificate> = std::iter::once(leaf).chain(chain).collect();
    if let Some(expired) = all.iter().find(|certificate| certificate.not_after() < now_seconds) {
        return Err(about(expired, "has expired"));
    }
    for (below, (issued, issuer)) in all.iter().zip(all.iter().skip(1)).enumerate() {
        if issued.parsed.tbs_certificate().issuer() != issuer.parsed.tbs_certificate().subject() {
            return Err(about(issued, "was not issued by the one that follows it"));
        }
        if !issuer.may_issue(below) {
            return Err(about(issuer, "may not issue the one before it"));
        }
        if !is_signed_by(issued, issuer)? {
            return Err(about(issued, "does not have a signature of the one that follows it"));
        }
    }
    match all.last() {
        Some(last) if last.is_self_issued() => {
            if is_signed_by(last, last)? {
                Ok(())
            } else {
                Err(about(last, "did not sign itself"))
            }
        }
        Some(last) if !chain.is_empty() => Err(about(last, "is the last one and not a root")),
        _ => Ok(()),
    }
}

fn about(certificate: &Certificate, what: &str) -> CertificateError {
    CertificateError::new(format!("the certificate of {} {what}", certificate.subject()))
}

fn is_signed_by(issued: &Certificate, issuer: &Certificate) -> Result<bool, CertificateError> {
    let algorithm = issued.parsed.signature_algorithm();
    if algorithm != issued.parsed.tbs_certificate().signature() {
        return Ok(false);
    }
    let Some(signature) = issued.parsed.signature().as_bytes() else { return Ok(false) };
    if algorithm.oid == SM2_WITH_SM3 {
        let Some(key) = issuer.public_key() else { return Ok(false) };
        let Ok(digest) = key.sm2_message_digest(&issued.signed_part) else { return Ok(false) };
        return Ok(key.verify_digest(SignatureAlgorithm::Sm2Dsa, &digest, signature).unwrap_or(false));
    }
    let spki = issuer.parsed.tbs_certificate().subject_public_key_info();
    let curve = spki.algorithm.parameters.as_ref().and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
    let verification = verification(algorithm, curve)
        .ok_or_else(|| about(issued, "has a signature of an algorithm that is not supported"))?;
    let key = UnparsedPublicKey::new(verification, spki.subject_public_key.raw_bytes());
    Ok(key.verify(&issued.signed_part, signature).is_ok())
}

/// How to verify a signature. SHA-1 and what is older are not there on purpose.
fn verification(
    algorithm: &AlgorithmIdentifierOwned,
    curve: Option<ObjectIdentifier>,
) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (algorithm.oid, curve) {
        (SHA_256_WITH_RSA, _) => &RSA_PKCS1_2048_8192_SHA256,
        (SHA_384_WITH_RSA, _) => &RSA_PKCS1_2048_8192_SHA384,
        (SHA_512_WITH_RSA, _) => &RSA_PKCS1_2048_8192_SHA512,
        (RSA_PSS, _) => rsa_pss(algorithm)?,
        (ECDSA_WITH_SHA_256, Some(P256)) => &ECDSA_P256_SHA256_ASN1,
        (ECDSA_WITH_SHA_384, Some(P256)) => &ECDSA_P256_SHA384_ASN1,
        (ECDSA_WITH_SHA_256, Some(P384)) => &ECDSA_P384_SHA256_ASN1,
        (ECDSA_WITH_SHA_384, Some(P384)) => &ECDSA_P384_SHA384_ASN1,
        (ECDSA_WITH_SHA_512, Some(P521)) => &ECDSA_P521_SHA512_ASN1,
        (ED_25519, _) => &ED25519,
        _ => return None,
    })
}

/// The hash of RSASSA-PSS is in its parameters (RFC 4055, section 3.1).
fn rsa_pss(algorithm: &AlgorithmIdentifierOwned) -> Option<&'static signature::RsaParameters> {
    const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
    const SHA_384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
    const SHA_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
    let parameters = algorithm.parameters.as_ref()?.value();
    // [0] EXPLICIT AlgorithmIdentifier; the library checks that the rest is what belongs to the hash.
    let mut reader = crate::der::Reader::new(parameters);
    let hash = AlgorithmIdentifierOwned::from_der(reader.element(0xa0)?).ok()?;
    match hash.oid {
        SHA_256 => Some(&RSA_PSS_2048_8192_SHA256),
        SHA_384 => Some(&signature::RSA_PSS_2048_8192_SHA384),
        SHA_512 => Some(&signature::RSA_PSS_2048_8192_SHA512),
        _ => None,
    }
}
