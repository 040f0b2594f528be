//! What the names of resources that a statement is about have in common, kept where a decision can see it without
//! looking at the statement.

use crate::glob::Glob;
use crate::resource::{Resource, ResourcePattern, Resources};

/// Bytes at either end of a name that are compared.
const WIDTH: usize = 16;

/// The bytes at both ends of a name: the first ones, then zeros; zeros, then the last ones.
#[derive(Clone, Copy, Debug)]
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
}

/// What every name that a statement is about has at its ends: it must be equal where the mask has ones. A statement
/// whose outline does not fit a request is not about its resource; one whose outline fits may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outline {
    ends: Ends,
    mask: Ends,
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
        patterns.iter().map(Self::of).reduce(Self::common).unwrap_or(Self::ANY)
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

    /// Whether a statement with this outline can be about one of the names.
    pub(crate) fn fits(&self, names: &Names) -> bool {
        let Self { ends, mask } = self;
        let fits = |name: &Ends| ((name.start ^ ends.start) & mask.start) | ((name.end ^ ends.end) & mask.end) == 0;
        mask.start | mask.end == 0 || names.0.iter().any(fits)
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

    fn fits(patterns: &[&str], name: &str) -> bool {
        Outline::new(Some(&resources(patterns))).fits(&Names::of(&request(&[name])))
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
        let nothing = Names::of(&request(&[]));
        assert!(!Outline::new(Some(&resources(&["key/*"]))).fits(&nothing));
        assert!(Outline::new(None).fits(&nothing));
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
            let request = request(&names);
            let fits = Outline::new(Some(&resources)).fits(&Names::of(&request));
            prop_assert!(fits || !resources.cover(&request), "{patterns:?} {names:?}");
        }
    }
}
