//! What the names of resources that a statement is about have in common, kept where a decision can see it without
//! looking at the statement.

use std::ops::Range;

use crate::glob::Glob;
use crate::resource::{Resource, ResourcePattern, Resources};

/// Bytes at either end of a name that are compared.
const WIDTH: usize = 16;

/// The bytes at both ends of a name: the first ones, then zeros; zeros, then the last ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ends {
    start: u128,
    end: u128,
}

impl Ends {
    fn of(bytes: &[u8]) -> Self {
        let (mut start, mut end) = ([0; WIDTH], [0; WIDTH]);
        start.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        end.iter_mut().rev().zip(bytes.iter().rev()).for_each(|(to, from)| *to = *from);
        Self { start: u128::from_ne_bytes(start), end: u128::from_ne_bytes(end) }
    }

    /// What is left where a mask has ones.
    fn under(self, mask: Self) -> Self {
        Self { start: self.start & mask.start, end: self.end & mask.end }
    }
}

/// What every name that a statement is about has at its ends: it must be equal where the mask has ones. A statement
/// whose outline does not fit a request is not about its resource; one whose outline fits may be.
///
/// In the order of the masks, then of what has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Outline {
    mask: Ends,
    ends: Ends,
}

/// The names of a request's resource, ready to be compared with outlines.
pub(crate) struct Names(smallvec::SmallVec<[Ends; 2]>);

impl Names {
    pub(crate) fn of(resource: &Resource<'_>) -> Self {
        Self(resource.names.iter().map(|name| Ends::of(name.as_bytes())).collect())
    }
}

impl Outline {
    /// Fits every request.
    const ANY: Self = Self { ends: Ends { start: 0, end: 0 }, mask: Ends { start: 0, end: 0 } };

    /// The outline of `Resource`.
    pub(crate) fn new(resources: Option<&Resources>) -> Self {
        let Some(Resources { negated: false, patterns }) = resources else { return Self::ANY };
        let Self { mask, ends } = patterns.iter().map(Self::of).reduce(Self::common).unwrap_or(Self::ANY);
        Self { mask, ends: ends.under(mask) }
    }

    fn of(pattern: &ResourcePattern) -> Self {
        match pattern.name() {
            None | Some(Glob::Any) => Self::ANY,
            // What is beyond the ends of the text must be absent from a name as well.
            Some(Glob::Exact(text)) => {
                let mask = Ends { start: u128::MAX, end: u128::MAX };
                Self { ends: Ends::of(text.as_bytes()), mask }
            }
            Some(Glob::Prefix(start)) => Self::between(start, ""),
            Some(Glob::General(text)) => {
                let wildcards = ['*', '?'];
                let ends = (text.split(wildcards).next(), text.rsplit(wildcards).next());
                Self::between(ends.0.unwrap_or_default(), ends.1.unwrap_or_default())
            }
        }
    }

    fn between(start: &str, end: &str) -> Self {
        let of = |start: &[u8], end: &[u8]| Ends { start: Ends::of(start).start, end: Ends::of(end).end };
        Self {
            ends: of(start.as_bytes(), end.as_bytes()),
            mask: of(&vec![u8::MAX; start.len()], &vec![u8::MAX; end.len()]),
        }
    }

    /// What both have in common.
    fn common(self, other: Self) -> Self {
        let agree = |a: u128, b: u128| !(a ^ b);
        let mask = Ends {
            start: self.mask.start & other.mask.start & agree(self.ends.start, other.ends.start),
            end: self.mask.end & other.mask.end & agree(self.ends.end, other.ends.end),
        };
        Self { ends: self.ends, mask }
    }
}

/// Things with an outline, such as statements: those that fit a request are found by search.
#[derive(Debug)]
pub(crate) struct Outlined<T> {
    /// In the order of the outlines.
    all: Box<[(Outline, T)]>,
    /// Where those are whose outlines have the same mask.
    alike: Box<[Range<usize>]>,
}

impl<T> Default for Outlined<T> {
    fn default() -> Self {
        Self { all: Box::default(), alike: Box::default() }
    }
}

impl<T> FromIterator<(Outline, T)> for Outlined<T> {
    fn from_iter<I: IntoIterator<Item = (Outline, T)>>(things: I) -> Self {
        let mut all: Box<[_]> = things.into_iter().collect();
        all.sort_by_key(|(outline, _)| *outline);
        let mut end = 0;
        let groups = all.chunk_by(|(one, _), (next, _)| one.mask == next.mask);
        let alike = groups.map(|group| {
            let start = end;
            end += group.len();
            start..end
        });
        Self { alike: alike.collect(), all }
    }
}

impl<T> Outlined<T> {
    /// Everything.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.all.iter().map(|(_, thing)| thing)
    }

    /// Whether something is true of anything that can be about one of the names.
    pub(crate) fn any_fitting(&self, names: &Names, mut is_true: impl FnMut(&T) -> bool) -> bool {
        self.alike.iter().filter_map(|range| self.all.get(range.clone())).any(|group| {
            let Some((Outline { mask, .. }, _)) = group.first() else { return false };
            if *mask == Outline::ANY.mask {
                return group.iter().any(|(_, thing)| is_true(thing));
            }
            names.0.iter().any(|name| {
                let sought = name.under(*mask);
                let from = group.partition_point(|(outline, _)| outline.ends < sought);
                let rest = group.get(from..).unwrap_or_default().iter();
                rest.take_while(|(outline, _)| outline.ends == sought).any(|(_, thing)| is_true(thing))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resources(names: &[&str]) -> Resources {
        let pattern = |name: &&str| ResourcePattern::parse(&format!("acs:kms:*:*:{name}")).unwrap();
        Resources { negated: false, patterns: names.iter().map(pattern).collect() }
    }

    fn request<'a>(names: &'a [&'a str]) -> Resource<'a> {
        Resource { product: "kms", region: "cn-hangzhou", account: "1234567890123456", names }
    }

    fn outline_fits(outline: Outline, names: &[&str]) -> bool {
        [(outline, ())].into_iter().collect::<Outlined<_>>().any_fitting(&Names::of(&request(names)), |()| true)
    }

    fn fits(patterns: &[&str], name: &str) -> bool {
        outline_fits(Outline::new(Some(&resources(patterns))), &[name])
    }

    #[test]
    fn other_names_are_told_apart_by_their_ends() {
        assert!(fits(&["key/key-hzz000000000000000001"], "key/key-hzz000000000000000001"));
        assert!(!fits(&["key/key-hzz000000000000000001"], "key/key-hzz000000000000000002"));
        assert!(!fits(&["key/x"], "key/x/y"));
        assert!(!fits(&["secret/team-1/*"], "key/x"));
        assert!(!fits(&["secret/team-1/*"], "secret/team-2/x"));
        assert!(!fits(&["secret/*/prod"], "secret/db/test"));
        assert!(!fits(&["secret/a*", "secret/b*"], "key/a"));
        assert!(fits(&["secret/a*", "secret/b*"], "secret/c"), "only what all have in common is known");
        assert!(fits(&["*"], "key/x") && fits(&["secret/a", "*"], "key/x"));
    }

    #[test]
    fn nothing_but_a_star_fits_a_request_without_a_resource() {
        assert!(!outline_fits(Outline::new(Some(&resources(&["key/*"]))), &[]));
        assert!(outline_fits(Outline::new(None), &[]));
    }

    proptest! {
        #[test]
        fn a_statement_about_a_name_has_an_outline_that_fits_it(
            patterns in prop::collection::vec("[ab/钥]{0,20}[*?]{0,2}[ab/钥]{0,20}[*?]{0,1}", 1..4),
            names in prop::collection::vec("[ab/钥]{0,40}", 1..3),
            negated in any::<bool>(),
        ) {
            let patterns: Vec<_> = patterns.iter().map(String::as_str).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let resources = Resources { negated, ..resources(&patterns) };
            let fits = outline_fits(Outline::new(Some(&resources)), &names);
            let request = request(&names);
            prop_assert!(fits || !resources.cover(&request), "{patterns:?} {names:?}");
        }

        #[test]
        fn what_is_found_among_others_is_what_fits_alone(
            statements in prop::collection::vec(prop::collection::vec("[ab/]{0,4}[*]{0,1}[ab]{0,3}", 1..3), 0..20),
            names in prop::collection::vec("[ab/]{0,6}", 0..3),
        ) {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let outlines = statements.iter().map(|patterns| {
                Outline::new(Some(&resources(&patterns.iter().map(String::as_str).collect::<Vec<_>>())))
            });
            let outlines: Vec<_> = outlines.collect();
            let fitting = (0..).zip(&outlines).filter(|(_, outline)| outline_fits(**outline, &names));
            let all: Outlined<i32> = outlines.iter().copied().zip(0..).collect();
            let mut found = std::collections::BTreeSet::new();
            all.any_fitting(&Names::of(&request(&names)), |at| {
                found.insert(*at);
                false
            });
            prop_assert_eq!(found, fitting.map(|(at, _)| at).collect());
            prop_assert_eq!(all.iter().count(), outlines.len());
        }
    }
}
