//! Whom an issuer's server must be certified by: one of the certificates that the provider names by fingerprint, or whom
//! the operating system trusts when it names none.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use sesame_crypto::digest::{sha1, sha256, to_hex};

use super::Outcome;

/// TLS as a client that trusts by these fingerprints.
pub(super) fn client(system: Arc<Vec<CertificateDer<'static>>>, fingerprints: &[String]) -> Outcome<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| "TLS cannot be set up".to_owned())?;
    if fingerprints.is_empty() {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(system.iter().cloned());
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    }
    let fingerprints = fingerprints.iter().map(|text| normal(text)).collect();
    let pinned = Pinned { provider, fingerprints, system };
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(pinned)).with_no_client_auth())
}

/// Hex digits in one form, however they were written.
fn normal(fingerprint: &str) -> String {
    fingerprint.chars().filter(|c| *c != ':').map(|c| c.to_ascii_lowercase()).collect()
}

/// Verifies as usual, with the named certificates as the only roots. They are found among those that the server sends,
/// as the fingerprints that people take are of one of these, and among those of the operating system.
#[derive(Debug)]
struct Pinned {
    provider: Arc<CryptoProvider>,
    fingerprints: Vec<String>,
    system: Arc<Vec<CertificateDer<'static>>>,
}

impl Pinned {
    fn names(&self, certificate: &CertificateDer<'_>) -> bool {
        let digests = [to_hex(&sha256(certificate)), to_hex(&sha1(certificate))];
        digests.iter().any(|digest| self.fingerprints.contains(digest))
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let candidates = std::iter::once(end_entity).chain(intermediates).chain(self.system.iter());
        let mut roots = RootCertStore::empty();
        for certificate in candidates.filter(|certificate| self.names(certificate)) {
            // What is no certificate cannot be a root; the others still can.
            let _ = roots.add(certificate.clone().into_owned());
        }
        if roots.is_empty() {
            return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider));
        let verifier = verifier.build().map_err(|error| Error::Other(OtherError(Arc::new(error))))?;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
