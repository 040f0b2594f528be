//! Certificates with their private keys: the older operations of the API (keys reference, 15).

mod certificate_private_key_decrypt;
mod certificate_private_key_sign;
mod certificate_public_key_encrypt;
mod certificate_public_key_verify;
mod create_certificate;
mod delete_certificate;
mod describe_certificate;
mod get_certificate;
mod message;
mod tags;
mod update_certificate_status;
mod upload_certificate;

pub(crate) use certificate_private_key_decrypt::CertificatePrivateKeyDecrypt;
pub(crate) use certificate_private_key_sign::CertificatePrivateKeySign;
pub(crate) use certificate_public_key_encrypt::CertificatePublicKeyEncrypt;
pub(crate) use certificate_public_key_verify::CertificatePublicKeyVerify;
pub(crate) use create_certificate::CreateCertificate;
pub(crate) use delete_certificate::DeleteCertificate;
pub(crate) use describe_certificate::DescribeCertificate;
pub(crate) use get_certificate::GetCertificate;
pub(crate) use tags::{put_tags, remove_tags};
pub(crate) use update_certificate_status::UpdateCertificateStatus;
pub(crate) use upload_certificate::UploadCertificate;

use sesame_crypto::{EncryptionAlgorithm, PublicKey, SignatureAlgorithm, UnlockedKey};
use sesame_domain::certificate::{Certificate, CertificateStatus};
use sesame_store::{Tx, certificates};

use crate::context::Context;
use crate::error::{Code, KmsError, Result};
use crate::workers::Work;

/// Refuses a certificate whose status is none of these.
fn has_status(certificate: &Certificate, any_of: &[CertificateStatus]) -> Result<()> {
    if any_of.contains(&certificate.status) {
        return Ok(());
    }
    Err(KmsError::invalid("CertificateId", format_args!("the status of the certificate is {}", certificate.status)))
}

/// Refuses a signature algorithm of another kind of key.
fn can_sign(certificate: &Certificate, algorithm: SignatureAlgorithm) -> Result<()> {
    if algorithm.fits(certificate.spec) {
        return Ok(());
    }
    Err(KmsError::invalid("Algorithm", format_args!("a key of {} does not sign with it", certificate.spec)))
}

/// Refuses an encryption algorithm of another kind of key. The older operations know none for elliptic curves but SM2.
fn can_encrypt(certificate: &Certificate, algorithm: EncryptionAlgorithm) -> Result<()> {
    if algorithm.fits(certificate.spec) && algorithm != EncryptionAlgorithm::EciesDhSha1XorHmac {
        return Ok(());
    }
    Err(KmsError::invalid("Algorithm", format_args!("a key of {} does not encrypt with it", certificate.spec)))
}

/// Does `job` with the private key of a certificate.
async fn with_private_key<T: Send + 'static>(
    cx: &Context<'_>,
    certificate: &Certificate,
    job: impl FnOnce(&UnlockedKey) -> T + Send + 'static,
) -> Result<T> {
    let material = certificates::private_key(&mut cx.store().reader().await?, &certificate.id).await?;
    let (material, spec) = (material.ok_or(Code::CertificateNotFound)?, certificate.spec);
    let work = move || UnlockedKey::from_material(spec, &material).map(|key| job(&key));
    Ok(cx.workers().run(Work::Private, spec, work).await??)
}

/// Does `job` with the public key of a certificate.
async fn with_public_key<T: Send + 'static>(
    cx: &Context<'_>,
    certificate: &Certificate,
    job: impl FnOnce(&PublicKey) -> T + Send + 'static,
) -> Result<T> {
    let key = PublicKey::from_spki_der(&certificate.public_key)?;
    cx.workers().run(Work::Public, certificate.spec, move || job(&key)).await
}

/// The certificate as the transaction sees it: what was authorized may have changed since.
async fn for_write(tx: &mut Tx<'_>, id: &str) -> Result<Certificate> {
    certificates::get(tx, id).await?.ok_or_else(|| Code::CertificateNotFound.into())
}
