//! The layout of `CiphertextBlob`.
//!
//! | offset | length | content |
//! |---|---|---|
//! | 0 | 36 | key version id, ASCII |
//! | 36 | 12 | IV |
//! | 48 | n | ciphertext, as long as the plaintext |
//! | 48 + n | 16 | tag |
//!
//! The dedicated gateway's `Advance` operations put [`ADVANCE_HEADER`] in front. The layout is the one the official
//! transfer clients take apart, so it has no version byte of ours and cannot get one.

use crate::aead::{IV_LEN, TAG_LEN};
use crate::error::CryptoError;

/// Length of every key version id, in bytes.
pub const VERSION_ID_LEN: usize = 36;

/// Bytes of a blob that are not ciphertext.
pub const OVERHEAD: usize = VERSION_ID_LEN + IV_LEN + TAG_LEN;

/// What an `Advance` blob begins with: the mark `$`, cipher version and padding mode 0, algorithm 2 (`AES_GCM`).
/// No version id begins with `$`, so the two forms are told apart by their first byte.
pub const ADVANCE_HEADER: [u8; 3] = [0x24, 0x00, 0x02];

const MALFORMED: CryptoError = CryptoError::InvalidInput("ciphertext blob");

/// The codec of blobs.
#[derive(Clone, Copy, Debug)]
pub struct CiphertextBlob;

/// The parts of a blob, borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobRef<'a> {
    /// The key version that made the blob.
    pub version_id: &'a str,
    /// The nonce of GCM.
    pub iv: &'a [u8; IV_LEN],
    /// Ciphertext and, in the last 16 bytes, tag.
    pub sealed: &'a [u8],
}

impl CiphertextBlob {
    /// Takes a blob without `Advance` header apart. Refuses, as [`CryptoError::InvalidInput`], one that is too short
    /// or does not begin with a well formed version id.
    pub fn parse(blob: &[u8]) -> Result<BlobRef<'_>, CryptoError> {
        let (version_id, rest) = blob.split_first_chunk::<VERSION_ID_LEN>().ok_or(MALFORMED)?;
        let (iv, sealed) = rest.split_first_chunk::<IV_LEN>().ok_or(MALFORMED)?;
        let version_id = std::str::from_utf8(version_id).map_err(|_| MALFORMED)?;
        if sealed.len() < TAG_LEN || !is_version_id(version_id) {
            return Err(MALFORMED);
        }
        Ok(BlobRef { version_id, iv, sealed })
    }

    /// A buffer that holds the version id and has room for the rest, which sealing appends. Refuses a version id that
    /// [`CiphertextBlob::parse`] would refuse.
    pub fn begin(version_id: &str, plaintext_len: usize) -> Result<Vec<u8>, CryptoError> {
        if !is_version_id(version_id) {
            return Err(CryptoError::InvalidInput("key version id"));
        }
        let mut blob = Vec::with_capacity(OVERHEAD.saturating_add(plaintext_len));
        blob.extend_from_slice(version_id.as_bytes());
        Ok(blob)
    }

    /// Puts parts together that came separately, as the dedicated gateway's plain operations send them.
    pub fn assemble(parts: &BlobRef<'_>) -> Vec<u8> {
        [parts.version_id.as_bytes(), parts.iv, parts.sealed].concat()
    }
}

/// The blob behind an `Advance` header, or `None` when there is no such header.
pub fn strip_advance_header(blob: &[u8]) -> Option<&[u8]> {
    blob.strip_prefix(&ADVANCE_HEADER)
}

/// The blob with an `Advance` header in front.
pub fn add_advance_header(blob: &[u8]) -> Vec<u8> {
    [&ADVANCE_HEADER, blob].concat()
}

/// Whether `id` has one of the two forms of a key version id: a lower-case UUID, or `key-`, 21 characters of
/// `0-9a-z`, a dash and 10 more.
pub fn is_version_id(id: &str) -> bool {
    const UUID: &str = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
    const INSTANCE: &str = "key-aaaaaaaaaaaaaaaaaaaaa-aaaaaaaaaa";
    let fits = |form: &str| {
        form.len() == id.len()
            && form.bytes().zip(id.bytes()).all(|(form, byte)| match form {
                b'h' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
                b'a' => matches!(byte, b'0'..=b'9' | b'a'..=b'z'),
                fixed => byte == fixed,
            })
    };
    fits(UUID) || fits(INSTANCE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encryption_context::EncryptionContext;
    use crate::material::UnlockedKey;
    use crate::secret::SecretBytes;
    use crate::spec::KeySpec;

    /// Key 00 01 … 1f, IV a0 … ab, context `{"a":"1"}`, plaintext `plaintext`.
    const LOCKED: &str = "38366139656664392d336431362d343839342d626434662d316663343366336632616266\
                          a0a1a2a3a4a5a6a7a8a9aaab\
                          96741d442bbf67c71606ce0876a14f75eecb5af11e902c9bb6";
    /// The same with `Aliyun_SM4`, key 00 01 … 0f, an instance version id and an `Advance` header.
    const LOCKED_ADVANCE: &str = "240002\
                                  6b65792d687a7a363266316362363666613432716f313233342d32307632396230303030\
                                  a0a1a2a3a4a5a6a7a8a9aaab\
                                  4d22a80263c0e58e9db9c3dabef7cbad884d4db31df31892d5";

    fn unhex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    fn open(blob: &[u8], spec: KeySpec) -> Vec<u8> {
        let material: Vec<u8> = (0..spec.material_len().unwrap() as u8).collect();
        let key = UnlockedKey::from_material(spec, &SecretBytes::new(material)).unwrap();
        let aad = EncryptionContext::parse(r#"{"a":"1"}"#).unwrap().aad();
        let parts = CiphertextBlob::parse(blob).unwrap();
        key.open(parts.iv, aad.as_bytes(), parts.sealed).unwrap().expose().to_vec()
    }

    #[test]
    fn locked_blobs_still_open() {
        assert_eq!(open(&unhex(LOCKED), KeySpec::Aes256), b"plaintext");
        let advance = unhex(LOCKED_ADVANCE);
        assert_eq!(open(strip_advance_header(&advance).unwrap(), KeySpec::Sm4), b"plaintext");
    }

    #[test]
    fn both_forms_of_version_ids_are_known() {
        for id in ["86a9efd9-3d16-4894-bd4f-1fc43f3f2abf", "key-hzz62f1cb66fa42qo1234-20v29b0000"] {
            assert!(is_version_id(id), "{id}");
        }
        for id in [
            "",
            "86A9EFD9-3d16-4894-bd4f-1fc43f3f2abf",
            "86a9efd93d16-4894-bd4f-1fc43f3f2abf00",
            "key-hzz62f1cb66fa42qo1234-20v29b000",
            "key-hzz62f1cb66fa42qo1234-20v29b0000 ",
            "key-hzz62f1cb66fa42qo123420v29b00000",
            "kez-hzz62f1cb66fa42qo1234-20v29b0000",
        ] {
            assert!(!is_version_id(id), "{id}");
        }
    }

    #[test]
    fn short_blobs_are_refused() {
        let blob = unhex(LOCKED);
        for length in 0..OVERHEAD {
            assert!(CiphertextBlob::parse(&blob[..length]).is_err());
        }
        assert!(CiphertextBlob::parse(&blob[..OVERHEAD]).unwrap().sealed.len() == TAG_LEN);
        assert!(CiphertextBlob::parse(&add_advance_header(&blob)).is_err());
        assert!(strip_advance_header(&blob).is_none());
        assert_eq!(strip_advance_header(&add_advance_header(&blob)), Some(&blob[..]));
        assert!(CiphertextBlob::begin("no", 0).is_err());
    }

    proptest! {
        #[test]
        fn what_is_assembled_is_parsed(
            version_id in "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|key-[0-9a-z]{21}-[0-9a-z]{10}",
            iv: [u8; IV_LEN],
            sealed in proptest::collection::vec(any::<u8>(), TAG_LEN..100),
        ) {
            let parts = BlobRef { version_id: &version_id, iv: &iv, sealed: &sealed };
            let blob = CiphertextBlob::assemble(&parts);
            prop_assert_eq!(CiphertextBlob::parse(&blob), Ok(parts));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, version in proptest::option::of("[0-9a-f-]{36}")) {
            let blob = [version.unwrap_or_default().as_bytes(), &bytes].concat();
            let _outcome = CiphertextBlob::parse(&blob);
        }
    }
}
