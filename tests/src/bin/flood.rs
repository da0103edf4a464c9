//! Four times what the local home can take, and thousands of silent connections:
//! `cargo run --release -p tests --bin flood`, after `cargo build --release -p local`.
#![allow(clippy::print_stdout, reason = "a program that talks to a person")]

use std::time::Duration;

use clap::Parser;

/// More at once than the product can take; what was acknowledged is in the log, and others are served.
#[derive(Parser)]
struct Flags {
    /// So long
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// So many times what is taken without a flood
    #[arg(long, default_value_t = 4)]
    times: u64,
    /// So many connections that say nothing
    #[arg(long, default_value_t = 10_000)]
    silent: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let floods = async {
        let program = || tests::program("local");
        println!(
            "{:#?}",
            tests::flood::crowd(program(), flags.silent, 200).await?
        );
        let (measure_for, flood_for) = (Duration::from_secs(5), Duration::from_secs(flags.seconds));
        let figures = tests::flood::flood(program(), measure_for, flood_for, flags.times).await?;
        println!("{figures:#?}");
        Ok(())
    };
    match tests::unless_told_to_end(floods).await? {
        Some(done) => done,
        None => anyhow::bail!("told to end"),
    }
}
