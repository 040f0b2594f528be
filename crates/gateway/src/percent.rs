//! Percent-encoding as the signatures define it: every byte but `A-Z a-z 0-9 - _ . ~` becomes `%` and two upper-case
//! hexadecimal digits.

const UPPER_HEX: &[u8; 16] = b"0123456789ABCDEF";

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses an index that is too large")]
const UNRESERVED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~');
        byte += 1;
    }
    table
};

/// Whether a byte stands for itself in the canonical encoding.
#[inline]
#[expect(clippy::indexing_slicing, reason = "a byte cannot lie outside a table of 256 entries")]
pub(crate) fn is_unreserved(byte: u8) -> bool {
    UNRESERVED[usize::from(byte)]
}

/// How many bytes at the start of `text` stand for themselves.
#[inline]
pub(crate) fn unreserved_run(text: &[u8]) -> usize {
    let (blocks, tail) = text.as_chunks::<16>();
    // Blocks of sixteen bytes at a time: without a branch inside, this becomes a handful of vector instructions.
    let whole = blocks.iter().take_while(|block| block.iter().fold(true, |all, &byte| all & in_ranges(byte))).count();
    let rest = blocks.get(whole).map_or(tail, |block| block.as_slice());
    whole * 16 + rest.iter().take_while(|&&byte| is_unreserved(byte)).count()
}

/// [`is_unreserved`] by comparisons alone, which vectorise where a table does not.
#[inline]
fn in_ranges(byte: u8) -> bool {
    let letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let digit = byte.wrapping_sub(b'0') < 10;
    letter | digit | (byte == b'-') | (byte == b'.') | (byte == b'_') | (byte == b'~')
}

/// The value of a hexadecimal digit.
#[inline]
pub(crate) fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Appends the encoding of `text`.
pub(crate) fn encode_into(out: &mut Vec<u8>, text: &[u8]) {
    each_run(out, text, |out, byte| {
        let [high, low] = upper_hex(byte);
        out.extend_from_slice(&[b'%', high, low]);
    });
}

/// Appends the encoding of the encoding of `text`.
pub(crate) fn encode_twice_into(out: &mut Vec<u8>, text: &[u8]) {
    each_run(out, text, |out, byte| {
        let [high, low] = upper_hex(byte);
        out.extend_from_slice(&[b'%', b'2', b'5', high, low]);
    });
}

/// Appends the encoding of a text that is itself an encoding, in which only `%` needs it.
pub(crate) fn encode_encoded_into(out: &mut Vec<u8>, encoded: &[u8]) {
    let mut pieces = encoded.split(|&byte| byte == b'%');
    out.extend_from_slice(pieces.next().unwrap_or_default());
    for piece in pieces {
        out.extend_from_slice(b"%25");
        out.extend_from_slice(piece);
    }
}

#[inline]
fn each_run(out: &mut Vec<u8>, text: &[u8], escape: impl Fn(&mut Vec<u8>, u8)) {
    let mut rest = text;
    loop {
        let (run, tail) = rest.split_at(unreserved_run(rest));
        out.extend_from_slice(run);
        let Some((&byte, after)) = tail.split_first() else { return };
        escape(out, byte);
        rest = after;
    }
}

fn upper_hex(byte: u8) -> [u8; 2] {
    let digit = |nibble: u8| UPPER_HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
    [digit(byte >> 4), digit(byte & 15)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encode(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode_into(&mut out, text);
        out
    }

    #[test]
    fn only_unreserved_bytes_stand_for_themselves() {
        assert_eq!(encode("aZ09-_.~ *+/=中".as_bytes()), b"aZ09-_.~%20%2A%2B%2F%3D%E4%B8%AD");
    }

    #[test]
    fn the_table_and_the_comparisons_agree() {
        assert!((0..=255).all(|byte| is_unreserved(byte) == in_ranges(byte)));
    }

    proptest! {
        #[test]
        fn runs_end_at_the_first_byte_that_needs_encoding(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let slow = text.iter().take_while(|&&byte| is_unreserved(byte)).count();
            prop_assert_eq!(unreserved_run(&text), slow);
        }

        #[test]
        fn encoding_twice_in_one_step_is_encoding_twice(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let twice = encode(&encode(&text));
            let (mut one_step, mut from_encoded) = (Vec::new(), Vec::new());
            encode_twice_into(&mut one_step, &text);
            encode_encoded_into(&mut from_encoded, &encode(&text));
            prop_assert_eq!(&one_step, &twice);
            prop_assert_eq!(&from_encoded, &twice);
        }
    }
}
