//! `tail` and `export`: a log as lines.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use clap::Args;
use delivery::Delivery;

use crate::{
    follow::{Follow, News, Start, start},
    keys::Source,
    signals,
    text::{range, summary},
    warn,
};

#[derive(Args)]
pub(crate) struct Tail {
    #[command(flatten)]
    source: Source,
    /// Number of the first webhook, or `now` for those that come from now on
    #[arg(long, value_name = "NUMBER", value_parser = start, default_value = "now")]
    from: Start,
    /// Print each delivery as JSON on one line
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct Export {
    #[command(flatten)]
    source: Source,
    /// Read the data folder of a local home that does not run, whose key is the one for --home or in --key-file
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Number of the first webhook [default: the oldest in the log]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    from: Option<u64>,
}

/// Prints what comes, until the program is told to end.
pub(crate) async fn tail(Tail { source, from, json }: Tail) -> anyhow::Result<ExitCode> {
    let printing = async {
        let (log, _) = source.open().await?;
        let mut follow = Follow::new(&log, from).await?;
        loop {
            let news = follow.news().await?;
            print(&news, json)?;
        }
    };
    let ended: anyhow::Result<()> = tokio::select! {
        ended = printing => ended,
        told = signals::told_to_end() => told,
    };
    ended.map(|()| ExitCode::SUCCESS)
}

/// Prints the log as it is now, a delivery a line. The status is 1 if a part of it can't be read.
pub(crate) async fn export(Export { source, data, from }: Export) -> anyhow::Result<ExitCode> {
    let log = match data {
        None => source.open().await?.0,
        Some(folder) => source.open_data(folder).await?,
    };
    let info = log.show().await?;
    let mut follow = Follow::new(&log, Start::Seq(from.unwrap_or(info.first_seq))).await?;
    let mut is_whole = true;
    loop {
        let before = follow.cursor;
        let news = follow.page().await?;
        is_whole &= print(&news, true)?;
        // What came since the export began can wait for the next one.
        if follow.cursor == before || follow.cursor.seq >= info.last_seq {
            return Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
}

/// Whether everything in the page's range could be printed. What could not is named on standard error.
fn print(news: &News, json: bool) -> anyhow::Result<bool> {
    let mut out = io::stdout().lock();
    for delivery in &news.page.deliveries {
        let line = if json { serde_json::to_string(delivery)? } else { line(delivery) };
        writeln!(out, "{line}").context("nothing can be printed")?;
    }
    out.flush()?;
    if let Some((first, last)) = news.lost {
        warn(&format_args!("{} no longer in the log", range(first, last)));
    }
    for seq in news.page.gone.iter().chain(&news.page.unreadable) {
        warn(&format_args!("#{seq} expired or damaged in the log"));
    }
    Ok(news.lost.is_none() && news.page.gone.is_empty() && news.page.unreadable.is_empty())
}

fn line(delivery: &Delivery) -> String {
    let at = delivery.received_at.to_rfc3339();
    format!("{at}  {} -> {}", summary(delivery), delivery.response.status)
}
