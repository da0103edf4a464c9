//! `webhook-tutorial`: the local home, and the tools around a log.
//!
//! - [`serve`]: the whole product on this machine, which is what the program does without a command; [`ask`]: answers of
//!   the owner's own program
//! - [`forward`], [`tail`], [`wait`]: what is done with the webhooks of a log, at this home or another
//! - [`keys`], [`client`], [`follow`]: whose log, its API, and reading it on and on
//! - [`health`]: whether a home answers
//! - [`render`]: what Particle would send for an integration
#![allow(
    clippy::disallowed_methods,
    reason = "this program talks to a person, and reads the environment once"
)]

mod ask;
mod client;
mod follow;
mod forward;
mod health;
mod keys;
mod render;
mod serve;
mod signals;
mod tail;
mod text;
mod wait;

use std::{
    fmt::Display,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    forward::Forward,
    health::Health,
    render::Render,
    serve::Flags,
    tail::{Export, Tail},
    wait::Wait,
};

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
  webhook-tutorial serve --to http://localhost:3000      your own program answers the webhooks
  webhook-tutorial forward --to http://localhost:3000    webhooks to your own program, as they arrived
  webhook-tutorial wait --path /orders -- npm test       the exit status says whether a webhook came
  webhook-tutorial export >log.ndjson                    the log, a delivery on each line
  webhook-tutorial --listen 0.0.0.0 --no-device          in a container, with its ports published on 127.0.0.1
  webhook-tutorial render webhook.json --data '{\"t\":1}'  what Particle would send
  webhook-tutorial completions bash                      completions for your shell";

#[derive(Subcommand)]
enum Command {
    /// Start the local home; the same as no command
    Serve(Box<Flags>),
    /// Forward the webhooks of a log to a program on this machine, as they arrived; the exit status is 1 if one was not
    Forward(Forward),
    /// Print the webhooks of a log as they arrive
    Tail(Tail),
    /// Run a command and wait for webhooks; the exit status is 1 if they do not arrive
    Wait(Wait),
    /// Print a log as JSON, a delivery on each line
    Export(Export),
    /// Exit with status 0 if a home answers, for the health check of a container
    Health(Health),
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
        Some(Command::Forward(options)) => on_this_thread(forward::run(options)),
        Some(Command::Tail(options)) => on_this_thread(tail::tail(options)),
        Some(Command::Wait(options)) => on_this_thread(wait::run(options)),
        Some(Command::Export(options)) => on_this_thread(tail::export(options)),
        Some(Command::Health(options)) => on_this_thread(health::run(options)),
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

/// Runs what waits far more than it works.
fn on_this_thread(
    work: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
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
