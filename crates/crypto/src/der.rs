//! The little of DER (ITU-T X.690) that SM2 signatures, SM2 ciphertexts and EC public keys need.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const SEQUENCE: u8 = 0x30;

/// One element: tag, length in its shortest form, content. Contents here are far below 64 KiB.
pub(crate) fn element(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let length: usize = content.iter().map(|part| part.len()).sum();
    let [.., high, low] = length.to_be_bytes();
    let mut out = Vec::with_capacity(length + 4);
    out.push(tag);
    match length {
        0..=0x7f => out.push(low),
        0x80..=0xff => out.extend_from_slice(&[0x81, low]),
        _ => out.extend_from_slice(&[0x82, high, low]),
    }
    content.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// A non-negative INTEGER from 32 big-endian bytes.
pub(crate) fn unsigned(bytes: &[u8; 32]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(31);
    let digits = bytes.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if digits.first().is_some_and(|first| *first >= 0x80) { &[0] } else { &[] };
    element(INTEGER, &[sign, digits])
}

/// Reads elements one after the other; refuses whatever is not DER.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The content of the next element, when it has this tag.
    pub(crate) fn element(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, rest) = self.0.split_first()?;
        let (length, rest) = match rest {
            [short @ 0..=0x7f, rest @ ..] => (usize::from(*short), rest),
            [0x81, length @ 0x80..=0xff, rest @ ..] => (usize::from(*length), rest),
            [0x82, high @ 1..=0xff, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (*found == tag).then_some(content)
    }

    /// The next element as a non-negative INTEGER of at most 256 bits.
    pub(crate) fn unsigned(&mut self) -> Option<[u8; 32]> {
        let digits = match self.element(INTEGER)? {
            [0, digits @ ..] if digits.first().is_some_and(|first| *first >= 0x80) => digits,
            digits @ [0] | digits @ [1..=0x7f, ..] => digits,
            _ => return None,
        };
        let mut value = [0; 32];
        value.get_mut(32usize.checked_sub(digits.len())?..)?.copy_from_slice(digits);
        Some(value)
    }

    /// Bytes that are not read yet.
    pub(crate) fn rest_len(&self) -> usize {
        self.0.len()
    }

    /// `None` unless everything was read.
    pub(crate) fn finish(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn integers_come_back(mut value: [u8; 32], zeros in 0usize..32) {
            value[..zeros].fill(0);
            let encoded = unsigned(&value);
            let mut reader = Reader::new(&encoded);
            prop_assert_eq!(reader.unsigned(), Some(value));
            prop_assert!(reader.finish().is_some());
        }

        #[test]
        fn elements_come_back(content in proptest::collection::vec(any::<u8>(), 0..600)) {
            let encoded = element(OCTET_STRING, &[&content]);
            let mut reader = Reader::new(&encoded);
            prop_assert_eq!(reader.element(OCTET_STRING), Some(&content[..]));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            let _outcome = (reader.unsigned(), reader.element(SEQUENCE));
        }
    }

    #[test]
    fn other_encodings_of_the_same_value_are_refused() {
        for bytes in
            [&[2, 2, 0, 1][..], &[2, 0x81, 1, 1], &[2, 1, 0x80], &[2, 0], &[2, 0x80, 1, 0, 0], &[2, 0x82, 0, 1, 1]]
        {
            assert_eq!(Reader::new(bytes).unsigned(), None, "{bytes:?}");
        }
    }
}
