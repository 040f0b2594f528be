//! The name that somebody who mistyped probably meant.

/// The candidate closest to `wanted`, when one is close enough to be worth naming.
pub(crate) fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    let allowed = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A sentence such as ` Did you mean "x"?` that can be put behind a refusal; empty when nothing is close.
pub(crate) fn suggestion<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wanted, candidates).map(|name| format!(" Did you mean \"{name}\"?")).unwrap_or_default()
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous_char = None;
    for (row, char_a) in a.chars().enumerate() {
        let mut next = vec![row + 1];
        for (column, char_b) in b.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, column) + usize::from(char_a != *char_b))
                .min(at(&last, column + 1) + 1)
                .min(at(&next, column) + 1);
            let left = column.checked_sub(1);
            if let Some(left) = left
                && previous_char == Some(*char_b)
                && b.get(left) == Some(&char_a)
            {
                best = best.min(at(&before_last, left) + 1);
            }
            next.push(best);
        }
        before_last = std::mem::replace(&mut last, next);
        previous_char = Some(char_a);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_recognised() {
        let names = ["region", "limits.connections", "storage.url"];
        assert_eq!(nearest("regoin", names), Some("region"));
        assert_eq!(nearest("limits.connection", names), Some("limits.connections"));
        assert_eq!(nearest("STORAGE.URL", names), Some("storage.url"));
        assert_eq!(nearest("colour", names), None);
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("abcd", "abdc"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
