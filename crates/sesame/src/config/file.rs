//! The configuration file: TOML whose every key is a setting.

use std::borrow::Cow;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::settings::{KEYS, Key};
use super::value::Raw;
use crate::nearest::suggestion;

/// A setting found in a file.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) key: &'static Key,
    pub(super) raw: Raw,
    pub(super) line: usize,
}

/// Reads the text of a file. The error begins with `line:column: `, so that the path can be put in front.
pub(super) fn read(text: &str) -> Result<Vec<Setting>, String> {
    let table = DeTable::parse(text).map_err(|refused| {
        let at = refused.span().map_or(0, |span| span.start);
        format!("{}: {}", position(text, at), refused.message())
    })?;
    let mut found = Vec::new();
    collect(text, "", table.get_ref(), &mut found)?;
    Ok(found)
}

/// Whether the permissions of a file let anybody but its owner read it.
pub(super) fn readable_by_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

fn collect(text: &str, section: &str, table: &DeTable<'_>, found: &mut Vec<Setting>) -> Result<(), String> {
    // Tables come out in alphabetical order; the first mistake of the file is the one to name first.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in entries {
        let full =
            if section.is_empty() { name.get_ref().to_string() } else { format!("{section}.{}", name.get_ref()) };
        let key = KEYS.iter().find(|key| key.name == full);
        match (key, value.get_ref()) {
            (Some(key), _) => {
                let raw = raw(value).ok_or_else(|| {
                    let kind = value.get_ref().type_str();
                    format!("{}: {full} cannot be of the type {kind}", position(text, value.span().start))
                })?;
                found.push(Setting { key, raw, line: line(text, name.span().start) });
            }
            (None, DeValue::Table(inner)) if is_section(&full) => collect(text, &full, inner, found)?,
            (None, _) => {
                let hint = suggestion(&full, KEYS.iter().map(|key| key.name).chain(sections()));
                return Err(format!("{}: there is no setting {full}.{hint}", position(text, name.span().start)));
            }
        }
    }
    Ok(())
}

fn sections() -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter_map(|key| key.name.split_once('.').map(|(section, _)| section))
}

fn is_section(name: &str) -> bool {
    sections().any(|section| section == name)
}

fn raw(value: &Spanned<DeValue<'_>>) -> Option<Raw> {
    match value.get_ref() {
        DeValue::String(text) => Some(Raw::Text(text.to_string())),
        DeValue::Boolean(on) => Some(Raw::Switch(*on)),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(Raw::Number),
        DeValue::Array(items) => {
            items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect::<Option<_>>().map(Raw::List)
        }
        DeValue::Table(tables) => {
            let table = |(name, value): (&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
                let DeValue::Table(members) = value.get_ref() else { return None };
                let member = |(name, value): (&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| match value.get_ref() {
                    DeValue::Table(_) => None,
                    _ => raw(value).map(|raw| (name.get_ref().to_string(), raw)),
                };
                members.iter().map(member).collect::<Option<_>>().map(|members| (name.get_ref().to_string(), members))
            };
            tables.iter().map(table).collect::<Option<_>>().map(Raw::Tables)
        }
        _ => None,
    }
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn position(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    format!("{}:{column}", line(text, at))
}
