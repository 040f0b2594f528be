//! The program: configuration, the parts of the server wired together, and subcommands for people.

mod account;
mod admin;
mod audit;
mod call;
mod cli;
mod completion;
mod config;
mod credentials;
mod data_folder;
mod data_key;
mod explain;
mod failure;
mod hardening;
mod help;
mod logging;
mod nearest;
mod serve;
mod tls;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use cli::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    hardening::private_files();
    match run() {
        Ok(status) => status,
        Err(failure) => {
            // The standard error may be closed; the exit status still says what happened.
            let _ = writeln!(std::io::stderr(), "{failure}");
            ExitCode::from(failure.status())
        }
    }
}

fn run() -> Result<ExitCode, Failure> {
    let (cli, parameters) = parse()?;
    match cli.command {
        Command::Serve(arguments) => serve::run(&arguments)?,
        Command::Call(arguments) => call::run(&arguments, parameters)?,
        Command::Account(command) => account::run(&command)?,
        Command::Explain(arguments) => return explain::run(&arguments),
        Command::DataKey(arguments) => print(data_key::run(&arguments)?.as_bytes())?,
        Command::Audit(command) => audit::run(&command)?,
        Command::Version => print(format!("sesame {}\n", env!("CARGO_PKG_VERSION")).as_bytes())?,
        Command::Help { topic } => print(help::text(&topic)?.as_bytes())?,
        Command::Completion { shell } => print(&completion::script(shell))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the command line; the parameters of an operation are taken out of it first, because they are not flags.
fn parse() -> Result<(Cli, Vec<call::Typed>), Failure> {
    let mut arguments: Vec<String> = std::env::args_os().map(|text| text.to_string_lossy().into_owned()).collect();
    let mut parameters = Vec::new();
    if arguments.get(1).is_some_and(|first| first == "call") {
        let (rest, found) = call::split(arguments.get(2..).unwrap_or_default())?;
        arguments.truncate(2);
        arguments.extend(rest);
        parameters = found;
    }
    match Cli::try_parse_from(arguments) {
        Ok(cli) => Ok((cli, parameters)),
        Err(refused) => match (stray(&refused), parameters.last()) {
            (Some(value), Some((name, _))) => Err(Failure::Setup(anyhow::anyhow!(
                "\"{value}\" belongs to no parameter; a list is written --{name} a --{name} b"
            ))),
            // Help and version are answers as well; clap knows which stream and status each has (0, or 2 for a mistake).
            _ => refused.exit(),
        },
    }
}

/// A value that no flag and no parameter takes.
fn stray(refused: &clap::Error) -> Option<&str> {
    match (refused.kind(), refused.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(value))) if !value.starts_with('-') => Some(value),
        _ => None,
    }
}

/// Prints to the standard output. A reader that has gone away, such as `head`, is no failure.
fn print(text: &[u8]) -> Result<(), Failure> {
    match std::io::stdout().write_all(text) {
        Err(refused) if refused.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::Setup(refused.into())),
        _ => Ok(()),
    }
}
