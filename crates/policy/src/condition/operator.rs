//! Operators of conditions.

use std::cmp::Ordering;
use std::net::IpAddr;

use sesame_domain::Network;

use super::value::{boolean, number, time};
use super::{ConditionKey, Context, Value, Values};
use crate::document::Dialect;
use crate::glob::Glob;

/// One key under one operator. All conditions of a statement must hold.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) key: ConditionKey,
    operator: Box<str>,
    several: Several,
    if_exists: bool,
    negated: bool,
    test: Test,
}

/// How several values of the request count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Several {
    /// One that matches is enough; a negated operator holds if none matches.
    Plain,
    /// Extension `ForAnyValue:`.
    Any,
    /// Extension `ForAllValues:`.
    All,
}

#[derive(Clone, Debug)]
enum Test {
    Text(Box<[Box<str>]>),
    Folded(Box<[Box<str>]>),
    Like(Box<[Glob]>),
    Number(Compare, Box<[i128]>),
    Time(Compare, Box<[i64]>),
    Bool(Box<[bool]>),
    Network(Box<[Network]>),
    /// Extension: whether the key is absent.
    Null(bool),
}

/// Which orders satisfy a comparison.
type Compare = fn(Ordering) -> bool;

/// Why an operator or its values are refused.
pub(crate) enum Refused {
    /// The operator itself.
    Operator(String),
    /// The value at this place.
    Value(usize, &'static str),
}

impl Condition {
    /// Compiles one key under one operator.
    pub(crate) fn new(dialect: Dialect, operator: &str, key: ConditionKey, values: &[String]) -> Result<Self, Refused> {
        let unsupported = || Refused::Operator(format!("the condition operator `{operator}` is not supported"));
        let extended = dialect == Dialect::Extended;
        let (several, name) = match operator.split_once(':') {
            Some(("ForAnyValue", rest)) if extended => (Several::Any, rest),
            Some(("ForAllValues", rest)) if extended => (Several::All, rest),
            Some(_) => return Err(unsupported()),
            None => (Several::Plain, operator),
        };
        let (if_exists, name) = match name.strip_suffix("IfExists") {
            Some(rest) if extended => (true, rest),
            Some(_) => return Err(unsupported()),
            None => (false, name),
        };
        let (negated, test) = match name {
            "StringEquals" => (false, Test::Text(texts(values))),
            "StringNotEquals" => (true, Test::Text(texts(values))),
            "StringEqualsIgnoreCase" => (false, Test::Folded(folded(values))),
            "StringNotEqualsIgnoreCase" => (true, Test::Folded(folded(values))),
            "StringLike" => (false, Test::Like(values.iter().map(|value| Glob::new(value)).collect())),
            "StringNotLike" => (true, Test::Like(values.iter().map(|value| Glob::new(value)).collect())),
            "NumericEquals" => (false, numbers(Ordering::is_eq, values)?),
            "NumericNotEquals" => (true, numbers(Ordering::is_eq, values)?),
            "NumericLessThan" => (false, numbers(Ordering::is_lt, values)?),
            "NumericLessThanEquals" => (false, numbers(Ordering::is_le, values)?),
            "NumericGreaterThan" => (false, numbers(Ordering::is_gt, values)?),
            "NumericGreaterThanEquals" => (false, numbers(Ordering::is_ge, values)?),
            "DateEquals" => (false, times(Ordering::is_eq, values)?),
            "DateNotEquals" => (true, times(Ordering::is_eq, values)?),
            "DateLessThan" => (false, times(Ordering::is_lt, values)?),
            "DateLessThanEquals" => (false, times(Ordering::is_le, values)?),
            "DateGreaterThan" => (false, times(Ordering::is_gt, values)?),
            "DateGreaterThanEquals" => (false, times(Ordering::is_ge, values)?),
            "Bool" => (false, Test::Bool(parsed(values, boolean, "write \"true\" or \"false\"")?)),
            "IpAddress" => (false, networks(values)?),
            "NotIpAddress" => (true, networks(values)?),
            "Null" if extended && several == Several::Plain && !if_exists => match values {
                [value] => (false, Test::Null(boolean(value).ok_or(Refused::Value(0, "write \"true\" or \"false\""))?)),
                _ => return Err(Refused::Operator("`Null` takes one value".to_owned())),
            },
            _ => return Err(unsupported()),
        };
        Ok(Self { key, operator: operator.into(), several, if_exists, negated, test })
    }

    /// Whether the condition holds.
    ///
    /// # Errors
    /// A value of the request that the operator cannot read.
    pub(crate) fn holds(&self, context: &dyn Context) -> Result<bool, Unreadable<'_>> {
        let values = context.values(&self.key);
        if let Test::Null(absent) = self.test {
            return Ok(matches!(values, Values::Absent) == absent);
        }
        let matches = |value: &Value<'_>| self.matches(value).ok_or(Unreadable(self));
        match values {
            // Usually this is a Deny for addresses outside a network: without an address it must not be escaped.
            Values::Absent => Ok(self.if_exists || self.negated || self.several == Several::All),
            Values::One(value) => Ok(matches(&value)? != self.negated),
            Values::Many(values) => {
                let mut found = Vec::with_capacity(values.len());
                for value in &values {
                    found.push(matches(value)?);
                }
                Ok(match self.several {
                    Several::Plain => found.contains(&true) != self.negated,
                    Several::Any => found.contains(&!self.negated),
                    Several::All => !found.contains(&self.negated),
                })
            }
        }
    }

    /// Whether a value is one of those that the condition lists; nothing when the operator cannot read it.
    fn matches(&self, value: &Value<'_>) -> Option<bool> {
        Some(match &self.test {
            Test::Text(listed) => listed.iter().any(|listed| **listed == *value.text()),
            Test::Folded(listed) => {
                let value = value.text().to_lowercase();
                listed.iter().any(|listed| **listed == *value)
            }
            Test::Like(listed) => {
                let value = value.text();
                listed.iter().any(|listed| listed.matches(&value))
            }
            Test::Number(compare, listed) => {
                let value = number(&value.text())?;
                listed.iter().any(|listed| compare(value.cmp(listed)))
            }
            Test::Time(compare, listed) => {
                let value = match value {
                    Value::Time(time) => time.seconds(),
                    other => time(&other.text())?,
                };
                listed.iter().any(|listed| compare(value.cmp(listed)))
            }
            Test::Bool(listed) => {
                let value = match value {
                    Value::Bool(value) => *value,
                    other => boolean(&other.text())?,
                };
                listed.contains(&value)
            }
            Test::Network(listed) => {
                let value: IpAddr = match value {
                    Value::Address(address) => *address,
                    other => other.text().parse().ok()?,
                };
                listed.iter().any(|network| network.holds(value))
            }
            Test::Null(_) => return None,
        })
    }
}

/// A condition whose operator cannot read the request's value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unreadable<'a>(&'a Condition);

impl std::fmt::Display for Unreadable<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` cannot read the value that the request has for `{}`", self.0.operator, self.0.key)
    }
}

fn texts(values: &[String]) -> Box<[Box<str>]> {
    values.iter().map(|value| value.as_str().into()).collect()
}

fn folded(values: &[String]) -> Box<[Box<str>]> {
    values.iter().map(|value| value.to_lowercase().into()).collect()
}

fn numbers(compare: Compare, values: &[String]) -> Result<Test, Refused> {
    const RIGHT: &str = "write a decimal number, with up to 18 digits before and 9 behind the point";
    Ok(Test::Number(compare, parsed(values, number, RIGHT)?))
}

fn times(compare: Compare, values: &[String]) -> Result<Test, Refused> {
    const RIGHT: &str = "write a time as `2026-01-02T03:04:05Z` or `2026-01-02T11:04:05+08:00`";
    Ok(Test::Time(compare, parsed(values, time, RIGHT)?))
}

fn networks(values: &[String]) -> Result<Test, Refused> {
    const RIGHT: &str = "write an address or a network, as `203.0.113.9` or `10.0.0.0/8`";
    Ok(Test::Network(parsed(values, |text| text.parse().ok(), RIGHT)?))
}

fn parsed<T>(values: &[String], parse: fn(&str) -> Option<T>, right: &'static str) -> Result<Box<[T]>, Refused> {
    values.iter().enumerate().map(|(at, value)| parse(value).ok_or(Refused::Value(at, right))).collect()
}
