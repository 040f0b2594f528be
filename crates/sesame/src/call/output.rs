//! An answer as text.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::cli::OutputFormat;

/// The text to print.
pub(super) fn render(answer: &Value, format: OutputFormat) -> String {
    match format {
        OutputFormat::Json => serde_json::to_string_pretty(answer).unwrap_or_default() + "\n",
        OutputFormat::Table => table(answer),
    }
}

/// Single values as two columns, then a table for each list of objects.
fn table(answer: &Value) -> String {
    let mut pairs = Vec::new();
    let mut lists = Vec::new();
    collect("", answer, &mut pairs, &mut lists);
    let mut out = columns(&pairs.into_iter().map(|(name, value)| vec![name, value]).collect::<Vec<_>>());
    for (name, rows) in lists {
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(out, "{name} ({})", rows.len());
        out.push_str(&columns(&with_heading(rows)));
    }
    out
}

fn collect<'v>(
    path: &str,
    value: &'v Value,
    pairs: &mut Vec<(String, String)>,
    lists: &mut Vec<(String, &'v [Value])>,
) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                // A list stands in an object with the singular's name: Keys.Key. One of the two names says enough.
                let inner = only_list(member);
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(&path, inner.unwrap_or(member), pairs, lists);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => lists.push((path.to_owned(), items)),
        Value::Array(items) => pairs.push((path.to_owned(), items.iter().map(cell).collect::<Vec<_>>().join(", "))),
        single => pairs.push((path.to_owned(), cell(single))),
    }
}

fn only_list(value: &Value) -> Option<&Value> {
    let members = value.as_object()?;
    members.values().next().filter(|first| members.len() == 1 && first.is_array())
}

fn with_heading(rows: &[Value]) -> Vec<Vec<String>> {
    let mut names: Vec<&String> = Vec::new();
    for name in rows.iter().filter_map(Value::as_object).flat_map(Map::keys) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let heading = names.iter().map(|name| (*name).clone()).collect();
    let lines = rows.iter().map(|row| {
        let value = |name: &&String| row.get(name.as_str()).map(cell).unwrap_or_default();
        names.iter().map(value).collect()
    });
    std::iter::once(heading).chain(lines).collect()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace('\n', "\\n"),
        other => other.to_string(),
    }
}

fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width_of = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
    let widths: Vec<usize> = (0..count).map(|column| width_of(column).unwrap_or_default()).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, wanted) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', wanted.saturating_sub(width(cell)) + 2));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// The columns that a terminal needs: ideographs and their punctuation take two.
fn width(text: &str) -> usize {
    let wide = |c: char| matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd);
    text.chars().map(|c| 1 + usize::from(wide(c))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_becomes_columns() {
        let answer = serde_json::json!({
            "Keys": {"Key": [{"KeyId": "key-1", "KeyArn": "acs:1"}, {"KeyId": "key-22", "KeyArn": "acs:环"}]},
            "TotalCount": 2,
        });
        let expected = "TotalCount  2\n\nKeys (2)\nKeyArn  KeyId\nacs:1   key-1\nacs:环  key-22\n";
        assert_eq!(render(&answer, OutputFormat::Table), expected);
    }

    #[test]
    fn nested_values_are_named_by_their_path() {
        let answer = serde_json::json!({"KeyMetadata": {"KeyId": "k", "Enabled": true}, "Stages": ["a", "b"]});
        let expected = "KeyMetadata.Enabled  true\nKeyMetadata.KeyId    k\nStages               a, b\n";
        assert_eq!(render(&answer, OutputFormat::Table), expected);
    }

    #[test]
    fn json_is_printed_over_several_lines() {
        assert_eq!(render(&serde_json::json!({"a": 1}), OutputFormat::Json), "{\n  \"a\": 1\n}\n");
    }
}
