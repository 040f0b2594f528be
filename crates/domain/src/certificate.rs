//! Certificates with their private keys (keys reference, 15).

use std::fmt;
use std::str::FromStr;

use sesame_crypto::spec::KeySpec;

use crate::{AccountId, InvalidId, Timestamp};

/// A certificate: everything but its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// A lower-case UUID.
    pub id: String,
    /// The account that owns it.
    pub account: AccountId,
    /// Algorithm and size of its key pair.
    pub spec: KeySpec,
    /// The present status.
    pub status: CertificateStatus,
    /// The subject asked for, in the text form of RFC 2253.
    pub subject: String,
    /// The domain names asked for.
    pub alternative_names: Vec<String>,
    /// What its creator said about exporting the private key; no operation exports it.
    pub exportable: bool,
    /// The public key, as SubjectPublicKeyInfo in DER.
    pub public_key: Vec<u8>,
    /// The signing request in PEM.
    pub csr: String,
    /// The certificate in PEM; empty until it is uploaded.
    pub certificate: String,
    /// The certificates above it in PEM; may be empty.
    pub chain: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The status of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateStatus {
    /// A signing request only.
    Pending,
    /// Usable.
    Active,
    /// Kept, not usable.
    Inactive,
    /// For ever good for verification only.
    Revoked,
}

impl CertificateStatus {
    /// Every status.
    pub const ALL: &'static [Self] = &[Self::Pending, Self::Active, Self::Inactive, Self::Revoked];

    /// The name on the wire and in storage.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::Revoked => "REVOKED",
        }
    }

    /// Whether a user may move a certificate from this status to another.
    pub fn can_become(self, to: Self) -> bool {
        match (self, to) {
            (Self::Active | Self::Inactive, Self::Active | Self::Inactive | Self::Revoked) => true,
            (from, to) => from == to && from == Self::Revoked,
        }
    }
}

impl FromStr for CertificateStatus {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::ALL.iter().copied().find(|status| status.name() == text).ok_or(InvalidId)
    }
}

impl fmt::Display for CertificateStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revoked_certificate_stays_revoked_and_a_pending_one_waits() {
        use CertificateStatus::{Active, Inactive, Pending, Revoked};
        for (from, to) in [(Active, Inactive), (Inactive, Active), (Inactive, Revoked), (Active, Active)] {
            assert!(from.can_become(to), "{from} {to}");
        }
        for (from, to) in
            [(Revoked, Active), (Revoked, Inactive), (Pending, Active), (Pending, Revoked), (Active, Pending)]
        {
            assert!(!from.can_become(to), "{from} {to}");
        }
    }
}
