//! The configuration as text: the effective one, and a sample that explains every setting.

use std::fmt::Write as _;

use super::{Config, KEYS, Key, Settings};

/// The width that explanations are broken at.
const WIDTH: usize = 110;

impl Config {
    /// The effective settings as TOML, secrets masked, each with where it came from.
    pub(crate) fn print(&self) -> String {
        let mut out = String::from("# The effective configuration; secrets are masked.\n");
        let lines: Vec<(&Key, String)> = KEYS.iter().map(|key| (key, assignment(key, &self.settings))).collect();
        let width = lines.iter().map(|(_, line)| line.chars().count()).filter(|width| *width <= 60).max();
        let width = width.unwrap_or_default();
        let mut section = "";
        for (key, line) in lines {
            heading(key, &mut section, &mut out);
            let _ = writeln!(out, "{line:width$}  # {}", self.origin(key.name));
        }
        out
    }
}

/// A configuration file that holds every setting with its default and its explanation.
pub(crate) fn sample() -> String {
    let mut out = String::new();
    let intro = "Configuration of Sesame, with every setting at its default. The file is named with --config or \
        SESAME_CONFIG, or lies in the data folder as sesame.toml. A setting can also come from the environment: the \
        variable is SESAME_ and its name in capitals, with _ for each dot (SESAME_LOG_FORMAT for log.format). Flags \
        are stronger than the environment, the environment is stronger than this file. Relative paths are taken from \
        the data folder.";
    comment(intro, &mut out);
    let defaults = Settings::default();
    let mut section = "";
    for key in KEYS {
        heading(key, &mut section, &mut out);
        out.push('\n');
        comment(key.summary, &mut out);
        // The file may end up in the data folder, where it cannot name another one.
        let comment_out = if key.name == "data" { "#" } else { "" };
        let _ = writeln!(out, "{comment_out}{}", assignment(key, &defaults));
    }
    out
}

fn heading(key: &Key, section: &mut &'static str, out: &mut String) {
    if let Some((of_key, _)) = key.name.split_once('.')
        && of_key != *section
    {
        *section = of_key;
        let _ = writeln!(out, "\n[{of_key}]");
    }
}

/// `name = value`; a setting without a value is commented out, since TOML has no way to say that.
fn assignment(key: &Key, settings: &Settings) -> String {
    let name = key.name.rsplit('.').next().unwrap_or(key.name);
    match settings.toml(key.name) {
        Some(value) => format!("{name} = {value}"),
        None => format!("#{name} ="),
    }
}

fn comment(text: &str, out: &mut String) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() + 1 + word.len() > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
}
