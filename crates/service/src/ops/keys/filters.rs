//! `Filters` of ListKeys: `[{"Key":"KeyState","Values":["Enabled"]},…]` (keys reference, ListKeys).

use std::str::FromStr;

use sesame_store::keys::{CreatorType, KeyFilter};

use crate::error::Result;
use crate::ops::filters::{Filter, entries, unknown};

/// Reads the filters. Different keys are joined by "and", the values of one key by "or"; an entry without values
/// restricts nothing. `None` when they can select nothing: all values of some entry name nothing that there is, which
/// is no error.
pub(super) fn parse(text: &str) -> Result<Option<KeyFilter>> {
    let mut filter = KeyFilter::default();
    let mut possible = true;
    for Filter { key, values } in entries(text, r#"[{"Key":"KeyState","Values":["Enabled"]}]"#)? {
        possible &= match key.as_str() {
            "KeyState" => add_known(values, &mut filter.states),
            "KeySpec" => add_known(values, &mut filter.specs),
            "KeyUsage" => add_known(values, &mut filter.usages),
            "ProtectionLevel" => add_known(values, &mut filter.protection_levels),
            "CreatorType" => {
                let restricts = !values.is_empty();
                filter.creator_types.extend(values.iter().filter_map(|value| match value.as_str() {
                    "User" => Some(CreatorType::User),
                    "Service" => Some(CreatorType::Service),
                    _ => None,
                }));
                !(restricts && filter.creator_types.is_empty())
            }
            "Creator" => add_known(values, &mut filter.creators),
            "DKMSInstanceId" => add_known(values, &mut filter.instance_ids),
            "KeyId" | "keyId" => add_known(values, &mut filter.key_ids),
            "AliasName" => add_known(values, &mut filter.alias_names),
            "TagKey" => add_known(values, &mut filter.tag_keys),
            "TagValue" => add_known(values, &mut filter.tag_values),
            _ => return Err(unknown(&key)),
        };
    }
    Ok(possible.then_some(filter))
}

/// Adds the values that name something. Whether a key can still pass.
fn add_known<T: FromStr>(values: Vec<String>, to: &mut Vec<T>) -> bool {
    let restricts = !values.is_empty();
    to.extend(values.into_iter().filter_map(|value| value.parse().ok()));
    !(restricts && to.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_one_key_are_alternatives() {
        let filter = parse(r#"[{"Key":"KeyState","Values":["Enabled"]},{"Key":"KeyState","Values":["Disabled"]}]"#);
        assert_eq!(filter.unwrap().unwrap().states.len(), 2);
    }

    #[test]
    fn an_entry_without_values_restricts_nothing() {
        assert!(parse(r#"[{"Key":"KeySpec","Values":[]},{"Key":"TagKey"}]"#).unwrap().unwrap().is_empty());
    }

    #[test]
    fn values_that_name_nothing_select_nothing() {
        assert_eq!(parse(r#"[{"Key":"KeySpec","Values":["RSA_1024"]}]"#).unwrap(), None);
        let mixed = parse(r#"[{"Key":"KeySpec","Values":["RSA_1024","RSA_2048"]}]"#).unwrap().unwrap();
        assert_eq!(mixed.specs.len(), 1);
    }

    #[test]
    fn unknown_keys_and_other_forms_are_refused() {
        let many = format!("[{}]", [r#"{"Key":"TagKey","Values":[]}"#; 11].join(","));
        for wrong in ["", "{}", "[1]", r#"[{"Values":[]}]"#, r#"[{"Key":"Colour","Values":[]}]"#, &many] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
