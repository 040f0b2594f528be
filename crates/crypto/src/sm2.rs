//! SM2: signatures (GB/T 32918.2), public key encryption (GB/T 32918.4) and the curve of GB/T 32918.5.
//!
//! The curve arithmetic is RustCrypto's, in constant time but never audited independently; the schemes are written
//! here, on top of it, because its own key types print the private scalar in `Debug` and are not wiped, and because a
//! key can keep (1 + d)⁻¹ ready.

use sm2::elliptic_curve::point::AffineCoordinates as _;
use sm2::elliptic_curve::sec1::ToSec1Point as _;
use sm2::elliptic_curve::{PrimeField as _, ops::MulByGeneratorVartime as _, ops::Reduce as _};
use sm2::{AffinePoint, FieldBytes, ProjectivePoint, Scalar, SecretKey, pkcs8::DecodePrivateKey as _};
use sm3::{Digest as _, Sm3};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, Zeroizing};

use self::generator::times_generator;
use crate::der::{self, Reader};
use crate::error::CryptoError;
use crate::random::Random;
use crate::secret::SecretBytes;

mod generator;

/// Length of an uncompressed point: `04`, x and y.
pub(crate) const POINT_LEN: usize = 65;

/// Length of C3, an SM3 digest.
const C3_LEN: usize = 32;

/// The id that callers of KMS put into Z_A (GM/T 0009-2012, section 10).
const DEFAULT_ID: &[u8] = b"1234567812345678";

pub(crate) struct Sm2Private {
    secrets: Box<Secrets>,
    public: Sm2Public,
}

/// On the heap from birth, and wiped.
struct Secrets {
    d: Scalar,
    /// (1 + d)⁻¹
    inverse: Scalar,
}

impl Drop for Secrets {
    fn drop(&mut self) {
        self.d.zeroize();
        self.inverse.zeroize();
    }
}

#[derive(Clone)]
pub(crate) struct Sm2Public {
    point: ProjectivePoint,
    encoded: [u8; POINT_LEN],
}

/// The parts of a ciphertext, in either of its encodings.
struct Ciphertext<'a> {
    c1: [u8; POINT_LEN],
    c3: &'a [u8],
    c2: &'a [u8],
}

impl Sm2Private {
    /// Draws a private scalar.
    pub(crate) fn generate(random: &dyn Random) -> Result<SecretBytes, CryptoError> {
        let mut material = SecretBytes::zeroed(32);
        for _ in 0..ATTEMPTS {
            // EXPOSE: filled in place, and read to check its range.
            random.fill(material.expose_mut())?;
            if Self::from_scalar(material.expose()).is_ok() {
                return Ok(material);
            }
        }
        Err(CryptoError::Random)
    }

    /// From 32 big-endian bytes in the range 1 to n − 2.
    pub(crate) fn from_scalar(bytes: &[u8]) -> Result<Self, CryptoError> {
        const REFUSED: CryptoError = CryptoError::InvalidInput("key material");
        let repr = Zeroizing::new(FieldBytes::try_from(bytes).map_err(|_| REFUSED)?);
        let d = Option::<Scalar>::from(Scalar::from_repr(*repr)).ok_or(REFUSED)?;
        if bool::from(d.is_zero()) {
            return Err(REFUSED);
        }
        let inverse = Option::<Scalar>::from((d + Scalar::ONE).invert()).ok_or(REFUSED)?;
        let public = Sm2Public::from_affine(&times_generator(&d).to_affine())?;
        Ok(Self { secrets: Box::new(Secrets { d, inverse }), public })
    }

    /// The scalar of a private key in PKCS#8, whose public key, if it has one, must belong to it.
    pub(crate) fn scalar_from_pkcs8(pkcs8: &[u8]) -> Result<SecretBytes, CryptoError> {
        let key = SecretKey::from_pkcs8_der(pkcs8).map_err(|_| CryptoError::InvalidInput("key material"))?;
        Ok(SecretBytes::from_slice(&Zeroizing::new(key.to_bytes())[..]))
    }

    pub(crate) fn public(&self) -> &Sm2Public {
        &self.public
    }

    /// Signs e and answers `SEQUENCE { r, s }`.
    pub(crate) fn sign(&self, random: &dyn Random, e: &[u8; 32]) -> Result<Vec<u8>, CryptoError> {
        for _ in 0..ATTEMPTS {
            let k = nonce(random)?;
            if let Some((r, s)) = self.sign_with(&k, e) {
                let (r, s) = (der::unsigned(&r.to_bytes().into()), der::unsigned(&s.to_bytes().into()));
                return Ok(der::element(der::SEQUENCE, &[&r, &s]));
            }
        }
        Err(CryptoError::Random)
    }

    /// GB/T 32918.2, section 6.1, steps A4 to A6; s is computed as (1 + d)⁻¹ (k + r) − r, which equals
    /// (1 + d)⁻¹ (k − r d).
    fn sign_with(&self, k: &Scalar, e: &[u8; 32]) -> Option<(Scalar, Scalar)> {
        let r = reduce(e) + reduce(&times_generator(k).to_affine().x());
        let s = self.secrets.inverse * (k + &r) - r;
        let usable = !r.is_zero() & !(r + k).is_zero() & !s.is_zero();
        bool::from(usable).then_some((r, s))
    }

    /// Decrypts C1 ‖ C3 ‖ C2, or the same parts in ASN.1 (GM/T 0009-2012, section 7.2).
    pub(crate) fn decrypt(&self, ciphertext: &[u8]) -> Result<SecretBytes, CryptoError> {
        let Ciphertext { c1, c3, c2 } = Ciphertext::parse(ciphertext).ok_or(CryptoError::Integrity)?;
        let c1 = Sm2Public::from_point(&c1).map_err(|_| CryptoError::Integrity)?;
        let shared = shared_point(&(c1.point * self.secrets.d))?;
        let mut plaintext = SecretBytes::zeroed(c2.len());
        // EXPOSE: the plaintext is written here.
        let keyed = xor_with_kdf(&shared, c2, plaintext.expose_mut());
        let intact = check_digest(&shared, plaintext.expose()).ct_eq(c3);
        if keyed && bool::from(intact) { Ok(plaintext) } else { Err(CryptoError::Integrity) }
    }
}

impl Sm2Public {
    /// From an uncompressed point, which must be on the curve.
    pub(crate) fn from_point(encoded: &[u8; POINT_LEN]) -> Result<Self, CryptoError> {
        let refused = |_| CryptoError::InvalidInput("public key");
        let key = sm2::PublicKey::from_sec1_bytes(encoded).map_err(refused)?;
        Ok(Self { point: key.to_projective(), encoded: *encoded })
    }

    fn from_affine(point: &AffinePoint) -> Result<Self, CryptoError> {
        let encoded = point.to_sec1_point(false).as_bytes().try_into().map_err(|_| CryptoError::Internal)?;
        Ok(Self { point: ProjectivePoint::from(*point), encoded })
    }

    pub(crate) fn point(&self) -> &[u8; POINT_LEN] {
        &self.encoded
    }

    /// GB/T 32918.2, section 7.1, from step B5 on.
    pub(crate) fn verify(&self, e: &[u8; 32], signature: &[u8]) -> bool {
        let Some((r, s)) = parse_signature(signature) else { return false };
        let t = r + s;
        // All of this is public, so the faster, variable-time sum is in order.
        let point = ProjectivePoint::mul_by_generator_and_mul_add_vartime(&s, &t, &self.point).to_affine();
        !bool::from(t.is_zero()) && reduce(e) + reduce(&point.x()) == r
    }

    /// Encrypts to C1 ‖ C3 ‖ C2. An empty plaintext is [`CryptoError::InvalidInput`]: the scheme has none.
    pub(crate) fn encrypt(&self, random: &dyn Random, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if plaintext.is_empty() {
            return Err(CryptoError::InvalidInput("empty plaintext"));
        }
        for _ in 0..ATTEMPTS {
            if let Some(ciphertext) = self.encrypt_with(&*nonce(random)?, plaintext)? {
                return Ok(ciphertext);
            }
        }
        Err(CryptoError::Random)
    }

    /// GB/T 32918.4, section 6.1, steps A2 to A8; `None` asks for another k.
    fn encrypt_with(&self, k: &Scalar, plaintext: &[u8]) -> Result<Option<Vec<u8>>, CryptoError> {
        let c1 = Self::from_affine(&times_generator(k).to_affine())?;
        let shared = shared_point(&(self.point * k))?;
        let mut c2 = vec![0; plaintext.len()];
        let keyed = xor_with_kdf(&shared, plaintext, &mut c2);
        Ok(keyed.then(|| [&c1.encoded[..], &check_digest(&shared, plaintext), &c2].concat()))
    }

    /// e = SM3(Z_A ‖ message), with Z_A made from the default id and this key (GB/T 32918.2, section 5.5).
    pub(crate) fn message_digest(&self, message: &[u8]) -> [u8; 32] {
        // a, b and the generator of GB/T 32918.5.
        const CURVE: [&[u8; 32]; 4] = [
            b"\xff\xff\xff\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xfc",
            b"\x28\xe9\xfa\x9e\x9d\x9f\x5e\x34\x4d\x5a\x9e\x4b\xcf\x65\x09\xa7\xf3\x97\x89\xf5\x15\xab\x8f\x92\xdd\xbc\xbd\x41\x4d\x94\x0e\x93",
            b"\x32\xc4\xae\x2c\x1f\x19\x81\x19\x5f\x99\x04\x46\x6a\x39\xc9\x94\x8f\xe3\x0b\xbf\xf2\x66\x0b\xe1\x71\x5a\x45\x89\x33\x4c\x74\xc7",
            b"\xbc\x37\x36\xa2\xf4\xf6\x77\x9c\x59\xbd\xce\xe3\x6b\x69\x21\x53\xd0\xa9\x87\x7c\xc6\x2a\x47\x40\x02\xdf\x32\xe5\x21\x39\xf0\xa0",
        ];
        // The length of the id in bits, two bytes.
        let mut z = Sm3::new_with_prefix([0x00, 0x80]);
        z.update(DEFAULT_ID);
        CURVE.iter().for_each(|constant| z.update(constant));
        let [_, coordinates @ ..] = &self.encoded;
        z.update(coordinates);
        Sm3::new_with_prefix(z.finalize()).chain_update(message).finalize().into()
    }
}

impl<'a> Ciphertext<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let parts = match bytes.first()? {
            0x04 => {
                let (c1, rest) = bytes.split_first_chunk::<POINT_LEN>()?;
                let (c3, c2) = rest.split_at_checked(C3_LEN)?;
                Self { c1: *c1, c3, c2 }
            }
            &der::SEQUENCE => {
                let mut outer = Reader::new(bytes);
                let mut inner = Reader::new(outer.element(der::SEQUENCE)?);
                outer.finish()?;
                let (x, y) = (inner.unsigned()?, inner.unsigned()?);
                let (c3, c2) = (inner.element(der::OCTET_STRING)?, inner.element(der::OCTET_STRING)?);
                inner.finish()?;
                let mut c1 = [0x04; POINT_LEN];
                let (_, coordinates) = c1.split_first_mut()?;
                coordinates.iter_mut().zip(x.iter().chain(&y)).for_each(|(to, from)| *to = *from);
                Self { c1, c3, c2 }
            }
            _ => return None,
        };
        (parts.c3.len() == C3_LEN && !parts.c2.is_empty()).then_some(parts)
    }
}

/// How often an event of probability below 2⁻³² may happen in a row before randomness is called broken.
const ATTEMPTS: usize = 8;

/// A uniform scalar from 1 to n − 1, wiped on drop.
fn nonce(random: &dyn Random) -> Result<Zeroizing<Scalar>, CryptoError> {
    let mut bytes = Zeroizing::new(FieldBytes::default());
    for _ in 0..ATTEMPTS {
        random.fill(&mut bytes)?;
        if let Some(k) = Option::<Scalar>::from(Scalar::from_repr(*bytes)).filter(|k| !bool::from(k.is_zero())) {
            return Ok(Zeroizing::new(k));
        }
    }
    Err(CryptoError::Random)
}

fn reduce(bytes: &[u8]) -> Scalar {
    FieldBytes::try_from(bytes).map_or(Scalar::ZERO, |bytes| Scalar::reduce(&bytes))
}

fn parse_signature(signature: &[u8]) -> Option<(Scalar, Scalar)> {
    let mut outer = Reader::new(signature);
    let mut inner = Reader::new(outer.element(der::SEQUENCE)?);
    outer.finish()?;
    let (r, s) = (inner.unsigned()?, inner.unsigned()?);
    inner.finish()?;
    let scalar = |bytes: [u8; 32]| {
        Option::<Scalar>::from(Scalar::from_repr(bytes.into())).filter(|scalar| !bool::from(scalar.is_zero()))
    };
    Some((scalar(r)?, scalar(s)?))
}

/// x2 and y2, 32 bytes each.
fn shared_point(point: &ProjectivePoint) -> Result<Zeroizing<[[u8; 32]; 2]>, CryptoError> {
    let encoded = point.to_affine().to_sec1_point(false);
    let (Some(x), Some(y)) = (encoded.x(), encoded.y()) else { return Err(CryptoError::Integrity) };
    Ok(Zeroizing::new([(*x).into(), (*y).into()]))
}

/// Xors `input` with KDF(x2 ‖ y2) into `output`; `false` when the whole key stream is zero, which the scheme forbids.
fn xor_with_kdf(shared: &[[u8; 32]; 2], input: &[u8], output: &mut [u8]) -> bool {
    let prefix = Sm3::new_with_prefix(shared.as_flattened());
    let mut seen = 0;
    for (counter, (from, to)) in (1u32..).zip(input.chunks(32).zip(output.chunks_mut(32))) {
        let stream = Zeroizing::new(<[u8; 32]>::from(prefix.clone().chain_update(counter.to_be_bytes()).finalize()));
        for ((to, from), key) in to.iter_mut().zip(from).zip(stream.iter()) {
            *to = from ^ key;
            seen |= key;
        }
    }
    seen != 0
}

/// C3 = SM3(x2 ‖ M ‖ y2).
fn check_digest(shared: &[[u8; 32]; 2], plaintext: &[u8]) -> [u8; C3_LEN] {
    let [x, y] = shared;
    Sm3::new_with_prefix(x).chain_update(plaintext).chain_update(y).finalize().into()
}

#[cfg(test)]
mod tests;
