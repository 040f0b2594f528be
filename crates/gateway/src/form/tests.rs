use proptest::prelude::*;

use super::*;

fn read(input: &[u8]) -> Result<Vec<(String, String)>, FormError> {
    let (mut arena, mut pairs) = (Vec::new(), Vec::new());
    read_pairs(input, Place::Query, 1_000, &mut arena, &mut pairs)?;
    let params = params(&pairs, &arena)?;
    Ok(params.pairs().iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn plus_and_percent_20_are_spaces() {
    assert_eq!(read(b"a=x+y%20z&b+c=%2B").unwrap(), [pair("a", "x y z"), pair("b c", "+")]);
}

#[test]
fn a_name_without_a_value_has_an_empty_one() {
    assert_eq!(read(b"&a&&b=&=c&").unwrap(), [pair("a", ""), pair("b", ""), pair("", "c")]);
}

#[test]
fn an_equals_sign_inside_a_value_belongs_to_it() {
    assert_eq!(read(b"a=b==&c==").unwrap(), [pair("a", "b=="), pair("c", "=")]);
}

#[test]
fn raw_characters_are_taken_as_they_are() {
    assert_eq!(read("a=中|<>\"'*%e4%B8%ad".as_bytes()).unwrap(), [pair("a", "中|<>\"'*中")]);
}

#[test]
fn broken_escapes_and_broken_utf_8_are_refused() {
    for input in ["a=%", "a=%4", "a=%4g", "a=%zz", "%=a", "a=%+1", "a=%2&b=1"] {
        assert_eq!(read(input.as_bytes()), Err(FormError::Percent), "{input}");
    }
    for input in [&b"a=%FF"[..], b"a=\xff", b"%C3=a", b"a=%E4%B8"] {
        assert_eq!(read(input), Err(FormError::Utf8));
    }
}

#[test]
fn the_number_of_pairs_is_bounded() {
    let (mut arena, mut pairs) = (Vec::new(), Vec::new());
    assert_eq!(read_pairs(b"a=1&b=2&c=3", Place::Query, 2, &mut arena, &mut pairs), Err(FormError::TooMany));
}

#[test]
fn contradictions_are_found_and_repetitions_are_not() {
    let (mut arena, mut pairs) = (Vec::new(), Vec::new());
    read_pairs(b"a=1&b=2&a=%31", Place::Query, 9, &mut arena, &mut pairs).unwrap();
    sort(&mut pairs, &arena);
    assert_eq!(contradiction(&pairs, &arena), None);
    read_pairs(b"b=3", Place::Form, 9, &mut arena, &mut pairs).unwrap();
    sort(&mut pairs, &arena);
    assert_eq!(contradiction(&pairs, &arena), Some(&b"b"[..]));
}

/// Splits, decodes and encodes again with nothing clever.
fn naive_encoding(input: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let decode = |text: &[u8]| -> Option<Vec<u8>> {
        let (mut out, mut i) = (Vec::new(), 0);
        while i < text.len() {
            match text[i] {
                b'%' => {
                    let digits = text.get(i + 1..i + 3)?;
                    if digits.contains(&b'+') {
                        return None;
                    }
                    out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                    i += 2;
                }
                b'+' => out.push(b' '),
                byte => out.push(byte),
            }
            i += 1;
        }
        Some(out)
    };
    let encode = |text: Vec<u8>| -> Vec<u8> {
        let one = |byte: u8| if is_unreserved(byte) { vec![byte] } else { format!("%{byte:02X}").into_bytes() };
        text.into_iter().flat_map(one).collect()
    };
    let mut pairs = Vec::new();
    for part in input.split(|&b| b == b'&').filter(|part| !part.is_empty()) {
        let at = part.iter().position(|&b| b == b'=').unwrap_or(part.len());
        pairs.push((decode(&part[..at])?, decode(part.get(at + 1..).unwrap_or_default())?));
    }
    pairs.sort();
    Some(pairs.into_iter().map(|(name, value)| (encode(name), encode(value))).collect())
}

/// Texts in which the interesting bytes are frequent.
fn query_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte]),
        any::<u8>().prop_map(|byte| format!("%{byte:02X}").into_bytes()),
        any::<u8>().prop_map(|byte| format!("%{byte:02x}").into_bytes()),
        "[A-Za-z0-9._~-]{1,40}".prop_map(String::into_bytes),
        "[&=+%*/ ]".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_was_rendered_is_read_back(
        pairs in proptest::collection::vec(("\\PC{0,20}", "\\PC{0,40}"), 0..12),
        style in 0..3_u8,
    ) {
        let encode = |text: &str| {
            let mut out = Vec::new();
            encode_into(&mut out, text.as_bytes());
            let out = String::from_utf8(out).unwrap();
            match style { 0 => out, 1 => out.replace("%20", "+"), _ => out.to_lowercase().replace("%2a", "*") }
        };
        let fold = |text: &str| if style == 2 { text.to_ascii_lowercase() } else { text.to_owned() };
        let query: Vec<_> =
            pairs.iter().map(|(n, v)| format!("{}={}", encode(&fold(n)), encode(&fold(v)))).collect();
        let expected: Vec<_> = pairs.iter().map(|(n, v)| (fold(n), fold(v))).collect();
        prop_assert_eq!(read(query.join("&").as_bytes()).unwrap(), expected);
    }

    #[test]
    fn the_canonical_form_is_what_a_naive_reading_gives(input in query_like()) {
        let (mut arena, mut pairs) = (Vec::new(), Vec::new());
        let read = read_pairs(&input, Place::Query, usize::MAX, &mut arena, &mut pairs);
        let Some(expected) = naive_encoding(&input) else {
            prop_assert_eq!(read, Err(FormError::Percent));
            return Ok(());
        };
        prop_assert_eq!(read, Ok(()));
        sort(&mut pairs, &arena);
        let encode = |component: &Component<'_>| {
            let (mut once, mut twice, mut reference) = (Vec::new(), Vec::new(), Vec::new());
            component.encode_into(&mut once, &arena);
            component.encode_twice_into(&mut twice, &arena);
            encode_into(&mut reference, &once);
            assert_eq!(twice, reference);
            assert!(once.len() <= component.encoded_len_bound());
            once
        };
        let found: Vec<_> = pairs.iter().map(|pair| (encode(&pair.name), encode(&pair.value))).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn arbitrary_bytes_never_panic(input in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&input);
    }
}
