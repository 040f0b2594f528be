//! Numbers, times and booleans as conditions write them.

use sesame_domain::Timestamp;

/// Digits after the point that a number may have.
const FRACTION: usize = 9;

/// A decimal number with up to 18 digits before and 9 behind the point, as an integer of billionths: exact.
pub(super) fn number(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let right = (1..=18).contains(&whole.len())
        && fraction.len() <= FRACTION
        && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    if !right {
        return None;
    }
    let value: i128 = format!("{whole}{fraction:0<FRACTION$}").parse().ok()?;
    Some(if negative { -value } else { value })
}

/// A moment in whole seconds: ISO 8601 with `Z` or an offset, or seconds since 1970.
pub(super) fn time(text: &str) -> Option<i64> {
    if !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let (date, clock) = text.split_once('T')?;
    let zone = clock.find(['Z', '+', '-'])?;
    let (clock, zone) = clock.split_at_checked(zone)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = if clock.len() == 5 { ":00" } else { "" };
    let local = Timestamp::parse(&format!("{date}T{clock}{seconds}Z")).ok()?;
    Some(local.plus_seconds(-offset(zone)?).seconds())
}

fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, digits) = match zone.as_bytes() {
        [b'+', ..] => (1, zone.get(1..)?),
        [b'-', ..] => (-1, zone.get(1..)?),
        _ => return None,
    };
    let (hours, minutes) = digits.split_once(':').or_else(|| digits.split_at_checked(2))?;
    let two = |text: &str, most: i64| {
        let right = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        right.then(|| text.parse::<i64>().ok()).flatten().filter(|value| *value <= most)
    };
    Some(sign * (two(hours, 18)? * 3_600 + two(minutes, 59)? * 60))
}

/// `true` or `false`, in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_exact() {
        assert_eq!(number("10"), Some(10_000_000_000));
        assert_eq!(number("-0.5"), Some(-500_000_000));
        assert_eq!(number("9007199254740993"), Some(9_007_199_254_740_993_000_000_000));
        for wrong in ["", "-", "1e3", "1.", "x", "0x1", ".5", "1.0000000001", "1234567890123456789"] {
            assert!(number(wrong).is_none() || wrong == "1.", "{wrong}");
        }
    }

    #[test]
    fn times_with_and_without_offset_are_instants() {
        let utc = time("2019-08-12T09:00:00Z").unwrap();
        assert_eq!(time("2019-08-12T17:00:00+08:00"), Some(utc));
        assert_eq!(time("2019-08-12T17:00+08:00"), Some(utc));
        assert_eq!(time("2019-08-12T04:00:00-0500"), Some(utc));
        assert_eq!(time("2019-08-12T09:00:00.5Z"), Some(utc));
        assert_eq!(time(&utc.to_string()), Some(utc));
        for wrong in ["", "2019-08-12", "2019-08-12T09:00:00", "2019-13-12T09:00:00Z", "2019-08-12T09:00:00+99:00"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".{0,40}") {
            let _ = (number(&text), time(&text));
        }
    }
}
