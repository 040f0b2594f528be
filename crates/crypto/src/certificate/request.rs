//! Signing requests (PKCS#10, RFC 2986).

use x509_cert::attr::Attributes;
use x509_cert::der::asn1::{BitString, Ia5String, Null, OctetString, SetOfVec};
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::der::{Any, Decode as _, Encode as _};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::request::{CertReq, CertReqInfo, ExtensionReq, Version};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use super::{CertificateError, ECDSA_WITH_SHA_256, SHA_256_WITH_RSA, SM2_WITH_SM3, SubjectName};
use crate::algorithm::SignatureAlgorithm;
use crate::digest::sha256;
use crate::error::CryptoError;
use crate::material::UnlockedKey;
use crate::spec::KeySpec;

/// A domain name, with or without a leading `*.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsName(String);

impl DnsName {
    /// Reads a domain name (RFC 1123, section 2.1).
    pub fn parse(text: &str) -> Result<Self, CertificateError> {
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let name = text.strip_prefix("*.").unwrap_or(text);
        if text.len() <= 253 && name.split('.').all(label) {
            Ok(Self(text.to_owned()))
        } else {
            Err(CertificateError::new(format!("{text:?} is not a domain name")))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A signing request for a key, in PEM. [`CryptoError::WrongKey`] for specs that certificates are not made for.
pub fn signing_request(key: &UnlockedKey, subject: &SubjectName, dns_names: &[DnsName]) -> Result<String, CryptoError> {
    let info = CertReqInfo {
        version: Version::V1,
        subject: subject.0.clone(),
        public_key: SubjectPublicKeyInfoOwned::from_der(key.public_key_der()?).map_err(internal)?,
        attributes: attributes(dns_names).map_err(internal)?,
    };
    let signed_part = info.to_der().map_err(internal)?;
    let (signature, algorithm) = match key.spec() {
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => {
            let parameters = Some(Any::from(Null));
            (SignatureAlgorithm::RsaPkcs1Sha256, AlgorithmIdentifierOwned { oid: SHA_256_WITH_RSA, parameters })
        }
        KeySpec::EcP256 => {
            (SignatureAlgorithm::EcdsaSha256, AlgorithmIdentifierOwned { oid: ECDSA_WITH_SHA_256, parameters: None })
        }
        KeySpec::EcSm2 => {
            (SignatureAlgorithm::Sm2Dsa, AlgorithmIdentifierOwned { oid: SM2_WITH_SM3, parameters: None })
        }
        _ => return Err(CryptoError::WrongKey),
    };
    let digest = match signature {
        SignatureAlgorithm::Sm2Dsa => key.public_key()?.sm2_message_digest(&signed_part)?,
        _ => sha256(&signed_part),
    };
    let signature = BitString::from_bytes(&key.sign_digest(signature, &digest)?).map_err(internal)?;
    let request = CertReq { info, algorithm, signature };
    Ok(crate::public_key::pem("CERTIFICATE REQUEST", &request.to_der().map_err(internal)?))
}

fn attributes(dns_names: &[DnsName]) -> x509_cert::der::Result<Attributes> {
    if dns_names.is_empty() {
        return Ok(Attributes::default());
    }
    let names = dns_names.iter().map(|name| Ia5String::new(name.as_str()).map(GeneralName::DnsName));
    let names = SubjectAltName(names.collect::<x509_cert::der::Result<_>>()?);
    let extension =
        Extension { extn_id: SubjectAltName::OID, critical: false, extn_value: OctetString::new(names.to_der()?)? };
    let mut attributes = SetOfVec::new();
    attributes.insert(ExtensionReq(vec![extension]).try_into()?)?;
    Ok(attributes)
}

fn internal(_: x509_cert::der::Error) -> CryptoError {
    CryptoError::Internal
}
