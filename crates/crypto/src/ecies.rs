//! `ECIES_DH_SHA_1_XOR_HMAC`: the elliptic curve integrated encryption scheme of SEC 1 version 2, section 5.1.
//!
//! What the API leaves open is chosen as that standard has it by default: standard Diffie-Hellman, an uncompressed
//! ephemeral point, the ANSI X9.63 key derivation with SHA-1 over the shared x coordinate (the same as KDF2), the
//! stream key before the 20-byte HMAC key, and no shared information. A ciphertext is point ‖ masked text ‖ tag.
//!
//! Agreement on P-256 runs in AWS-LC, on secp256k1 in RustCrypto, since AWS-LC's interface has none there.

use aws_lc_rs::agreement;
use k256::elliptic_curve::sec1::ToSec1Point as _;
use zeroize::Zeroizing;

use crate::digest::sha1;
use crate::ec::{EcPrivate, EcPublic, POINT_LEN};
use crate::error::CryptoError;
use crate::hmac::{HmacHash, HmacKey};
use crate::random::{Random as _, SystemRandom};
use crate::secret::SecretBytes;
use crate::spec::Curve;

const TAG_LEN: usize = 20;
const MAC_KEY_LEN: usize = 20;

/// Encrypts for the holder of `recipient`.
pub(crate) fn encrypt(recipient: &EcPublic, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let (ephemeral, shared) = match recipient.curve() {
        Curve::P256 => ephemeral_p256(recipient.point()),
        Curve::Secp256k1 => ephemeral_secp256k1(recipient.point()),
    }?;
    let (stream, mac) = derive(&shared, plaintext.len());
    let masked: Vec<u8> = plaintext.iter().zip(stream.expose()).map(|(byte, key)| byte ^ key).collect();
    let tag = mac.sign(&[&masked]);
    Ok([&ephemeral[..], &masked, tag.as_bytes()].concat())
}

/// Decrypts with the private key; every failure is [`CryptoError::Integrity`].
pub(crate) fn decrypt(key: &EcPrivate, ciphertext: &[u8]) -> Result<SecretBytes, CryptoError> {
    let (point, rest) = ciphertext.split_first_chunk::<POINT_LEN>().ok_or(CryptoError::Integrity)?;
    let (masked, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(CryptoError::Integrity)?;
    if point.first() != Some(&0x04) {
        return Err(CryptoError::Integrity);
    }
    let shared = agree(key, point).map_err(|_| CryptoError::Integrity)?;
    let (stream, mac) = derive(&shared, masked.len());
    let intact = mac.verify(&[masked], tag);
    let mut plaintext = stream;
    // EXPOSE: the key stream becomes the plaintext in place.
    plaintext.expose_mut().iter_mut().zip(masked).for_each(|(to, byte)| *to ^= byte);
    if intact { Ok(plaintext) } else { Err(CryptoError::Integrity) }
}

fn agree(key: &EcPrivate, point: &[u8; POINT_LEN]) -> Result<SecretBytes, CryptoError> {
    let scalar = key.scalar()?;
    // EXPOSE: both libraries take the scalar as bytes.
    match key.curve() {
        Curve::P256 => {
            let scalar = agreement::PrivateKey::from_private_key(&agreement::ECDH_P256, scalar.expose());
            agree_p256(&scalar.map_err(|_| CryptoError::Internal)?, point)
        }
        Curve::Secp256k1 => {
            let scalar = k256::SecretKey::from_slice(scalar.expose()).map_err(|_| CryptoError::Internal)?;
            agree_secp256k1(&scalar, point)
        }
    }
}

fn ephemeral_p256(recipient: &[u8; POINT_LEN]) -> Result<([u8; POINT_LEN], SecretBytes), CryptoError> {
    let ephemeral = agreement::PrivateKey::generate(&agreement::ECDH_P256).map_err(|_| CryptoError::Internal)?;
    let public = ephemeral.compute_public_key().map_err(|_| CryptoError::Internal)?;
    let point = public.as_ref().try_into().map_err(|_| CryptoError::Internal)?;
    Ok((point, agree_p256(&ephemeral, recipient)?))
}

fn agree_p256(key: &agreement::PrivateKey, point: &[u8; POINT_LEN]) -> Result<SecretBytes, CryptoError> {
    let peer = agreement::UnparsedPublicKey::new(&agreement::ECDH_P256, point);
    agreement::agree(key, peer, CryptoError::InvalidInput("public key"), |shared| Ok(SecretBytes::from_slice(shared)))
}

fn ephemeral_secp256k1(recipient: &[u8; POINT_LEN]) -> Result<([u8; POINT_LEN], SecretBytes), CryptoError> {
    let mut scalar = Zeroizing::new([0; 32]);
    let ephemeral = loop {
        SystemRandom.fill(&mut *scalar)?;
        // Refuses zero and what is not below the order: once in 2¹²⁸ draws.
        if let Ok(key) = k256::SecretKey::from_slice(&*scalar) {
            break key;
        }
    };
    let point = ephemeral.public_key().to_sec1_point(false).as_bytes().try_into().map_err(|_| CryptoError::Internal)?;
    Ok((point, agree_secp256k1(&ephemeral, recipient)?))
}

fn agree_secp256k1(key: &k256::SecretKey, point: &[u8; POINT_LEN]) -> Result<SecretBytes, CryptoError> {
    let peer = k256::PublicKey::from_sec1_bytes(point).map_err(|_| CryptoError::InvalidInput("public key"))?;
    let shared = k256::ecdh::diffie_hellman(key.to_nonzero_scalar(), peer.as_affine());
    Ok(SecretBytes::from_slice(shared.raw_secret_bytes()))
}

/// The key stream, as long as the plaintext, and the key of the tag.
fn derive(shared: &SecretBytes, plaintext_len: usize) -> (SecretBytes, HmacKey) {
    let mut derived = Zeroizing::new(Vec::with_capacity(plaintext_len + MAC_KEY_LEN + TAG_LEN));
    for counter in 1u32.. {
        // EXPOSE: hashed with the counter.
        let block = Zeroizing::new([shared.expose(), &counter.to_be_bytes()].concat());
        derived.extend_from_slice(&*Zeroizing::new(sha1(&block)));
        if derived.len() >= plaintext_len + MAC_KEY_LEN {
            break;
        }
    }
    let (stream, rest) = derived.split_at_checked(plaintext_len).unwrap_or_default();
    let mac_key = rest.get(..MAC_KEY_LEN).unwrap_or_default();
    (SecretBytes::from_slice(stream), HmacKey::new(HmacHash::Sha1, mac_key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der;
    use crate::public_key::PublicKey;
    use crate::spec::KeySpec;

    /// Scalar 00 01 … 1f on either curve, plaintext `plaintext`.
    const LOCKED: [(Curve, &str); 2] = [
        (
            Curve::P256,
            "04b62c415ae169e4abf8263a81d67a00c017834044676b81f6a9cfd33657bbc484ee193fc5abb33e40b00e5228d16618\
         ead92adedc28aa6ceb9751454fee08d4c768b2be965d5406427f85b9573f9d070200090e200447e7b60662c15292",
        ),
        (
            Curve::Secp256k1,
            "04b172bf478d9fc53a3fcf928f5f3d7d4d21a6dcac5e26483fd3201acec10af6b3d0bdda29c84899ed681490949486a3\
         0a1ec0df477afe82016638ccc69ee399f7799a64d4625ab9670bc640db26005085cfdea3656433813716bbba8dc9",
        ),
    ];

    #[test]
    fn locked_ciphertexts_still_open() {
        for (curve, ciphertext) in LOCKED {
            let scalar: Vec<u8> = (0..32).collect();
            let key = key(curve, &scalar);
            assert_eq!(decrypt(&key, &unhex(ciphertext)).unwrap().expose(), b"plaintext");
        }
    }

    /// Project Wycheproof's vectors of the key agreement, which is all of the scheme that they have.
    #[test]
    fn agreement_is_as_wycheproof_has_it() {
        for (spec, curve, vectors) in [
            (KeySpec::EcP256, Curve::P256, include_str!("../tests/vectors/ecdh_secp256r1.json")),
            (KeySpec::EcP256k, Curve::Secp256k1, include_str!("../tests/vectors/ecdh_secp256k1.json")),
        ] {
            let groups: Vec<serde_json::Value> = serde_json::from_str(vectors).unwrap();
            let cases: Vec<_> = groups.iter().flat_map(|group| group["tests"].as_array().unwrap()).collect();
            assert!(cases.len() > 300);
            for case in cases {
                let bytes = |field: &str| unhex(case[field].as_str().unwrap());
                let public = PublicKey::from_spki_der(&bytes("public")).ok().filter(|public| public.spec() == spec);
                // Scalars there have as many digits as they happen to have.
                let scalar = [vec![0; 32], bytes("private")].concat();
                let key = key(curve, &scalar[scalar.len() - 32..]);
                let agreed = public.and_then(|public| agree(&key, public.der().last_chunk().unwrap()).ok());
                let accepted = agreed.is_some_and(|shared| shared.expose() == bytes("shared"));
                assert_eq!(accepted, case["result"] == "valid", "test case {}", case["tcId"]);
            }
        }
    }

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// PKCS#8 around an RFC 5915 structure without public key.
    fn key(curve: Curve, scalar: &[u8]) -> EcPrivate {
        let oid: &[u8] = match curve {
            Curve::P256 => b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
            Curve::Secp256k1 => b"\x06\x05\x2b\x81\x04\x00\x0a",
        };
        let inner = der::element(der::SEQUENCE, &[&[2, 1, 1], &der::element(der::OCTET_STRING, &[scalar])]);
        let algorithm = der::element(der::SEQUENCE, &[b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", oid]);
        let outer = [&[2, 1, 0][..], &algorithm, &der::element(der::OCTET_STRING, &[&inner])];
        EcPrivate::from_pkcs8(curve, &der::element(der::SEQUENCE, &outer)).unwrap()
    }
}
