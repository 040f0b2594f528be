//! Public keys: of our own asymmetric keys, and those a caller hands in to have a data key exported under.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::algorithm::{EncryptionAlgorithm, SignatureAlgorithm};
use crate::ec::{EcPublic, POINT_LEN};
use crate::ecies;
use crate::error::CryptoError;
use crate::random::SystemRandom;
use crate::rsa::RsaPublic;
use crate::sm2::Sm2Public;
use crate::spec::{Curve, KeySpec, Primitive};

/// What stands before the uncompressed point in a SubjectPublicKeyInfo: algorithm `id-ecPublicKey`, the named curve,
/// and the header of the bit string (RFC 5480; the curve of SM2 by GM/T 0006-2012).
static EC_PREFIXES: [(KeySpec, &[u8]); 3] = [
    (
        KeySpec::EcP256,
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00",
    ),
    (KeySpec::EcP256k, b"\x30\x56\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a\x03\x42\x00"),
    (
        KeySpec::EcSm2,
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d\x03\x42\x00",
    ),
];

const REFUSED: CryptoError = CryptoError::InvalidInput("public key");

/// A public key of one of the asymmetric specs, ready for use from any thread.
pub struct PublicKey {
    spec: KeySpec,
    spki: Box<[u8]>,
    state: State,
}

enum State {
    Rsa(Box<RsaPublic>),
    Ec(Box<EcPublic>),
    Sm2(Box<Sm2Public>),
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in DER. A key of another kind, size or curve than the specs have, or a point that
    /// is compressed or not on its curve, is [`CryptoError::InvalidInput`].
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, CryptoError> {
        let elliptic = EC_PREFIXES.iter().find_map(|(spec, prefix)| Some((*spec, spki.strip_prefix(*prefix)?)));
        let (spec, state) = match elliptic {
            Some((spec, point)) => (spec, State::from_point(spec, point.try_into().map_err(|_| REFUSED)?)?),
            None => {
                let (public, modulus_bits) = RsaPublic::from_spki(spki)?;
                let fits = |spec: &KeySpec| spec.primitive() == Primitive::Rsa { modulus_bits };
                (KeySpec::ALL.into_iter().find(fits).ok_or(REFUSED)?, State::Rsa(Box::new(public)))
            }
        };
        Ok(Self { spec, spki: spki.into(), state })
    }

    pub(crate) fn from_point(spec: KeySpec, point: &[u8; POINT_LEN]) -> Result<Self, CryptoError> {
        let (_, prefix) = EC_PREFIXES.iter().find(|(known, _)| *known == spec).ok_or(CryptoError::WrongKey)?;
        let spki = [*prefix, point].concat().into();
        Ok(Self { spec, spki, state: State::from_point(spec, point)? })
    }

    /// The spec of the key.
    pub fn spec(&self) -> KeySpec {
        self.spec
    }

    /// SubjectPublicKeyInfo in DER.
    pub fn der(&self) -> &[u8] {
        &self.spki
    }

    /// SubjectPublicKeyInfo in PEM: lines of 64 characters, with a final newline.
    pub fn pem(&self) -> String {
        pem("PUBLIC KEY", &self.spki)
    }

    /// Encrypts `plaintext`: [`CryptoError::WrongKey`] when the algorithm does not fit, [`CryptoError::TooLong`] above
    /// its limit, [`CryptoError::InvalidInput`] for an empty plaintext with `SM2PKE`.
    pub fn encrypt(&self, algorithm: EncryptionAlgorithm, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let max = algorithm.max_plaintext_len(self.spec).ok_or(CryptoError::WrongKey)?;
        if plaintext.len() > max {
            return Err(CryptoError::TooLong { max });
        }
        match &self.state {
            State::Rsa(key) => key.encrypt(algorithm, plaintext),
            State::Ec(key) => ecies::encrypt(key, plaintext),
            State::Sm2(key) => key.encrypt(&SystemRandom, plaintext),
        }
    }

    /// Whether `signature` is one of `digest` by the holder of the private key; a malformed signature is simply not.
    /// [`CryptoError::WrongKey`] when the algorithm does not fit.
    pub fn verify_digest(
        &self,
        algorithm: SignatureAlgorithm,
        digest: &[u8; 32],
        signature: &[u8],
    ) -> Result<bool, CryptoError> {
        if !algorithm.fits(self.spec) {
            return Err(CryptoError::WrongKey);
        }
        match &self.state {
            State::Rsa(key) => key.verify(algorithm, digest, signature),
            State::Ec(key) => key.verify(digest, signature),
            State::Sm2(key) => Ok(key.verify(digest, signature)),
        }
    }

    /// What an `EC_SM2` key signs for a message: e = SM3(Z_A ‖ message), with the default id `1234567812345678`.
    /// [`CryptoError::WrongKey`] for other specs.
    pub fn sm2_message_digest(&self, message: &[u8]) -> Result<[u8; 32], CryptoError> {
        match &self.state {
            State::Sm2(key) => Ok(key.message_digest(message)),
            State::Rsa(_) | State::Ec(_) => Err(CryptoError::WrongKey),
        }
    }
}

impl State {
    fn from_point(spec: KeySpec, point: &[u8; POINT_LEN]) -> Result<Self, CryptoError> {
        // Only uncompressed points: they are the only ones the API writes.
        if point.first() != Some(&0x04) {
            return Err(REFUSED);
        }
        let ecdsa = |curve: Curve| Ok(Self::Ec(Box::new(EcPublic::from_point(curve, point)?)));
        match spec.primitive() {
            Primitive::Ec(curve) => ecdsa(curve),
            Primitive::Sm2 => Ok(Self::Sm2(Box::new(Sm2Public::from_point(point)?))),
            Primitive::Aead(_) | Primitive::Hmac(_) | Primitive::Rsa { .. } => Err(CryptoError::WrongKey),
        }
    }
}

/// PEM with lines of 64 characters and a final newline (RFC 7468).
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut pem = String::with_capacity(body.len() + body.len() / 64 + 2 * label.len() + 34);
    pem.push_str("-----BEGIN ");
    pem.push_str(label);
    pem.push_str("-----\n");
    let mut rest = body.as_str();
    while let Some((line, more)) = rest.split_at_checked(64) {
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    if !rest.is_empty() {
        pem.push_str(rest);
        pem.push('\n');
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str("-----\n");
    pem
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.spec.name())
    }
}
