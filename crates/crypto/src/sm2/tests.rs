//! The examples of GM/T 0003.5-2012, which use the standard curve, and what parsing must withstand.

use proptest::prelude::*;

use super::*;
use crate::digest::to_hex;
use crate::random::SystemRandom;

const D: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
const POINT: &str = "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
                     ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
const K: &str = "59276e27d506861a16680f3ad9c02dccef3cc1fa3cdbe4ce6d54b80deac1bc21";
const E: &str = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640";

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn key() -> Sm2Private {
    Sm2Private::from_scalar(&unhex(D)).unwrap()
}

fn k() -> Scalar {
    Scalar::from_repr(FieldBytes::try_from(&unhex(K)[..]).unwrap()).unwrap()
}

#[test]
fn the_signature_example_holds() {
    let key = key();
    assert_eq!(to_hex(key.public().point()), POINT);
    let e = key.public().message_digest(b"message digest");
    assert_eq!(to_hex(&e), E);
    let (r, s) = key.sign_with(&k(), &e).unwrap();
    assert_eq!(to_hex(&r.to_bytes()), "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3");
    assert_eq!(to_hex(&s.to_bytes()), "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa");
}

#[test]
fn the_encryption_example_holds() {
    let key = key();
    let ciphertext = key.public().encrypt_with(&k(), b"encryption standard").unwrap().unwrap();
    assert_eq!(
        to_hex(&ciphertext),
        "0404ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73\
         e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0\
         59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766\
         21886ca989ca9c7d58087307ca93092d651efa"
    );
    assert_eq!(key.decrypt(&ciphertext).unwrap().expose(), b"encryption standard");
}

/// SEQUENCE { x, y, C3, C2 }.
fn to_asn1(raw: &[u8]) -> Vec<u8> {
    let (x, y) = (raw[1..33].try_into().unwrap(), raw[33..65].try_into().unwrap());
    let (hash, text) =
        (der::element(der::OCTET_STRING, &[&raw[65..97]]), der::element(der::OCTET_STRING, &[&raw[97..]]));
    der::element(der::SEQUENCE, &[&der::unsigned(x), &der::unsigned(y), &hash, &text])
}

#[test]
fn signatures_outside_the_range_are_refused() {
    let (key, e) = (key(), [7; 32]);
    let order = unhex("fffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");
    let encode = |r: &[u8], s: &[u8]| {
        let (r, s) = (der::unsigned(r.try_into().unwrap()), der::unsigned(s.try_into().unwrap()));
        der::element(der::SEQUENCE, &[&r, &s])
    };
    let one = [[0; 31].as_slice(), &[1]].concat();
    for (r, s) in [(&[0; 32][..], &one[..]), (&one, &[0; 32]), (&order, &one), (&one, &order)] {
        assert!(!key.public().verify(&e, &encode(r, s)));
    }
    let good = key.sign(&SystemRandom, &e).unwrap();
    assert!(key.public().verify(&e, &good));
    assert!(!key.public().verify(&e, &[&good[..], &[0]].concat()));
}

#[test]
fn points_off_the_curve_are_refused() {
    let mut point: [u8; POINT_LEN] = unhex(POINT).try_into().unwrap();
    assert!(Sm2Public::from_point(&point).is_ok());
    point[64] ^= 1;
    assert!(Sm2Public::from_point(&point).is_err());
}

#[test]
fn a_plaintext_must_not_be_empty() {
    let refused = key().public().encrypt(&SystemRandom, b"");
    assert_eq!(refused, Err(CryptoError::InvalidInput("empty plaintext")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn both_encodings_decrypt(plaintext in proptest::collection::vec(any::<u8>(), 1..300)) {
        let key = key();
        let raw = key.public().encrypt(&SystemRandom, &plaintext).unwrap();
        prop_assert_eq!(raw.len(), plaintext.len() + 97);
        prop_assert!(key.decrypt(&raw).unwrap().ct_eq(&plaintext));
        prop_assert!(key.decrypt(&to_asn1(&raw)).unwrap().ct_eq(&plaintext));
    }

    #[test]
    fn no_altered_ciphertext_decrypts(position: prop::sample::Index, flip in 1u8.., asn1: bool) {
        let key = key();
        let mut ciphertext = key.public().encrypt(&SystemRandom, b"encryption standard").unwrap();
        if asn1 {
            ciphertext = to_asn1(&ciphertext);
        }
        *position.get_mut(&mut ciphertext) ^= flip;
        prop_assert_eq!(key.decrypt(&ciphertext), Err(CryptoError::Integrity));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_parsing_panic(bytes: Vec<u8>, first in prop::sample::select(vec![0x04, 0x30, 0x00])) {
        let bytes = [&[first], &bytes[..]].concat();
        let _outcome = (Ciphertext::parse(&bytes).is_some(), parse_signature(&bytes).is_some());
    }
}
