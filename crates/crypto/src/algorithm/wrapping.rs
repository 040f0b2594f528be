//! How key material is wrapped for import.

use super::{Columns, EncryptionAlgorithm, Row};
use crate::spec::{KeyClass, KeySpec};

/// The kind of key pair under which key material is wrapped for import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WrappingKeySpec {
    /// `RSA_2048`.
    Rsa2048,
    /// `EC_SM2`.
    EcSm2,
}

impl Columns for WrappingKeySpec {
    type Facts = KeySpec;
}

static WRAPPING_KEYS: [Row<WrappingKeySpec>; 2] =
    [Row { wire: "RSA_2048", facts: KeySpec::Rsa2048 }, Row { wire: "EC_SM2", facts: KeySpec::EcSm2 }];

named_by_table!(WrappingKeySpec, WRAPPING_KEYS, "wrapping key spec", [Rsa2048, EcSm2]);

impl WrappingKeySpec {
    /// The spec of the key pair.
    pub fn key_spec(self) -> KeySpec {
        self.row().facts
    }
}

/// How key material is wrapped for import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WrappingAlgorithm {
    /// `RSAES_PKCS1_V1_5`: the raw symmetric key.
    RsaesPkcs1V15,
    /// `RSAES_OAEP_SHA_1`: the raw symmetric key.
    RsaesOaepSha1,
    /// `RSAES_OAEP_SHA_256`: the raw symmetric key.
    RsaesOaepSha256,
    /// `SM2PKE`: the raw symmetric key.
    Sm2Pke,
    /// `RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD`: an AES-256 key, then a private key in PKCS#8 under it.
    RsaesOaepSha256Aes256EcbPkcs7Pad,
    /// `SM2PKE_SM4_ECB`: an SM4 key, then a private key under it: 32 bytes without padding for `EC_SM2`, PKCS#8 padded
    /// with PKCS#7 for the others.
    Sm2PkeSm4Ecb,
}

/// How the first, or only, part of wrapped material is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Pkcs1,
    Asymmetric(EncryptionAlgorithm),
}

/// What is in the first part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Envelope {
    /// The material itself.
    Direct,
    /// An AES-256 key; AES-256-ECB of the material follows.
    Aes256Ecb,
    /// An SM4 key; SM4-ECB of the material follows.
    Sm4Ecb,
}

#[derive(Clone, Copy)]
pub(crate) struct Wrapping {
    pub(crate) key: WrappingKeySpec,
    pub(crate) target: KeyClass,
    pub(crate) transport: Transport,
    pub(crate) envelope: Envelope,
}

impl Columns for WrappingAlgorithm {
    type Facts = Wrapping;
}

const fn wrapping(
    wire: &'static str,
    key: WrappingKeySpec,
    transport: Transport,
    envelope: Envelope,
) -> Row<WrappingAlgorithm> {
    let target = if matches!(envelope, Envelope::Direct) { KeyClass::Symmetric } else { KeyClass::Asymmetric };
    Row { wire, facts: Wrapping { key, target, transport, envelope } }
}

const OAEP_SHA_1: Transport = Transport::Asymmetric(EncryptionAlgorithm::RsaesOaepSha1);
const OAEP_SHA_256: Transport = Transport::Asymmetric(EncryptionAlgorithm::RsaesOaepSha256);
const SM2PKE: Transport = Transport::Asymmetric(EncryptionAlgorithm::Sm2Pke);

static WRAPPINGS: [Row<WrappingAlgorithm>; 6] = [
    wrapping("RSAES_PKCS1_V1_5", WrappingKeySpec::Rsa2048, Transport::Pkcs1, Envelope::Direct),
    wrapping("RSAES_OAEP_SHA_1", WrappingKeySpec::Rsa2048, OAEP_SHA_1, Envelope::Direct),
    wrapping("RSAES_OAEP_SHA_256", WrappingKeySpec::Rsa2048, OAEP_SHA_256, Envelope::Direct),
    wrapping("SM2PKE", WrappingKeySpec::EcSm2, SM2PKE, Envelope::Direct),
    wrapping("RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD", WrappingKeySpec::Rsa2048, OAEP_SHA_256, Envelope::Aes256Ecb),
    wrapping("SM2PKE_SM4_ECB", WrappingKeySpec::EcSm2, SM2PKE, Envelope::Sm4Ecb),
];

named_by_table!(
    WrappingAlgorithm,
    WRAPPINGS,
    "wrapping algorithm",
    [RsaesPkcs1V15, RsaesOaepSha1, RsaesOaepSha256, Sm2Pke, RsaesOaepSha256Aes256EcbPkcs7Pad, Sm2PkeSm4Ecb,]
);

impl WrappingAlgorithm {
    /// The kind of key pair it needs.
    pub fn wrapping_key_spec(self) -> WrappingKeySpec {
        self.facts().key
    }

    /// Whether material of `target` keys can be wrapped with it.
    pub fn fits(self, target: KeySpec) -> bool {
        target.importable() && self.facts().target == target.class()
    }

    pub(crate) fn facts(self) -> Wrapping {
        self.row().facts
    }
}
