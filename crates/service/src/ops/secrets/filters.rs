//! `Filters` of ListSecrets: `[{"Key":"SecretName","Values":["a"]},…]` (secrets reference, 5.3).

use sesame_domain::secret::SecretType;
use sesame_store::secrets::SecretFilter;

use crate::error::Result;
use crate::ops::filters::{Filter, entries, refused, unknown};

/// Longest description, tag key or tag value that can be sought, in characters.
const SOUGHT_CHARS: usize = 256;

/// Reads the filters. Different keys are joined by "and", the values of one key by "or"; an entry without values
/// restricts nothing. `None` when they can select nothing.
pub(super) fn parse(text: &str) -> Result<Option<SecretFilter>> {
    let mut filter = SecretFilter::default();
    let mut possible = true;
    for Filter { key, values } in entries(text, r#"[{"Key":"SecretName","Values":["a"]}]"#)? {
        if values.iter().any(|value| value.chars().count() > SOUGHT_CHARS) {
            return Err(refused(format!("a value of {key} may have {SOUGHT_CHARS} characters at most")));
        }
        let restricts = !values.is_empty();
        let known = match key.as_str() {
            "SecretName" => {
                filter.names.extend(values.iter().filter_map(|value| value.parse().ok()));
                !filter.names.is_empty()
            }
            "SecretType" => {
                filter.kinds.extend(values.iter().filter_map(|value| SecretType::from_any_case(value)));
                !filter.kinds.is_empty()
            }
            "Description" => add(values, &mut filter.descriptions),
            "TagKey" => add(values, &mut filter.tag_keys),
            "TagValue" => add(values, &mut filter.tag_values),
            "DKMSInstanceId" => add(values, &mut filter.instance_ids),
            "Creator" => add(values, &mut filter.creators),
            _ => return Err(unknown(&key)),
        };
        possible &= known || !restricts;
    }
    Ok(possible.then_some(filter))
}

fn add(values: Vec<String>, to: &mut Vec<String>) -> bool {
    to.extend(values);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_one_key_are_alternatives_and_empty_ones_restrict_nothing() {
        let text =
            r#"[{"Key":"SecretType","Values":["RDS"]},{"Key":"SecretType","Values":["generic"]},{"Key":"TagKey"}]"#;
        let filter = parse(text).unwrap().unwrap();
        assert_eq!(filter.kinds, [SecretType::Rds, SecretType::Generic]);
        assert!(filter.tag_keys.is_empty());
        assert!(parse("[]").unwrap().unwrap().is_empty());
    }

    #[test]
    fn values_that_name_nothing_select_nothing() {
        assert_eq!(parse(r#"[{"Key":"SecretType","Values":["Oracle"]}]"#).unwrap(), None);
        assert_eq!(parse(r#"[{"Key":"SecretName","Values":["a b"]}]"#).unwrap(), None);
    }

    #[test]
    fn unknown_keys_and_other_forms_are_refused() {
        let long = format!(r#"[{{"Key":"Description","Values":["{}"]}}]"#, "x".repeat(257));
        for wrong in ["{}", "x", "[1]", r#"[{"Values":[]}]"#, r#"[{"Key":"Colour","Values":[]}]"#, &long] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
