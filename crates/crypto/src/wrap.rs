//! Key material that arrives from outside: the key pair it is wrapped under, and taking it out of its wrapping.
//!
//! Whatever is wrong with wrapped material, the answer is the same [`CryptoError::Integrity`] after the same work: a
//! first part that does not decrypt is replaced by a made-up one, and everything that follows is done with that before
//! the material is refused. This matters most for `RSAES_PKCS1_V1_5`, whose padding is checked by AWS-LC in constant
//! time but whose failure must not be visible. What no code can hide is that an import succeeded; an attacker who may
//! call the operation learns that much, as the API wants it.

use std::fmt;

use aws_lc_rs::cipher;
use sm4::Sm4;
use sm4::cipher::{Block, BlockCipherDecrypt as _, KeyInit as _};

use crate::algorithm::{Envelope, Transport, WrappingAlgorithm, WrappingKeySpec};
use crate::error::CryptoError;
use crate::material::UnlockedKey;
use crate::random::Random;
use crate::secret::SecretBytes;
use crate::sm2::Sm2Private;
use crate::spec::{KeyClass, KeySpec};

/// Bytes of a block of AES and of SM4.
const BLOCK_LEN: usize = 16;

/// Length of a ciphertext under an RSA_2048 key.
const RSA_2048_LEN: usize = 256;

/// Length of an SM4 key under `SM2PKE`: point, digest and key.
const SM2_WRAPPED_SM4_LEN: usize = 65 + 32 + 16;

/// A key pair whose public half is handed out for the import of key material.
pub struct WrappingKeyPair {
    spec: WrappingKeySpec,
    key: UnlockedKey,
}

impl WrappingKeyPair {
    /// Makes a new pair, and its serialised private half to be sealed and kept until the import.
    pub fn generate(spec: WrappingKeySpec, random: &dyn Random) -> Result<(Self, SecretBytes), CryptoError> {
        let (key, material) = UnlockedKey::generate(spec.key_spec(), random)?;
        Ok((Self { spec, key }, material))
    }

    /// Restores a pair from what [`WrappingKeyPair::generate`] gave out.
    pub fn from_material(spec: WrappingKeySpec, material: &SecretBytes) -> Result<Self, CryptoError> {
        Ok(Self { spec, key: UnlockedKey::from_material(spec.key_spec(), material)? })
    }

    /// The kind of key pair.
    pub fn spec(&self) -> WrappingKeySpec {
        self.spec
    }

    /// The public key to wrap under, as SubjectPublicKeyInfo in DER.
    pub fn public_key_der(&self) -> Result<&[u8], CryptoError> {
        self.key.public_key_der()
    }

    /// Unwraps material for a key of spec `target`, and answers it as [`UnlockedKey::from_material`] takes it: equal
    /// keys have equal material. [`CryptoError::WrongKey`] when the algorithm fits neither pair nor target, which
    /// everyone can see; [`CryptoError::Integrity`] for every other failure.
    pub fn unwrap(
        &self,
        algorithm: WrappingAlgorithm,
        target: KeySpec,
        wrapped: &[u8],
    ) -> Result<SecretBytes, CryptoError> {
        if algorithm.wrapping_key_spec() != self.spec || !algorithm.fits(target) {
            return Err(CryptoError::WrongKey);
        }
        let facts = algorithm.facts();
        let (first, rest) = match facts.envelope {
            Envelope::Direct => (wrapped, None),
            Envelope::Aes256Ecb | Envelope::Sm4Ecb => {
                let first_len = if facts.envelope == Envelope::Sm4Ecb { SM2_WRAPPED_SM4_LEN } else { RSA_2048_LEN };
                let (first, rest) = wrapped.split_at_checked(first_len).ok_or(CryptoError::Integrity)?;
                (first, Some(rest))
            }
        };
        let expected_len = match facts.envelope {
            Envelope::Direct => target.material_len().unwrap_or_default(),
            Envelope::Aes256Ecb => 32,
            Envelope::Sm4Ecb => 16,
        };
        let opened = match facts.transport {
            Transport::Pkcs1 => self.key.decrypt_pkcs1(first),
            Transport::Asymmetric(algorithm) => self.key.decrypt(algorithm, first),
        };
        let (intact, key) = accept_or_make_up(opened, expected_len);
        let (intact, material) = match rest {
            None => (intact, Ok(key)),
            Some(rest) => {
                let (unpadded, private) = open_envelope(facts.envelope, &key, rest, target);
                (intact & unpadded, canonical(target, &private))
            }
        };
        material.ok().filter(|_| intact).ok_or(CryptoError::Integrity)
    }
}

/// The opened part when it has the right length, else zeros in its place, with the mark that it is not to be used.
fn accept_or_make_up(opened: Result<SecretBytes, CryptoError>, expected_len: usize) -> (bool, SecretBytes) {
    let made_up = SecretBytes::zeroed(expected_len);
    match opened {
        Ok(key) if key.len() == expected_len => (true, key),
        Ok(_) | Err(_) => (false, made_up),
    }
}

/// Decrypts ECB with the ephemeral key and takes the padding off, where there is one; with the mark whether all of it
/// was well formed.
fn open_envelope(envelope: Envelope, key: &SecretBytes, ciphertext: &[u8], target: KeySpec) -> (bool, SecretBytes) {
    let mut plaintext = SecretBytes::from_slice(ciphertext);
    // EXPOSE: decrypted in place.
    let decrypted = match envelope {
        Envelope::Sm4Ecb => sm4_ecb(key, plaintext.expose_mut()),
        Envelope::Direct | Envelope::Aes256Ecb => aes_ecb(key, plaintext.expose_mut()),
    };
    if envelope == Envelope::Sm4Ecb && target.material_len() == Some(plaintext.len()) {
        return (decrypted.is_some(), plaintext);
    }
    let (unpadded, content) = strip_pkcs7(&plaintext);
    (unpadded && decrypted.is_some(), content)
}

/// `None` when the blocks are not whole.
fn aes_ecb(key: &SecretBytes, blocks: &mut [u8]) -> Option<()> {
    // EXPOSE: the library derives its key schedule.
    let key = cipher::UnboundCipherKey::new(&cipher::AES_256, key.expose()).ok()?;
    cipher::DecryptingKey::ecb(key).ok()?.decrypt(blocks, cipher::DecryptionContext::None).ok().map(|_| ())
}

/// `None` when the blocks are not whole.
fn sm4_ecb(key: &SecretBytes, blocks: &mut [u8]) -> Option<()> {
    // EXPOSE: the library derives its key schedule.
    let key = Sm4::new_from_slice(key.expose()).ok()?;
    let (whole, rest) = blocks.as_chunks_mut::<BLOCK_LEN>();
    whole.iter_mut().for_each(|block| key.decrypt_block(<&mut Block<Sm4>>::from(block)));
    rest.is_empty().then_some(())
}

/// Takes off PKCS#7 padding, 1 to 16 bytes of which each is their number; all bytes come back when it is not right.
fn strip_pkcs7(padded: &SecretBytes) -> (bool, SecretBytes) {
    // EXPOSE: copied without its padding.
    let bytes = padded.expose();
    let count = bytes.last().copied().map_or(0, usize::from);
    let parts = bytes.len().checked_sub(count).and_then(|at| bytes.split_at_checked(at));
    let (content, filler) = parts.unwrap_or((bytes, &[]));
    let well_formed = (1..=BLOCK_LEN).contains(&filler.len())
        && filler.iter().fold(0, |wrong, byte| wrong | (usize::from(*byte) ^ filler.len())) == 0;
    (well_formed, SecretBytes::from_slice(if well_formed { content } else { bytes }))
}

/// Checks a private key and brings it into the serialisation of its spec. `EC_SM2` may come as a scalar or as PKCS#8.
fn canonical(target: KeySpec, private: &SecretBytes) -> Result<SecretBytes, CryptoError> {
    debug_assert_eq!(target.class(), KeyClass::Asymmetric);
    let Some(scalar_len) = target.material_len() else {
        return UnlockedKey::from_material(target, private)?.to_pkcs8();
    };
    // EXPOSE: read as a scalar, or as the structure that holds one.
    let scalar = if private.len() == scalar_len {
        SecretBytes::from_slice(private.expose())
    } else {
        Sm2Private::scalar_from_pkcs8(private.expose())?
    };
    UnlockedKey::from_material(target, &scalar)?;
    Ok(scalar)
}

impl fmt::Debug for WrappingKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappingKeyPair({})", self.spec.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::EncryptionAlgorithm;
    use crate::public_key::PublicKey;
    use crate::random::SystemRandom;

    /// GB/T 32907-2016, appendix A.1.
    #[test]
    fn the_sm4_example_holds() {
        let key = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210_u128.to_be_bytes();
        let mut block = 0x681e_df34_d206_965e_86b3_e94f_536e_4246_u128.to_be_bytes();
        sm4_ecb(&SecretBytes::from_slice(&key), &mut block).unwrap();
        assert_eq!(block, key);
    }

    #[test]
    fn every_direct_wrapping_carries_a_symmetric_key() {
        for algorithm in
            [WrappingAlgorithm::RsaesOaepSha1, WrappingAlgorithm::RsaesOaepSha256, WrappingAlgorithm::Sm2Pke]
        {
            let (pair, material) = WrappingKeyPair::generate(algorithm.wrapping_key_spec(), &SystemRandom).unwrap();
            let public = PublicKey::from_spki_der(pair.public_key_der().unwrap()).unwrap();
            let pair = WrappingKeyPair::from_material(pair.spec(), &material).unwrap();
            let Transport::Asymmetric(encryption) = algorithm.facts().transport else { unreachable!() };
            let wrapped = public.encrypt(encryption, &[7; 16]).unwrap();
            assert_eq!(pair.unwrap(algorithm, KeySpec::Sm4, &wrapped).unwrap().expose(), [7; 16]);
            assert_eq!(pair.unwrap(algorithm, KeySpec::Aes128, &wrapped).unwrap().expose(), [7; 16]);
            assert_eq!(pair.unwrap(algorithm, KeySpec::Aes256, &wrapped), Err(CryptoError::Integrity));
            assert_eq!(pair.unwrap(algorithm, KeySpec::Aes128, &wrapped[1..]), Err(CryptoError::Integrity));
            assert_eq!(pair.unwrap(algorithm, KeySpec::Aes128, b""), Err(CryptoError::Integrity));
            assert_eq!(pair.unwrap(algorithm, KeySpec::EcSm2, &wrapped), Err(CryptoError::WrongKey));
            assert_eq!(pair.unwrap(algorithm, KeySpec::HmacSm3, &wrapped), Err(CryptoError::WrongKey));
        }
    }

    #[test]
    fn an_algorithm_of_the_other_pair_is_refused() {
        let (pair, _) = WrappingKeyPair::generate(WrappingKeySpec::EcSm2, &SystemRandom).unwrap();
        let refused = pair.unwrap(WrappingAlgorithm::RsaesPkcs1V15, KeySpec::Aes256, &[0; 256]);
        assert_eq!(refused, Err(CryptoError::WrongKey));
    }

    #[test]
    fn whatever_is_wrong_with_an_envelope_is_the_same_error() {
        let (pair, _) = WrappingKeyPair::generate(WrappingKeySpec::EcSm2, &SystemRandom).unwrap();
        let public = PublicKey::from_spki_der(pair.public_key_der().unwrap()).unwrap();
        let unwrap = |ephemeral: &[u8], rest: &[u8]| {
            let first = public.encrypt(EncryptionAlgorithm::Sm2Pke, ephemeral).unwrap();
            pair.unwrap(WrappingAlgorithm::Sm2PkeSm4Ecb, KeySpec::EcSm2, &[&first, rest].concat())
        };
        assert!(unwrap(&[7; 16], &[1; 32]).is_ok());
        for (ephemeral, rest) in [
            (&[7; 16][..], &[1; 31][..]),
            (&[7; 16], &[]),
            (&[7; 16], &[1; 33]),
            (&[7; 16], &[1; 48]),
            (&[7; 15], &[1; 32]),
        ] {
            assert_eq!(unwrap(ephemeral, rest), Err(CryptoError::Integrity));
        }
    }

    #[test]
    fn padding_is_exact() {
        let strip = |bytes: &[u8]| strip_pkcs7(&SecretBytes::from_slice(bytes));
        assert_eq!(strip(&[9, 9, 2, 2]), (true, SecretBytes::from_slice(&[9, 9])));
        assert_eq!(strip(&[16; 16]), (true, SecretBytes::default()));
        for bytes in [&[][..], &[9, 0], &[9, 1, 2], &[3, 3], &[17; 32]] {
            assert_eq!(strip(bytes), (false, SecretBytes::from_slice(bytes)));
        }
    }
}
