//! Key specs and usages, exactly as the API names them.
//!
//! Facts of a spec are columns of one table; code that needs a new fact adds a column.

use std::fmt;
use std::str::FromStr;

use crate::aead::AeadAlgorithm;
use crate::error::CryptoError;
use crate::hmac::HmacHash;

/// What a key is: algorithm and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeySpec {
    /// `Aliyun_AES_256`: the default of `CreateKey`.
    Aes256,
    /// `Aliyun_AES_192`.
    Aes192,
    /// `Aliyun_AES_128`.
    Aes128,
    /// `Aliyun_SM4`.
    Sm4,
    /// `RSA_2048`.
    Rsa2048,
    /// `RSA_3072`.
    Rsa3072,
    /// `RSA_4096`.
    Rsa4096,
    /// `EC_P256`: NIST P-256.
    EcP256,
    /// `EC_P256K`: secp256k1.
    EcP256k,
    /// `EC_SM2`: the curve of GB/T 32918.5.
    EcSm2,
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

/// What a key may be used for, fixed when it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyUsage {
    /// `ENCRYPT/DECRYPT`.
    EncryptDecrypt,
    /// `SIGN/VERIFY`.
    SignVerify,
    /// `GENERATE_MAC/VERIFY_MAC`.
    GenerateVerifyMac,
}

/// The kind of a key, which decides the operations that fit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyClass {
    /// One secret that encrypts and decrypts.
    Symmetric,
    /// A private key with its public key.
    Asymmetric,
    /// One secret that authenticates messages.
    Mac,
}

/// The primitive behind a spec, with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Primitive {
    Aead(AeadAlgorithm),
    Rsa { modulus_bits: usize },
    Ec(Curve),
    Sm2,
    Hmac(HmacHash),
}

/// Curves of the ECDSA keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Curve {
    P256,
    Secp256k1,
}

#[derive(Debug)]
struct Row {
    spec: KeySpec,
    wire: &'static str,
    class: KeyClass,
    /// The first is the default.
    usages: &'static [KeyUsage],
    /// Bytes of the serialised material; `None` where it is a PKCS#8 structure of varying length.
    material_bytes: Option<usize>,
    importable: bool,
    primitive: Primitive,
}

const CIPHER: &[KeyUsage] = &[KeyUsage::EncryptDecrypt];
const SIGNER: &[KeyUsage] = &[KeyUsage::SignVerify, KeyUsage::EncryptDecrypt];
const MAC: &[KeyUsage] = &[KeyUsage::GenerateVerifyMac];

const fn symmetric(spec: KeySpec, wire: &'static str, bytes: usize, algorithm: AeadAlgorithm) -> Row {
    Row {
        spec,
        wire,
        class: KeyClass::Symmetric,
        usages: CIPHER,
        material_bytes: Some(bytes),
        importable: true,
        primitive: Primitive::Aead(algorithm),
    }
}

const fn asymmetric(spec: KeySpec, wire: &'static str, material_bytes: Option<usize>, primitive: Primitive) -> Row {
    Row { spec, wire, class: KeyClass::Asymmetric, usages: SIGNER, material_bytes, importable: true, primitive }
}

/// The key is as long as the output of its hash, as RFC 2104 section 3 recommends.
const fn mac(spec: KeySpec, wire: &'static str, bytes: usize, hash: HmacHash) -> Row {
    Row {
        spec,
        wire,
        class: KeyClass::Mac,
        usages: MAC,
        material_bytes: Some(bytes),
        importable: false,
        primitive: Primitive::Hmac(hash),
    }
}

/// In the order of [`KeySpec`].
static ROWS: [Row; 15] = [
    symmetric(KeySpec::Aes256, "Aliyun_AES_256", 32, AeadAlgorithm::Aes256Gcm),
    symmetric(KeySpec::Aes192, "Aliyun_AES_192", 24, AeadAlgorithm::Aes192Gcm),
    symmetric(KeySpec::Aes128, "Aliyun_AES_128", 16, AeadAlgorithm::Aes128Gcm),
    symmetric(KeySpec::Sm4, "Aliyun_SM4", 16, AeadAlgorithm::Sm4Gcm),
    asymmetric(KeySpec::Rsa2048, "RSA_2048", None, Primitive::Rsa { modulus_bits: 2048 }),
    asymmetric(KeySpec::Rsa3072, "RSA_3072", None, Primitive::Rsa { modulus_bits: 3072 }),
    asymmetric(KeySpec::Rsa4096, "RSA_4096", None, Primitive::Rsa { modulus_bits: 4096 }),
    asymmetric(KeySpec::EcP256, "EC_P256", None, Primitive::Ec(Curve::P256)),
    asymmetric(KeySpec::EcP256k, "EC_P256K", None, Primitive::Ec(Curve::Secp256k1)),
    asymmetric(KeySpec::EcSm2, "EC_SM2", Some(32), Primitive::Sm2),
    mac(KeySpec::HmacSha224, "HMAC_SHA_224", 28, HmacHash::Sha224),
    mac(KeySpec::HmacSha256, "HMAC_SHA_256", 32, HmacHash::Sha256),
    mac(KeySpec::HmacSha384, "HMAC_SHA_384", 48, HmacHash::Sha384),
    mac(KeySpec::HmacSha512, "HMAC_SHA_512", 64, HmacHash::Sha512),
    mac(KeySpec::HmacSm3, "HMAC_SM3", 32, HmacHash::Sm3),
];

impl KeySpec {
    /// Every spec, in the order of the table.
    pub const ALL: [Self; 15] = [
        Self::Aes256,
        Self::Aes192,
        Self::Aes128,
        Self::Sm4,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::EcP256,
        Self::EcP256k,
        Self::EcSm2,
        Self::HmacSha224,
        Self::HmacSha256,
        Self::HmacSha384,
        Self::HmacSha512,
        Self::HmacSm3,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        self.row().wire
    }

    /// The kind of key.
    pub fn class(self) -> KeyClass {
        self.row().class
    }

    /// Whether a key of this spec may be created for `usage`.
    pub fn allows(self, usage: KeyUsage) -> bool {
        self.usages().contains(&usage)
    }

    /// The usages a key of this spec may be created for, the default first.
    pub fn usages(self) -> &'static [KeyUsage] {
        self.row().usages
    }

    /// The usage of a key created without one: signing where the spec can sign.
    pub fn default_usage(self) -> KeyUsage {
        if self.allows(KeyUsage::SignVerify) {
            return KeyUsage::SignVerify;
        }
        self.usages().first().copied().unwrap_or(KeyUsage::EncryptDecrypt)
    }

    /// The length in bytes of the serialised material; `None` for RSA, `EC_P256` and `EC_P256K`, whose material is
    /// a PKCS#8 structure in DER.
    pub fn material_len(self) -> Option<usize> {
        self.row().material_bytes
    }

    /// Whether a rotation policy can be set on keys of this spec: symmetric ones only.
    pub fn can_rotate_automatically(self) -> bool {
        self.class() == KeyClass::Symmetric
    }

    /// Whether a key of this spec can have the origin `EXTERNAL`.
    pub fn importable(self) -> bool {
        self.row().importable
    }

    pub(crate) fn primitive(self) -> Primitive {
        self.row().primitive
    }

    #[expect(clippy::indexing_slicing, reason = "a test holds that the table has a row at each discriminant")]
    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }
}

impl FromStr for KeySpec {
    type Err = CryptoError;

    /// Exact and case-sensitive.
    fn from_str(name: &str) -> Result<Self, CryptoError> {
        let row = ROWS.iter().find(|row| row.wire == name);
        row.map(|row| row.spec).ok_or(CryptoError::InvalidInput("unknown key spec"))
    }
}

impl fmt::Display for KeySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl KeyUsage {
    /// Every usage.
    pub const ALL: [Self; 3] = [Self::EncryptDecrypt, Self::SignVerify, Self::GenerateVerifyMac];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::EncryptDecrypt => "ENCRYPT/DECRYPT",
            Self::SignVerify => "SIGN/VERIFY",
            Self::GenerateVerifyMac => "GENERATE_MAC/VERIFY_MAC",
        }
    }
}

impl FromStr for KeyUsage {
    type Err = CryptoError;

    /// Exact and case-sensitive.
    fn from_str(name: &str) -> Result<Self, CryptoError> {
        Self::ALL.into_iter().find(|usage| usage.name() == name).ok_or(CryptoError::InvalidInput("unknown key usage"))
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (position, spec) in KeySpec::ALL.into_iter().enumerate() {
            assert_eq!(spec as usize, position);
            assert_eq!(ROWS[position].spec, spec);
            assert_eq!(spec.name().parse(), Ok(spec));
            assert!(spec.allows(spec.default_usage()));
        }
    }

    #[test]
    fn names_are_case_sensitive() {
        assert!("rsa_2048".parse::<KeySpec>().is_err());
        assert!("".parse::<KeySpec>().is_err());
        assert!("sign/verify".parse::<KeyUsage>().is_err());
        assert_eq!("SIGN/VERIFY".parse(), Ok(KeyUsage::SignVerify));
    }

    #[test]
    fn usages_follow_the_spec() {
        assert_eq!(KeySpec::Rsa2048.default_usage(), KeyUsage::SignVerify);
        assert!(KeySpec::EcP256.allows(KeyUsage::EncryptDecrypt));
        assert!(!KeySpec::Aes256.allows(KeyUsage::SignVerify));
        assert!(!KeySpec::HmacSm3.importable() && KeySpec::EcSm2.importable());
        assert_eq!(KeySpec::ALL.into_iter().filter(|spec| spec.can_rotate_automatically()).count(), 4);
    }
}
