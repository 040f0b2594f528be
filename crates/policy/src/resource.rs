//! Resources: `acs:<product>:<region>:<account>:<name>`, compared part by part and with regard to case.

use std::fmt;

use crate::glob::Glob;

/// Products without regions: the region of their ARNs is empty or `*`.
const GLOBAL: [&str; 3] = ["ram", "sts", "ims"];

/// The resource of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// The product: `kms`, `ram`.
    pub product: &'a str,
    /// The region; empty for a product without regions.
    pub region: &'a str,
    /// The account that owns it.
    pub account: &'a str,
    /// The spellings of its name, each as good as the other: `key/<id>`; `key` and `key/*` for the keys of an account
    /// as a whole. None for a call that touches no resource: only the pattern `*` matches it.
    pub names: &'a [&'a str],
}

impl fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.names.first() {
            Some(name) => write!(f, "acs:{}:{}:{}:{name}", self.product, self.region, self.account),
            None => f.write_str("*"),
        }
    }
}

/// A pattern of `Resource`.
#[derive(Clone, Debug)]
pub(crate) enum ResourcePattern {
    Any,
    Parts(Box<Parts>),
    /// Fewer than five parts, the last of them with a star that stands for the rest.
    Whole(Glob),
}

#[derive(Clone, Debug)]
pub(crate) struct Parts {
    product: Glob,
    region: Glob,
    account: Glob,
    name: Glob,
}

impl ResourcePattern {
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if !text.is_empty() && text.chars().all(|c| c == '*') {
            return Ok(Self::Any);
        }
        let mut parts = text.splitn(5, ':');
        let (prefix, rest) = (parts.next(), (parts.next(), parts.next(), parts.next(), parts.next()));
        if prefix != Some("acs") {
            return Err("write `*` or an ARN, for example `acs:kms:*:*:key/*`");
        }
        match rest {
            (Some(product), Some(region), Some(account), Some(name)) => {
                let is_global = region.is_empty() && GLOBAL.contains(&product);
                Ok(Self::Parts(Box::new(Parts {
                    region: if is_global { Glob::Any } else { Glob::new(region) },
                    product: Glob::new(product),
                    account: Glob::new(account),
                    name: Glob::new(name),
                })))
            }
            _ if text.ends_with('*') => Ok(Self::Whole(Glob::new(text))),
            _ => Err("an ARN has five parts: `acs:<product>:<region>:<account>:<resource>`"),
        }
    }

    /// The pattern of the name; `None` when it has none of its own.
    pub(crate) fn name(&self) -> Option<&Glob> {
        match self {
            Self::Parts(parts) => Some(&parts.name),
            Self::Any | Self::Whole(_) => None,
        }
    }

    pub(crate) fn matches(&self, resource: &Resource<'_>) -> bool {
        match self {
            Self::Any => true,
            // The name differs most often, so it is looked at first.
            Self::Parts(parts) => {
                resource.names.iter().any(|name| parts.name.matches(name))
                    && parts.account.matches(resource.account)
                    && parts.region.matches(resource.region)
                    && parts.product.matches(resource.product)
            }
            Self::Whole(glob) => resource.names.iter().any(|name| {
                let Resource { product, region, account, .. } = resource;
                glob.matches(&format!("acs:{product}:{region}:{account}:{name}"))
            }),
        }
    }
}

/// `Resource` of a statement, or `NotResource` in the extended dialect.
#[derive(Clone, Debug)]
pub(crate) struct Resources {
    pub(crate) negated: bool,
    pub(crate) patterns: Box<[ResourcePattern]>,
}

impl Resources {
    pub(crate) fn cover(&self, resource: &Resource<'_>) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(resource)) != self.negated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, names: &[&str]) -> bool {
        let resource = Resource { product: "kms", region: "cn-hangzhou", account: "1234567890123456", names };
        ResourcePattern::parse(pattern).unwrap().matches(&resource)
    }

    #[test]
    fn parts_are_compared_one_by_one() {
        for (pattern, expected) in [
            ("*", true),
            ("acs:*", true),
            ("acs:kms:*", true),
            ("acs:kms:*:*:*", true),
            ("acs:kms:*:*:key/*", true),
            ("acs:kms:*:*:key*", true),
            ("acs:kms:cn-*:1234567890123456:key/k?y", true),
            ("acs:kms:*:*:KEY/*", false),
            ("acs:kms:cn-beijing:*:key/*", false),
            ("acs:kms:*:2222222222222222:key/*", false),
            ("acs:oss:*:*:*", false),
            ("acs:kms:*:*:key", false),
        ] {
            assert_eq!(matches(pattern, &["key/key"]), expected, "{pattern}");
        }
    }

    #[test]
    fn a_star_in_one_part_does_not_reach_into_the_next() {
        assert!(!matches("acs:kms:cn*:key/x:y", &["key/x"]));
        assert!(!matches("acs:kms:*:9999999999999999:key/x", &["1:9999999999999999:key/x"]));
    }

    #[test]
    fn either_spelling_of_a_container_matches_and_no_resource_matches_only_a_star() {
        for pattern in ["acs:kms:*:*:key", "acs:kms:*:*:key/*", "acs:kms:*:*:key*"] {
            assert!(matches(pattern, &["key", "key/*"]), "{pattern}");
        }
        assert!(!matches("acs:kms:*:*:*", &[]));
        assert!(matches("*", &[]));
    }

    #[test]
    fn a_product_without_regions_takes_an_empty_region_and_a_star() {
        let role = |region| Resource { product: "ram", region, account: "1234567890123456", names: &["role/x"] };
        for pattern in ["acs:ram::1234567890123456:role/x", "acs:ram:*:1234567890123456:role/x"] {
            let pattern = ResourcePattern::parse(pattern).unwrap();
            assert!(pattern.matches(&role("")) && pattern.matches(&role("*")));
        }
    }

    #[test]
    fn what_can_match_nothing_is_refused() {
        for wrong in ["", "key/x", "arn:kms:*:*:*", "acs:kms", "acs:kms:r:a"] {
            assert!(ResourcePattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
