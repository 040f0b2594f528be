//! Shell completion that knows the operations and their parameters.

use clap::{Arg, Args as _, Command, CommandFactory as _, ValueHint};
use clap_complete::{Shell, generate};
use sesame_service::params::Kind;
use sesame_service::registry::{ENTRIES, Entry};

use crate::cli::{CallFlags, Cli};

/// The script for a shell.
pub(crate) fn script(shell: Shell) -> Vec<u8> {
    let mut out = Vec::new();
    generate(shell, &mut command(), "sesame", &mut out);
    out
}

/// The command line as a shell should see it: each operation is a subcommand of `call` with its parameters as flags.
fn command() -> Command {
    let mut call = Command::new("call").about("Sign and send one operation").disable_help_subcommand(true);
    for entry in ENTRIES {
        call = call.subcommand(operation(entry));
    }
    let real = Cli::command();
    let subcommands: Vec<_> =
        real.get_subcommands().map(|known| known.get_name().to_owned()).filter(|name| name != "help").collect();
    let topics = ENTRIES.iter().map(|entry| entry.name).chain(subcommands.iter().map(String::as_str));
    let topics: Vec<_> = topics.map(str::to_owned).collect();
    let topic = Arg::new("topic").value_parser(topics);
    let help = Command::new("help").about("Explain an operation or a subcommand").arg(topic);
    let kept = real.get_subcommands().filter(|known| !matches!(known.get_name(), "call" | "help")).cloned();
    let program = Command::new("sesame").version(env!("CARGO_PKG_VERSION")).disable_help_subcommand(true);
    program.subcommands(kept).subcommands([call, help])
}

fn operation(entry: &Entry) -> Command {
    let parameters = entry.parameters.iter().map(|spec| {
        let argument = Arg::new(spec.name).long(spec.name).help(spec.summary);
        if spec.kind == Kind::Boolean {
            argument.value_parser(["true", "false"])
        } else {
            argument.value_hint(ValueHint::Other)
        }
    });
    CallFlags::augment_args(Command::new(entry.name).about(entry.summary)).args(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_know_operations_parameters_and_flags() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = String::from_utf8(script(shell)).unwrap();
            for word in [
                "UntagResources",
                "ResourceId",
                "endpoint",
                "print-config",
                "Encrypt",
                "rotate-root-key",
                "secure-transport",
            ] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
