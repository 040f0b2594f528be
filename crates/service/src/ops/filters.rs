//! The form of `Filters` in lists of keys and of secrets: `[{"Key":"KeyState","Values":["Enabled"]},…]`.

use serde::Deserialize;
use sesame_domain::limits;

use crate::error::{KmsError, Result};

/// One entry.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    pub(super) key: String,
    #[serde(default)]
    pub(super) values: Vec<String>,
}

/// Reads the entries; `example` is a text that would be right.
pub(super) fn entries(text: &str, example: &str) -> Result<Vec<Filter>> {
    let filters: Vec<Filter> =
        serde_json::from_str(text).map_err(|_| refused(format!("it must be a JSON array such as {example}")))?;
    if filters.len() > limits::FILTERS {
        return Err(refused(format!("it may have {} entries at most", limits::FILTERS)));
    }
    match filters.iter().find(|filter| filter.values.len() > limits::FILTERS) {
        Some(Filter { key, .. }) => Err(refused(format!("{key} may have {} values at most", limits::FILTERS))),
        None => Ok(filters),
    }
}

/// No list has a filter of this key.
pub(super) fn unknown(key: &str) -> KmsError {
    refused(format!("there is no filter `{key}`"))
}

pub(super) fn refused(reason: String) -> KmsError {
    KmsError::invalid("Filters", reason)
}
