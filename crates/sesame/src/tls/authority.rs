//! The CA of a data folder.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use sesame_crypto::random::alphanumeric;
use sesame_crypto::{SecretText, SystemRandom};

use crate::data_folder::{CA_CERTIFICATE, CA_KEY, DataFolder, PRIVATE, PUBLIC};

const DAY: Duration = Duration::from_secs(86_400);
/// Long enough that nobody has to hand out another one during the life of a machine.
const CA_DAYS: u32 = 20 * 365;
/// The longest that common clients accept for a server's certificate is 398 days.
const LEAF_DAYS: u32 = 397;

/// The CA, ready to issue.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl Authority {
    /// Reads the CA of the folder; makes it at the first start.
    pub(super) fn open(folder: &DataFolder) -> Result<Self> {
        let key = folder.read(CA_KEY)?.map(SecretText::new);
        match (folder.read(CA_CERTIFICATE)?, key) {
            (Some(certificate), Some(key)) => Self::load(&certificate, &key)
                .with_context(|| format!("{CA_CERTIFICATE} and {CA_KEY} in {}", folder.path().display())),
            (Some(_), None) => bail!(
                "{} is there without {CA_KEY}, so no certificate can be issued; put the key back, or remove \
                 {CA_CERTIFICATE} to get a new CA, or set tls.certificate and tls.key",
                folder.file(CA_CERTIFICATE).display()
            ),
            // A start that was cut short between the two files: the certificate is made again for the same key.
            (None, Some(key)) => Self::make(folder, key_pair(&key)?),
            (None, None) => {
                let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
                folder.write(CA_KEY, PRIVATE, SecretText::new(key.serialize_pem()).expose())?;
                Self::make(folder, key)
            }
        }
    }

    /// A new key and a certificate for it, valid for `names` and shown together with nothing else.
    pub(super) fn issue(&self, names: &[String]) -> Result<CertifiedKey> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "Sesame");
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        validity(&mut params, LEAF_DAYS);
        let certificate = params.signed_by(&key, &self.issuer)?;
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(CertifiedKey::new(vec![certificate.der().clone()], aws_lc_rs::sign::any_supported_type(&der)?))
    }

    fn load(certificate: &str, key: &SecretText) -> Result<Self> {
        Ok(Self { issuer: Issuer::from_ca_cert_pem(certificate, key_pair(key)?)? })
    }

    fn make(folder: &DataFolder, key: KeyPair) -> Result<Self> {
        let mut params = CertificateParams::default();
        // A name of its own for each CA: clients that trust several look them up by name.
        let name = format!("Sesame CA {}", alphanumeric(&SystemRandom, 8)?);
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.use_authority_key_identifier_extension = true;
        validity(&mut params, CA_DAYS);
        let certificate = params.self_signed(&key)?;
        folder.write(CA_CERTIFICATE, PUBLIC, &certificate.pem())?;
        Ok(Self { issuer: Issuer::new(params, key) })
    }
}

fn key_pair(pem: &SecretText) -> Result<KeyPair> {
    // EXPOSE: the parser takes a text; it keeps the parsed key only.
    KeyPair::from_pem(pem.expose()).context("the private key of the CA cannot be read")
}

/// From a day ago, for clients whose clocks are behind.
fn validity(params: &mut CertificateParams, days: u32) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = date_time_ymd(1970, 1, 1);
    // Whole seconds, because the encoding has no fractions.
    let now = Duration::from_secs(now.as_secs());
    params.not_before = epoch + now.saturating_sub(DAY);
    params.not_after = epoch + now + DAY * days;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_is_made_once_and_read_again() {
        let path = std::env::temp_dir().join(format!("sesame-ca-{}", std::process::id()));
        let folder = DataFolder::open(&path).unwrap();
        let names = ["localhost".to_owned(), "::1".to_owned()];
        Authority::open(&folder).unwrap().issue(&names).unwrap().keys_match().unwrap();
        let first = folder.read(CA_CERTIFICATE).unwrap();
        Authority::open(&folder).unwrap().issue(&names).unwrap();
        assert_eq!(folder.read(CA_CERTIFICATE).unwrap(), first);

        folder.remove(CA_CERTIFICATE).unwrap();
        Authority::open(&folder).unwrap();
        folder.remove(CA_KEY).unwrap();
        assert!(Authority::open(&folder).unwrap_err().to_string().contains("without ca.key"));
        std::fs::remove_dir_all(&path).unwrap();
    }
}
