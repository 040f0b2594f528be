//! Writing JSON straight into a buffer: a record is on the path of every request.

use std::cell::Cell;

/// Appends a text with its quotes. Bytes that are not UTF-8 become the replacement character.
pub fn text(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        escaped(out, String::from_utf8_lossy(text).as_bytes());
    }
    out.push(b'"');
}

/// Whether a text is ASCII without anything to escape, as nearly all are; written so that it needs no branch per byte.
fn is_plain(text: &[u8]) -> bool {
    text.iter().fold(true, |plain, byte| plain & (*byte >= 0x20) & (*byte < 0x7f) & (*byte != b'"') & (*byte != b'\\'))
}

fn escaped(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte < 0x20 || matches!(byte, b'"' | b'\\' | 0x7f)) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, tail)) = tail.split_first() else { return };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => {
                out.extend_from_slice(b"\\u00");
                hex(out, &[*other]);
            }
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
}

/// Appends bytes as lower-case hex, without quotes.
pub fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS.get(usize::from(byte >> 4)).copied().unwrap_or_default());
        out.push(DIGITS.get(usize::from(byte & 15)).copied().unwrap_or_default());
    }
}

/// Appends a whole number.
pub fn number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

thread_local! {
    /// The last second that this thread wrote, and its text up to the point.
    static SECOND: Cell<(i64, [u8; 20])> = const { Cell::new((i64::MIN, [0; 20])) };
}

/// Appends a moment as `2026-01-02T03:04:05.678Z`, without quotes.
pub fn time(out: &mut Vec<u8>, millis: i64) {
    let seconds = millis.div_euclid(1_000);
    let (known, text) = SECOND.get();
    if known == seconds {
        out.extend_from_slice(&text);
    } else {
        let start = out.len();
        second(out, seconds);
        if let Some(text) = out.get(start..).and_then(|text| text.try_into().ok()) {
            SECOND.set((seconds, text));
        }
    }
    padded(out, millis.rem_euclid(1_000), 3);
    out.push(b'Z');
}

fn second(out: &mut Vec<u8>, seconds: i64) {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    padded(out, year, 4);
    out.push(b'-');
    padded(out, month, 2);
    out.push(b'-');
    padded(out, day, 2);
    out.push(b'T');
    padded(out, second / 3_600, 2);
    out.push(b':');
    padded(out, second / 60 % 60, 2);
    out.push(b':');
    padded(out, second % 60, 2);
    out.push(b'.');
}

/// Year, month and day of a number of days since 1970-01-01, in the proleptic Gregorian calendar: the year begins in
/// March, so that the leap day is its last.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

fn padded(out: &mut Vec<u8>, number: i64, width: u32) {
    for place in (0..width).rev() {
        out.push(b'0' + u8::try_from(number / 10_i64.pow(place) % 10).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sesame_domain::Timestamp;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn texts_are_read_back(text in any::<String>()) {
            let json = written(|out| super::text(out, text.as_bytes()));
            prop_assert!(!json.bytes().any(|byte| byte < 0x20));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn bytes_that_are_no_text_still_make_a_document(bytes in any::<Vec<u8>>()) {
            let json = written(|out| super::text(out, &bytes));
            prop_assert!(serde_json::from_str::<String>(&json).is_ok());
        }

        #[test]
        fn times_agree_with_those_of_the_domain(seconds in 0_i64..253_402_300_799, millis in 0_i64..1_000) {
            let json = written(|out| super::time(out, seconds * 1_000 + millis));
            let expected = Timestamp::from_seconds(seconds).to_string().replace('Z', &format!(".{millis:03}Z"));
            prop_assert_eq!(json, expected);
        }

        #[test]
        fn numbers_are_decimal(number in any::<u64>()) {
            prop_assert_eq!(written(|out| super::number(out, number)), number.to_string());
        }
    }
}
