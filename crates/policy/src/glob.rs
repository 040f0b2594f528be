//! Patterns with `*` (any number of any characters, `/` and `:` included) and `?` (exactly one character).

/// A pattern in the cheapest form that it has. There is no escape; the whole text must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Glob {
    Any,
    Exact(Box<str>),
    Prefix(Box<str>),
    General(Box<str>),
}

impl Glob {
    pub(crate) fn new(pattern: &str) -> Self {
        let literal = pattern.trim_end_matches('*');
        match (literal.contains(['*', '?']), literal.len() == pattern.len()) {
            (false, true) => Self::Exact(pattern.into()),
            (false, false) if literal.is_empty() => Self::Any,
            (false, false) => Self::Prefix(literal.into()),
            (true, _) => Self::General(pattern.into()),
        }
    }

    /// The only text that matches, when there is only one.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self {
            Self::Exact(text) => Some(text),
            _ => None,
        }
    }

    /// The part before the first colon, when no wildcard is in it: the product of an action.
    pub(crate) fn product(&self) -> Option<&str> {
        let text = match self {
            Self::Any => return None,
            Self::Exact(text) | Self::Prefix(text) | Self::General(text) => text,
        };
        text.split_once(':').map(|(product, _)| product).filter(|product| !product.contains(['*', '?']))
    }

    /// Whether every text that matches begins so.
    pub(crate) fn begins_with(&self, start: &str) -> bool {
        match self {
            Self::Any => false,
            Self::Exact(text) | Self::Prefix(text) | Self::General(text) => text.starts_with(start),
        }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => **exact == *text,
            Self::Prefix(prefix) => text.as_bytes().starts_with(prefix.as_bytes()),
            Self::General(pattern) => general(pattern.as_bytes(), text.as_bytes()),
        }
    }
}

/// On a mismatch only the last star is tried again with one character more: earlier stars cannot do better. The time
/// is at most the product of both lengths.
fn general(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star = None;
    loop {
        match (pattern.get(at), text.get(read)) {
            (Some(b'*'), _) => {
                at += 1;
                star = Some((at, read));
            }
            (Some(b'?'), Some(first)) => {
                at += 1;
                read += character_len(*first);
            }
            (Some(expected), Some(found)) if expected == found => {
                at += 1;
                read += 1;
            }
            (None, None) => return true,
            _ => {
                let Some((after, from)) = star else { return false };
                let Some(skipped) = text.get(from) else { return false };
                let next = from + character_len(*skipped);
                star = Some((after, next));
                (at, read) = (after, next);
            }
        }
    }
}

/// The length of a UTF-8 character by its first byte.
fn character_len(first: u8) -> usize {
    match first {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_takes_its_cheapest_form() {
        assert_eq!(Glob::new("*"), Glob::Any);
        assert_eq!(Glob::new("***"), Glob::Any);
        assert_eq!(Glob::new("key/x"), Glob::Exact("key/x".into()));
        assert_eq!(Glob::new("key/*"), Glob::Prefix("key/".into()));
        assert_eq!(Glob::new(""), Glob::Exact("".into()));
        assert!(matches!(Glob::new("*/x"), Glob::General(_)));
    }

    #[test]
    fn wildcards_match_across_separators_and_whole_characters() {
        for (pattern, text, expected) in [
            ("acs:*:key/*", "acs:kms:r:a:key/x/y", true),
            ("*/prod/*", "secret/acs/prod/db", true),
            ("*/prod/*", "secret/acs/prod", false),
            ("a?c", "abc", true),
            ("a?c", "a钥c", true),
            ("a?c", "ac", false),
            ("a??c", "a钥c", false),
            ("*?", "", false),
            ("*??", "钥", false),
            ("**a*b", "xxayyab", true),
            ("*a*b", "xxayyc", false),
            ("?", "钥", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    /// The definition, without any thought of speed.
    fn by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => {
                by_definition(rest, text) || text.split_first().is_some_and(|(_, text)| by_definition(pattern, text))
            }
            (['?', rest @ ..], [_, text @ ..]) => by_definition(rest, text),
            ([c, rest @ ..], [d, text @ ..]) => c == d && by_definition(rest, text),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_the_definition(pattern in "[ab钥*?]{0,8}", text in "[ab钥]{0,8}") {
            let (p, t): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(Glob::new(&pattern).matches(&text), by_definition(&p, &t));
        }
    }
}
