//! The fault run, for as long as one likes: `cargo run --release -p tests --bin faults -- --minutes 10`.
//!
//! Without flags: 200 seeds from a random one on and at least 10 minutes. Ends at the first seed that finds something, and
//! prints it; `--seed N --seeds 1` runs that one again.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that talks to a person and keeps to a time"
)]

use std::time::{Duration, Instant};

use clap::Parser;

/// Many writers and pollers while everything fails; what was acknowledged is in the log.
#[derive(Parser)]
struct Flags {
    /// The first seed; random if absent
    #[arg(long)]
    seed: Option<u64>,
    /// At least so many seeds
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// At least so many minutes
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// So many at once
    #[arg(long, default_value_t = 3)]
    at_once: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let first = flags.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    println!("seeds from {first} on");
    let (began, minutes) = (Instant::now(), Duration::from_secs(60 * flags.minutes));
    let minutes = if flags.seed.is_some() { Duration::ZERO } else { minutes };
    let run_seeds = tests::faults::run_seeds(
        tests::program("webhook-tutorial"),
        first..,
        flags.at_once,
        move |begun| begun <= flags.seeds || began.elapsed() < minutes,
        |seed, figures| {
            println!(
                "seed {seed}: {} acknowledged, {} refused, {} unanswered, {} missing, {} gone, {} pages, {} actions, {} kills, {} jumps, {} full disks, {} damaged ({} read)",
                figures.acknowledged,
                figures.refused,
                figures.unanswered,
                figures.missing,
                figures.gone,
                figures.pages,
                figures.actions,
                figures.kills,
                figures.jumps,
                figures.full_disks,
                figures.damaged,
                figures.intact
            );
        },
    );
    let Some(done) = tests::unless_told_to_end(run_seeds).await? else {
        anyhow::bail!("told to end");
    };
    let (seeds, total) = done?;
    println!("{seeds} seeds in {:.0} s: {total:#?}", began.elapsed().as_secs_f64());
    Ok(())
}
