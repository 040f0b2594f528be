//! Pages about operations, made from the registry.

use std::fmt::Write as _;

use anyhow::Result;
use clap::CommandFactory as _;
use sesame_service::params::{Kind, ParamSpec};
use sesame_service::registry::{ENTRIES, Entry, lookup};

use crate::call::unknown_operation;
use crate::cli::Cli;

/// The text for `sesame help [topic]`; the topic is an operation, or a subcommand and one within it.
pub(crate) fn text(topic: &[impl AsRef<str>]) -> Result<String> {
    let mut command = Cli::command();
    if topic.is_empty() {
        return Ok(format!("{}\n{}", command.render_long_help(), operations()));
    }
    if let [name] = topic
        && let Some(entry) = lookup(name.as_ref())
    {
        return Ok(page(entry));
    }
    command.build();
    let mut found = &mut command;
    for word in topic {
        let word = word.as_ref();
        found = found.find_subcommand_mut(word).ok_or_else(|| unknown_operation(word))?;
    }
    Ok(found.render_long_help().to_string())
}

fn operations() -> String {
    let width = ENTRIES.iter().map(|entry| entry.name.len()).max().unwrap_or_default();
    let mut out = String::from("Operations, explained by sesame help <Operation>:\n");
    for entry in ENTRIES {
        let _ = writeln!(out, "  {:width$}  {}", entry.name, entry.summary);
    }
    out
}

fn page(entry: &Entry) -> String {
    let mut out = format!("{}\n\n{}\n\n", entry.name, entry.summary);
    let _ = writeln!(out, "Usage: sesame call {}{}", entry.name, usage(entry.parameters));
    if entry.parameters.is_empty() {
        out.push_str("\nIt has no parameters.\n");
        return out;
    }
    out.push_str("\nParameters:\n");
    let width = entry.parameters.iter().map(|spec| spec.name.len()).max().unwrap_or_default();
    for spec in entry.parameters {
        let required = if spec.required { "required" } else { "optional" };
        let _ = writeln!(out, "  --{:width$}  {}, {required}", spec.name, kind(spec.kind));
        for line in wrapped(spec.summary, 90) {
            let _ = writeln!(out, "    {:width$}  {line}", "");
        }
    }
    out
}

fn usage(specs: &[ParamSpec]) -> String {
    let required =
        specs.iter().filter(|spec| spec.required).map(|spec| format!(" --{} <{}>", spec.name, word(spec.kind)));
    let optional = if specs.iter().any(|spec| !spec.required) { " [--<Name> <value>]…" } else { "" };
    required.collect::<String>() + optional
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Integer => "number",
        Kind::Boolean => "true|false",
        Kind::Base64 => "base64",
        Kind::Json => "json",
        Kind::List => "item",
        Kind::TagList => "key=value",
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Integer => "whole number",
        Kind::Boolean => "true or false",
        Kind::Base64 => "Base64",
        Kind::Json => "JSON",
        Kind::List => "list, repeat it for each item",
        Kind::TagList => "list of key=value, repeat it for each tag",
    }
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: [&str; 0] = [];

    #[test]
    fn every_operation_has_a_page_that_names_its_parameters() {
        for entry in ENTRIES {
            let page = text(&[entry.name]).unwrap();
            assert!(page.starts_with(entry.name) && page.contains(entry.summary));
            for spec in entry.parameters {
                assert!(page.contains(&format!("--{}", spec.name)), "{page}");
            }
        }
    }

    #[test]
    fn subcommands_have_pages_and_other_topics_a_suggestion() {
        assert!(text(&["serve"]).unwrap().contains("--print-config"));
        assert!(text(&["account"]).unwrap().contains("rotate-root-key"));
        assert!(text(&["account", "rotate-root-key"]).unwrap().contains("--keep-old"));
        assert!(text(&["explain"]).unwrap().contains("--principal"));
        assert!(text(&EVERYTHING).unwrap().contains("UntagResources"));
        assert!(text(&["Encrpyt"]).unwrap_err().to_string().contains("Did you mean \"Encrypt\"?"));
    }
}
