//! `webhook-tutorial`: the local home, and the tools around a log.
//!
//! - [`serve`]: the whole product on this machine, which is what the program does without a command
//! - [`render`]: what Particle would send for an integration
#![allow(
    clippy::disallowed_methods,
    reason = "this program talks to a person, and reads the environment once"
)]

mod render;
mod serve;

use std::{
    fmt::Display,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::{render::Render, serve::Flags};

/// The webhook tutorial on this machine: page, functions and data, with nothing to sign up for.
///
/// The environment variable CREATION_CODE, or a file named by --creation-code-file, holds a code that is then required to
/// create an endpoint, as a deployment can have.
#[derive(Parser)]
#[command(
    version = env!("VERSION"),
    args_override_self = true,
    args_conflicts_with_subcommands = true,
    after_help = EXAMPLES
)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "Examples:
  webhook-tutorial                                       the page on http://127.0.0.1:8787
  webhook-tutorial --data ~/hooks --no-device            another data folder, no virtual device
  webhook-tutorial render webhook.json --data '{\"t\":1}'  what Particle would send
  webhook-tutorial completions bash                      completions for your shell";

#[derive(Subcommand)]
enum Command {
    /// Start the local home; the same as no command
    Serve(Box<Flags>),
    /// Print the request that Particle would send for an integration, and the mistakes in it; the exit status is 1 if one is an error
    Render(Render),
    /// Print completions for a shell, to be loaded by its start file
    Completions {
        /// The shell
        shell: Shell,
    },
}

fn main() -> ExitCode {
    let Arguments { flags, command } = Arguments::parse();
    let result = match command {
        None => serve::run(flags),
        Some(Command::Serve(flags)) => serve::run(*flags),
        Some(Command::Render(render)) => {
            render::run(render, i64::try_from(function_url::system_clock()().0).unwrap_or(i64::MAX))
        }
        Some(Command::Completions { shell }) => completions(shell),
    };
    match result {
        Ok(status) => status,
        Err(error) => {
            warn(&format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "webhook-tutorial", &mut script);
    io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// A line on standard error, for a person who may have closed it.
fn warn(line: &dyn Display) {
    let _ = writeln!(io::stderr(), "{line}");
}
