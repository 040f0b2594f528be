//! The raw primitives under the measured paths, from the same libraries and as these offer them, on one thread of this
//! machine. Measured is the CPU time of that thread, so that other work on the machine moves it little.

use anyhow::Result;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest, hmac,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        RSA_PKCS1_SHA256,
    },
};
use k256::ecdsa::signature::hazmat::PrehashSigner;
use rustix::time::{ClockId, clock_gettime};
use std::{hint::black_box, time::Duration};

/// One measured primitive.
#[derive(Clone, Copy, Debug)]
pub struct Primitive {
    /// Its name.
    pub name: &'static str,
    /// Time of one operation.
    pub each: Duration,
}

/// Measures all of them, about a third of a second each.
///
/// # Errors
/// When the library refuses an operation.
pub fn measure() -> Result<Vec<Primitive>> {
    let mut found = Vec::new();
    for (name, size) in [
        ("AES-256-GCM seal, 64 bytes", 64),
        ("AES-256-GCM seal, 1,024 bytes", 1024),
        ("AES-256-GCM seal, 4,096 bytes", 4096),
    ] {
        found.push(Primitive { name, each: seal(size)? });
    }
    let text = [7; 1024];
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
    let short = text.first_chunk::<64>().unwrap_or(&[0; 64]);
    let mac = time(|| hmac::sign(&key, black_box(short)));
    found.push(Primitive { name: "HMAC-SHA256, 64 bytes, prepared key", each: mac });
    let hash = time(|| digest::digest(&digest::SHA256, black_box(&text)));
    found.push(Primitive { name: "SHA-256, 1,024 bytes", each: hash });
    found.push(Primitive { name: "RSA-2048 signature", each: rsa()? });
    found.push(Primitive { name: "ECDSA P-256 signature", each: ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING)? });
    let each = ecdsa(&ECDSA_P256K1_SHA256_ASN1_SIGNING)?;
    found.push(Primitive { name: "ECDSA secp256k1 signature, AWS-LC", each });
    let key = k256::ecdsa::SigningKey::from_slice(&[0x5a; 32])?;
    let each = digest_signature::<k256::ecdsa::Signature>(&key)?;
    found.push(Primitive { name: "ECDSA secp256k1 signature, k256", each });
    let key = sm2::dsa::SigningKey::from_slice("1234567812345678", &[0x5a; 32])?;
    found.push(Primitive { name: "SM2 signature, sm2", each: digest_signature::<sm2::dsa::Signature>(&key)? });
    Ok(found)
}

fn seal(size: usize) -> Result<Duration> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[1; 32])?);
    let mut data = vec![0; size];
    let mut count = 0_u64;
    let mut outcome = Ok(());
    let each = time(|| {
        count += 1;
        let mut nonce = [0; NONCE_LEN];
        nonce.iter_mut().zip(count.to_le_bytes()).for_each(|(place, byte)| *place = byte);
        let nonce = Nonce::assume_unique_for_key(nonce);
        match key.seal_in_place_separate_tag(nonce, Aad::from([0; 32]), black_box(&mut data)) {
            Ok(tag) => drop(black_box(tag)),
            Err(error) => outcome = Err(error),
        }
    });
    outcome?;
    Ok(each)
}

fn rsa() -> Result<Duration> {
    let key = KeyPair::generate(KeySize::Rsa2048)?;
    let (random, mut signature) = (SystemRandom::new(), vec![0; key.public_modulus_len()]);
    let mut outcome = Ok(());
    let each = time(|| {
        if let Err(error) = key.sign(&RSA_PKCS1_SHA256, &random, black_box(b"message"), &mut signature) {
            outcome = Err(error);
        }
    });
    outcome?;
    Ok(each)
}

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm) -> Result<Duration> {
    let key = EcdsaKeyPair::generate(algorithm)?;
    let random = SystemRandom::new();
    let mut outcome = Ok(());
    let each = time(|| match key.sign(&random, black_box(b"message")) {
        Ok(signature) => drop(black_box(signature)),
        Err(error) => outcome = Err(error),
    });
    outcome?;
    Ok(each)
}

/// A signature of a digest of 32 bytes as it is.
fn digest_signature<S>(key: &impl PrehashSigner<S>) -> Result<Duration> {
    let mut outcome = Ok(());
    let each = time(|| match key.sign_prehash(black_box(&[7; 32])) {
        Ok(signature) => drop(black_box(signature)),
        Err(error) => outcome = Err(error),
    });
    outcome?;
    Ok(each)
}

/// The mean CPU time of `operation` over a third of a second, after a short warm-up.
fn time<T>(mut operation: impl FnMut() -> T) -> Duration {
    let mut repeat = |at_least: Duration| {
        let (began, mut count) = (spent(), 0_u32);
        while spent() - began < at_least {
            for _ in 0..16 {
                black_box(operation());
            }
            count += 16;
        }
        (spent() - began) / count
    };
    repeat(Duration::from_millis(30));
    repeat(Duration::from_millis(300))
}

/// The CPU time of this thread so far.
fn spent() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}
