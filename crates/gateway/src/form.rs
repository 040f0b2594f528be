//! Query and form: pairs of names and values, split, decoded and judged in one pass over the bytes received.
//!
//! A pair keeps what was sent beside what it means. Values that are already encoded as the signature wants them are
//! copied into the signed text as they came, and values that needed decoding live together in one buffer which is
//! wiped when the request is over.

use std::borrow::Cow;

use sesame_service::params::Params;

use crate::percent::{encode_encoded_into, encode_into, encode_twice_into, hex_value, is_unreserved, unreserved_run};

/// Why a query or form cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormError {
    /// `%` without two hexadecimal digits.
    Percent,
    /// Bytes that are not UTF-8 after decoding.
    Utf8,
    /// More pairs than allowed.
    TooMany,
}

/// Where a pair was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the request target.
    Query,
    /// In the body.
    Form,
}

/// A name or a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Component<'r> {
    raw: &'r [u8],
    /// Where the decoded bytes lie, when they differ from the raw ones.
    decoded: Option<(u32, u32)>,
    /// Whether `raw` is exactly the canonical encoding of what it means.
    canonical: bool,
}

/// A parameter as sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair<'r> {
    pub(crate) name: Component<'r>,
    pub(crate) value: Component<'r>,
    pub(crate) place: Place,
}

/// Reads the pairs of `input` and appends them to `pairs`; decoded bytes go to `arena`.
///
/// # Errors
/// When a percent sign is not followed by two digits, or there are more than `limit` pairs.
pub(crate) fn read_pairs<'r>(
    input: &'r [u8],
    place: Place,
    limit: usize,
    arena: &mut Vec<u8>,
    pairs: &mut Vec<Pair<'r>>,
) -> Result<(), FormError> {
    let mut rest = input;
    while !rest.is_empty() {
        let (name, mut after) = component(rest, true, arena)?;
        let mut value = Component { raw: b"", decoded: None, canonical: true };
        let has_value = matches!(after.first(), Some(b'='));
        if has_value {
            (value, after) = component(after.get(1..).unwrap_or_default(), false, arena)?;
        }
        rest = after.get(1..).unwrap_or_default();
        if name.raw.is_empty() && !has_value {
            continue; // two separators in a row
        }
        if pairs.len() >= limit {
            return Err(FormError::TooMany);
        }
        pairs.push(Pair { name, value, place });
    }
    Ok(())
}

/// One component from the start of `input`, and what follows it: nothing, or a text that begins with the separator.
fn component<'r>(input: &'r [u8], is_name: bool, arena: &mut Vec<u8>) -> Result<(Component<'r>, &'r [u8]), FormError> {
    let start = arena.len();
    let (mut decoding, mut canonical) = (false, true);
    let mut at = 0;
    loop {
        let rest = input.get(at..).unwrap_or_default();
        let (run, tail) = rest.split_at(unreserved_run(rest));
        if decoding {
            arena.extend_from_slice(run);
        }
        at += run.len();
        match *tail {
            [] | [b'&', ..] => break,
            [b'=', ..] if is_name => break,
            [special @ (b'%' | b'+'), ref after @ ..] => {
                if !decoding {
                    arena.extend_from_slice(input.get(..at).unwrap_or_default());
                    decoding = true;
                }
                let (byte, is_canonical) = if special == b'+' { (b' ', false) } else { escaped(after)? };
                arena.push(byte);
                canonical &= is_canonical;
                at += if special == b'+' { 1 } else { 3 };
            }
            [byte, ..] => {
                if decoding {
                    arena.push(byte);
                }
                canonical = false;
                at += 1;
            }
        }
    }
    let (raw, after) = input.split_at(at);
    let decoded = if decoding { Some((offset(start)?, offset(arena.len())?)) } else { None };
    Ok((Component { raw, decoded, canonical }, after))
}

/// The byte that two digits stand for, and whether the canonical encoding writes it so.
#[inline]
fn escaped(digits: &[u8]) -> Result<(u8, bool), FormError> {
    let [high, low, ..] = *digits else { return Err(FormError::Percent) };
    let (Some(h), Some(l)) = (hex_value(high), hex_value(low)) else { return Err(FormError::Percent) };
    let byte = h << 4 | l;
    Ok((byte, !is_unreserved(byte) && !high.is_ascii_lowercase() && !low.is_ascii_lowercase()))
}

/// Offsets are kept in 32 bits; requests are bounded far below that.
fn offset(at: usize) -> Result<u32, FormError> {
    u32::try_from(at).map_err(|_| FormError::TooMany)
}

impl<'r> Component<'r> {
    /// What the component means.
    pub(crate) fn meaning<'a>(&self, arena: &'a [u8]) -> &'a [u8]
    where
        'r: 'a,
    {
        match self.decoded {
            None => self.raw,
            Some((start, end)) => arena.get(start as usize..end as usize).unwrap_or_default(),
        }
    }

    fn text<'a>(&self, arena: &'a [u8]) -> Result<&'a str, FormError>
    where
        'r: 'a,
    {
        std::str::from_utf8(self.meaning(arena)).map_err(|_| FormError::Utf8)
    }

    /// Appends the canonical encoding.
    pub(crate) fn encode_into(&self, out: &mut Vec<u8>, arena: &[u8]) {
        if self.canonical {
            out.extend_from_slice(self.raw);
        } else {
            encode_into(out, self.meaning(arena));
        }
    }

    /// Appends the canonical encoding of the canonical encoding.
    pub(crate) fn encode_twice_into(&self, out: &mut Vec<u8>, arena: &[u8]) {
        if self.canonical {
            encode_encoded_into(out, self.raw);
        } else {
            encode_twice_into(out, self.meaning(arena));
        }
    }

    /// No fewer bytes than the canonical encoding takes.
    pub(crate) fn encoded_len_bound(&self) -> usize {
        if self.canonical { self.raw.len() } else { self.raw.len() * 3 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }
}

/// The parameters that the pairs mean, borrowed from the request and from `arena`.
///
/// # Errors
/// When a name or a value is not UTF-8.
pub(crate) fn params<'a>(pairs: &[Pair<'a>], arena: &'a [u8]) -> Result<Params<'a>, FormError> {
    let decoded = pairs
        .iter()
        .map(|pair| Ok((Cow::Borrowed(pair.name.text(arena)?), Cow::Borrowed(pair.value.text(arena)?))))
        .collect::<Result<Vec<_>, FormError>>()?;
    Ok(Params::new(decoded))
}

/// Sorts pairs as both signatures want them: by name in byte order, then by value.
pub(crate) fn sort(pairs: &mut [Pair<'_>], arena: &[u8]) {
    pairs.sort_by(|a, b| {
        let by_name = a.name.meaning(arena).cmp(b.name.meaning(arena));
        by_name.then_with(|| a.value.meaning(arena).cmp(b.value.meaning(arena)))
    });
}

/// A name that was sent with two different values, in pairs that are sorted.
pub(crate) fn contradiction<'a>(sorted: &[Pair<'a>], arena: &'a [u8]) -> Option<&'a [u8]> {
    sorted.array_windows().find_map(|[a, b]| {
        let same_name = a.name.meaning(arena) == b.name.meaning(arena);
        (same_name && a.value.meaning(arena) != b.value.meaning(arena)).then(|| a.name.meaning(arena))
    })
}

#[cfg(test)]
mod tests;
