//! The `Condition` element.

use super::{Malformed, malformed, strings};
use crate::condition::{Condition, ConditionKey};
use crate::document::Dialect;
use crate::json::Node;

pub(super) fn read(dialect: Dialect, node: Node, at: &str) -> Result<Box<[Condition]>, Malformed> {
    let mut found = Vec::new();
    for (operator, keys) in object(node, at)? {
        let at = format!("{at}.{operator}");
        for (name, values) in object(keys, &at)? {
            let at = format!("{at}.{name}");
            let key = ConditionKey::parse(&name)
                .ok_or_else(|| malformed(&*at, "a condition key has the form `<product>:<name>`"))?;
            let values = strings(values, &at)?;
            found.push(Condition::new(dialect, &operator, key, &values).map_err(|refused| refusal(refused, &at))?);
        }
    }
    Ok(found.into())
}

fn object(node: Node, at: &str) -> Result<Vec<(String, Node)>, Malformed> {
    match node {
        Node::Object(entries) => Ok(entries),
        _ => Err(malformed(at, "it must be an object: {\"<operator>\": {\"<key>\": [\"<value>\"]}}")),
    }
}

fn refusal(refused: crate::condition::Refused, at: &str) -> Malformed {
    match refused {
        crate::condition::Refused::Operator(problem) => malformed(at, problem),
        crate::condition::Refused::Value(index, problem) => malformed(format!("{at}[{index}]"), problem),
    }
}
