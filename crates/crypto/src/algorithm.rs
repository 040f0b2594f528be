//! The algorithms of asymmetric, MAC and wrapping operations, exactly as the API names them.
//!
//! Each table here is in the order of its enum. Facts of an algorithm are its columns.

use crate::spec::{KeySpec, Primitive};

/// `ALL`, `name`, `FromStr` and `Display` of an enum whose rows have its wire names, in its order.
macro_rules! named_by_table {
    ($type:ident, $rows:ident, $what:literal, [$($variant:ident),+ $(,)?]) => {
        impl $type {
            #[doc = concat!("Every ", $what, ".")]
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name on the wire.
            pub fn name(self) -> &'static str {
                self.row().wire
            }

            // INVARIANT: a test holds that the table has a row at each discriminant.
            fn row(self) -> &'static Row<Self> {
                &$rows[self as usize]
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::error::CryptoError;

            /// Exact and case-sensitive.
            fn from_str(name: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().copied().find(|known| known.name() == name);
                known.ok_or($crate::error::CryptoError::InvalidInput(concat!("unknown ", $what)))
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

mod wrapping;

pub(crate) use wrapping::{Envelope, Transport};
pub use wrapping::{WrappingAlgorithm, WrappingKeySpec};

const RSA: &[KeySpec] = &[KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096];
const EC: &[KeySpec] = &[KeySpec::EcP256, KeySpec::EcP256k];
const SM2: &[KeySpec] = &[KeySpec::EcSm2];

/// The greatest ciphertext of the elliptic-curve algorithms, in bytes; with the overhead of `SM2PKE` it gives the
/// documented 6,047 bytes of plaintext.
const EC_CIPHERTEXT_BYTES: usize = 6144;

trait Columns {
    type Facts: 'static;
}

struct Row<T: Columns> {
    wire: &'static str,
    facts: T::Facts,
}

/// How a digest is signed. Every algorithm takes a digest of 32 bytes, and the digest is never hashed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// `RSA_PSS_SHA_256`: MGF1 with SHA-256, salt of 32 bytes. The default of RSA keys.
    RsaPssSha256,
    /// `RSA_PKCS1_SHA_256`: the digest is wrapped in a DigestInfo.
    RsaPkcs1Sha256,
    /// `ECDSA_SHA_256`: signature in DER.
    EcdsaSha256,
    /// `SM2DSA`: the digest is e = SM3(Z_A ‖ M); signature in DER.
    Sm2Dsa,
}

impl Columns for SignatureAlgorithm {
    /// The specs it fits.
    type Facts = &'static [KeySpec];
}

static SIGNATURES: [Row<SignatureAlgorithm>; 4] = [
    Row { wire: "RSA_PSS_SHA_256", facts: RSA },
    Row { wire: "RSA_PKCS1_SHA_256", facts: RSA },
    Row { wire: "ECDSA_SHA_256", facts: EC },
    Row { wire: "SM2DSA", facts: SM2 },
];

named_by_table!(
    SignatureAlgorithm,
    SIGNATURES,
    "signature algorithm",
    [RsaPssSha256, RsaPkcs1Sha256, EcdsaSha256, Sm2Dsa]
);

impl SignatureAlgorithm {
    /// Whether keys of `spec` sign with it.
    pub fn fits(self, spec: KeySpec) -> bool {
        self.row().facts.contains(&spec)
    }

    /// The algorithm used when a caller names none; `None` for specs that cannot sign.
    pub fn default_for(spec: KeySpec) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.fits(spec))
    }
}

/// How data is encrypted under a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EncryptionAlgorithm {
    /// `RSAES_OAEP_SHA_256`: hash and MGF1 SHA-256, empty label. The default of RSA keys.
    RsaesOaepSha256,
    /// `RSAES_OAEP_SHA_1`: hash and MGF1 SHA-1, empty label.
    RsaesOaepSha1,
    /// `SM2PKE`: GB/T 32918.4 with SM3; C1 ‖ C3 ‖ C2.
    Sm2Pke,
    /// `ECIES_DH_SHA_1_XOR_HMAC`: SEC 1 version 2, section 5.1.
    EciesDhSha1XorHmac,
}

impl Columns for EncryptionAlgorithm {
    /// The specs it fits, and by how many bytes a ciphertext exceeds the longest plaintext.
    type Facts = (&'static [KeySpec], usize);
}

static ENCRYPTIONS: [Row<EncryptionAlgorithm>; 4] = [
    // RFC 8017, section 7.1.1: 2 hLen + 2.
    Row { wire: "RSAES_OAEP_SHA_256", facts: (RSA, 2 * 32 + 2) },
    Row { wire: "RSAES_OAEP_SHA_1", facts: (RSA, 2 * 20 + 2) },
    // An uncompressed point and an SM3 digest.
    Row { wire: "SM2PKE", facts: (SM2, 65 + 32) },
    // An uncompressed point and an HMAC-SHA-1 tag.
    Row { wire: "ECIES_DH_SHA_1_XOR_HMAC", facts: (EC, 65 + 20) },
];

named_by_table!(
    EncryptionAlgorithm,
    ENCRYPTIONS,
    "encryption algorithm",
    [RsaesOaepSha256, RsaesOaepSha1, Sm2Pke, EciesDhSha1XorHmac]
);

impl EncryptionAlgorithm {
    /// Whether keys of `spec` encrypt with it.
    pub fn fits(self, spec: KeySpec) -> bool {
        self.row().facts.0.contains(&spec)
    }

    /// The algorithm used when a caller names none; `None` for specs without asymmetric encryption.
    pub fn default_for(spec: KeySpec) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.fits(spec))
    }

    /// The longest plaintext in bytes under a key of `spec`; `None` when they do not fit. The limit of ECIES is not
    /// documented; it is the one that keeps its ciphertexts as short as those of SM2.
    pub fn max_plaintext_len(self, spec: KeySpec) -> Option<usize> {
        let (specs, overhead) = self.row().facts;
        let longest_ciphertext = match spec.primitive() {
            Primitive::Rsa { modulus_bits } => modulus_bits / 8,
            _ => EC_CIPHERTEXT_BYTES,
        };
        specs.contains(&spec).then(|| longest_ciphertext - overhead)
    }
}

/// How a message is authenticated with a MAC key; one for each MAC spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MacAlgorithm {
    /// `HMAC_SHA_224`.
    HmacSha224,
    /// `HMAC_SHA_256`.
    HmacSha256,
    /// `HMAC_SHA_384`.
    HmacSha384,
    /// `HMAC_SHA_512`.
    HmacSha512,
    /// `HMAC_SM3`.
    HmacSm3,
}

impl Columns for MacAlgorithm {
    /// The one spec it fits, and the length of a tag in bytes.
    type Facts = (KeySpec, usize);
}

static MACS: [Row<MacAlgorithm>; 5] = [
    Row { wire: "HMAC_SHA_224", facts: (KeySpec::HmacSha224, 28) },
    Row { wire: "HMAC_SHA_256", facts: (KeySpec::HmacSha256, 32) },
    Row { wire: "HMAC_SHA_384", facts: (KeySpec::HmacSha384, 48) },
    Row { wire: "HMAC_SHA_512", facts: (KeySpec::HmacSha512, 64) },
    Row { wire: "HMAC_SM3", facts: (KeySpec::HmacSm3, 32) },
];

named_by_table!(MacAlgorithm, MACS, "MAC algorithm", [HmacSha224, HmacSha256, HmacSha384, HmacSha512, HmacSm3]);

impl MacAlgorithm {
    /// Whether keys of `spec` make tags with it.
    pub fn fits(self, spec: KeySpec) -> bool {
        self.row().facts.0 == spec
    }

    /// The algorithm of a MAC spec; `None` for other specs.
    pub fn default_for(spec: KeySpec) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.fits(spec))
    }

    /// The length of a tag in bytes.
    pub fn tag_len(self) -> usize {
        self.row().facts.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::KeyClass;

    fn holds<T>(all: &[T], discriminant: fn(T) -> usize, name: fn(T) -> &'static str)
    where
        T: Copy + PartialEq + std::fmt::Debug + std::str::FromStr,
    {
        for (position, one) in all.iter().copied().enumerate() {
            assert_eq!(discriminant(one), position, "{one:?}");
            assert_eq!(name(one).parse().ok(), Some(one));
            assert!(name(one).to_lowercase().parse::<T>().is_err());
        }
    }

    #[test]
    fn the_tables_are_in_the_order_of_the_enums() {
        holds(SignatureAlgorithm::ALL, |one| one as usize, SignatureAlgorithm::name);
        holds(EncryptionAlgorithm::ALL, |one| one as usize, EncryptionAlgorithm::name);
        holds(MacAlgorithm::ALL, |one| one as usize, MacAlgorithm::name);
        holds(WrappingKeySpec::ALL, |one| one as usize, WrappingKeySpec::name);
        holds(WrappingAlgorithm::ALL, |one| one as usize, WrappingAlgorithm::name);
        assert_eq!(SignatureAlgorithm::RsaPssSha256.name(), "RSA_PSS_SHA_256");
        assert_eq!(WrappingAlgorithm::Sm2PkeSm4Ecb.name(), "SM2PKE_SM4_ECB");
    }

    #[test]
    fn plaintexts_have_the_documented_limits() {
        let limit = EncryptionAlgorithm::max_plaintext_len;
        assert_eq!(limit(EncryptionAlgorithm::RsaesOaepSha256, KeySpec::Rsa2048), Some(190));
        assert_eq!(limit(EncryptionAlgorithm::RsaesOaepSha1, KeySpec::Rsa2048), Some(214));
        assert_eq!(limit(EncryptionAlgorithm::RsaesOaepSha256, KeySpec::Rsa3072), Some(318));
        assert_eq!(limit(EncryptionAlgorithm::RsaesOaepSha1, KeySpec::Rsa3072), Some(342));
        assert_eq!(limit(EncryptionAlgorithm::RsaesOaepSha256, KeySpec::Rsa4096), Some(446));
        assert_eq!(limit(EncryptionAlgorithm::Sm2Pke, KeySpec::EcSm2), Some(6047));
        assert_eq!(limit(EncryptionAlgorithm::Sm2Pke, KeySpec::Rsa2048), None);
    }

    #[test]
    fn every_spec_has_the_default_of_its_class() {
        for spec in KeySpec::ALL {
            let asymmetric = spec.class() == KeyClass::Asymmetric;
            assert_eq!(SignatureAlgorithm::default_for(spec).is_some(), asymmetric);
            assert_eq!(EncryptionAlgorithm::default_for(spec).is_some(), asymmetric);
            assert_eq!(MacAlgorithm::default_for(spec).is_some(), spec.class() == KeyClass::Mac);
            assert_eq!(WrappingAlgorithm::ALL.iter().any(|wrapping| wrapping.fits(spec)), spec.importable());
        }
    }
}
