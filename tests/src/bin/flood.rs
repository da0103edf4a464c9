//! Four times what the local home can take, and thousands of silent connections:
//! `cargo run --release -p tests --bin flood`, after `cargo build --release -p local`.
#![allow(clippy::print_stdout, reason = "a program that talks to a person")]

use std::time::Duration;

use clap::Parser;
use tests::flood::{Crowd, Figures};

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

/// What can be taken is measured for so long, and first.
const MEASURE_FOR: Duration = Duration::from_secs(10);
const WEBHOOKS_IN_THE_CROWD: usize = 200;

/// One table, as SECURITY.md has them.
fn print(flags: &Flags, crowd: &Crowd, figures: &Figures) {
    let memory =
        |kib: Option<u64>| kib.map_or("unknown".to_owned(), |kib| format!("{} MiB", kib / 1024));
    let rows = [
        ("silent connections", crowd.opened.to_string()),
        (
            "webhooks among them, all taken",
            WEBHOOKS_IN_THE_CROWD.to_string(),
        ),
        (
            "the middle one of them took",
            format!("{:.1?}", crowd.middle),
        ),
        ("the slowest of them took", format!("{:.1?}", crowd.slowest)),
        ("most memory", memory(crowd.most_memory)),
        (
            "webhooks a second that are taken without a flood",
            figures.capacity.to_string(),
        ),
        (
            "webhooks a second in the flood",
            figures.offered.to_string(),
        ),
        ("seconds of flood", flags.seconds.to_string()),
        ("acknowledged, all stored", figures.acknowledged.to_string()),
        ("answered with 503", figures.refused.to_string()),
        (
            "given up by their senders, or never let in",
            figures.given_up.to_string(),
        ),
        (
            "still waited for at the end",
            figures.waited_for.to_string(),
        ),
        ("any other answer", "0".to_owned()),
        ("deliveries in the log", figures.stored.to_string()),
        ("most memory", memory(figures.most_memory)),
        (
            "the next webhook was taken after",
            format!("{:.1?}", figures.recovered_in),
        ),
    ];
    println!("| what | figure |\n| --- | --- |");
    for (what, figure) in rows {
        println!("| {what} | {figure} |");
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let floods = async {
        let program = || tests::program("local");
        let crowd = tests::flood::crowd(program(), flags.silent, WEBHOOKS_IN_THE_CROWD).await?;
        let flood_for = Duration::from_secs(flags.seconds);
        let figures = tests::flood::flood(program(), MEASURE_FOR, flood_for, flags.times).await?;
        print(&flags, &crowd, &figures);
        Ok(())
    };
    match tests::unless_told_to_end(floods).await? {
        Some(done) => done,
        None => anyhow::bail!("told to end"),
    }
}
