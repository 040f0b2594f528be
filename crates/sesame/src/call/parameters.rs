//! The parameters of one call, from the command line to the wire.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sesame_service::params::{Kind, ParamSpec};
use sesame_service::registry::Entry;

use crate::nearest::suggestion;

/// A parameter as typed: the name without dashes, and its value.
pub(crate) type Typed = (String, String);

/// Takes the `--Name value` pairs out of the arguments behind `call`; what is left is for the command line's own
/// parser. Names of the API begin with a capital and flags of the program never do, so they can stand in any order.
pub(crate) fn split(arguments: &[String]) -> Result<(Vec<String>, Vec<Typed>)> {
    let mut rest = Vec::new();
    let mut parameters = Vec::new();
    let mut waiting = arguments.iter().peekable();
    while let Some(argument) = waiting.next() {
        let Some(name) = parameter_name(argument) else {
            rest.push(argument.clone());
            continue;
        };
        if let Some((name, value)) = name.split_once('=') {
            parameters.push((name.to_owned(), value.to_owned()));
            continue;
        }
        match waiting.next_if(|next| !is_flag(next)) {
            Some(value) => parameters.push((name.to_owned(), value.clone())),
            None => bail!("--{name} needs a value; an empty one is written --{name}="),
        }
    }
    Ok((rest, parameters))
}

fn parameter_name(argument: &str) -> Option<&str> {
    argument.strip_prefix("--").filter(|name| name.starts_with(|first: char| first.is_ascii_uppercase()))
}

/// Two dashes and a letter: a value such as `-----BEGIN CERTIFICATE-----` is not a flag.
fn is_flag(argument: &str) -> bool {
    argument.strip_prefix("--").is_some_and(|name| name.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// The parameters to send for an operation. Without `force`, names it does not have and parameters it lacks are refused.
pub(crate) fn resolve(
    operation: Option<&Entry>,
    typed: Vec<Typed>,
    region: Option<&str>,
    force: bool,
) -> Result<Vec<(String, String)>> {
    let specs = operation.map_or(&[][..], |entry| entry.parameters);
    let name = operation.map_or("the operation", |entry| entry.name);
    let mut resolved: Vec<(String, String)> = Vec::new();
    for (typed_name, typed_value) in typed {
        let spec = spec_of(specs, &typed_name);
        if spec.is_none() && !force {
            let hint = suggestion(&typed_name, specs.iter().map(|spec| spec.name));
            bail!(
                "{name} has no parameter {typed_name}.{hint} `sesame help {name}` lists them; --force sends it anyway."
            );
        }
        let value = value_of(&typed_name, &typed_value, spec.map(|spec| spec.kind))?;
        match spec {
            // INVARIANT: a repeated list gets numbers in the order typed; whoever numbers by hand is left alone.
            Some(spec) if spec.name == typed_name && is_list(spec.kind) && !value.starts_with('[') => {
                push_item(spec, value, &mut resolved)?;
            }
            _ if resolved.iter().any(|(known, _)| *known == typed_name) => bail!("--{typed_name} is given twice"),
            _ => resolved.push((typed_name, value)),
        }
    }
    if let Some(region) = region
        && specs.iter().any(|spec| spec.name == "RegionId")
        && !has(&resolved, "RegionId")
    {
        resolved.push(("RegionId".to_owned(), region.to_owned()));
    }
    let missing: Vec<String> = specs
        .iter()
        .filter(|spec| spec.required && !has(&resolved, spec.name))
        .map(|spec| format!("--{}", spec.name))
        .collect();
    if !missing.is_empty() && !force {
        bail!("{name} also needs {}. `sesame help {name}` explains its parameters.", missing.join(", "));
    }
    Ok(resolved)
}

/// The parameter that a typed name belongs to: itself, or a numbered item of a list.
fn spec_of<'s>(specs: &'s [ParamSpec], typed: &str) -> Option<&'s ParamSpec> {
    specs.iter().find(|spec| match typed.strip_prefix(spec.name) {
        Some("") => true,
        Some(rest) => match (spec.kind, rest.strip_prefix('.')) {
            (Kind::List, Some(index)) => is_index(index),
            (Kind::TagList, Some(rest)) => {
                rest.split_once('.').is_some_and(|(index, part)| is_index(index) && matches!(part, "Key" | "Value"))
            }
            _ => false,
        },
        None => false,
    })
}

fn is_index(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|index| index > 0)
}

fn is_list(kind: Kind) -> bool {
    matches!(kind, Kind::List | Kind::TagList)
}

fn has(resolved: &[(String, String)], name: &str) -> bool {
    resolved
        .iter()
        .any(|(known, _)| known.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

fn push_item(spec: &ParamSpec, value: String, resolved: &mut Vec<(String, String)>) -> Result<()> {
    let name = spec.name;
    let index_of = |known: &str| {
        let rest = known.strip_prefix(name)?.strip_prefix('.')?;
        rest.split('.').next()?.parse::<usize>().ok()
    };
    let next = resolved.iter().filter_map(|(known, _)| index_of(known)).max().unwrap_or_default() + 1;
    if spec.kind == Kind::TagList {
        let Some((key, tag_value)) = value.split_once('=') else {
            bail!("--{name} takes key=value, a JSON array, or the numbered form --{name}.1.Key and --{name}.1.Value");
        };
        resolved.push((format!("{name}.{next}.Key"), key.to_owned()));
        resolved.push((format!("{name}.{next}.Value"), tag_value.to_owned()));
    } else {
        resolved.push((format!("{name}.{next}"), value));
    }
    Ok(())
}

/// The value behind what was typed: itself, or the content of a file.
fn value_of(name: &str, typed: &str, kind: Option<Kind>) -> Result<String> {
    let Some(source) = typed.strip_prefix('@') else { return Ok(typed.to_owned()) };
    if source.starts_with('@') {
        return Ok(source.to_owned());
    }
    if let Some(path) = source.strip_prefix("base64:") {
        return Ok(STANDARD.encode(read(name, path)?));
    }
    let text = String::from_utf8(read(name, source)?)
        .ok()
        .with_context(|| format!("--{name}: {source} is not UTF-8 text; @base64:{source} sends its bytes as Base64"))?;
    // Base64 never ends in a line end, but the files that tools write it to do.
    Ok(if kind == Some(Kind::Base64) { text.trim().to_owned() } else { text })
}

fn read(name: &str, source: &str) -> Result<Vec<u8>> {
    if source == "-" {
        let mut content = Vec::new();
        std::io::stdin()
            .read_to_end(&mut content)
            .with_context(|| format!("--{name}: cannot read the standard input"))?;
        return Ok(content);
    }
    std::fs::read(Path::new(source)).with_context(|| format!("--{name}: cannot read {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn resolved(operation: &str, line: &str) -> Result<Vec<(String, String)>> {
        let (_, typed) = split(&words(line))?;
        resolve(sesame_service::registry::lookup(operation), typed, Some("cn-beijing"), false)
    }

    fn refusal(operation: &str, line: &str) -> String {
        resolved(operation, line).unwrap_err().to_string()
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn parameters_and_flags_can_be_mixed() {
        let (rest, parameters) =
            split(&words("--output table Encrypt --KeyId alias/app --endpoint http://x --Plaintext=aGk= --force"))
                .unwrap();
        assert_eq!(rest, words("--output table Encrypt --endpoint http://x --force"));
        assert_eq!(parameters, pairs(&[("KeyId", "alias/app"), ("Plaintext", "aGk=")]));
    }

    #[test]
    fn a_value_may_begin_with_dashes_but_not_look_like_a_flag() {
        assert_eq!(split(&words("--Certificate -----BEGIN")).unwrap().1, pairs(&[("Certificate", "-----BEGIN")]));
        assert_eq!(split(&words("--Number -1")).unwrap().1, pairs(&[("Number", "-1")]));
        assert!(split(&words("--KeyId --output json")).unwrap_err().to_string().contains("--KeyId needs a value"));
    }

    #[test]
    fn lists_are_numbered_in_the_order_typed() {
        let line = "--ResourceType key --ResourceId a --ResourceId b --TagKey.1 k";
        let expected = [
            ("ResourceType", "key"),
            ("ResourceId.1", "a"),
            ("ResourceId.2", "b"),
            ("TagKey.1", "k"),
            ("RegionId", "cn-beijing"),
        ];
        assert_eq!(resolved("UntagResources", line).unwrap(), pairs(&expected));
        let line = "--ResourceType key --ResourceId [\"a\"] --Tag k=v=w --Tag.2.Key l";
        let expected = [
            ("ResourceType", "key"),
            ("ResourceId", "[\"a\"]"),
            ("Tag.1.Key", "k"),
            ("Tag.1.Value", "v=w"),
            ("Tag.2.Key", "l"),
            ("RegionId", "cn-beijing"),
        ];
        assert_eq!(resolved("TagResources", line).unwrap(), pairs(&expected));
    }

    #[test]
    fn mistakes_are_named() {
        let text = refusal("Encrypt", "--KeyID x --Plaintext aGk=");
        assert!(text.contains("Encrypt has no parameter KeyID. Did you mean \"KeyId\"?"), "{text}");
        let text = refusal("Encrypt", "");
        assert!(text.contains("Encrypt also needs --KeyId, --Plaintext"), "{text}");
        assert!(refusal("Encrypt", "--KeyId a --KeyId b --Plaintext aGk=").contains("given twice"));
        assert!(refusal("TagResources", "--Tag k").contains("key=value"));
        assert!(refusal("UntagResources", "--ResourceId.0 a").contains("no parameter ResourceId.0"));
        assert!(refusal("Encrypt", "--KeyId @/nowhere").contains("cannot read /nowhere"));
    }

    #[test]
    fn values_come_from_files() {
        let path = std::env::temp_dir().join(format!("sesame-value-{}", std::process::id()));
        std::fs::write(&path, "aGk=\n").unwrap();
        let path = path.to_str().unwrap();
        assert_eq!(value_of("P", &format!("@{path}"), Some(Kind::Base64)).unwrap(), "aGk=");
        assert_eq!(value_of("P", &format!("@{path}"), Some(Kind::Text)).unwrap(), "aGk=\n");
        assert_eq!(value_of("P", &format!("@base64:{path}"), None).unwrap(), "YUdrPQo=");
        assert_eq!(value_of("P", "@@at", None).unwrap(), "@at");
        std::fs::remove_file(path).unwrap();
    }
}
