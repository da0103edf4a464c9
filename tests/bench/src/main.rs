//! How fast, small and cheap the deployed functions are, side by side with an empty one: `cargo run --release -p bench`.
//!
//! Builds the functions as they are deployed (but for this machine), runs the very binaries under the emulated Runtime API
//! against an engine on loopback, prints a table and writes `target/bench.json`. It measures and does not judge: an aim that
//! is missed is printed as missed. What it can't see is printed too.
//!
//! - [`home`]: engine and functions; [`meter`]: between them; [`figures`]: what came of it
#![allow(clippy::print_stdout, reason = "a program that talks to a person")]

mod figures;
mod home;
mod meter;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, ensure};
use clap::Parser;
use runtime_api::usage;
use serde_json::{Value, json};

use crate::{
    figures::{Figures, ms, us},
    home::{Home, Way},
};

const NOT_SEEN: &str = "Not seen here: Lambda's own part of a start (Firecracker, fetching the code), the network to DynamoDB and its \
real certificates, DynamoDB's own time, and the processor's share that 256 MB give (about a seventh of one).";

#[derive(Parser)]
struct Flags {
    /// Starts of each function
    #[arg(long, default_value_t = 100)]
    starts: usize,
    /// Webhooks and polls of a warm function
    #[arg(long, default_value_t = 2000)]
    warm: usize,
    /// Another build of the receiver, to compare with
    #[arg(long)]
    other: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let built = build(&root)?;
    let folder = root.join("target/bench");
    fs::create_dir_all(&folder)?;
    let home = Home::start(&folder).await?;
    let (mut api, _) = home.function(&built.join("api"), Way::Plain).await?;
    home.call(&mut api, &home::event("create-endpoint")?)
        .await?;

    let mut receivers = vec![("receiver", built.join("receiver"))];
    if let Some(other) = flags.other {
        receivers.push(("the other receiver", other));
    }
    let report = json!({
        "sizes": sizes(&built)?,
        "starts": starts(&home, &built, &receivers, flags.starts).await?,
        "first": first(&home, &receivers, flags.starts).await?,
        "warm": warm(&home, &built.join("receiver"), flags.warm).await?,
        "polls": polls(&home, &mut api, flags.warm).await?,
        "not_seen": NOT_SEEN,
    });
    println!("\n{NOT_SEEN}");
    let file = root.join("target/bench.json");
    fs::write(&file, format!("{report:#}\n"))?;
    Ok(())
}

/// Builds the functions, one after the other so that none gets another's features; the folder they are in.
fn build(root: &Path) -> anyhow::Result<PathBuf> {
    for package in ["empty-function", "receiver", "api"] {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--profile", "function", "--package", package])
            .current_dir(root);
        ensure!(
            cargo.status().context("start cargo")?.success(),
            "{package} can't be built"
        );
    }
    let named = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/function");
    Ok(named.canonicalize()?)
}

fn sizes(built: &Path) -> anyhow::Result<Value> {
    println!("\n{:<34}{:>12}{:>12}", "size", "binary", "zip");
    let mut sizes = serde_json::Map::new();
    for name in ["empty-function", "receiver", "api"] {
        let binary = fs::read(built.join(name))?;
        // The deflated bytes and the few around them, as in a zip with one file.
        let zip = miniz_oxide::deflate::compress_to_vec(&binary, 6).len() + 128;
        let aim = if name == "empty-function" {
            ""
        } else {
            aim(zip < 2_500_000, "aim: zip under 2.5 MB")
        };
        println!("{name:<34}{:>12}{:>12}  {aim}", mb(binary.len()), mb(zip));
        sizes.insert(
            name.into(),
            json!({"binary_bytes": binary.len(), "zip_bytes": zip}),
        );
    }
    Ok(sizes.into())
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn mb(bytes: usize) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}

fn aim(met: bool, text: &'static str) -> &'static str {
    if met {
        text
    } else {
        Box::leak(format!("{text}: MISSED").into_boxed_str())
    }
}

/// From the start of the process to its asking for the first event; the functions take turns, so that what else this machine
/// does hits all alike.
async fn starts(
    home: &Home,
    built: &Path,
    receivers: &[(&'static str, PathBuf)],
    n: usize,
) -> anyhow::Result<Value> {
    let mut functions = vec![("empty function", built.join("empty-function"))];
    functions.extend(receivers.iter().cloned());
    functions.push(("api", built.join("api")));
    let mut init = vec![Figures::default(); functions.len()];
    let mut cpu = vec![Figures::default(); functions.len()];
    for _ in 0..n {
        for (index, (_, binary)) in functions.iter().enumerate() {
            let (function, took) = home.function(binary, Way::Tls).await?;
            init[index].push(took);
            cpu[index].push(function.pid().and_then(usage::cpu).unwrap_or_default());
        }
    }
    println!(
        "\n{:<34}{:>12}{:>12}{:>12}",
        format!("start ({n} each)"),
        "median",
        "p95",
        "processor"
    );
    let mut starts = serde_json::Map::new();
    for (index, (name, _)) in functions.iter().enumerate() {
        let over = init[index].median().saturating_sub(init[0].median());
        let aim = if index == 0 {
            ""
        } else {
            aim(
                over <= Duration::from_millis(1),
                "aim: at most 1 ms over the empty one",
            )
        };
        println!(
            "{name:<34}{:>12}{:>12}{:>12}  {aim}",
            ms(init[index].median()),
            ms(init[index].quantile(0.95)),
            ms(cpu[index].median())
        );
        starts.insert(
            (*name).into(),
            json!({"init": init[index].to_json(), "cpu": cpu[index].to_json()}),
        );
    }
    Ok(starts.into())
}

/// The first webhook of a new process, stored, with TLS and without.
async fn first(
    home: &Home,
    receivers: &[(&'static str, PathBuf)],
    n: usize,
) -> anyhow::Result<Value> {
    let webhook = home::webhook_of_1_kib()?;
    let mut rows = Vec::new();
    for (name, binary) in receivers {
        for way in [Way::Plain, Way::Tls] {
            rows.push((
                *name,
                binary,
                way,
                Figures::default(),
                Figures::default(),
                Figures::default(),
            ));
        }
    }
    for _ in 0..n {
        for (_, binary, way, took, total, cpu) in &mut rows {
            let (mut function, init) = home.function(binary, *way).await?;
            let pid = function.pid().context("it runs")?;
            let before = usage::cpu(pid).unwrap_or_default();
            let (answer, _) = home.call(&mut function, &webhook).await?;
            took.push(answer.took);
            total.push(init + answer.took);
            cpu.push(usage::cpu(pid).unwrap_or_default().saturating_sub(before));
        }
    }
    println!(
        "\n{:<34}{:>12}{:>12}{:>12}",
        format!("first webhook ({n} each)"),
        "median",
        "with start",
        "processor"
    );
    let mut first = serde_json::Map::new();
    let mut plain = Duration::ZERO;
    for (name, _, way, took, total, cpu) in &rows {
        let label = format!("{name}, {}", if *way == Way::Tls { "TLS" } else { "plain" });
        let mut note = "";
        match way {
            Way::Plain => plain = took.median(),
            Way::Tls => {
                let met = took.median().saturating_sub(plain) <= Duration::from_millis(3);
                note = aim(met, "aim: at most 3 ms over plain");
            }
        }
        println!(
            "{label:<34}{:>12}{:>12}{:>12}  {note}",
            ms(took.median()),
            ms(total.median()),
            ms(cpu.median())
        );
        let figures =
            json!({"took": took.to_json(), "with_start": total.to_json(), "cpu": cpu.to_json()});
        first.insert(label, figures);
    }
    Ok(first.into())
}

/// A warm receiver: what it takes itself, between the emulator and the table, and what it costs.
async fn warm(home: &Home, binary: &Path, n: usize) -> anyhow::Result<Value> {
    let (mut function, _) = home.function(binary, Way::Plain).await?;
    let mut report = serde_json::Map::new();
    println!(
        "\n{:<34}{:>12}{:>12}{:>12}",
        format!("warm receiver ({n} each)"),
        "own p50",
        "own p99",
        "write units"
    );
    for (label, webhook) in [
        ("Particle's webhook, small", home::event("webhook")?),
        ("1 KiB of body", home::webhook_of_1_kib()?),
    ] {
        for _ in 0..50 {
            home.call(&mut function, &webhook).await?;
        }
        let mut own = Figures::default();
        let (mut calls, mut units) = (0, 0);
        for _ in 0..n {
            let (answer, store) = home.call(&mut function, &webhook).await?;
            own.push(answer.took.saturating_sub(store.took));
            calls += store.count;
            units += store.write_units;
        }
        let a_webhook = |sum: u64| sum / u64::try_from(n).unwrap_or(u64::MAX).max(1);
        let note = aim(
            own.median() < Duration::from_micros(150),
            "aim: under 150 µs",
        );
        println!(
            "{label:<34}{:>12}{:>12}{:>12}  {note}",
            us(own.median()),
            us(own.quantile(0.99)),
            a_webhook(units)
        );
        report.insert(
            label.into(),
            json!({"own": own.to_json(), "store_calls": a_webhook(calls), "write_units": a_webhook(units)}),
        );
    }
    let peak = function
        .pid()
        .and_then(usage::peak_memory_kib)
        .unwrap_or_default();
    println!(
        "{:<34}{:>8} KiB  {}",
        "peak memory",
        peak,
        aim(peak < 12 * 1024, "aim: under 12 MiB")
    );
    report.insert("peak_memory_kib".into(), peak.into());
    Ok(report.into())
}

/// The api: a poll that finds nothing, and one that finds a page.
async fn polls(home: &Home, api: &mut runtime_api::Environment, n: usize) -> anyhow::Result<Value> {
    let page = home::event("read-log")?;
    let (answer, _) = home.call(api, &page).await?;
    let body = |answer: &runtime_api::Answer| -> anyhow::Result<String> {
        let answer: Value = serde_json::from_str(&answer.json)?;
        Ok(answer["body"]
            .as_str()
            .context("an answer has a body")?
            .to_owned())
    };
    let log: Value = serde_json::from_str(&body(&answer)?)?;
    let count = log["deliveries"].as_array().map_or(0, Vec::len);
    ensure!(
        count == 100,
        "there are {count} deliveries on a page and not 100"
    );
    let mut empty = page.clone();
    empty["rawQueryString"] = format!(
        "after={}",
        log["cursor"].as_str().context("a page has a cursor")?
    )
    .into();

    println!(
        "\n{:<34}{:>12}{:>12}{:>12}{:>12}",
        format!("polls ({n} each)"),
        "p50",
        "own p50",
        "bytes",
        "read units"
    );
    let mut report = serde_json::Map::new();
    for (label, event) in [("empty poll", empty), ("page of 100 deliveries", page)] {
        let (mut took, mut own) = (Figures::default(), Figures::default());
        let (mut bytes, mut halves) = (0, 0);
        for _ in 0..n {
            let (answer, store) = home.call(api, &event).await?;
            took.push(answer.took);
            own.push(answer.took.saturating_sub(store.took));
            bytes = body(&answer)?.len();
            halves = store.read_half_units;
        }
        let units = format!("{}.{}", halves / 2, if halves % 2 == 0 { 0 } else { 5 });
        let note = if label == "empty poll" {
            aim(bytes < 300, "aim: under 300 bytes")
        } else {
            ""
        };
        println!(
            "{label:<34}{:>12}{:>12}{bytes:>12}{units:>12}  {note}",
            us(took.median()),
            us(own.median())
        );
        report.insert(
            label.into(),
            json!({"took": took.to_json(), "own": own.to_json(), "bytes": bytes, "read_half_units": halves}),
        );
    }
    Ok(report.into())
}
