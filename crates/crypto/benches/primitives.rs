//! What one operation costs, without a server around it.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sesame_crypto::{
    EncryptionAlgorithm, HmacHash, HmacKey, KeySpec, Random as _, SignatureAlgorithm, SystemRandom, UnlockedKey,
};

const IV_LEN: usize = 12;

fn randomness(c: &mut Criterion) {
    c.bench_function("random/12 bytes", |b| {
        let mut out = [0; IV_LEN];
        b.iter(|| SystemRandom.fill(black_box(&mut out)));
    });
}

fn aead(c: &mut Criterion) {
    let mut group = c.benchmark_group("aead");
    for spec in [KeySpec::Aes128, KeySpec::Aes192, KeySpec::Aes256, KeySpec::Sm4] {
        let (key, _) = UnlockedKey::generate(spec, &SystemRandom).expect("a key");
        for length in [64, 1024, 4096] {
            let plaintext = vec![0x61; length];
            group.throughput(Throughput::Bytes(length as u64));
            group.bench_function(format!("seal {spec} {length}"), |b| {
                let mut out = Vec::with_capacity(length + 64);
                b.iter(|| {
                    out.clear();
                    key.seal(&SystemRandom, &[7; 32], black_box(&plaintext), &mut out)
                });
            });
            let mut sealed = Vec::new();
            key.seal(&SystemRandom, &[7; 32], &plaintext, &mut sealed).expect("sealed");
            let (iv, sealed) = sealed.split_first_chunk::<IV_LEN>().expect("an IV");
            group.bench_function(format!("open {spec} {length}"), |b| {
                b.iter(|| key.open(iv, &[7; 32], black_box(sealed)));
            });
        }
    }
}

fn hmac(c: &mut Criterion) {
    let mut group = c.benchmark_group("hmac");
    for hash in [HmacHash::Sha1, HmacHash::Sha224, HmacHash::Sha256, HmacHash::Sha384, HmacHash::Sha512, HmacHash::Sm3]
    {
        let key = HmacKey::new(hash, &[7; 32]);
        for length in [64, 1024] {
            let message = vec![0x61; length];
            group.bench_function(format!("{hash:?} {length}"), |b| b.iter(|| key.sign(&[black_box(&message)])));
        }
    }
}

const ASYMMETRIC: [KeySpec; 6] =
    [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096, KeySpec::EcP256, KeySpec::EcP256k, KeySpec::EcSm2];

fn signatures(c: &mut Criterion) {
    let mut group = c.benchmark_group("signature");
    for spec in ASYMMETRIC {
        let (key, _) = UnlockedKey::generate(spec, &SystemRandom).expect("a key");
        for algorithm in SignatureAlgorithm::ALL.iter().copied().filter(|algorithm| algorithm.fits(spec)) {
            let signature = key.sign_digest(algorithm, &[7; 32]).expect("a signature");
            group.bench_function(format!("sign {spec} {algorithm}"), |b| {
                b.iter(|| key.sign_digest(algorithm, black_box(&[7; 32])));
            });
            group.bench_function(format!("verify {spec} {algorithm}"), |b| {
                b.iter(|| key.verify_digest(algorithm, black_box(&[7; 32]), &signature));
            });
        }
    }
}

fn asymmetric_encryption(c: &mut Criterion) {
    let mut group = c.benchmark_group("encryption");
    for spec in ASYMMETRIC {
        let (key, _) = UnlockedKey::generate(spec, &SystemRandom).expect("a key");
        for algorithm in EncryptionAlgorithm::ALL.iter().copied().filter(|algorithm| algorithm.fits(spec)) {
            let ciphertext = key.encrypt(algorithm, &[7; 32]).expect("a ciphertext");
            group.bench_function(format!("encrypt {spec} {algorithm}"), |b| {
                b.iter(|| key.encrypt(algorithm, black_box(&[7; 32])));
            });
            group.bench_function(format!("decrypt {spec} {algorithm}"), |b| {
                b.iter(|| key.decrypt(algorithm, black_box(&ciphertext)));
            });
        }
    }
}

fn unlocking(c: &mut Criterion) {
    let mut group = c.benchmark_group("unlock");
    for spec in [KeySpec::Aes256, KeySpec::HmacSha256].into_iter().chain(ASYMMETRIC) {
        let (_, material) = UnlockedKey::generate(spec, &SystemRandom).expect("a key");
        group.bench_function(spec.name(), |b| b.iter(|| UnlockedKey::from_material(spec, black_box(&material))));
    }
}

criterion_group!(benches, randomness, aead, hmac, signatures, asymmetric_encryption, unlocking);
criterion_main!(benches);
