//! The raw primitives under the measured paths, from the same library, on one thread of this machine.

use anyhow::Result;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest, hmac,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256},
};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

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
    found.push(Primitive { name: "ECDSA P-256 signature", each: ecdsa()? });
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

fn ecdsa() -> Result<Duration> {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?;
    let random = SystemRandom::new();
    let mut outcome = Ok(());
    let each = time(|| match key.sign(&random, black_box(b"message")) {
        Ok(signature) => drop(black_box(signature)),
        Err(error) => outcome = Err(error),
    });
    outcome?;
    Ok(each)
}

/// The mean time of `operation` over a third of a second, after a short warm-up.
fn time<T>(mut operation: impl FnMut() -> T) -> Duration {
    let mut repeat = |at_least: Duration| {
        let (began, mut count) = (Instant::now(), 0_u32);
        while began.elapsed() < at_least {
            for _ in 0..16 {
                black_box(operation());
            }
            count += 16;
        }
        began.elapsed() / count
    };
    repeat(Duration::from_millis(30));
    repeat(Duration::from_millis(300))
}
